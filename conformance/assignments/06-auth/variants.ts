import type { Variants } from '../variants.ts'

const KNOWN = 'return colon !== -1 && USERS.get(text.slice(0, colon)) === text.slice(colon + 1)'
const PUBLIC = "this.translatePath(this.path).startsWith(this.translatePath('/public/'))"
const CHALLENGE =
  "this.sendError(401, undefined, undefined, [['WWW-Authenticate', challenge]])\n    return false"

export const variants: Variants = {
  wrong: [
    {
      id: 'split-at-colons',
      history: 'The password is what stands between the first two colons.',
      from: KNOWN,
      to: "const [name = '', password] = text.split(':')\n    return colon !== -1 && USERS.get(name) === password",
      killedBy: 'auth/colon',
    },
    {
      id: 'only-get',
      history: 'do_GET() asks for the password, and HEAD goes another way.',
      from: 'if (this.isPublic() || this.isKnown()) {',
      to: "if (this.command === 'HEAD' || this.isPublic() || this.isKnown()) {",
      killedBy: 'auth/head',
    },
    {
      id: 'throws-without-the-field',
      history: 'What is not there is taken apart.',
      from: "this.headers.get('Authorization') ?? ''",
      to: "(this.headers.get('Authorization') as string).trim()",
      killedBy: 'auth/none',
    },
    {
      id: 'no-challenge',
      history: 'A 401 that does not say how to do better.',
      from: "[['WWW-Authenticate', challenge]]",
      to: "[['X-Reason', challenge]]",
      killedBy: 'auth/none',
    },
    {
      id: 'status-403',
      history: 'Forbidden is another thing: no password would help.',
      from: 'this.sendError(401,',
      to: 'this.sendError(403,',
      killedBy: 'auth/wrong',
    },
    {
      id: 'unknown-is-undefined',
      history: 'undefined as a text is a password like any other.',
      from: 'USERS.get(text.slice(0, colon)) === text.slice(colon + 1)',
      to: 'String(USERS.get(text.slice(0, colon))) === text.slice(colon + 1)',
      killedBy: 'auth/wrong',
    },
    {
      id: 'any-user',
      history: 'The password of anybody opens the door for everybody.',
      from: 'USERS.get(text.slice(0, colon)) === text.slice(colon + 1)',
      to: '[...USERS.values()].includes(text.slice(colon + 1))',
      killedBy: 'auth/wrong',
    },
    {
      id: 'case-of-the-scheme',
      history: 'The scheme as the browsers write it, and no other way.',
      from: '/^basic +([a-z0-9+/]+=*)$/i',
      to: '/^Basic +([A-Za-z0-9+/]+=*)$/',
      killedBy: 'auth/scheme-case',
    },
    {
      id: 'any-scheme',
      history: 'What stands behind the blank is decoded, whatever stands before it.',
      from: '/^basic +([a-z0-9+/]+=*)$/i',
      to: '/^[a-z]+ +([a-z0-9+/]+=*)$/i',
      killedBy: 'auth/bearer',
    },
    {
      id: 'prefix-of-the-request',
      history: 'The check reads the request, and the disk reads the name.',
      from: PUBLIC,
      to: "this.path.startsWith('/public/')",
      killedBy: 'auth/way-round',
    },
    {
      id: 'nothing-public',
      history: 'Everything needs a password.',
      from: PUBLIC,
      to: "this.translatePath(this.path) === this.translatePath('/public/')",
      killedBy: 'auth/public',
    },
    {
      id: 'only-what-is-served',
      history: 'sendHead() asks for the password. Other methods do not get there.',
      edits: [
        ['  override async parseRequest(): Promise<boolean> {', '  override sendHead() {'],
        ['    if (!(await super.parseRequest())) {\n      return false\n    }\n', ''],
        ['      return true\n', '      return super.sendHead()\n'],
        [CHALLENGE, CHALLENGE.replace('return false', 'return null')],
      ],
      killedBy: 'auth/post',
    },
    {
      id: 'latin-1',
      history: 'The bytes are turned into characters one by one.',
      from: "Buffer.from(credentials, 'base64').toString()",
      to: "Buffer.from(credentials, 'base64').toString('latin1')",
      killedBy: 'auth/utf8',
    },
    {
      id: 'atob-throws',
      history: 'atob() throws for what is no Base64, and nobody catches it.',
      edits: [
        ['/^basic +([a-z0-9+/]+=*)$/i', '/^basic *(.*)$/i'],
        [
          "Buffer.from(credentials, 'base64').toString()",
          "Buffer.from(atob(credentials), 'latin1').toString()",
        ],
      ],
      killedBy: 'auth/malformed',
    },
    {
      id: 'nobody-without-a-colon',
      history:
        'Without a colon, the name is "" and the password undefined, and so is that of nobody.',
      from: KNOWN,
      to: "const [name = '', password] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1) || undefined]\n    return USERS.get(name) === password",
      killedBy: 'auth/malformed',
    },
    {
      id: 'once-is-enough',
      history:
        'Who has been let in may stay: the handler remembers it, and a proxy shares a connection.',
      edits: [
        ['  override protocolVersion', '  known = false\n  override protocolVersion'],
        ['this.isPublic() || this.isKnown()', '(this.known ||= this.isKnown()) || this.isPublic()'],
      ],
      killedBy: 'auth/right',
    },
  ],
  right: [
    {
      id: 'other-realm',
      from: 'Basic realm="Files", charset="UTF-8"',
      to: 'Basic realm="a, b: \\"c\\""',
    },
    { id: 'small-letters', from: 'Basic realm="Files", charset="UTF-8"', to: 'basic Realm=files' },
    {
      id: 'digest-offered-too',
      from: "[['WWW-Authenticate', challenge]]",
      to: '[\n      [\'WWW-Authenticate\', \'Digest realm="Files", nonce="x", qop="auth"\'],\n      [\'WWW-Authenticate\', challenge],\n    ]',
    },
    {
      id: 'malformed-is-400',
      from: '    if (this.isPublic() || this.isKnown()) {',
      to: "    if (/^basic/i.test(this.headers.get('Authorization') ?? '') && !/^basic +[a-z0-9+/]+=*$/i.test(this.headers.get('Authorization') ?? '')) {\n      this.sendError(400)\n      return false\n    }\n    if (this.isPublic() || this.isKnown()) {",
    },
    {
      id: 'hashed',
      edits: [
        [
          'USERS.get(text.slice(0, colon)) === text.slice(colon + 1)',
          'hash(USERS.get(text.slice(0, colon)) ?? text).equals(hash(text.slice(colon + 1)))',
        ],
        [
          "import { SimpleHTTPRequestHandler } from 'basehttp'\n",
          "import { createHash } from 'node:crypto'\nimport { SimpleHTTPRequestHandler } from 'basehttp'\n\nfunction hash(text: string): Buffer {\n  return createHash('sha256').update(text).digest()\n}\n",
        ],
      ],
    },
  ],
}
