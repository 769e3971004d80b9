import type { Variants } from '../variants.ts'

const SIZE = "if (keyword.toLowerCase() === 'content-length' && this.command !== 'HEAD') {"
const ESCAPED = ".map((text) => escapeField(text ?? '-'))"
const QUOTES = "text.replace(/[\"\\\\]/g, '\\\\$&')"

export const variants: Variants = {
  wrong: [
    {
      id: 'size-unknown',
      history: 'logRequest() does not know the size, and so nobody does.',
      from: '      this.size = value\n',
      to: "      this.size = '-'\n",
      killedBy: 'log/bytes',
    },
    {
      id: 'characters',
      history: 'The length of the text.',
      edits: [
        [
          "this.sendHeader('Content-Length', body.length)",
          "this.sendHeader('Content-Length', body.length)\n    this.size = text.length",
        ],
      ],
      killedBy: 'log/bytes',
    },
    {
      id: 'size-of-head',
      history: 'What HEAD announces is counted as if it had been sent.',
      from: " && this.command !== 'HEAD') {",
      to: ') {',
      killedBy: 'log/head',
    },
    {
      id: 'raw-agent',
      history: 'What the client says is written down as it is.',
      from: ESCAPED,
      to: ".map((text, index) => (index < 2 ? escapeField(text ?? '-') : (text ?? '-')))",
      killedBy: 'log/escaped',
    },
    {
      id: 'raw-request',
      history: 'The agent is escaped, and the request line is not.',
      from: ESCAPED,
      to: ".map((text, index) => (index > 0 ? escapeField(text ?? '-') : (text ?? '-')))",
      killedBy: 'log/forged',
    },
    {
      id: 'backslash-forgotten',
      history: 'A backslash at the end escapes the quote that closes the field.',
      from: QUOTES,
      to: "text.replace(/\"/g, '\\\\$&')",
      killedBy: 'log/escaped',
    },
    {
      id: 'no-zone',
      history: 'The time as the library writes it.',
      from: '[${time} ${zone()}]',
      to: "[${time.replace(/:/, ' ')}]${zone().slice(5)}",
      killedBy: 'log/line',
    },
    {
      id: 'undefined-agent',
      history: 'What is not there is written down as null.',
      from: "this.headers.get(name) ?? '-'",
      to: 'String(this.headers.get(name))',
      killedBy: 'log/agent',
    },
    {
      id: 'one-limit-for-all',
      history: 'The server counts, and does not ask for whom.',
      from: "const key = this.headers.get('X-Api-Key')\n",
      to: "const key = this.headers.get('X-Api-Key') === null ? null : 'all'\n",
      killedBy: 'log/not-others',
    },
    {
      id: 'no-key-is-a-key',
      history: 'All who have no key share one.',
      from: "const key = this.headers.get('X-Api-Key')\n",
      to: "const key: string | null = this.headers.get('X-Api-Key') ?? 'none'\n",
      killedBy: 'log/not-others',
    },
    {
      id: 'no-retry-after',
      history: 'A 429 that does not say when to come back.',
      from: "[['Retry-After', WINDOW / 1000]]",
      to: '[]',
      killedBy: 'log/sixth',
    },
    {
      id: 'one-more',
      history: 'The sixth is let through, and the seventh is not.',
      from: 'times.length < LIMIT',
      to: 'times.length <= LIMIT',
      killedBy: 'log/sixth',
    },
    {
      id: 'never-resets',
      history: 'Five requests in a life.',
      from: '.filter((time) => time > now - WINDOW)',
      to: '.filter((time) => time < now + WINDOW)',
      killedBy: 'log/recovers',
    },
    {
      id: 'errors-without-size',
      history: 'Only what the handler itself has sent has a size.',
      from: SIZE,
      to: "if (keyword.toLowerCase() === 'content-length' && this.command !== 'HEAD' && this.code === 200) {",
      killedBy: 'log/error-bytes',
    },
  ],
  right: [
    {
      // From the first request of a key on: six requests at once must not lie in two windows.
      id: 'fixed-window',
      from: '.filter((time) => time > now - WINDOW)',
      to: '.filter((_, index, all) => now - (all[0] ?? now) < WINDOW || index < 0)',
    },
    {
      id: 'hexadecimal-escapes',
      from: QUOTES,
      to: 'text.replace(/["\\\\]/g, (one) => `\\\\x${one.charCodeAt(0).toString(16)}`)',
    },
    {
      id: 'head-is-0',
      from: "this.size = '-'\n",
      to: "this.size = this.command === 'HEAD' ? 0 : '-'\n",
    },
    { id: 'utc', from: '${zone()}', to: "${zone() && '+0000'}" },
    { id: 'retry-later', from: 'WINDOW / 1000', to: 'WINDOW / 1000 + 1' },
  ],
}
