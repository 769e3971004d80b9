import type { Variants } from '../variants.ts'

const WEIGHT = "weightOfGzip(this.headers.getAll('Accept-Encoding').join(',')) === 0"
const FIELD = "(this.headers.get('Accept-Encoding') ?? '')"
const ENCODING = "    this.sendHeader('Content-Encoding', 'gzip')\n"
const LENGTH = "    this.sendHeader('Content-Length', gzipped.length)\n"
const VARY = "    this.sendHeader('Vary', 'Accept-Encoding')\n"
const UNUSED = ['export default', 'void weightOfGzip\n\nexport default'] as const

export const variants: Variants = {
  wrong: [
    {
      id: 'includes',
      history: 'gzip is looked for somewhere in the field.',
      edits: [[WEIGHT, `!${FIELD}.toLowerCase().includes('gzip')`], UNUSED],
      killedBy: 'gzip/refused',
    },
    {
      id: 'a-part-of-a-word',
      history: 'gzip is looked for in each coding, and the weight is heeded.',
      from: "return weights.get('gzip') ??",
      to: "return [...weights].find(([coding]) => coding.includes('gzip'))?.[1] ??",
      killedBy: 'gzip/word',
    },
    {
      id: 'always',
      history: 'Everybody can decompress.',
      from: WEIGHT,
      to: `${FIELD} === 'none' && ${WEIGHT}`,
      killedBy: 'gzip/not-asked',
    },
    {
      id: 'length-of-the-file',
      history: 'The client waits for the rest.',
      from: LENGTH,
      to: "    this.sendHeader('Content-Length', file.size)\n",
      killedBy: 'gzip/asked',
    },
    {
      id: 'raw-deflate',
      history: 'There are three formats, and this one has neither head nor checksum.',
      edits: [
        ["import { gzipSync } from 'node:zlib'", "import { deflateRawSync } from 'node:zlib'"],
        ['gzipSync(bytes)', 'deflateRawSync(bytes)'],
      ],
      killedBy: 'gzip/asked',
    },
    {
      id: 'coding-not-said',
      history: 'The browser shows what it gets: noise.',
      from: ENCODING,
      to: '',
      killedBy: 'gzip/asked',
    },
    {
      id: 'no-vary',
      history: 'A cache hands the compressed page to somebody who cannot read it.',
      from: VARY,
      to: '',
      killedBy: 'gzip/asked',
    },
    {
      id: 'vary-when-compressed',
      history: 'A cache hands the plain page to everybody.',
      from: "    this.extraResponseHeaders = [['Vary', 'Accept-Encoding']]\n",
      to: '',
      killedBy: 'gzip/vary',
    },
    {
      id: 'images-too',
      history: 'Whatever there is, is compressed.',
      from: "type.startsWith('text/')",
      to: "type.includes('/')",
      killedBy: 'gzip/images',
    },
    {
      id: 'head-is-plain',
      history: 'There is nothing to compress, so nothing is said.',
      from: WEIGHT,
      to: `this.command === 'HEAD' || ${WEIGHT}`,
      killedBy: 'gzip/head',
    },
    {
      id: 'star-unknown',
      history: 'A star is no coding.',
      from: "?? weights.get('*') ?? 0",
      to: '?? 0',
      killedBy: 'gzip/star',
    },
    {
      id: 'weight-of-the-star',
      history: 'A star that is refused refuses everything, gzip too.',
      from: "weights.get('gzip') ?? weights.get('*') ?? 0",
      to: "Math.min(weights.get('gzip') ?? 1, weights.get('*') ?? weights.get('gzip') ?? 0)",
      killedBy: 'gzip/star',
    },
    {
      id: 'one-coding',
      history: 'The field is compared as a whole.',
      edits: [[WEIGHT, `${FIELD} !== 'gzip' && ${FIELD} !== '*'`], UNUSED],
      killedBy: 'gzip/list',
    },
    {
      id: 'case-of-the-coding',
      history: 'Codings are the same in capitals.',
      from: 'field.toLowerCase()',
      to: 'field',
      killedBy: 'gzip/list',
    },
    {
      id: 'type-of-the-wrapping',
      history: 'The browser offers to save an archive.',
      from: "this.sendHeader('Content-Type', type)",
      to: "this.sendHeader('Content-Type', 'application/gzip')",
      killedBy: 'gzip/type',
    },
    {
      id: 'one-block',
      history: 'A buffer of 64 KiB, read once.',
      from: 'Buffer.alloc(file.size)',
      to: 'Buffer.alloc(Math.min(file.size, 65536))',
      killedBy: 'gzip/big',
    },
    {
      id: 'always-sent',
      history: 'Who asks for gzip gets it, whether anything has changed or not.',
      from: '  override sendFileHead(',
      to: "  override isFresh(file: OpenedFile): boolean {\n    return !this.headers.has('Accept-Encoding') && super.isFresh(file)\n  }\n\n  override sendFileHead(",
      killedBy: 'gzip/not-modified',
    },
    {
      id: 'two-answers',
      history: 'The file follows what has been made of it.',
      from: 'return sourceOf(gzipped)',
      to: 'void this.wfile.write(gzipped)\n    return file.slice(0, 9)',
      killedBy: 'gzip/in-turn',
    },
  ],
  right: [
    {
      id: 'in-chunks',
      edits: [
        [LENGTH, ''],
        [`${VARY}    this.endHeaders()\n`, `${VARY}    this.endHeadersChunked()\n`],
      ],
    },
    { id: 'level', from: 'gzipSync(bytes)', to: 'gzipSync(bytes, { level: 1 })' },
    {
      id: 'vary-on-more',
      from: "    this.sendHeader('Vary', 'Accept-Encoding')\n",
      to: "    this.sendHeader('vary', 'Origin, accept-encoding')\n",
    },
    {
      id: 'brotli-too',
      edits: [
        [
          "import { gzipSync } from 'node:zlib'",
          "import { brotliCompressSync, gzipSync } from 'node:zlib'",
        ],
        [
          'const gzipped = gzipSync(bytes)',
          "const brotli = /(?:^|[, ])br(?! *; *q=0)/.test(this.headers.get('Accept-Encoding') ?? '')\n    const gzipped = brotli ? brotliCompressSync(bytes) : gzipSync(bytes)",
        ],
        [
          "this.sendHeader('Content-Encoding', 'gzip')",
          "this.sendHeader('Content-Encoding', brotli ? 'br' : 'gzip')",
        ],
      ],
    },
    {
      id: 'with-charset',
      from: "this.sendHeader('Content-Type', type)",
      to: "this.sendHeader('Content-Type', `${type}; charset=utf-8`)",
    },
  ],
}
