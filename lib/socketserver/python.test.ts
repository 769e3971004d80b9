// CPython's own tests of `socketserver`, test_socketserver.py of 3.13, case by case, under their
// names there. Left out are those of UDP servers (there are none here), of signals in the middle of
// a write (`test_write`; JavaScript does not block in one), and `test_all` (a check of the tags
// sees to the names).

import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { Bad, ExitingBad, OneLine } from '../testing/handlers.ts'
import { captureStderr, dial, talk } from '../testing/helpers.ts'
import type { BaseServer } from './base-server.ts'
import { ForkingMixIn, ForkingTCPServer, ForkingUnixStreamServer } from './mixins/forking-mixin.ts'
import { StreamRequestHandler } from './request-handler.ts'
import type { Address, Connection } from './request-handler.ts'
import { TCPServer } from './tcp-server.ts'
import { UnixStreamServer } from './unix-server.ts'
import {
  ThreadingMixIn,
  ThreadingTCPServer,
  ThreadingUnixStreamServer,
} from './mixins/threading-mixin.ts'

const LOCAL = ['127.0.0.1', 0] as const

const folder = mkdtempSync(join(tmpdir(), 'basehttp-'))
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

// -- SocketServerTest ------------------------------------------------------------------------

/** Serve three clients, one after the other; then nothing is left. */
async function runServer(t: Test, server: TCPServer<Address>): Promise<void> {
  if (server instanceof ForkingTCPServer || server instanceof ForkingUnixStreamServer) {
    server.maxChildren = 1
  }
  await server.bindAndActivate()
  const serving = server.serveForever(0.01)
  for (let client = 0; client < 3; client++) {
    t.equal(await talk(server, 'hello world\n'), 'hello world\n')
  }
  await server.shutdown()
  await serving
  await server.serverClose()
  t.equal(server.socket.listening, false)
  if (server instanceof ForkingTCPServer || server instanceof ForkingUnixStreamServer) {
    // bpo-31151
    t.equal(server.activeChildren.size, 0)
  }
}

t.test('test_TCPServer', (t) => runServer(t, new TCPServer(LOCAL, OneLine)))

t.test('test_ThreadingTCPServer', (t) => runServer(t, new ThreadingTCPServer(LOCAL, OneLine)))

t.test('test_ForkingTCPServer', (t) => runServer(t, new ForkingTCPServer(LOCAL, OneLine)))

t.test('test_UnixStreamServer', (t) =>
  runServer(t, new UnixStreamServer(join(folder, 'plain'), OneLine)),
)

t.test('test_ThreadingUnixStreamServer', (t) =>
  runServer(t, new ThreadingUnixStreamServer(join(folder, 'threading'), OneLine)),
)

t.test('test_ForkingUnixStreamServer', (t) =>
  runServer(t, new ForkingUnixStreamServer(join(folder, 'forking'), OneLine)),
)

t.test('test_shutdown', async (t) => {
  // Issue 2302: shutdown() right after the start always ends serveForever().
  for (let index = 0; index < 20; index++) {
    const server = new TCPServer(LOCAL, StreamRequestHandler)
    const serving = server.serveForever(0.01)
    await server.shutdown()
    await serving
    await server.serverClose()
    t.equal(server.socket.listening, false)
  }
})

t.test('test_close_immediately', async (t) => {
  const server = new ThreadingTCPServer(LOCAL, StreamRequestHandler)
  await server.serverClose()
  await t.rejects(server.bindAndActivate(), /^Cannot serve: the server is closed$/)
})

t.test('test_tcpserver_bind_leak', async (t) => {
  // Issue 22435: more failures than a process may have descriptors.
  for (let index = 0; index < 1024; index++) {
    const server = new TCPServer(['127.0.0.1', -1], StreamRequestHandler)
    await server.bindAndActivate().then(
      () => t.fail('a port of -1'),
      (error: unknown) => {
        if (!(error instanceof RangeError)) {
          t.fail(String(error))
        }
      },
    )
  }
  const server = new TCPServer(LOCAL, StreamRequestHandler)
  await server.bindAndActivate()
  await server.serverClose()
  t.equal(server.socket.listening, false)
})

