import type { Edit, Variants } from '../variants.ts'

const PASSED = `    for await (const piece of response as AsyncIterable<Buffer>) {
      size += piece.length
      if (lifetime > 0 && size <= LIMITS.bytes) {
        pieces.push(piece)
      }
      await this.wfile.write(piece)
    }
`
const FRAMED = `    if (length !== null) {
      this.sendHeader('Content-Length', length)
    }
    if (length !== null || status === 204 || status === 304) {
      this.endHeaders()
    } else {
      this.endHeadersChunked()
    }
`
const FOR = "[...headers.getAll('X-Forwarded-For'), this.addressString()].join(', ')"
const VIA = "[...headers.getAll('Via'), `${this.requestVersion.slice(5)} ${NAME}`].join(', ')"
const REQUEST = '...endToEnd(headers, REWRITTEN)'
const FORBIDDEN = "['no-store', 'no-cache', 'private'].some((word) => said.has(word)) ||\n"

/** The body is collected, and its length is what has come. */
const COLLECTED: Edit[] = [
  [FRAMED, ''],
  [
    PASSED,
    `    for await (const piece of response as AsyncIterable<Buffer>) {
      size += piece.length
      pieces.push(piece)
    }
    if (this.command !== 'HEAD' && status !== 204 && status !== 304) {
      this.sendHeader('Content-Length', size)
    }
    this.endHeaders()
    await this.wfile.write(Buffer.concat(pieces))
`,
  ],
  ["    const length = received.get('Content-Length')\n", ''],
]

