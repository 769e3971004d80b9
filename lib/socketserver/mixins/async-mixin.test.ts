import { once } from 'node:events'
import { Duplex } from 'node:stream'
import t from 'tap'
import {
  captureStderr,
  collectGarbage,
  countKept,
  dial,
  readAll,
  readUntil,
  serve,
  talk,
} from '../../testing/helpers.ts'
import { BaseServer } from '../base-server.ts'
import { AsyncMixIn } from './async-mixin.ts'
import { StreamRequestHandler } from '../request-handler.ts'
import type { Connection } from '../request-handler.ts'
import { TCPServer } from '../tcp-server.ts'

class AsyncTCPServer extends AsyncMixIn(TCPServer) {}

/** Sends back a line. */
class Echo extends StreamRequestHandler {
  override async handle() {
    void this.wfile.write(await this.rfile.readline())
  }
}

t.test('AsyncMixIn: a silent client holds nobody up', async (t) => {
  const server = new AsyncTCPServer(['127.0.0.1', 0], Echo)
  await serve(t, server)
  const silent = Array.from({ length: 50 }, () => dial(server))
  await Promise.all(silent.map((socket) => once(socket, 'connect')))
  t.equal(await talk(server, 'hello\n'), 'hello\n')
  for (const [index, socket] of silent.entries()) {
    socket.write(`${String(index)}\n`)
  }
  const answers = await Promise.all(silent.map((socket) => readAll(socket)))
  t.same(
    answers,
    silent.map((_, index) => `${String(index)}\n`),
  )
})

t.test('AsyncMixIn: an exception is reported, and the others go on', async (t) => {
  const log = captureStderr(t)
  class Failing extends StreamRequestHandler {
    override async handle() {
      const line = await this.rfile.readline()
      if (line.toString() === 'fail\n') {
        throw new Error('on purpose')
      }
      await this.wfile.write(line)
    }
  }
  const server = new AsyncTCPServer(['127.0.0.1', 0], Failing)
  await serve(t, server)
  const waiting = dial(server)
  t.equal(await talk(server, 'fail\n'), '')
  t.match(
    log(),
    /^-{40}\nException occurred during processing of request from \('127\.0\.0\.1', \d+\)\nError: on purpose\n/,
  )
  waiting.write('x\n')
  t.equal(await readAll(waiting), 'x\n')
})

t.test('AsyncMixIn: a handleError() that throws does not end the server', async (t) => {
  const log = captureStderr(t)
  class Server extends AsyncMixIn(TCPServer) {
    override handleError() {
      throw new Error('worse')
    }
  }
  class Failing extends StreamRequestHandler {
    override handle() {
      throw new Error('bad')
    }
  }
  const server = new Server(['127.0.0.1', 0], Failing)
  await serve(t, server)
  t.equal(await talk(server, ''), '')
  t.equal(await talk(server, ''), '')
  t.match(log(), /\nError: bad\n[^]*\nException ignored in handleError\(\): Error: worse\n/)
})

t.test('AsyncMixIn: serverClose() waits for the tasks, if blockOnClose says so', async (t) => {
  for (const blockOnClose of [true, false]) {
    const server = new AsyncTCPServer(['127.0.0.1', 0], Echo)
    server.blockOnClose = blockOnClose
    const serving = server.serveForever()
    await server.bindAndActivate()
    const client = dial(server)
    await once(client, 'connect')
    // One that is being handled for certain.
    await talk(server, 'x\n')
    await server.shutdown()
    await serving
    let closed = false
    const closing = server.serverClose()
    void Promise.resolve(closing).then(() => {
      closed = true
    })
    if (blockOnClose) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      t.equal(closed, false)
    } else {
      await closing
    }
    client.write('y\n')
    t.equal(await readAll(client), 'y\n')
    await closing
  }
})

t.test('AsyncMixIn: a handler may wait for shutdown(), and start serverClose()', async (t) => {
  let closed: unknown
  class Stopper extends StreamRequestHandler {
    override async handle() {
      await this.server.shutdown()
      closed = this.server.serverClose()
      await this.wfile.write(Buffer.from('stopped\n'))
    }
  }
  const server = new AsyncTCPServer(['127.0.0.1', 0], Stopper)
  await server.bindAndActivate()
  const serving = server.serveForever()
  const client = dial(server)
  t.equal(await readUntil(client, '\n'), 'stopped\n')
  client.destroy()
  await serving
  t.type(closed, Promise)
  await closed
})

t.test('AsyncMixIn: nothing is kept of a connection that is over', async (t) => {
  // CPython's list of threads once grew with every connection (gh-81374).
  const connections: WeakRef<object>[] = []
  class Server extends AsyncTCPServer {
    override processRequest(...[request, clientAddress]: Parameters<TCPServer['processRequest']>) {
      connections.push(new WeakRef(request))
      return super.processRequest(request, clientAddress)
    }
  }
  const server = new Server(['127.0.0.1', 0], Echo)
  await serve(t, server)
  for (let count = 0; count < 20; count++) {
    t.equal(await talk(server, 'x\n'), 'x\n')
  }
  t.equal(await countKept(connections), 0)
  t.equal(connections.length, 20)
})

t.test('AsyncMixIn: nothing is kept of a task that is over', async (t) => {
  class Server extends AsyncMixIn(BaseServer) {
    override async finishRequest() {}
  }
  const server = new Server('', Echo)
  const request = new Duplex()
  const heapAfter = async (tasks: number) => {
    for (let count = 0; count < tasks; count++) {
      void server.processRequest(request, '')
      if (count % 100 === 0) {
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    // What watches over promises lets go of them a turn after they have been collected.
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      collectGarbage()
    }
    return process.memoryUsage().heapUsed
  }
  const before = await heapAfter(1000)
  // A task that is kept costs some hundred bytes; the heap itself varies by some thousand.
  const grown = (await heapAfter(20_000)) - before
  t.ok(grown < 3_000_000, `${String(grown)} bytes`)
})

t.test(
  'AsyncMixIn: a hook that throws where nobody can report it does not end the server',
  async (t) => {
    const log = captureStderr(t)
    class Server extends AsyncTCPServer {
      override shutdownRequest(request: Connection) {
        void super.shutdownRequest(request)
        request.destroy = () => {
          delete (request as Partial<Connection>).destroy
          throw new Error('worse')
        }
        throw new Error('bad')
      }
    }
    const server = new Server(['127.0.0.1', 0], Echo)
    await serve(t, server)
    t.equal(await talk(server, 'x\n'), 'x\n')
    t.equal(await talk(server, 'y\n'), 'y\n')
    t.match(log(), /^Exception ignored in a task of the server: Error: worse\n/m)
  },
)
