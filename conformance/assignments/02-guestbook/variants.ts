import type { Variants } from '../variants.ts'

const LOOP = '    for await (const piece of this.body) {'
const SHOWN = '<li><b>${escapeHtml(name)}</b>: ${escapeHtml(message)}</li>'

export const variants: Variants = {
  wrong: [
    {
      id: 'state-in-the-handler',
      history: 'Each connection has a guestbook of its own.',
      edits: [
        ['const entries: {', 'let entries: {'],
        [
          "  override protocolVersion = 'HTTP/1.1'\n",
          "  override protocolVersion = 'HTTP/1.1'\n\n  override setup() {\n    entries = []\n    return super.setup()\n  }\n",
        ],
      ],
      killedBy: 'guestbook/shown',
    },
    {
      id: 'status-200',
      history: 'The page is the response to the form, and a reload sends the form again.',
      from: 'this.sendResponse(303)',
      to: 'this.sendResponse(200)',
      killedBy: 'guestbook/redirects',
    },
    {
      id: 'status-302',
      history: 'The code that everybody knows. Whether the form is sent again is up to the client.',
      from: 'this.sendResponse(303)',
      to: 'this.sendResponse(302)',
      killedBy: 'guestbook/redirects',
    },
    {
      id: 'not-escaped',
      history: 'A message may be a script.',
      from: '${escapeHtml(message)}',
      to: '${message}',
      killedBy: 'guestbook/escaped',
    },
    {
      id: 'name-not-escaped',
      history: 'The message is escaped, and the name is forgotten.',
      from: '${escapeHtml(name)}',
      to: '${name}',
      killedBy: 'guestbook/escaped',
    },
    {
      id: 'first-only',
      history: 'replace() with a text replaces the first one.',
      from: '${escapeHtml(message)}',
      to: "${message.replace('&', '&amp;').replace('<', '&lt;')}",
      killedBy: 'guestbook/escaped',
    },
    {
      id: 'plus-kept',
      history: 'decodeURIComponent() knows nothing of forms.',
      from: 'new Map(parseQsl(await this.readForm()))',
      to: "new Map(\n      (await this.readForm()).split('&').map((pair) => {\n        const [key = '', value = ''] = pair.split('=')\n        return [key, decodeURIComponent(value)] as const\n      }),\n    )",
      killedBy: 'guestbook/utf8',
    },
    {
      id: 'reads-to-the-end',
      history: 'read() without a length waits for the end of the connection.',
      from: LOOP,
      to: '    for (const piece of [await this.rfile.read()]) {',
      killedBy: 'guestbook/redirects',
    },
    {
      id: 'empty-is-kept',
      history: 'What is not there is stored as undefined.',
      from: 'if (message === undefined) {',
      to: 'if (form.size === 0 || message === undefined && name === undefined) {',
      types: false,
      killedBy: 'guestbook/no-message',
    },
    {
      id: 'no-form',
      history: 'The entries alone, and no way to add one.',
      from: '<form method="post" action="/">',
      to: '<div>',
      killedBy: 'guestbook/empty',
    },
    {
      id: 'no-limit',
      history: 'Whatever comes is stored.',
      from: 'if (length > LIMIT) {',
      to: 'if (length > 1e9) {',
      killedBy: 'guestbook/too-long',
    },
    {
      id: 'any-type',
      history: 'Whatever comes is a form.',
      from: "type.trim().toLowerCase() !== 'application/x-www-form-urlencoded'",
      to: "type === 'image/png'",
      killedBy: 'guestbook/other-type',
    },
    {
      id: 'by-name',
      history: 'An object with the names as its keys: one entry for each.',
      from: 'const list = entries.map(',
      to: 'const byName = Object.fromEntries(entries.map((entry) => [entry.name, entry]))\n    const list = Object.values(byName).map(',
      killedBy: 'guestbook/order',
    },
    {
      id: 'last-only',
      history: 'One entry is kept, the last.',
      from: 'entries.push({ name, message })',
      to: 'entries[0] = { name, message }',
      killedBy: 'guestbook/two-in-turn',
    },
    {
      id: 'get-adds',
      history: 'The form is also taken from the query, so that reading adds an entry.',
      from: '  do_GET() {\n',
      to: "  do_GET() {\n    const query = new Map(parseQsl(this.path.split('?')[1] ?? ''))\n    const written = query.get('message')\n    if (written !== undefined) {\n      entries.push({ name: query.get('name') ?? '', message: written })\n    }\n",
      killedBy: 'guestbook/reload',
    },
  ],
  right: [
    {
      id: 'body-with-303',
      from: "    this.sendHeader('Content-Length', 0)\n    this.endHeaders()\n",
      to: "    const note = Buffer.from('<a href=\"/\">The guestbook</a>')\n    this.sendHeader('Content-Type', 'text/html')\n    this.sendHeader('Content-Length', note.length)\n    this.endHeaders()\n    this.wfile.write(note)\n",
    },
    {
      id: 'other-page',
      from: SHOWN,
      to: '<p>${escapeHtml(name)} says: <q>${escapeHtml(message)}</q>',
    },
    {
      id: 'absolute-location',
      from: "this.sendHeader('Location', '/')",
      to: "this.sendHeader('Location', `http://${this.headers.get('Host')}/`)",
    },
    {
      id: 'numeric-escapes',
      edits: [
        [SHOWN, '<li>${numeric(name)} ${numeric(message)}'],
        [
          'export class Guestbook',
          'function numeric(text: string): string {\n  return text.replace(/[<>&"]/g, (one) => `&#${one.charCodeAt(0)};`)\n}\n\nexport class Guestbook',
        ],
      ],
    },
    { id: 'charset', from: "'text/html; charset=utf-8'", to: '\'text/html;charset="UTF-8"\'' },
    {
      id: 'http-1.0',
      from: "override protocolVersion = 'HTTP/1.1'",
      to: "override protocolVersion = 'HTTP/1.0'",
    },
    {
      id: 'unprocessable',
      from: "this.sendError(400, 'Bad Request', 'there is no message')",
      to: 'this.sendError(422)',
    },
  ],
}