export const variants: Variants = {
  wrong: [
    {
      id: 'path-only',
      history: 'The path was taken from the target, and the query forgotten.',
      from: 'const { command: method, path, signal } = this\n',
      to: "const { command: method, signal } = this\n    const path = this.path.replace(/\\?.*/, '')\n",
      killedBy: 'proxy/get',
    },
    {
      id: 'decoded-path',
      history: 'Decoded on the way in, and never encoded again.',
      from: 'const { command: method, path, signal } = this\n',
      to: "const { command: method, signal } = this\n    const path = this.path.replaceAll('%20', '+').replaceAll('%2F', '/')\n",
      killedBy: 'proxy/get',
    },
    {
      id: 'no-head',
      history: 'Nobody has thought of HEAD.',
      from: '  do_HEAD() {',
      to: '  doHead() {',
      killedBy: 'proxy/get',
    },
    {
      id: 'unzipped',
      history: '`fetch()` unzips a body, and leaves the field that says otherwise.',
      edits: [
        ['import { pipeline }', "import { gunzipSync } from 'node:zlib'\nimport { pipeline }"],
        ...COLLECTED.slice(0, 1),
        [
          COLLECTED[1]?.[0] ?? '',
          (COLLECTED[1]?.[1] ?? '')
            .replace(
              '      pieces.push(piece)\n    }\n',
              "      pieces.push(piece)\n    }\n    const body = received.has('Content-Encoding') ? gunzipSync(Buffer.concat(pieces)) : Buffer.concat(pieces)\n",
            )
            .replace("'Content-Length', size", "'Content-Length', body.length")
            .replace('write(Buffer.concat(pieces))', 'write(body)'),
        ],
        ...COLLECTED.slice(2),
        ['      const body = Buffer.concat(pieces)\n', ''],
      ],
      killedBy: 'proxy/status-and-fields',
    },
    {
      id: 'always-200',
      history: 'What has come is a response, so all is well.',
      from: 'this.sendHead(status, reason, fields)',
      to: 'this.sendHead(status === 304 ? status : 200, reason, fields)',
      killedBy: 'proxy/status-and-fields',
    },
    {
      id: 'one-of-each-name',
      history: 'An object has each name once, and the second cookie is lost.',
      from: 'this.sendHead(status, reason, fields)',
      to: 'this.sendHead(status, reason, [...new Map(fields)])',
      killedBy: 'proxy/status-and-fields',
    },
    {
      id: 'request-as-it-is',
      history: 'All fields are passed on, those of the connection included.',
      from: REQUEST,
      to: "...headers.items().filter(([name]) => ![...REWRITTEN, 'content-length', 'transfer-encoding'].includes(name.toLowerCase()))",
      killedBy: 'proxy/hop-by-hop',
    },
    {
      id: 'known-ones-only',
      history: 'A list of names, without those that `Connection` adds to it.',
      from: '...dropped, ...named.map((name) => name.trim())]',
      to: '...dropped]\n  named.pop()',
      killedBy: 'proxy/hop-by-hop',
    },
    {
      id: 'case-matters',
      history: 'A name in `Connection` may be written in other letters than the field.',
      from: "fields.getAll('Connection').join(',').toLowerCase().split(',')",
      to: "fields.getAll('Connection').join(',').split(',')",
      killedBy: 'proxy/hop-by-hop',
    },
    {
      id: 'response-as-it-is',
      history: 'Only the way there was thought of.',
      from: "...endToEnd(received, ['age'])",
      to: "...received.items().filter(([name]) => !['age', 'connection', 'content-length', 'transfer-encoding'].includes(name.toLowerCase()))",
      killedBy: 'proxy/hop-by-hop',
    },
    {
      id: 'address-alone',
      history: 'What others have said before is lost.',
      from: FOR,
      to: 'this.addressString()',
      killedBy: 'proxy/forwarded-for',
    },
    {
      id: 'address-in-front',
      history: 'The last address is the nearest one, and not the first.',
      from: FOR,
      to: "[this.addressString(), ...headers.getAll('X-Forwarded-For')].join(', ')",
      killedBy: 'proxy/forwarded-for',
    },
    {
      id: 'no-address',
      history: 'The server behind sees one client.',
      from: `      ['X-Forwarded-For', ${FOR}],\n`,
      to: "      ...headers.getAll('X-Forwarded-For').map((value) => ['X-Forwarded-For', value] as const),\n",
      killedBy: 'proxy/forwarded-for',
    },
    {
      id: 'get-only',
      history: 'There are other methods than GET.',
      from: '  do_PUT() {',
      to: '  doPut() {',
      killedBy: 'proxy/post',
    },
    {
      id: 'body-forgotten',
      history: 'The length is announced, and no body comes.',
      from: '    pipeline(this.body, asked).catch(() => {})\n',
      to: '    if (pipeline !== undefined) {\n      asked.end()\n    }\n',
      killedBy: 'proxy/post',
    },
    {
      id: 'body-as-text',
      history: 'Bytes that are no UTF-8 become question marks.',
      from: 'pipeline(this.body, asked)',
      to: 'pipeline(\n      this.body,\n      async function* (pieces) {\n        for await (const piece of pieces) {\n          yield Buffer.from(String(piece))\n        }\n      },\n      asked,\n    )',
      killedBy: 'proxy/post',
    },
    {
      id: 'throws',
      history: 'Nobody has thought of a server that is gone.',
      from: '    } catch {\n      this.sendError(502)\n      return\n    }\n',
      to: '    } catch (error) {\n      throw error\n    }\n',
      killedBy: 'proxy/down',
    },
    {
      id: 'own-fault',
      history: 'A 500 says that the gateway itself has failed.',
      from: 'this.sendError(502)',
      to: 'this.sendError(500)',
      killedBy: 'proxy/down',
    },
    {
      id: 'waits-for-ever',
      history: 'Only a response is waited for, and that there is none is not seen.',
      from: "    asked.on('error', () => {})\n    const responded = once(asked, 'response') as Promise<[IncomingMessage]>\n",
      to: "    const responded = new Promise<[IncomingMessage]>((resolve) => {\n      asked.once('response', (response) => {\n        resolve([response])\n      })\n    })\n    if (this.command === '') {\n      await once(asked, 'close')\n    }\n",
      killedBy: 'proxy/down',
    },
    {
      id: 'no-via',
      history: 'The gateway cannot be seen.',
      from: `      ['Via', ${VIA}],\n`,
      to: "      ...headers.getAll('Via').map((value) => ['Via', value] as const),\n",
      killedBy: 'proxy/via',
    },
    {
      id: 'own-version',
      history: 'The version is that in which the request came, and not that in which it goes on.',
      from: '`${this.requestVersion.slice(5)} ${NAME}`',
      to: '`1.1 ${NAME}`',
      killedBy: 'proxy/via',
    },
    {
      id: 'others-forgotten',
      history: 'Who was on the way before is not told any more.',
      from: VIA,
      to: '`${this.requestVersion.slice(5)} ${NAME}`',
      killedBy: 'proxy/via',
    },
    {
      id: 'host-as-it-is',
      history: 'The server behind does not know this name.',
      from: "['Host', UPSTREAM.host]",
      to: "['Host', headers.get('Host', UPSTREAM.host)]",
      killedBy: 'proxy/host',
    },
    {
      id: 'host-lost',
      history: 'The server behind makes links of its own name, which nobody can reach.',
      from: "      ['X-Forwarded-Host', headers.get('Host', '')],\n",
      to: '',
      killedBy: 'proxy/host',
    },
    {
      id: 'collected',
      history: 'The whole body is read, and then sent.',
      edits: COLLECTED,
      killedBy: 'proxy/slow',
    },
    {
      id: 'no-cache',
      history: 'Each request is asked again.',
      from: "this.command === 'GET' ? cache.get(this.path)",
      to: "this.command === 'CACHED' ? cache.get(this.path)",
      killedBy: 'proxy/cache-hit',
    },
    {
      id: 'no-age',
      history: 'The next cache takes it for new.',
      from: "[...kept.fields, ['Age', String(ageOf(kept))]]",
      to: 'kept.fields',
      killedBy: 'proxy/cache-hit',
    },
    {
      id: 'key-without-query',
      history: 'Two resources are one.',
      edits: [
        ['cache.get(this.path)', "cache.get(this.path.split('?')[0] ?? '')"],
        ['cache.set(this.path, ', "cache.set(this.path.split('?')[0] ?? '', "],
      ],
      killedBy: 'proxy/cache-hit',
    },
    {
      id: 'changes-unseen',
      history: 'Who has changed something sees what was there before.',
      from: '      cache.delete(this.path)\n',
      to: '',
      killedBy: 'proxy/cache-hit',
    },
    {
      id: 'keeps-all',
      history: 'Whatever has a `max-age` is kept.',
      from: FORBIDDEN,
      to: '',
      killedBy: 'proxy/no-store',
    },
    {
      id: 'keeps-private',
      history: "A browser's cache may do that, and one that many share may not.",
      from: "'no-cache', 'private'",
      to: "'no-cache'",
      killedBy: 'proxy/no-store',
    },
    {
      id: 'keeps-authorized',
      history: 'What was for one who has a password is given to all.',
      from: "      this.headers.has('Authorization') ||\n",
      to: '',
      killedBy: 'proxy/no-store',
    },
    {
      id: 'length-and-chunks',
      history: 'A chunked body is announced with its length as well.',
      edits: [
        ...COLLECTED.slice(0, 1),
        [
          COLLECTED[1]?.[0] ?? '',
          (COLLECTED[1]?.[1] ?? '').replace(
            '    this.endHeaders()\n',
            "    if (received.has('Transfer-Encoding')) {\n      this.sendHeader('Transfer-Encoding', 'chunked')\n    }\n    this.endHeaders()\n",
          ),
        ],
        ...COLLECTED.slice(2),
      ],
      killedBy: 'proxy/chunked-upstream',
    },
    {
      id: 'no-framing',
      history:
        'Node sends GET and DELETE without chunks, and POST in chunks: nothing else was tried.',
      from: "headers.has('Transfer-Encoding')\n      ? [['Transfer-Encoding', 'chunked']]",
      to: "headers.has('Transfer-Encoding')\n      ? [['Content-Length', '0']]",
      killedBy: 'proxy/chunked-upstream',
    },
    {
      id: 'chunks-for-http-1.0',
      history: 'Chunks for everybody.',
      from: '      this.endHeadersChunked()\n',
      to: "      this.sendHeader('Transfer-Encoding', 'chunked')\n      this.endHeaders()\n      this.wfile.encode = (data) => Buffer.concat([Buffer.from(`${data.length.toString(16)}\\r\\n`), data, Buffer.from('\\r\\n')])\n",
      killedBy: 'proxy/chunked-upstream',
    },
  ],
  right: [
    {
      id: 'other-name',
      from: "const NAME = 'basehttp'",
      to: "const NAME = 'my-gateway (written by me)'",
    },
    {
      id: 'lines-of-their-own',
      edits: [
        [
          `['X-Forwarded-For', ${FOR}],\n      ['Via', ${VIA}],\n`,
          "['X-Forwarded-For', this.addressString()],\n      ['Via', `HTTP/${this.requestVersion.slice(5)} ${NAME}`],\n",
        ],
        [", 'x-forwarded-for', 'via', 'expect']", ", 'expect']"],
      ],
    },
    {
      id: 'no-via-in-responses',
      from: "      ['Via', `${response.httpVersion} ${NAME}`],\n",
      to: '',
    },
    { id: 'kept-connections', from: ', agent: false })', to: ' })' },
    {
      id: 'server-of-its-own',
      from: 'this.sendHead(status, reason, fields)',
      to: "this.sendHead(status, reason, [...fields, ['Server', this.versionString()]])",
    },
    {
      id: 'always-in-chunks',
      edits: [
        [
          "    if (length !== null) {\n      this.sendHeader('Content-Length', length)\n    }\n",
          '',
        ],
        [
          'if (length !== null || status === 204',
          "if ((length === '0' && this.command === '') || status === 204",
        ],
      ],
    },
    {
      id: 'collects-the-request',
      edits: [
        [
          '    const headers = this.fieldsForUpstream().flat()\n',
          "    const pieces: Buffer[] = []\n    for await (const piece of this.body) {\n      pieces.push(piece)\n    }\n    const body = Buffer.concat(pieces)\n    const headers = this.fieldsForUpstream().flat()\n    headers.push('Content-Length', String(body.length))\n",
        ],
        ['      ...framing,\n', '      ...framing.slice(2),\n'],
        ['pipeline(this.body, asked)', 'pipeline([body], asked)'],
      ],
    },
  ],
}
