// Requests are smuggled where two programs stand one behind the other, and one of them takes for one
// request what is two to the other. So here real front ends stand before this library, and get requests
// whose framing is chunked, folded, doubled, cut, and misspelled.
//
// Whatever the front end makes of it: each request that the server handles is one that the front end has
// passed on, once, under the same method and target; no response is another request's; and the next client
// over the same connection to the server gets its own response.

import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { AsyncHTTPServer, BaseHTTPRequestHandler } from 'basehttp'
import { unmarked } from '../fuzz/readings.ts'
import type { Reading } from '../fuzz/readings.ts'
import { HANG_LIMIT } from '../patience.ts'
import { FRONT_ENDS, isInstalled, MARK, startFrontEnd } from './front-ends.ts'

t.setTimeout(20 * HANG_LIMIT)

const folder = mkdtempSync(join(tmpdir(), 'basehttp-front-ends-'))
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

// -- The server ------------------------------------------------------------------------------

let seen: Reading[] = []

/** Notes each request, and tells the client the mark that it came with. */
class Witness extends BaseHTTPRequestHandler {
  static readonly module = import.meta.url

  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    // Leaves the body where it is.
    this.#reply('')
  }

  async do_POST() {
    let body = ''
    for await (const piece of this.body) {
      body += piece.toString('latin1')
    }
    this.#reply(body)
  }

  #reply(body: string) {
    const mark = this.headers.get(MARK) ?? ''
    seen.push({ method: this.command, target: this.path, body, mark })
    const page = Buffer.from(`<${mark}>`, 'latin1')
    this.sendResponse(200)
    this.sendHeader('Content-Length', page.length)
    this.endHeaders()
    void this.wfile.write(page)
  }

  override logMessage() {}
}

// -- The attacks -----------------------------------------------------------------------------

const CRLF = '\r\n'
const SMUGGLED = `GET /smuggled HTTP/1.1${CRLF}Host: x${CRLF}${CRLF}`
const hex = (text: string) => text.length.toString(16)
const chunk = (text: string, size = hex(text)) => `${size}${CRLF}${text}${CRLF}`
const LAST = `0${CRLF}${CRLF}`

const CHUNKED = 'Transfer-Encoding: chunked'

/** Field lines that say where the body ends, more or less clearly. `N` is its length. */
const FRAMINGS: readonly (readonly string[])[] = [
  [CHUNKED],
  ['transfer-encoding:CHUNKED'],
  ['Transfer-Encoding:\tchunked'],
  ['Transfer-Encoding: chunked\t '],
  ['Transfer-Encoding: ,chunked,'],
  ['Transfer-Encoding: \vchunked'],
  ['Transfer-Encoding: chunked\f'],
  ['Transfer-Encoding: \xa0chunked'],
  ['Transfer-Encoding: chunked;q=1'],
  ['Transfer-Encoding: "chunked"'],
  ['Transfer-Encoding: xchunked'],
  ['Transfer-Encoding: identity'],
  ['Transfer-Encoding: identity, chunked'],
  ['Transfer-Encoding: gzip, chunked'],
  ['Transfer-Encoding: chunked, gzip'],
  ['Transfer-Encoding: chunked, identity'],
  ['Transfer-Encoding: chunked, chunked'],
  ['Transfer-Encoding:'],
  ['Transfer-Encoding: chunked\rX: y'],
  ['Transfer-Encoding: chunked\0'],
  // Doubled.
  [CHUNKED, CHUNKED],
  [CHUNKED, 'Transfer-Encoding: identity'],
  ['Transfer-Encoding: identity', CHUNKED],
  ['Transfer-Encoding:', CHUNKED],
  [CHUNKED, 'Content-Length: N'],
  ['Content-Length: N', CHUNKED],
  ['Content-Length: 0', CHUNKED],
  [CHUNKED, 'Content-Length: 5'],
  ['Content-Length: 5', 'Content-Length: N'],
  ['Content-Length: N', 'Content-Length: 0'],
  ['Content-Length: N, N'],
  ['Content-Length: +N'],
  ['Content-Length: 0xN'],
  ['Content-Length: N', 'Content_Length: 0'],
  // Folded, and lines that only some see.
  ['Transfer-Encoding:\r\n chunked'],
  ['Transfer-Encoding:\n\tchunked'],
  ['X: y\r\n Transfer-Encoding: chunked'],
  ['X: y\rTransfer-Encoding: chunked'],
  ['X: y\nTransfer-Encoding: chunked'],
  ['X: y\r\n\tContent-Length: N', CHUNKED],
  ['Transfer-Encoding : chunked'],
  ['Transfer-Encoding\t: chunked'],
  ['Transfer-Encoding\0: chunked'],
  [' Transfer-Encoding: chunked'],
  ['Transfer_Encoding: chunked'],
  ['Content-Length: N', 'Transfer_Encoding: chunked'],
  ['Content-Length: N', 'Transfer-Encoding : chunked'],
  ['Content-Length: N', 'Transfer-Encoding: xchunked'],
  ['Content-Length: N', 'Connection: Content-Length'],
  [CHUNKED, 'Connection: Transfer-Encoding'],
  [CHUNKED, 'Expect: 100-continue'],
  [CHUNKED, 'Connection: close'],
]

