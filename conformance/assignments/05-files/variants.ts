import type { Variants } from '../variants.ts'

const CACHE = "this.sendHeader('Cache-Control', 'no-cache')"
const ORIGIN = "this.sendHeader('Access-Control-Allow-Origin', '*')"
const VIEW =
  "    if (!/\\.[^/]*$/.test(name) && !existsSync(path)) {\n      this.path = '/index.html'\n    }\n"

export const variants: Variants = {
  wrong: [
    {
      id: 'no-charset',
      history: 'As Python does it.',
      from: '`${type}; charset=utf-8`',
      to: 'type',
      killedBy: 'files/charset',
    },
    {
      id: 'charset-on-everything',
      history: 'What is good for a text is said of an image as well.',
      from: "type.startsWith('text/')",
      to: "type.includes('/')",
      killedBy: 'files/binary-untouched',
    },
    {
      id: 'cached',
      history: 'A browser that is told nothing guesses.',
      from: CACHE,
      to: '',
      killedBy: 'files/no-cache',
    },
    {
      id: 'cached-for-an-hour',
      history: 'The default of a well-known server.',
      from: "'no-cache'",
      to: "'max-age=3600'",
      killedBy: 'files/no-cache',
    },
    {
      id: 'no-cors',
      history: 'The script gets an error that says nothing.',
      from: ORIGIN,
      to: '',
      killedBy: 'files/cors',
    },
    {
      id: 'no-allowed-fields',
      history: 'The method is allowed, and the field that was asked for is not.',
      from: "this.sendHeader('Access-Control-Allow-Headers', asked)",
      to: "this.sendHeader('Access-Control-Allow-Headers', 'Content-Type')",
      killedBy: 'files/preflight',
    },
    {
      id: 'no-preflight',
      history: 'OPTIONS is left to the library, which knows nothing of other origins.',
      from: '  do_OPTIONS() {',
      to: '  doOptions() {',
      killedBy: 'files/preflight',
    },
    {
      id: 'page-for-everything',
      history: 'Whatever is missing is the application.',
      from: '!/\\.[^/]*$/.test(name) && ',
      to: '',
      killedBy: 'files/spa-not-assets',
    },
    {
      id: 'redirect-to-the-page',
      history: 'The application is there again, and has forgotten which view was asked for.',
      from: "      this.path = '/index.html'\n",
      to: "      this.sendResponse(302)\n      this.sendHeader('Location', '/')\n      this.sendHeader('Content-Length', 0)\n      this.endHeaders()\n      return null\n",
      killedBy: 'files/spa',
    },
    {
      id: 'dots-before-decoding',
      history: 'The check reads the request, and the disk reads the name.',
      from: '/(?:^|\\/)\\./.test(name)',
      to: '/\\/\\./.test(this.path)',
      killedBy: 'files/dotfiles',
    },
    {
      id: 'only-get',
      history: 'do_GET() is overridden, and HEAD goes another way.',
      edits: [
        [VIEW, ''],
        [
          '  override sendHead() {',
          "  override do_GET() {\n    const path = this.translatePath(this.path)\n    if (!/\\.[^/]*$/.test(path.slice(this.directory.length)) && !existsSync(path)) {\n      this.path = '/index.html'\n    }\n    return super.do_GET()\n  }\n\n  override sendHead() {",
        ],
      ],
      killedBy: 'files/head',
    },
    {
      id: 'only-files',
      history: 'The fields are sent with files, and with nothing else.',
      edits: [
        [`    ${CACHE}\n    ${ORIGIN}\n`, ''],
        [
          '  override protocolVersion',
          "  override extraResponseHeaders = [\n    ['Cache-Control', 'no-cache'],\n    ['Access-Control-Allow-Origin', '*'],\n  ] as const\n  override protocolVersion",
        ],
        ['    this.sendResponse(204)\n', `    this.sendResponse(204)\n    ${ORIGIN}\n`],
      ],
      killedBy: 'files/errors-have-cors',
    },
    {
      id: 'not-with-listings',
      history: 'sendFileHead() sends them, which a listing does not go through.',
      edits: [
        [
          `    ${CACHE}\n`,
          "    if (!this.path.endsWith('/') || this.path === '/') {\n      this.sendHeader('Cache-Control', 'no-cache')\n    }\n",
        ],
      ],
      killedBy: 'files/listing',
    },
    {
      id: 'folders-are-views',
      history: 'A folder has no extension either.',
      from: '&& !existsSync(path)',
      to: "&& !existsSync(`${path.replace(/\\/$/, '')}/index.html`)",
      killedBy: 'files/listing',
    },
  ],
  right: [
    { id: 'max-age-0', from: "'no-cache'", to: "'max-age=0, must-revalidate'" },
    { id: 'no-store', from: "'no-cache'", to: "'no-store'" },
    {
      id: 'origin-echoed',
      from: ORIGIN,
      to: "this.sendHeader('Access-Control-Allow-Origin', this.headers.get('Origin') ?? '*')\n    this.sendHeader('Vary', 'Origin')",
    },
    {
      id: 'preflight-200',
      from: '    this.sendResponse(204)\n',
      to: "    this.sendResponse(200)\n    this.sendHeader('Content-Length', 0)\n    this.sendHeader('Access-Control-Max-Age', 600)\n",
    },
    { id: 'charset-in-capitals', from: '; charset=utf-8', to: ';charset="UTF-8"' },
    {
      id: 'all-methods',
      from: "'GET, HEAD'",
      to: "'OPTIONS,HEAD,GET'",
    },
  ],
}