t.test('test_context_manager', async (t) => {
  const server = new TCPServer(LOCAL, StreamRequestHandler)
  {
    await using inside = server
    await inside.bindAndActivate()
  }
  t.equal(server.socket.listening, false)
})

// -- ErrorHandlerTest ------------------------------------------------------------------------

/** Let a server meet a handler that throws; tell what was called. */
async function meetError(server: BaseServer<Address>): Promise<string[]> {
  const calls: string[] = []
  server.handleError = () => {
    calls.push('Error handled')
  }
  await server.bindAndActivate()
  dial(server).end()
  await server.handleRequest()
  await server.serverClose()
  return calls
}

t.test('test_sync_handled', async (t) => {
  t.same(await meetError(new TCPServer(LOCAL, Bad)), ['Error handled'])
})

t.test('test_threading_handled', async (t) => {
  t.same(await meetError(new ThreadingTCPServer(LOCAL, Bad)), ['Error handled'])
})

t.test('test_threading_not_handled', async (t) => {
  // Python's SystemExit ends a thread, and is no error.
  const log = captureStderr(t)
  t.same(await meetError(new ThreadingTCPServer(LOCAL, ExitingBad)), [])
  t.match(log(), /^Thread-\d+ ended with exit code 0 while handling/)
})

t.test('test_forking_handled', async (t) => {
  const server = new ForkingTCPServer(LOCAL, Bad)
  server.maxChildren = 1
  t.same(await meetError(server), ['Error handled'])
})

t.test('test_forking_not_handled', async (t) => {
  const log = captureStderr(t)
  const server = new ForkingTCPServer(LOCAL, ExitingBad)
  server.maxChildren = 1
  t.same(await meetError(server), [])
  t.match(log(), /^Child \d+ ended with exit code 0 while handling/)
})

// -- SocketWriterTest ------------------------------------------------------------------------

t.test('test_basics', async (t) => {
  let seen: Connection | undefined
  class Handler extends StreamRequestHandler {
    override handle() {
      seen = this.request
      void this.wfile.write(Buffer.from('x'))
    }
  }
  const server = new TCPServer(LOCAL, Handler)
  await server.bindAndActivate()
  const answer = talk(server, '')
  await server.handleRequest()
  t.equal(await answer, 'x')
  if (seen?.destroyed === false) {
    await once(seen, 'close')
  }
  await server.serverClose()
})

// -- MiscTestCase ----------------------------------------------------------------------------

t.test('test_shutdown_request_called_if_verify_request_false', async (t) => {
  // Issue 26309
  let calls = 0
  class Server extends TCPServer {
    override verifyRequest() {
      return false
    }
    override shutdownRequest(request: Connection) {
      calls++
      return super.shutdownRequest(request)
    }
  }
  const server = new Server(LOCAL, StreamRequestHandler)
  await server.bindAndActivate()
  dial(server).end()
  await server.handleRequest()
  t.equal(calls, 1)
  await server.serverClose()
})

t.test('test_threads_reaped', async (t) => {
  // Issue 37193: not all threads are kept for ever.
  const workers = new Set<object>()
  const onWorker = (worker: NodeJS.EventEmitter) => {
    workers.add(worker)
    worker.on('exit', () => workers.delete(worker))
  }
  process.on('worker', onWorker as (worker: unknown) => void)
  const server = new ThreadingTCPServer(LOCAL, StreamRequestHandler)
  await server.bindAndActivate()
  for (let index = 0; index < 10; index++) {
    const client = dial(server)
    client.end()
    client.resume()
    await server.handleRequest()
    await once(client, 'close')
  }
  t.ok(workers.size < 10, String(workers.size))
  await server.serverClose()
  t.equal(workers.size, 0)
  process.off('worker', onWorker as (worker: unknown) => void)
})

// A class of each kind, made as a user would make it.
t.test('a mix-in on a class of one’s own', async (t) => {
  class Server extends TCPServer {
    override requestQueueSize = 10
  }
  for (const Mixed of [
    class extends ThreadingMixIn(Server) {},
    class extends ForkingMixIn(Server) {},
  ]) {
    const server = new Mixed(LOCAL, OneLine)
    t.equal(server.requestQueueSize, 10)
    t.ok(server instanceof Server)
  }
  t.equal(existsSync(join(folder, 'plain')), false)
})