/** Bodies in which a request is hidden, or behind which one follows. */
const BODIES: readonly string[] = [
  chunk(SMUGGLED) + LAST,
  LAST + SMUGGLED,
  `${chunk('hello')}0${CRLF}X-Sum: 1${CRLF}Content-Length: 99${CRLF}Host: y${CRLF}${MARK}: 1 GET /smuggled${CRLF}${CRLF}`,
  chunk('hello') + LAST + SMUGGLED,
]

/** Bodies in which something about the chunks is wrong, or unusual. */
const ODD_BODIES: readonly string[] = [
  ...['0x', '+', '-', ' ', '\t', '0_', '\0', '\v', '"', ',', '.', '00000000000000000000'].flatMap(
    (text) => [
      chunk(SMUGGLED, text + hex(SMUGGLED)) + LAST,
      // To whom it is zero, what follows is a request.
      chunk('', `${text}0`) + CRLF + SMUGGLED,
    ],
  ),
  ...[
    ' ',
    '\t',
    ';',
    ';a',
    ';a=b',
    ' ; a',
    ';a="\r\n"',
    ';a\rb',
    ';a\nb',
    ';\0',
    ' 5',
    'h',
    '\v',
  ].flatMap((text) => [
    chunk(SMUGGLED, hex(SMUGGLED) + text) + LAST,
    chunk('', `0${text}`) + CRLF + SMUGGLED,
  ]),
  // Sizes that overflow.
  chunk(SMUGGLED, `1${hex(SMUGGLED).padStart(8, '0')}`) + LAST,
  chunk(SMUGGLED, `1${hex(SMUGGLED).padStart(16, '0')}`) + LAST,
  `ffffffffffffffff${CRLF}${SMUGGLED}`,
  `7fffffff${CRLF}${SMUGGLED}`,
  // Line ends.
  `${hex(SMUGGLED)}\n${SMUGGLED}\n0\n\n`,
  `${hex(SMUGGLED)}${CRLF}${SMUGGLED}\n0${CRLF}${CRLF}`,
  `${hex(SMUGGLED)}\r${SMUGGLED}\r0\r\r`,
  `0\n\n${SMUGGLED}`,
  `0\r\n\n${SMUGGLED}`,
  `0\n\r\n${SMUGGLED}`,
  `0\r\r\n\r\n${SMUGGLED}`,
  `5${CRLF}hello0${CRLF}${CRLF}${SMUGGLED}`,
  // Data longer and shorter than its size.
  `5${CRLF}hello!${CRLF}${LAST}${SMUGGLED}`,
  `6${CRLF}hello${CRLF}${LAST}${SMUGGLED}`,
  `7${CRLF}hello${CRLF}${LAST}${SMUGGLED}`,
  `a${CRLF}hello${CRLF}${LAST}${SMUGGLED}`,
  // Trailers.
  `0${CRLF}${SMUGGLED}`,
  `0${CRLF}X : y${CRLF}${CRLF}${SMUGGLED}`,
  `0${CRLF}X: y${CRLF} folded${CRLF}${CRLF}${SMUGGLED}`,
  `0${CRLF}X: y\n\n${SMUGGLED}`,
  `0${CRLF}X: y\rZ: z${CRLF}${CRLF}${SMUGGLED}`,
  `0${CRLF}X: y\0${CRLF}${CRLF}${SMUGGLED}`,
  `0${CRLF}${'X: y\r\n'.repeat(150)}${CRLF}${SMUGGLED}`,
  `0${CRLF}Content-Length: ${String(SMUGGLED.length)}${CRLF}${CRLF}${SMUGGLED}`,
  `0${CRLF}Transfer-Encoding: chunked${CRLF}${CRLF}${SMUGGLED}`,
  // Cut off.
  ...[1, 3, 20, 50, 52, 54, 57].map((length) => (chunk(SMUGGLED) + LAST).slice(0, length)),
]

