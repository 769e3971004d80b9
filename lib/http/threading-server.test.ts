import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t from 'tap'
import { ForkingMixIn } from '../socketserver/mixins/forking-mixin.ts'
import type { Address, Connection } from '../socketserver/request-handler.ts'
import { CERTIFICATE, PRIVATE_KEY } from '../testing/certificate.ts'
import { EXCEPTIONS, Faulty, Patient } from '../testing/handlers.ts'
import { captureStderr, dial, readAll, readUntil, serve, talk } from '../testing/helpers.ts'
import { HTTPSServer } from './https-server.ts'
import { AsyncHTTPServer, HTTPServer } from './server.ts'
import { SimpleHTTPRequestHandler } from './simple-handler.ts'
import { ThreadingHTTPServer, ThreadingHTTPSServer } from './threading-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'basehttp-'))
const large = Buffer.alloc(3_000_000, 'abcdefg')
writeFileSync(join(folder, 'large.bin'), large)
writeFileSync(join(folder, 'cert.pem'), CERTIFICATE)
writeFileSync(join(folder, 'key.pem'), PRIVATE_KEY)
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

const LOCAL = ['127.0.0.1', 0] as const

t.test('ThreadingHTTPServer serves files from a thread', async (t) => {
  const log = captureStderr(t)
  const server = new ThreadingHTTPServer(LOCAL, SimpleHTTPRequestHandler)
  t.equal(server.daemonThreads, true)
  server.handlerOptions = { directory: folder }
  await serve(t, server)
  const answer = await talk(server, 'GET /large.bin HTTP/1.0\r\n\r\n')
  t.match(answer, /^HTTP\/1\.0 200 OK\r\n/)
  t.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), large.toString('latin1'))
  t.match(log(), /^127\.0\.0\.1 - - \[.*\] "GET \/large\.bin HTTP\/1\.0" 200 -\n$/)
})

t.test('ThreadingHTTPSServer decrypts in the main thread, and answers from another', async (t) => {
  captureStderr(t)
  const server = new ThreadingHTTPSServer(LOCAL, SimpleHTTPRequestHandler, {
    certfile: join(folder, 'cert.pem'),
    keyfile: join(folder, 'key.pem'),
  })
  server.handlerOptions = { directory: folder, protocolVersion: 'HTTP/1.1' }
  await serve(t, server)
  // The thread does not see TLS, and must be told that there is some.
  for (const sent of [
    'GET /large.bin HTTP/1.0\r\n\r\n',
    'GET https://localhost/large.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  ]) {
    const client = connect({ port: server.serverPort, host: '127.0.0.1', ca: CERTIFICATE })
    client.setEncoding('latin1')
    let answer = ''
    client.on('data', (text: string) => {
      answer += text
    })
    client.write(sent)
    await once(client, 'end')
    t.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    t.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), large.toString('latin1'))
  }
})

t.test('ForkingMixIn(HTTPSServer) is a TypeError', async (t) => {
  class ForkingHTTPSServer extends ForkingMixIn(HTTPSServer) {}
  t.throws(() => new ForkingHTTPSServer(LOCAL, SimpleHTTPRequestHandler, { certfile: 'x.pem' }), {
    name: 'TypeError',
    message: /^Cannot hand encrypted connections to a child process: .* use ThreadingMixIn/,
  })
})

// -- The same in all kinds of servers --------------------------------------------------------

const KINDS: readonly (typeof HTTPServer)[] = [
  HTTPServer,
  AsyncHTTPServer,
  ThreadingHTTPServer,
  class ForkingHTTPServer extends ForkingMixIn(HTTPServer) {},
]

/** Where a request can fail: what a handler has, then what a server has. */
const IN_HANDLER = ['do_GET', 'logMessage', 'addressString']
const IN_SERVER = ['verifyRequest', 'shutdownRequest', 'closeRequest', 'handleError']

/** A server of a kind, one of whose hooks throws, or returns a promise that fails. */
function faultyServer(Kind: typeof HTTPServer) {
  return class Server extends Kind {
    failing = ''
    fail: () => void | Promise<void> = () => {}

    #call<Result>(hook: string, otherwise: () => Result): Result {
      return hook === this.failing ? (this.fail() as Result) : otherwise()
    }
    override verifyRequest(request: Connection, clientAddress: Address) {
      return this.#call('verifyRequest', () => super.verifyRequest(request, clientAddress))
    }
    override shutdownRequest(request: Connection) {
      return this.#call('shutdownRequest', () => super.shutdownRequest(request))
    }
    override closeRequest(request: Connection) {
      return this.#call('closeRequest', () => super.closeRequest(request))
    }
    override handleError(request: Connection, clientAddress: Address, error: unknown) {
      return this.#call('handleError', () => super.handleError(request, clientAddress, error))
    }
  }
}

