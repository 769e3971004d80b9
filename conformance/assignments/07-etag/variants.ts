import type { Variants } from '../variants.ts'

const SET = 'this.extraResponseHeaders = [[\'ETag\', `"${opaque}"`]]'
const MATCH = '[...wanted.matchAll(TAG)].some(([, tag]) => tag === opaque)'
const VERSION = '`${file.size.toString(16)}-${Math.floor(file.modified * 1000).toString(16)}`'
const WANTED = "this.headers.getAll('If-None-Match').join(', ')"

export const variants: Variants = {
  wrong: [
    {
      id: 'no-quotes',
      history: 'The quotes are taken for those of a text in the program.',
      from: SET,
      to: "this.extraResponseHeaders = [['ETag', opaque]]",
      killedBy: 'etag/given',
    },
    {
      id: 'random',
      history: 'A new tag for each request.',
      from: VERSION,
      to: 'Math.random().toString(36) + String(file.size)',
      killedBy: 'etag/not-modified',
    },
    {
      id: 'same-for-all',
      history: 'A constant.',
      from: VERSION,
      to: '`v${file.size > 0 ? 1 : 0}`',
      killedBy: 'etag/changes',
    },
    {
      id: 'includes',
      history: 'The tag is looked for somewhere in the field.',
      from: MATCH,
      to: 'wanted.includes(opaque)',
      killedBy: 'etag/stale',
    },
    {
      id: 'one-tag-only',
      history: 'The field is compared as a whole.',
      from: MATCH,
      to: 'wanted.replace(/^W\\//, \'\') === `"${opaque}"`',
      killedBy: 'etag/list',
    },
    {
      id: 'first-field-only',
      history: 'A list may come in several lines.',
      from: WANTED,
      to: "(this.headers.get('If-None-Match') ?? '')",
      killedBy: 'etag/list',
    },
    {
      id: 'strong-only',
      history: 'W/ makes it another tag.',
      from: '/(?:W\\/)?"([^"]*)"/g',
      to: '/(?<!W\\/)"([^"]*)"/g',
      killedBy: 'etag/weak',
    },
    {
      id: 'no-star',
      history: 'A star is no tag.',
      from: "wanted.trim() === '*' || ",
      to: '',
      killedBy: 'etag/star',
    },
    {
      id: 'date-first',
      history: 'If either condition says so, the copy is good.',
      from: "    if (wanted === '') {\n      return super.isFresh(file)\n    }\n",
      to: "    const since = this.headers.get('If-Modified-Since')\n    if (wanted === '' || since !== null) {\n      return since !== null && Date.parse(since) / 1000 >= Math.floor(file.modified)\n    }\n",
      killedBy: 'etag/before-date',
    },
    {
      id: 'date-forgotten',
      history: 'Clients that know no tags get the file each time.',
      from: 'return super.isFresh(file)',
      to: 'return false',
      killedBy: 'etag/before-date',
    },
    {
      id: 'seconds-only',
      history: 'The time in whole seconds, as Last-Modified has it.',
      from: VERSION,
      to: 'String(Math.floor(file.modified))',
      killedBy: 'etag/changes',
    },
    {
      id: 'size-only',
      history: 'The length alone.',
      from: VERSION,
      to: 'String(file.size)',
      killedBy: 'etag/changes',
    },
    {
      id: 'split-at-commas',
      history: "split(',') knows nothing of quotes, and neither does what strips them.",
      from: MATCH,
      to: "wanted.split(',').some((one) => one.trim().replace(/^W\\//, '').replace(/^\"|\"$/g, '') === opaque)",
      killedBy: 'etag/comma-inside',
    },
    {
      id: 'body-with-304',
      history: 'The copy is good, and the file is sent nevertheless.',
      edits: [
        [
          '  override isFresh(file: OpenedFile): boolean {',
          '  override isFresh(file: OpenedFile): boolean {\n    return this.isSame(file) && this.isSent(file)\n  }\n\n  isSent(file: OpenedFile): boolean {\n    this.sendResponse(304)\n    this.endHeaders()\n    this.wfile.write(Buffer.alloc(file.size))\n    return true\n  }\n\n  isSame(file: OpenedFile): boolean {',
        ],
      ],
      killedBy: 'etag/not-modified',
    },
    {
      id: 'not-in-a-304',
      history: 'The tag is sent with the file alone.',
      from: `    ${SET}\n`,
      to: `    if (!this.headers.has('If-None-Match')) {\n      ${SET}\n    }\n`,
      killedBy: 'etag/304-fields',
    },
    {
      id: 'not-for-head',
      history: 'Only GET is conditional.',
      from: '    const opaque = versionOf(file)\n',
      to: "    if (this.command !== 'GET') {\n      return false\n    }\n    const opaque = versionOf(file)\n",
      killedBy: 'etag/head',
    },
    {
      id: 'not-for-folders',
      history: 'The page of a folder has another path than the request.',
      from: '    const opaque = versionOf(file)\n',
      to: "    if (this.path.endsWith('/')) {\n      return super.isFresh(file)\n    }\n    const opaque = versionOf(file)\n",
      killedBy: 'etag/index-page',
    },
  ],
  right: [
    { id: 'weak', from: '`"${opaque}"`', to: '`W/"${opaque}"`' },
    {
      id: 'hash',
      edits: [
        [
          `  return ${VERSION}\n`,
          "  const bytes = Buffer.alloc(file.size)\n  if (file.size > 0) {\n    void file.slice(0, file.size - 1).read(bytes)\n  }\n  return createHash('sha256').update(bytes).digest('base64url')\n",
        ],
        [
          "import { SimpleHTTPRequestHandler } from 'basehttp'\n",
          "import { createHash } from 'node:crypto'\nimport { SimpleHTTPRequestHandler } from 'basehttp'\n",
        ],
      ],
    },
    { id: 'other-form', from: VERSION, to: '`${file.modified}/${file.size}`' },
    {
      id: 'more-fields',
      from: SET,
      to: "this.extraResponseHeaders = [['Cache-Control', 'no-cache'], ['etag', `\"${opaque}\"`]]",
    },
  ],
}