/** What is sent: a request that is read, or one whose body nobody reads, and a plain one behind it. */
function attack(method: string, version: string, framing: readonly string[], body: string): string {
  const lines = framing.map((line) => line.replaceAll('N', String(body.length)))
  const head = [`${method} /attack HTTP/${version}`, 'Host: x', ...lines, '', ''].join(CRLF)
  return `${head}${body}GET /behind HTTP/1.1${CRLF}Host: x${CRLF}Connection: close${CRLF}${CRLF}`
}

const ATTACKS: readonly string[] = ['GET', 'POST'].flatMap((method) => [
  ...FRAMINGS.flatMap((framing) => BODIES.map((body) => attack(method, '1.1', framing, body))),
  ...ODD_BODIES.map((body) => attack(method, '1.1', [CHUNKED], body)),
  ...BODIES.map((body) => attack(method, '1.0', [CHUNKED], body)),
  ...BODIES.map((body) => attack(method, '1.0', [CHUNKED, 'Connection: keep-alive'], body)),
])

// -- What must hold --------------------------------------------------------------------------

/** Send a text, whole or cut, end our side, and read what comes until the other side ends. */
async function send(port: number, text: string, cut?: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  let received = ''
  socket.setEncoding('latin1').on('data', (data: string) => {
    received += data
  })
  socket.on('error', () => {})
  if (cut !== undefined) {
    socket.write(text.slice(0, cut), 'latin1')
    await new Promise((resolve) => setTimeout(resolve, 3))
    text = text.slice(cut)
  }
  socket.end(text, 'latin1')
  const timer = setTimeout(() => socket.destroy(), HANG_LIMIT)
  await new Promise((resolve) => socket.on('close', resolve))
  clearTimeout(timer)
  return received
}

const isVictim = ({ target }: Reading) => target.startsWith('/victim')

