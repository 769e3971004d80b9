import type { Variants } from '../variants.ts'

const RANGE = "this.sendHeader('Content-Range', `bytes ${first}-${last}/${file.size}`)"
const LENGTH = "this.sendHeader('Content-Length', last - first + 1)"

export const variants: Variants = {
  wrong: [
    {
      id: 'exclusive-end',
      history: 'slice() of an array stops before its second number.',
      edits: [
        ['return file.slice(first, last)', 'return file.slice(first, Math.max(first, last - 1))'],
        [LENGTH, "this.sendHeader('Content-Length', Math.max(1, last - first))"],
      ],
      killedBy: 'range/first-five',
    },
    {
      id: 'no-416',
      history: 'What the file does not have is answered with all of it.',
      from: '    if (first > last) {',
      to: '    if (first > last) {\n      return super.sendFileHead(file, path)\n    }\n    if (first === -1) {',
      killedBy: 'range/beyond-the-end',
    },
    {
      id: 'suffix-as-prefix',
      history: '-5 is taken for 0-5.',
      from: 'return [Math.max(0, size - Number(to)), size - 1]',
      to: 'return [0, Math.min(Number(to), size - 1)]',
      killedBy: 'range/suffix',
    },
    {
      id: 'suffix-below-zero',
      history: 'A suffix that is longer than the file begins before it.',
      from: 'Math.max(0, size - Number(to))',
      to: 'size - Number(to)',
      killedBy: 'range/suffix',
    },
    {
      id: 'length-of-whole',
      history: 'The length of the file, and a client that waits for the rest.',
      from: LENGTH,
      to: "this.sendHeader('Content-Length', file.size)",
      killedBy: 'range/first-five',
    },
    {
      id: 'whole-after-part',
      history: 'The head speaks of a part, and all of the file follows.',
      from: 'return file.slice(first, last)',
      to: 'return first === last ? file : file.slice(first, last)',
      killedBy: 'range/in-turn',
    },
    {
      id: 'ignores-if-range',
      history: 'The rest of a new file is joined to the beginning of an old one.',
      from: "return this.command === 'GET' && isSame",
      to: "return this.command === 'GET' && (isSame || true)",
      killedBy: 'range/if-range',
    },
    {
      id: 'if-range-never',
      history: 'Whatever If-Range says, the whole file is sent.',
      from: 'condition === null || condition === this.dateTimeString(file.modified)',
      to: 'condition === null',
      killedBy: 'range/if-range',
    },
    {
      id: 'head-too',
      history: 'do_HEAD() goes the same way.',
      from: "return this.command === 'GET' && isSame",
      to: 'return isSame',
      killedBy: 'range/head',
    },
    {
      id: 'no-total',
      history: 'The client does not learn how long the whole is.',
      from: RANGE,
      to: "this.sendHeader('Content-Range', `bytes ${first}-${last}`)",
      killedBy: 'range/first-five',
    },
    {
      id: 'code-200',
      history: 'A part that says it is the whole.',
      from: 'this.sendResponse(206)',
      to: 'this.sendResponse(200)',
      killedBy: 'range/first-five',
    },
    {
      id: 'throws',
      history: 'What is no range is no match, and the match is used nevertheless.',
      from: "const [, from, to] = /^bytes=(\\d*)-(\\d*)$/i.exec(field ?? '') ?? []",
      to: 'if (field === null) {\n    return null\n  }\n  const [, from, to] = /^bytes=(\\d*)-(\\d*)$/i.exec(field) as RegExpExecArray',
      killedBy: 'range/ignored',
    },
    {
      id: 'async',
      history: 'sendFileHead() returns what is sent, and a promise is not.',
      from: 'override sendFileHead(file: OpenedFile, path: string): Source | null {',
      to: 'override async sendFileHead(file: OpenedFile, path: string) {',
      types: false,
      killedBy: 'range/whole-file',
    },
    {
      id: 'not-said',
      history: 'Nobody asks for a part who has not heard that parts are to be had.',
      from: "override extraResponseHeaders = [['Accept-Ranges', 'bytes']] as const",
      to: '',
      killedBy: 'range/whole-file',
    },
    {
      id: 'open-end-ignored',
      history: 'Both numbers are demanded.',
      from: '/^bytes=(\\d*)-(\\d*)$/i',
      to: '/^bytes=(\\d*)-(\\d+)$/i',
      killedBy: 'range/open-end',
    },
    {
      id: 'last-is-believed',
      history: 'The file has no such position.',
      from: '[first, Math.min(last, size - 1)]',
      to: '[first, last]',
      killedBy: 'range/last-beyond-the-end',
    },
    {
      id: 'range-first',
      history: 'Who asks for a part gets one, whether it is wanted or not.',
      from: '  /** Whether a range counts:',
      to: "  override isFresh(file: OpenedFile): boolean {\n    return !this.headers.has('Range') && super.isFresh(file)\n  }\n\n  /** Whether a range counts:",
      killedBy: 'range/not-modified',
    },
    {
      id: 'empty-in-416',
      history: 'Of an empty file, a 416 tells that it has a byte.',
      from: '`bytes */${file.size}`',
      to: '`bytes */${file.size || 1}`',
      killedBy: 'range/empty-file',
    },
    {
      id: 'five-digits',
      history: 'Positions beyond 99,999 are no numbers.',
      from: '/^bytes=(\\d*)-(\\d*)$/i',
      to: '/^bytes=(\\d{0,5})-(\\d{0,5})$/i',
      killedBy: 'range/big',
    },
  ],
  right: [
    {
      id: 'other-order-and-case',
      edits: [
        [
          `    ${RANGE}\n    ${LENGTH}\n`,
          `    ${LENGTH}\n    ${RANGE.replace('Content-Range', 'content-range')}\n`,
        ],
      ],
    },
    {
      id: 'more-fields',
      from: LENGTH,
      to: `${LENGTH}\n    this.sendHeader('Accept-Ranges', 'bytes')\n    this.sendHeader('Cache-Control', 'no-cache')`,
    },
    {
      id: 'http-1.0',
      from: "override protocolVersion = 'HTTP/1.1'",
      to: "override protocolVersion = 'HTTP/1.0'",
    },
    {
      id: 'backwards-is-416',
      from: "return to !== '' && last < first ? null : [first",
      to: 'return [first',
    },
    {
      id: 'from-memory',
      edits: [
        [
          'import { SimpleHTTPRequestHandler } from',
          'import { SimpleHTTPRequestHandler, sourceOf } from',
        ],
        [
          'return file.slice(first, last)',
          'const bytes = new Uint8Array(file.size)\n    file.read(bytes)\n    return sourceOf(bytes.subarray(first, last + 1))',
        ],
      ],
    },
    {
      id: 'first-of-several',
      from: "rangeOf(this.headers.get('Range'), file.size)",
      to: "rangeOf((this.headers.get('Range') ?? '').replace(/,.*/, ''), file.size)",
    },
  ],
}
