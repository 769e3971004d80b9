import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import t from 'tap'
import type { Test } from 'tap'
import {
  captureStderr,
  countKept,
  dial,
  readAll,
  readUntil,
  serve,
  talk,
} from '../testing/helpers.ts'
import { AsyncMixIn } from './mixins/async-mixin.ts'
import { StreamRequestHandler } from './request-handler.ts'
import type { Address, Connection, InternetAddress } from './request-handler.ts'
import { TCPServer } from './tcp-server.ts'

class Echo extends StreamRequestHandler {
  override async handle() {
    for await (const line of this.rfile) {
      void this.wfile.write(line)
    }
  }
}

/** Answers with the client's address, as the server sees it. */
class WhoAmI extends StreamRequestHandler {
  override handle() {
    void this.wfile.write(Buffer.from(JSON.stringify(this.clientAddress)))
  }
}

const LOCAL: InternetAddress = ['127.0.0.1', 0]

t.test('port 0 becomes a real port', async (t) => {
  const server = new TCPServer(LOCAL, Echo)
  t.same(server.serverAddress, LOCAL)
  await serve(t, server)
  t.equal(server.serverAddress[0], '127.0.0.1')
  t.ok(server.serverAddress[1] > 0)
  t.equal(await talk(server, 'hello\n', { halfClose: true }), 'hello\n')
})

t.test('clientAddress is a pair of host and port', async (t) => {
  const server = new TCPServer(LOCAL, WhoAmI)
  await serve(t, server)
  const socket = dial(server)
  await new Promise((resolve) => socket.once('connect', resolve))
  const { localPort } = socket
  t.equal(await readAll(socket), JSON.stringify(['127.0.0.1', localPort]))
})