/** Attack through a front end; what does not hold, undefined if all does. */
async function flawOf(port: number, text: string, cut?: number): Promise<string | undefined> {
  seen = []
  const received = await send(port, text, cut)
  const during = [...seen]
  const next = await send(
    port,
    `GET /victim HTTP/1.1${CRLF}Host: x${CRLF}Connection: close${CRLF}${CRLF}`,
  )
  const told = (response: string) =>
    Array.from(response.matchAll(/<([^<>]*)>(?=HTTP\/|$)/g), ([, mark]) => mark)
  const handled = new Set(during.map(({ mark }) => mark))
  const victim = seen.find(isVictim)
  if (unmarked(seen) !== undefined) {
    return unmarked(seen)
  }
  // Some responses may be the front end's own, or be lost with the connection; none may be out of turn.
  const order = told(received).filter((mark) => handled.has(mark))
  const expected = during.map(({ mark }) => mark).filter((mark) => order.includes(mark))
  if (told(received).some((mark) => !handled.has(mark)) || order.join() !== expected.join()) {
    return `responses for ${JSON.stringify(told(received))}, handled ${JSON.stringify([...handled])}`
  }
  if (told(next).join() !== (victim?.mark ?? 'not handled')) {
    return `the next client got ${JSON.stringify(next)}`
  }
  return undefined
}

for (const frontEnd of FRONT_ENDS) {
  const lacking = !isInstalled(frontEnd) && `this machine has no ${frontEnd.program}`
  t.test(`no request is smuggled past ${frontEnd.name}`, { skip: lacking }, async (t) => {
    const server = new AsyncHTTPServer(['127.0.0.1', 0], Witness)
    await server.bindAndActivate()
    const serving = server.serveForever()
    const running = await startFrontEnd(frontEnd, server.serverPort, folder)
    t.teardown(async () => {
      await running.stop()
      await server.shutdown()
      await serving
      await server.serverClose()
    })
    let handled = 0
    for (const text of ATTACKS) {
      const middle = Math.floor((text.indexOf('\r\n\r\n') + text.length) / 2)
      for (const cut of [undefined, middle]) {
        const flaw = await flawOf(running.port, text, cut)
        handled += seen.filter((one) => !isVictim(one)).length
        if (flaw !== undefined) {
          t.fail(`${flaw}\nsent: ${JSON.stringify(text)}`)
        }
      }
    }
    t.comment(
      `${String(2 * ATTACKS.length)} attacks, of which ${String(handled)} requests were passed on`,
    )
    t.ok(handled > 100, 'the front end passes on what it takes for a request')
  })

  t.test(
    `a server that knows no chunks behind ${frontEnd.name} is found`,
    { skip: lacking },
    async (t) => {
      // What Python's handlers do: Transfer-Encoding means nothing, and the chunks are requests.
      const server = createServer((socket) => {
        let input = ''
        socket.on('error', () => {})
        socket.on('data', (data) => {
          input += data.toString('latin1')
          for (let end; (end = input.indexOf(CRLF + CRLF)) !== -1;) {
            const head = input.slice(0, end)
            input = input.slice(end + 4)
            const [, method = '', target = ''] = /(\S+) (\S+) HTTP\/1\.[01]\r\n/.exec(head) ?? []
            if (method !== '') {
              input = input.slice(Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0))
              const mark = new RegExp(`^${MARK}: (.*)$`, 'im').exec(head)?.[1] ?? ''
              seen.push({ method, target, body: '', mark })
              const page = `<${mark}>`
              const response = `HTTP/1.1 200 OK${CRLF}Content-Length: ${String(page.length)}${CRLF}${CRLF}${page}`
              // A front end that has its response does not send the rest of the request.
              setTimeout(() => socket.write(response), 20)
            }
          }
        })
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const running = await startFrontEnd(frontEnd, (server.address() as AddressInfo).port, folder)
      t.teardown(async () => {
        await running.stop()
        server.close()
      })
      const smuggling = attack('POST', '1.1', [CHUNKED], chunk(SMUGGLED) + LAST)
      // Cut: of a body that is here when the head is, nginx knows the length.
      const flaw = await flawOf(running.port, smuggling, smuggling.indexOf(CRLF + CRLF) + 6)
      if (frontEnd.name === 'nginx') {
        t.equal(flaw, undefined, 'it reads the chunks itself, and sends a Content-Length')
      } else {
        t.match(flaw, '["GET","/smuggled",""] has the mark ""')
      }
    },
  )
}
