// The network cuts a request where it likes. However it is cut, the responses are the same, byte for byte,
// from all four kinds of servers: to chunked bodies that are read in every way or not at all, with trailers,
// and to the requests behind them.

import fc from 'fast-check'
import t from 'tap'
import { ForkingMixIn } from '../socketserver/mixins/forking-mixin.ts'
import { ChunkReader } from '../testing/chunk-reader.ts'
import { dial, readAll, serve } from '../testing/helpers.ts'
import { AsyncHTTPServer, HTTPServer } from './server.ts'
import { ThreadingHTTPServer } from './threading-server.ts'

const LOCAL = ['127.0.0.1', 0] as const

const head = (line: string, ...fields: string[]) =>
  `${[line, 'Host: x', ...fields].join('\r\n')}\r\n\r\n`
const CHUNKED = 'Transfer-Encoding: chunked'
const TRAILERS = '0;last\r\nChecksum: 5d41\r\nHost: y\r\nContent-Length: 5\r\n\r\n'
const HIDDEN = head('GET /hidden HTTP/1.1')

/** What a client sends in one go, each time for the same eight responses. */
const CONVERSATION = [
  ...['POST', 'PUT', 'PATCH', 'GET'].flatMap((method, index) => [
    head(`${method} /${String(index)} HTTP/1.1`, CHUNKED),
    `5\r\nhello\r\n00B;x="\\"y"\r\n wide\nworld\r\n${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n`,
    TRAILERS,
    head(`GET /plain${String(index)} HTTP/1.1`, ...(index === 3 ? ['Connection: close'] : [])),
  ]),
].join('')

/** The same, up to a chunk that is none, in a body that is read. */
const BROKEN = `${CONVERSATION.replace('Connection: close\r\n', '')}${head('PUT /bad HTTP/1.1', CHUNKED)}3\r\nabc\r\n0x3\r\nabc\r\n0\r\n\r\n${HIDDEN}`

/** Send a text in pieces that are cut there. */
async function sendCut(server: HTTPServer, text: string, cuts: Iterable<number>): Promise<string> {
  const socket = dial(server)
  socket.setNoDelay(true)
  const received = readAll(socket)
  let from = 0
  for (const cut of [...new Set(cuts)].sort((a, b) => a - b)) {
    socket.write(text.slice(from, cut), 'latin1')
    from = cut
    await new Promise(setImmediate)
  }
  socket.write(text.slice(from), 'latin1')
  return received
}

const statuses = (received: string) =>
  Array.from(received.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, code]) => Number(code))

const KINDS: readonly (typeof HTTPServer)[] = [
  HTTPServer,
  AsyncHTTPServer,
  ThreadingHTTPServer,
  class ForkingHTTPServer extends ForkingMixIn(HTTPServer) {},
]

const whole = new Map<string, string>()

for (const Kind of KINDS) {
  t.test(`${Kind.name} gives the same responses however chunked requests are cut`, async (t) => {
    const server = new Kind(LOCAL, ChunkReader)
    await serve(t, server)
    for (const [text, codes] of [
      [CONVERSATION, Array<number>(8).fill(200)],
      [BROKEN, [...Array<number>(8).fill(200), 400]],
    ] as const) {
      const expected = await sendCut(server, text, [])
      t.same(statuses(expected), codes)
      t.not(expected.includes('"path":"/hidden"'), true, 'what is in a body is no request')
      t.equal(expected.match(/"path":"\/plain\d","fields":\[\["Host","x"\]/g)?.length, 4)
      t.equal(
        expected.match(
          /"trailers":\[\["Checksum","5d41"\],\["Host","y"\],\["Content-Length","5"\]\]/g,
        )?.length,
        3,
        'trailers are at hand where the body was read',
      )
      t.equal(expected, whole.get(text) ?? expected, 'as from the other kinds')
      whole.set(text, expected)

      t.equal(
        await sendCut(
          server,
          text,
          Array.from(text, (_, index) => index),
        ),
        expected,
        'by the byte',
      )
      const cuts = fc.array(fc.nat({ max: text.length }), { minLength: 1, maxLength: 8 })
      await fc.assert(
        fc.asyncProperty(cuts, async (cuts) => (await sendCut(server, text, cuts)) === expected),
        { numRuns: 25, seed: 20161006 },
      )
    }
  })
}