for (const Kind of KINDS) {
  t.test(`${Kind.name}: an exception ends its connection and no other`, async (t) => {
    const log = captureStderr(t)
    const server = new (faultyServer(Kind))(LOCAL, Faulty)
    await serve(t, server)
    const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
    const fine = /^HTTP\/1\.1 200 OK\r\n/

    // A second connection, from the beginning to the end, where several can be open.
    const bystander = Kind === HTTPServer ? undefined : dial(server)
    const everyone = async (what: string) => {
      t.match(await talk(server, ask('/'), { halfClose: true }), fine, `after ${what}, a client`)
      if (bystander !== undefined) {
        bystander.write(ask('/'))
        t.match(await readUntil(bystander, '\r\n\r\n'), fine, `after ${what}, another`)
      }
    }
    const faults = [
      (what: string) => () => {
        throw EXCEPTIONS[what]?.()
      },
      (what: string) => async () => {
        await Promise.resolve()
        throw EXCEPTIONS[what]?.()
      },
    ]
    for (const what of Object.keys(EXCEPTIONS)) {
      for (const hook of IN_HANDLER) {
        const before = log().length
        // To the end: a connection that stays open would not let this come back.
        t.equal(await talk(server, ask(`/${hook}/${what}`)), '', `${hook} throws ${what}`)
        t.match(log().slice(before), /\nException occurred during processing of request from /)
      }
      for (const hook of IN_SERVER) {
        for (const fault of faults) {
          const before = log().length
          server.fail = fault(what)
          server.failing = hook
          const path = hook === 'handleError' ? `/do_GET/${what}` : '/'
          await talk(server, ask(path), { halfClose: hook !== 'handleError' })
          server.failing = ''
          t.match(
            log().slice(before),
            hook === 'handleError'
              ? /\nException occurred [^]*\n-+\nException ignored in handleError\(\): /
              : /\nException occurred during processing of request from /,
            `${hook} throws ${what}`,
          )
        }
      }
      await everyone(what)
    }
    bystander?.end()
    if (bystander !== undefined) {
      await readAll(bystander)
    }
  })
}

const ASK = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const LAST = /^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*Connection: close\r\n\r\n$/

for (const Kind of KINDS) {
  t.test(`${Kind.name}: serverClose() does not wait for idle connections`, async (t) => {
    captureStderr(t)
    const server = new Kind(LOCAL, Faulty)
    if (server instanceof ThreadingHTTPServer) {
      server.daemonThreads = false
    }
    await server.bindAndActivate()
    const serving = server.serveForever()
    const kept = dial(server)
    kept.write(ASK)
    await readUntil(kept, '\r\n\r\n')
    // None of these clients says another word, and all would stay for ever.
    const inLine = dial(server)
    inLine.write('GET / HT')
    const inHead = dial(server)
    inHead.write('GET / HTTP/1.1\r\nHost: x\r\n')
    const silent = dial(server)
    await once(silent, 'connect')
    const ends = Promise.all([kept, silent, inLine, inHead].map((client) => readAll(client)))
    await server.shutdown()
    await serving
    await server.serverClose()
    const [afterResponse, atOnce, ...cutOff] = await ends
    t.same([afterResponse, atOnce], ['', ''])
    for (const response of cutOff) {
      // Or none, where nobody has read those bytes yet. That to the line has no head: HTTP/0.9.
      t.match(response, /^(?:[^]*\b400\b[^]*)?$/)
    }
  })
}

for (const Kind of KINDS.slice(1)) {
  t.test(`${Kind.name}: serverClose() waits for requests that have begun`, async (t) => {
    captureStderr(t)
    const server = new Kind(LOCAL, Faulty)
    // So that the one that comes last has to wait for a thread or child.
    Object.assign(server, { daemonThreads: false, maxThreads: 1, maxChildren: 1 })
    await server.bindAndActivate()
    const serving = server.serveForever()
    const busy = dial(server)
    busy.write('PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n')
    await readUntil(busy, '100 Continue\r\n\r\n')
    const late = dial(server)
    late.write(ASK)
    const silent = dial(server)
    await once(silent, 'connect')

    const events: string[] = []
    const ended = (async () => {
      t.equal(await readAll(silent), '')
      events.push('silent')
    })()
    await server.shutdown()
    await serving
    const closing = Promise.resolve(server.serverClose()).then(() => events.push('closed'))
    // A request that has begun is answered, and is the last of its connection.
    busy.write(`x${ASK}`)
    t.match(await readAll(busy), LAST)
    t.match(await readAll(late), LAST)
    await Promise.all([ended, closing])
    t.same(events, ['silent', 'closed'])
  })
}

t.test('a server that is shut down and serves again keeps connections again', async (t) => {
  captureStderr(t)
  const server = new HTTPServer(LOCAL, Faulty)
  await server.bindAndActivate()
  for (let round = 0; round < 3; round++) {
    const serving = server.serveForever()
    const client = dial(server)
    for (let count = 0; count < 3; count++) {
      client.write(ASK)
      t.notMatch(await readUntil(client, '\r\n\r\n'), /Connection: close/)
    }
    void server.shutdown()
    t.equal(await readAll(client), '')
    await serving
  }
  await server.serverClose()
})

t.test('a method hears that its client has gone, in all kinds of servers', async (t) => {
  for (const Server of KINDS) {
    for (const leave of ['end', 'destroy'] as const) {
      await t.test(`${Server.name}, ${leave}()`, async (t) => {
        const log = captureStderr(t)
        const server = new Server(LOCAL, Patient)
        await serve(t, server)
        const client = dial(server)
        client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        await readUntil(client, '\r\n\r\n')
        client[leave]()
        while (!log().includes('lost')) {
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
        t.match(log(), /Connection lost: AbortError/)
        t.notMatch(log(), 'Exception')
      })
    }
  }
})
