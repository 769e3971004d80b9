import type { Variants } from '../variants.ts'

const GIVEN = "const id = known ?? randomBytes(16).toString('base64url')"
const ATTRIBUTES = 'session=${id}; Path=/; HttpOnly; SameSite=Lax'
const FIND =
  "    for (const cookie of this.headers.getAll('Cookie').join(';').split(';')) {\n      const [name = '', value = ''] = cookie.trim().split('=')\n      if (name === 'session' && visits.has(value)) {\n        return value\n      }\n    }\n"

export const variants: Variants = {
  wrong: [
    {
      id: 'one-counter',
      history: 'The count is that of the server.',
      from: 'const count = (visits.get(id) ?? 0) + 1',
      to: 'const count = [...visits.values()].reduce((sum, one) => sum + one, 0) + 1',
      killedBy: 'sessions/two-clients',
    },
    {
      id: 'in-the-handler',
      history: 'A connection is taken for a visitor.',
      edits: [
        ['const visits = new Map<string, number>()', 'let visits = new Map<string, number>()'],
        [
          "  override protocolVersion = 'HTTP/1.1'\n",
          "  override protocolVersion = 'HTTP/1.1'\n\n  override setup() {\n    visits = new Map()\n    return super.setup()\n  }\n",
        ],
      ],
      killedBy: 'sessions/second',
    },
    {
      id: 'count-in-the-cookie',
      history: 'What the client says is believed.',
      edits: [
        [
          GIVEN,
          "const last = /(?:^|; *)session=(\\d+)/.exec(this.headers.get('Cookie') ?? '')?.[1]\n    const id = String(Number(last ?? known ?? randomBytes(0).length) + 1)",
        ],
        ['const count = (visits.get(id) ?? 0) + 1', 'const count = Number(id)'],
        ['if (known === null) {', 'if (id !== null) {'],
      ],
      killedBy: 'sessions/fixation',
    },
    {
      id: 'adopts-unknown-ids',
      history: 'Whoever names an id has it.',
      from: "name === 'session' && visits.has(value)",
      to: "name === 'session' && value !== ''",
      killedBy: 'sessions/fixation',
    },
    {
      id: 'counter-as-id',
      history: 'The next visitor is number 8, and the last one was 7.',
      from: GIVEN,
      to: 'const id = known ?? String(visits.size + 0 * randomBytes(1).length)',
      killedBy: 'sessions/unguessable',
    },
    {
      id: 'time-as-id',
      history: 'The time of the visit, which anybody knows.',
      from: GIVEN,
      to: 'const id = known ?? String(Date.now() * 1e6 + randomBytes(1).length + visits.size)',
      killedBy: 'sessions/unguessable',
    },
    {
      id: 'no-boundary',
      history: 'A regular expression that begins in the middle of a name.',
      from: FIND,
      to: "    const value = /session=([^;]*)/.exec(this.headers.get('Cookie') ?? '')?.[1]\n    if (value !== undefined && visits.has(value)) {\n      return value\n    }\n",
      killedBy: 'sessions/name-prefix',
    },
    {
      id: 'the-only-cookie',
      history: 'The field is taken for one pair.',
      from: ".join(';').split(';')",
      to: ".join(';').split('\\n')",
      killedBy: 'sessions/among-others',
    },
    {
      id: 'cookie-expires-only',
      history: 'The browser forgets, and whoever has copied the cookie does not.',
      from: "    visits.delete(this.sessionOf() ?? '')\n",
      to: '',
      killedBy: 'sessions/logout',
    },
    {
      id: 'for-scripts',
      history: 'A script that gets onto the page takes the session with it.',
      from: ATTRIBUTES,
      to: 'session=${id}; Path=/; SameSite=Lax',
      killedBy: 'sessions/first',
    },
    {
      id: 'for-other-sites',
      history: 'A form of another site acts in the name of the visitor.',
      from: ATTRIBUTES,
      to: 'session=${id}; Path=/; HttpOnly',
      killedBy: 'sessions/first',
    },
    {
      id: 'no-path',
      history: 'The visitor of /a/b is another one than that of /.',
      from: ATTRIBUTES,
      to: 'session=${id}; HttpOnly; SameSite=Lax',
      killedBy: 'sessions/path',
    },
    {
      id: 'pairs-are-taken-apart',
      history: 'What has no = has no value, and nobody has thought of it.',
      edits: [
        [".join(';').split(';')", ".flatMap((one) => one.split(';'))"],
        [
          "const [name = '', value = ''] = cookie.trim().split('=')",
          "const pair = cookie.trim().split('=') as [string, string]\n      const [name, value] = [pair[0], decodeURIComponent(pair[1].trim())]",
        ],
      ],
      killedBy: 'sessions/malformed',
    },
    {
      id: 'a-new-one-each-time',
      history: 'Every response sets a new session.',
      from: GIVEN,
      to: "const id = randomBytes(16).toString('base64url') + (known ?? '').slice(0, 0)",
      killedBy: 'sessions/second',
    },
  ],
  right: [
    {
      id: 'other-name',
      edits: [
        ["name === 'session' &&", "name === '__sid' &&"],
        [ATTRIBUTES, '__sid=${id}; path=/; samesite=Strict; httponly'],
        ["'session=; Path", "'__sid=; Path"],
      ],
    },
    { id: 'renewed-each-time', from: 'if (known === null) {', to: "if (id !== '') {" },
    {
      id: 'logout-leads-home',
      from: '    this.sendResponse(204)\n',
      to: "    this.sendResponse(303)\n    this.sendHeader('Location', '/')\n    this.sendHeader('Content-Length', 0)\n",
    },
    { id: 'hexadecimal', from: "toString('base64url')", to: "toString('hex')" },
    { id: 'charset', from: "'text/plain'", to: "'text/plain; charset=utf-8'" },
    { id: 'more-attributes', from: ATTRIBUTES, to: `${ATTRIBUTES}; Max-Age=86400` },
  ],
}