t.test('one connection at a time, in the order in which they came', async (t) => {
  const log: string[] = []
  class Named extends StreamRequestHandler {
    override async handle() {
      const name = (await this.rfile.readline()).toString().trim()
      log.push(`${name} begins`)
      await this.rfile.readline()
      log.push(`${name} ends`)
    }
  }
  const server = new TCPServer(LOCAL, Named)
  await serve(t, server)
  const clients = []
  for (const name of ['one', 'two', 'three']) {
    const client = dial(server)
    client.write(`${name}\n`)
    clients.push(client)
    await new Promise((resolve) => client.once('connect', resolve))
  }
  await until(() => log.length === 1)
  // Two and three wait, although all they have to say is there.
  clients[2]?.write('\n')
  clients[1]?.write('\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.same(log, ['one begins'])
  clients[0]?.write('\n')
  await Promise.all(clients.map((client) => readAll(client)))
  t.same(log, ['one begins', 'one ends', 'two begins', 'two ends', 'three begins', 'three ends'])
})

t.test('a silent client holds the server, until the handler’s timeout', async (t) => {
  const stderr = captureStderr(t)
  let handlers = 0
  class Impatient extends Echo {
    // With the first client alone: the second has come, and is not to be missed.
    override timeout = handlers++ === 0 ? 0.1 : null
  }
  const server = new TCPServer(LOCAL, Impatient)
  await serve(t, server)
  const silent = dial(server)
  await new Promise((resolve) => silent.once('connect', resolve))
  t.equal(await talk(server, 'hello\n', { halfClose: true }), 'hello\n')
  t.equal(await readAll(silent), '')
  t.match(stderr(), /TimeoutError: timed out/)
})

t.test('what is over requestQueueSize is dropped, with one line in the log', async (t) => {
  const stderr = captureStderr(t)
  class Small extends TCPServer {
    override requestQueueSize = 1
  }
  const server = new Small(LOCAL, Echo)
  await serve(t, server)
  const holder = dial(server)
  holder.write('held\n')
  await readUntil(holder, 'held\n')
  // Two wait: the one that is next, and one behind it. The others find the queue full.
  const waiting = [dial(server), dial(server)]
  await Promise.all(waiting.map((one) => new Promise((resolve) => one.once('connect', resolve))))
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(await readAll(dial(server)), '')
  t.equal(await readAll(dial(server)), '')
  t.match(
    stderr(),
    /^Connection from \('127\.0\.0\.1', \d+\) dropped, .*: the queue is full, see requestQueueSize \(1\)\n$/,
  )
  holder.end()
  for (const [index, socket] of waiting.entries()) {
    socket.end(`${String(index)}\n`)
    t.equal(await readAll(socket), `${String(index)}\n`, 'who waited is served')
  }
})

t.test('handleRequest() takes one connection and leaves the next waiting', async (t) => {
  const server = new TCPServer(LOCAL, Echo)
  await server.bindAndActivate()
  const answers = [
    talk(server, 'one\n', { halfClose: true }),
    talk(server, 'two\n', { halfClose: true }),
  ]
  await server.handleRequest()
  t.equal(await Promise.race(answers), 'one\n')
  await server.handleRequest()
  t.equal(await answers[1], 'two\n')
  server.timeout = 0.01
  await server.handleRequest()
  await server.serverClose()
})

t.test('serverClose() closes the waiting connections and frees the port', async (t) => {
  const server = new TCPServer(LOCAL, Echo)
  await server.bindAndActivate()
  const waiting = dial(server)
  await new Promise((resolve) => waiting.once('connect', resolve))
  await new Promise((resolve) => setTimeout(resolve, 20))
  await server.serverClose()
  t.equal(await readAll(waiting), '')
  const successor = new TCPServer(server.serverAddress, Echo)
  await successor.bindAndActivate()
  t.equal(successor.serverAddress[1], server.serverAddress[1])
  await successor.serverClose()
  await successor.serverClose()
})

t.test('await using closes the server', async (t) => {
  let port: number
  {
    await using server = new TCPServer(LOCAL, Echo)
    await server.bindAndActivate()
    port = server.serverAddress[1]
  }
  t.equal(await canConnect(port), false)
})

t.test('an address that is taken is an error, and leaves nothing open', async (t) => {
  const server = new TCPServer(LOCAL, Echo)
  await serve(t, server)
  const second = new TCPServer(server.serverAddress, Echo)
  await t.rejects(second.serveForever(), { code: 'EADDRINUSE' })
  const unknown = new TCPServer(['no-such-host.invalid', 0], Echo)
  await t.rejects(unknown.bindAndActivate(), { code: 'ENOTFOUND' })
})

t.test('allowReuseAddress = false is refused, since Node cannot', async (t) => {
  const server = new TCPServer(LOCAL, Echo)
  server.allowReuseAddress = false
  await t.rejects(server.bindAndActivate(), {
    message: 'Cannot bind with allowReuseAddress = false: Node always sets SO_REUSEADDR',
  })
})

t.test('allowReusePort works where Node can, and is refused elsewhere', async (t) => {
  class Sharing extends TCPServer {
    override allowReusePort = true
  }
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
  const one = new Sharing(LOCAL, Echo)
  if (major > 22 || (major === 22 && minor >= 12)) {
    await one.bindAndActivate()
    const two = new Sharing(one.serverAddress, Echo)
    await two.bindAndActivate()
    t.same(two.serverAddress, one.serverAddress)
    await two.serverClose()
    await one.serverClose()
  } else {
    await t.rejects(one.bindAndActivate(), {
      message: `Cannot bind with allowReusePort = true: Node ${process.version} has no such option, Node 22.12 has`,
    })
  }
})

t.test('addressFamily chooses IPv4, IPv6 or both', { skip: noIPv6() }, async (t) => {
  const four = new TCPServer(['localhost', 0], WhoAmI)
  await serve(t, four)
  t.equal(four.serverAddress[0], '127.0.0.1', 'localhost in the family of the server')

  class Six extends TCPServer {
    override addressFamily = 'IPv6' as const
  }
  const six = new Six(['', 0], WhoAmI)
  await serve(t, six)
  t.equal(six.serverAddress[0], '::')
  t.match(await answerFrom('::1', six.serverAddress[1]), /^\["::1",\d+\]$/)
  t.equal(await canConnect(six.serverAddress[1]), false, 'not over IPv4')

  class Dual extends TCPServer {
    override addressFamily = 'dual' as const
  }
  const dual = new Dual(['', 0], WhoAmI)
  await serve(t, dual)
  t.match(await answerFrom('::1', dual.serverAddress[1]), /^\["::1",\d+\]$/)
  t.match(await answerFrom('127.0.0.1', dual.serverAddress[1]), /^\["::ffff:127\.0\.0\.1",\d+\]$/)

  const all = new TCPServer(['', 0], WhoAmI)
  await serve(t, all)
  t.equal(all.serverAddress[0], '0.0.0.0')
})

t.test('a client that is still sending gets its answer before the connection goes', async (t) => {
  class Curt extends StreamRequestHandler {
    override async handle() {
      await this.rfile.readline()
      void this.wfile.write(Buffer.from('enough\n'))
    }
  }
  const server = new TCPServer(LOCAL, Curt)
  await serve(t, server)
  const client = dial(server)
  client.write('line\n' + 'x'.repeat(50_000))
  let received = ''
  let failure: unknown
  client.on('data', (chunk: Buffer) => {
    received += chunk.toString()
  })
  client.on('error', (error) => {
    failure = error
  })
  await new Promise((resolve) => client.once('end', resolve))
  client.write('y'.repeat(50_000))
  client.end()
  await new Promise((resolve) => client.once('close', resolve))
  t.equal(received, 'enough\n')
  t.equal(failure, undefined, 'no reset')
})

t.test('the end of a response arrives although something follows the request', async (t) => {
  const size = 1_000_000
  let closed!: () => void
  const closing = new Promise<void>((resolve) => (closed = resolve))
  class Large extends StreamRequestHandler {
    override async handle() {
      await this.rfile.readline()
      await this.wfile.write(Buffer.alloc(size, 'x'))
    }
  }
  class Server extends AsyncMixIn(TCPServer) {
    override async closeRequest(request: Connection) {
      await super.closeRequest(request)
      closed()
    }
  }
  const server = new Server(LOCAL, Large)
  await serve(t, server)
  const client = dial(server)
  client.write('line\n')
  // Everything has been written, most of it is still in the kernel's buffers, and the server has
  // nothing more to do. A close would now be answered with a reset, and that would empty them.
  await closing
  client.write('\r\n')
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal((await readAll(client)).length, size)
})

t.test('a client that goes on sending for ever is cut off', async (t) => {
  class Curt extends StreamRequestHandler {
    override async handle() {
      await this.rfile.readline()
    }
  }
  const server = new TCPServer(LOCAL, Curt)
  await serve(t, server)
  const client = dial(server)
  client.write('line\nmore')
  const timer = setInterval(() => client.write('more'), 50)
  await new Promise((resolve) => client.once('close', resolve))
  clearInterval(timer)
  t.pass('closed by the server')
})

t.test('serverClose() cuts off who is still sending', async (t) => {
  const server = new TCPServer(LOCAL, StreamRequestHandler)
  await server.bindAndActivate()
  const client = dial(server)
  const ended = new Promise((resolve) => client.resume().once('end', resolve))
  await server.handleRequest()
  await ended
  const connections = () =>
    new Promise<number>((resolve) => {
      server.socket.getConnections((_error, count) => {
        resolve(count)
      })
    })
  t.equal(await connections(), 1, 'the server waits for the client to close')
  await server.serverClose()
  await new Promise(setImmediate)
  t.equal(await connections(), 0)
  client.destroy()
})

t.test('a client that resets before it is accepted is nobody, and is not handled', async (t) => {
  captureStderr(t)
  const clients: unknown[] = []
  class Watching extends TCPServer {
    override verifyRequest(request: Connection, clientAddress: Address) {
      clients.push(clientAddress)
      return super.verifyRequest(request, clientAddress)
    }
  }
  const server = new Watching(LOCAL, Echo)
  server.requestQueueSize = 200
  await serve(t, server)
  // In a process of its own, or the connection would be accepted before it is reset.
  const script = `
    const { connect } = require('node:net')
    let open = 100
    for (let count = 0; count < 100; count++) {
      const socket = connect(${String(server.serverAddress[1])}, '127.0.0.1', () => {
        socket.write('secret\\n', () => socket.resetAndDestroy())
      })
      socket.on('error', () => {})
      socket.on('close', () => { if (--open === 0) process.exit() })
    }`
  const child = spawn(process.execPath, ['-e', script])
  await new Promise((resolve) => child.once('exit', resolve))
  t.equal(await talk(server, 'last\n', { halfClose: true }), 'last\n')
  t.notOk(clients.includes(''), 'none is without an address')
})

t.test('serverClose() while the server is being bound leaves nothing open', async (t) => {
  const one = new TCPServer(LOCAL, Echo)
  const serving = one.serveForever()
  await one.serverClose()
  await serving
  t.equal(one.socket.listening, false)
  const two = new TCPServer(LOCAL, Echo)
  const bound = two.bindAndActivate()
  await two.serverClose()
  await bound
  t.equal(two.socket.listening, false)
})

t.test('a write that timed out frees the connection', async (t) => {
  captureStderr(t)
  class Big extends StreamRequestHandler {
    override timeout = 0.1
    override async handle() {
      await this.wfile.write(Buffer.alloc(64 * 1024 * 1024))
    }
  }
  const server = new TCPServer(LOCAL, Big)
  await server.bindAndActivate()
  const client = dial(server)
  await server.handleRequest()
  let connections = NaN
  while (connections !== 0) {
    connections = await new Promise((resolve) => {
      server.socket.getConnections((_error, count) => {
        resolve(count)
      })
    })
  }
  client.destroy()
  await server.serverClose()
})

t.test('an address of the other family is refused', async (t) => {
  class Six extends TCPServer {
    override addressFamily = 'IPv6' as const
  }
  await t.rejects(new Six(LOCAL, Echo).bindAndActivate(), {
    message: "Cannot listen on '127.0.0.1' with addressFamily = 'IPv6': that is an IPv4 address",
  })
  await t.rejects(new TCPServer(['::1', 0], Echo).bindAndActivate(), {
    message: "Cannot listen on '::1' with addressFamily = 'IPv4': that is an IPv6 address",
  })
})

t.test('a reset before a connection’s turn does not end the process', async (t) => {
  captureStderr(t)
  const server = new TCPServer(LOCAL, Echo)
  await serve(t, server)
  const holder = dial(server)
  holder.write('held\n')
  await readUntil(holder, 'held\n')
  const client = dial(server)
  await new Promise((resolve) => client.once('connect', resolve))
  client.resetAndDestroy()
  await new Promise((resolve) => setTimeout(resolve, 20))
  holder.destroy()
  t.equal(await talk(server, 'alive\n', { halfClose: true }), 'alive\n')
})

t.test('an error of the listening socket is logged, and no more', async (t) => {
  const stderr = captureStderr(t)
  const server = new TCPServer(LOCAL, Echo)
  await serve(t, server)
  server.socket.emit('error', new Error('accept EMFILE'))
  t.equal(stderr(), 'Cannot accept a connection: accept EMFILE\n')
})

t.test('closeRequest() closes a stream that is no socket', async (t) => {
  const server = new TCPServer(LOCAL, Echo)
  const request = new PassThrough()
  await server.closeRequest(request)
  request.resume()
  await new Promise((resolve) => request.once('close', resolve))
  t.equal(request.destroyed, true)
})

t.test('getRequest() has none to give when none waits', async (t) => {
  const server = new TCPServer(LOCAL, Echo)
  t.throws(() => server.getRequest(), { message: 'Cannot get a request: none is waiting' })
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' })
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => {
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
  socket.destroy()
  return connected
}

function answerFrom(host: string, port: number): Promise<string> {
  return readAll(connect({ host, port }))
}

/** The reason to leave IPv6 out, or false if the machine has it. */
function noIPv6(): string | false {
  const probe = spawnSync(process.execPath, [
    '-e',
    "require('node:net').createServer().listen(0, '::1', () => process.exit())" +
      ".on('error', () => process.exit(1))",
  ])
  return probe.status === 0 ? false : 'this machine has no IPv6'
}

t.test('the helpers know a closed port', async (t) => {
  const listener = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  const { port } = listener.address() as AddressInfo
  t.equal(await canConnect(port), true)
  listener.close()
  t.equal(await canConnect(port), false)
})

t.test('a connection that a client has reset is not kept', async (t) => {
  captureStderr(t)
  const connections: WeakRef<object>[] = []
  class UntilGone extends StreamRequestHandler {
    override async handle() {
      connections.push(new WeakRef(this.request))
      this.request.resume()
      await new Promise((resolve) => this.request.on('close', resolve))
    }
  }
  const server = new TCPServer(['127.0.0.1', 0], UntilGone)
  await serve(t, server)
  for (let count = 0; count < 5; count++) {
    const client = dial(server)
    await once(client, 'connect')
    client.resetAndDestroy()
  }
  t.equal(await countKept(connections), 0)
  t.equal(connections.length, 5)
})

t.test('maxConnections closes what comes on top, and says so once', async (t) => {
  const log = captureStderr(t)
  class Echo extends StreamRequestHandler {
    override async handle() {
      void this.wfile.write(await this.rfile.readline())
    }
  }
  const server = new (class extends AsyncMixIn(TCPServer) {})(['127.0.0.1', 0], Echo)
  server.maxConnections = 2
  await serve(t, server)
  const [one, two] = [dial(server), dial(server)]
  await Promise.all([once(one, 'connect'), once(two, 'connect')])
  t.equal(await readAll(dial(server)), '')
  t.equal(await readAll(dial(server)), '')
  t.match(
    log(),
    /^Connection from \('127\.0\.0\.1', \d+\) dropped, and so are further ones: 2 are open, see maxConnections\n$/,
  )
  one.write('hello\n')
  t.equal(await readAll(one), 'hello\n')
  // The server knows a moment later that there is room again.
  let answer = ''
  for (let attempt = 0; attempt < 100 && answer === ''; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    answer = await talk(server, 'again\n')
  }
  t.equal(answer, 'again\n')
  two.destroy()
})

/** Have clients that never close their side served one after the other, then tell who was let go. */
async function whoIsLetGo(t: Test, count: number, maxConnections: number | null) {
  captureStderr(t)
  const closed: string[] = []
  class Curt extends StreamRequestHandler {
    override async handle() {
      const name = (await this.rfile.readline()).toString()
      this.request.on('close', () => closed.push(name))
      void this.wfile.write(Buffer.from(name))
    }
  }
  const server = new (class extends AsyncMixIn(TCPServer) {})(LOCAL, Curt)
  server.maxConnections = maxConnections
  await serve(t, server)
  for (let number = 1; number <= count; number++) {
    const client = dial(server)
    t.teardown(() => client.destroy())
    client.write(`${String(number)}\n`)
    await once(client.resume(), 'end')
  }
  await until(() => closed.length >= 2)
  return closed.slice(0, 2)
}

t.test('maxConnections: clients that never close do not use them up', async (t) => {
  t.same(await whoIsLetGo(t, 3, 2), ['1\n', '2\n'], 'who has had most time makes room')
})

t.test('clients that never close do not use up the descriptors', async (t) => {
  t.same(await whoIsLetGo(t, 102, null), ['1\n', '2\n'], 'a hundred are waited for')
})
