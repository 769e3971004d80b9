import { once } from 'node:events'
import t from 'tap'
import { Obedient, Twice, unfit } from '../../testing/handlers.ts'
import {
  captureStderr,
  countKept,
  dial,
  readAll,
  readUntil,
  serve,
  talk,
} from '../../testing/helpers.ts'
import { currentThread } from '../../stdlib/threading.ts'
import type { RequestHandlerClass } from '../request-handler.ts'
import type { TCPServer } from '../tcp-server.ts'
import { ThreadingTCPServer } from './threading-mixin.ts'

const LOCAL = ['127.0.0.1', 0] as const

// The worker of a TypeScript loader is announced when the first modules have been loaded.
await new Promise((resolve) => setImmediate(resolve))

/** The workers that run. */
const workers = new Set<object>()
process.on('worker', (worker) => {
  workers.add(worker)
  worker.on('exit', () => workers.delete(worker))
})

interface Who {
  name: string
  nativeId: number
  processId: number
  clientAddress: [string, number]
}

async function who(server: ThreadingTCPServer): Promise<Who> {
  return JSON.parse(await talk(server, 'who\n')) as Who
}

/** The number behind `Thread-`. */
async function number(server: ThreadingTCPServer): Promise<number> {
  return Number((await who(server)).name.slice('Thread-'.length))
}

t.test('a worker handles one connection after the other', async (t) => {
  const server = new ThreadingTCPServer(LOCAL, Obedient)
  server.maxThreads = 1
  server.handlerOptions = { greeting: 'good day' }
  await serve(t, server)

  await t.test('each connection has a name, and the worker a number', async (t) => {
    const [first, second, third] = [await who(server), await who(server), await who(server)]
    const numbers = [first, second, third].map(({ name }) =>
      Number(/^Thread-(\d+)$/.exec(name)?.[1]),
    )
    t.same(numbers, [numbers[0], (numbers[0] as number) + 1, (numbers[0] as number) + 2])
    t.ok(first.nativeId > 0)
    t.equal(second.nativeId, first.nativeId)
    t.equal(first.processId, process.pid)
    t.equal(first.clientAddress[0], '127.0.0.1')
    t.same(currentThread(), { name: 'MainThread', nativeId: 0 })
  })

  await t.test('names are given when connections come, not when they speak', async (t) => {
    const silent = dial(server)
    await once(silent, 'connect')
    const next = await number(server)
    silent.write('who\n')
    const { name } = JSON.parse(await readAll(silent)) as Who
    t.equal(name, `Thread-${String(next - 1)}`)
  })

  await t.test('the handler sees the address and the options', async (t) => {
    t.same(JSON.parse(await talk(server, 'server\n')), {
      serverAddress: server.serverAddress,
      options: { greeting: 'good day' },
      greeting: 'good day',
    })
    server.handlerOptions = { greeting: 'good night' }
    t.match(await talk(server, 'server\n'), /"greeting":"good night"/)
    server.handlerOptions = {}
    t.match(await talk(server, 'server\n'), /"greeting":"hello"/)
  })

  await t.test('bytes go both ways, and the end as well', async (t) => {
    t.equal(await talk(server, 'echo\none\ntwo', { halfClose: true }), 'one\ntwo')
    t.equal((await talk(server, 'give 3000000\n')).length, 3_000_000)
    t.equal((await talk(server, 'trickle 3000000\n')).length, 3_000_000)
    t.equal(await talk(server, `take 3000000\n${'x'.repeat(3_000_000)}`), '3000000\n')
    t.equal(await talk(server, '', { halfClose: true }), '"no such command: "\n')
  })

  await t.test('a handler may close its half, and go on reading', async (t) => {
    const log = captureStderr(t)
    const client = dial(server)
    client.write('half\n')
    let received = ''
    client.on('data', (chunk: Buffer) => {
      received += chunk.toString()
    })
    await once(client, 'end')
    t.equal(received, '"my last word"\n')
    client.end('mine')
    await who(server)
    t.equal(log(), 'heard mine\n')
  })

  await t.test('a client that is still sending gets its answer', async (t) => {
    const client = dial(server)
    client.write('leave\n')
    const answer = readUntil(client, 'enough')
    for (let index = 0; index < 50; index++) {
      client.write(Buffer.alloc(65536))
    }
    t.equal(await answer, '"enough"\n')
    client.destroy()
  })

  await t.test('silent connections hold no worker', async (t) => {
    const silent = Array.from({ length: 100 }, () => dial(server))
    await Promise.all(silent.map((client) => once(client, 'connect')))
    t.match(await talk(server, 'who\n'), /"Thread-/)
    t.equal(workers.size, 1)
    // They go in three ways, and leave the worker free each time.
    for (const [index, client] of silent.entries()) {
      if (index % 3 === 0) {
        client.resetAndDestroy()
      } else if (index % 3 === 1) {
        client.end()
      } else {
        client.destroy()
      }
    }
    t.match(await talk(server, 'who\n'), /"Thread-/)
  })

  await t.test('a client that is gone in the middle leaves the worker free', async (t) => {
    for (const command of ['echo', 'take 5', 'trickle 100000000', 'sleep 20']) {
      const client = dial(server)
      client.write(`${command}\n`)
      await (command === 'echo' || command === 'take 5'
        ? once(client, 'connect')
        : once(client, 'data'))
      client.resetAndDestroy()
    }
    const log = captureStderr(t)
    t.match(await talk(server, 'who\n'), /"Thread-/)
    // The failing ones are the two that read.
    t.notMatch(log(), /TypeError/)
  })

  await t.test('an exception is reported by the server, with its stack and cause', async (t) => {
    const log = captureStderr(t)
    t.equal(await talk(server, 'fail\n'), '"so far"\n')
    await who(server)
    t.match(
      log(),
      /^-{40}\nException occurred during processing of request from \('127\.0\.0\.1', \d+\)\n/,
    )
    t.match(log(), /\nRangeError: on purpose\n {4}at .*handlers\.[jt]s:\d+/)
    t.match(log(), /\[cause\]: Error: the reason\n {6}at .*handlers\.[jt]s:\d+/)
  })

  await t.test('handleError() gets an error of the right kind', async (t) => {
    const caught: unknown[] = []
    t.intercept(server, 'handleError', {
      value: (_request: unknown, _address: unknown, error: unknown) => {
        caught.push(error)
      },
    })
    await talk(server, 'fail\n')
    await who(server)
    t.equal(caught.length, 1)
    t.ok(caught[0] instanceof RangeError)
  })

  await t.test('lines of the log arrive whole', async (t) => {
    const log = captureStderr(t)
    await Promise.all(
      Array.from({ length: 10 }, (_, index) => talk(server, `log 20 client-${String(index)}\n`)),
    )
    await who(server)
    const lines = log().split('\n')
    t.equal(lines.pop(), '')
    t.equal(lines.length, 200)
    t.ok(lines.every((line) => /^client-\d+ \d+ \.{200}$/.test(line)))
  })

  await t.test('a handler cannot stop the server, and is told so', async (t) => {
    t.match(await talk(server, 'shutdown\n'), /^"Cannot shut down from a handler in another thread/)
  })

  await t.test('a worker that ends is replaced; only its connection is lost', async (t) => {
    const log = captureStderr(t)
    const before = await number(server)
    const [lost, next] = await Promise.all([talk(server, 'exit 3\n'), talk(server, 'who\n')])
    t.equal(lost, '"so far"\n')
    t.match(next, /"Thread-/)
    t.match(
      log(),
      new RegExp(
        `^Thread-${String(before + 1)} ended with exit code 3 while handling the request ` +
          "from \\('127\\.0\\.0\\.1', \\d+\\)\n$",
      ),
    )
    // What nobody catches ends the worker, too.
    t.equal(await talk(server, 'crash\n'), '')
    t.match(log(), /\nError: nobody catches this\n {4}at /)
    t.match(await talk(server, 'who\n'), /"Thread-/)
    t.equal(workers.size, 1)
  })
})

t.test('two workers: each counts alone, and one that computes stops nobody', async (t) => {
  const server = new ThreadingTCPServer(LOCAL, Obedient)
  server.maxThreads = 2
  await serve(t, server)
  t.equal(await talk(server, 'count\n'), '1\n')
  const busy = dial(server)
  busy.write('echo\nx\n')
  await once(busy, 'data')
  const counts = [await talk(server, 'count\n'), await talk(server, 'count\n')]
  t.same(counts, ['1\n', '2\n'])
  t.equal(workers.size, 2)
  busy.destroy()
})

t.test('ThreadingMixIn: nothing is kept of a connection that is over', async (t) => {
  const connections: WeakRef<object>[] = []
  class Server extends ThreadingTCPServer {
    override processRequest(...[request, ...rest]: Parameters<TCPServer['processRequest']>) {
      connections.push(new WeakRef(request))
      return super.processRequest(request, ...rest)
    }
  }
  const server = new Server(LOCAL, Obedient)
  server.maxThreads = 1
  await serve(t, server)
  for (let count = 1; count <= 20; count++) {
    t.equal(await talk(server, 'count\n'), `${String(count)}\n`)
  }
  t.equal(await countKept(connections), 0)
  t.equal(connections.length, 20)
  t.equal(workers.size, 1)
})

t.test('serverClose() does not wait for daemons, nor with blockOnClose = false', async (t) => {
  for (const daemonThreads of [true, false]) {
    const server = new ThreadingTCPServer(LOCAL, Obedient)
    server.daemonThreads = daemonThreads
    server.blockOnClose = daemonThreads
    await server.bindAndActivate()
    const serving = server.serveForever()
    const client = dial(server)
    client.write('echo\nx\n')
    await once(client, 'data')
    await server.shutdown()
    await serving
    await server.serverClose()
    t.equal(workers.size, 1)
    client.end('still there')
    t.equal(await readAll(client), 'still there')
    // Then it ends.
    for (const worker of workers) {
      await once(worker as NodeJS.EventEmitter, 'exit')
    }
    t.equal(workers.size, 0)
  }
})

t.test('shutdown() loses no request; serverClose() waits, and leaves no thread', async (t) => {
  const server = new ThreadingTCPServer(LOCAL, Obedient)
  server.maxThreads = 1
  await server.bindAndActivate()
  const serving = server.serveForever()
  let accepted = 0
  t.intercept(server, 'processRequest', {
    value: (...args: Parameters<typeof server.processRequest>) => {
      accepted++
      return ThreadingTCPServer.prototype.processRequest.apply(server, args)
    },
  })
  const answers = Array.from({ length: 30 }, () => talk(server, 'count\n'))
  while (accepted < 10) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  await server.shutdown()
  await serving
  await server.serverClose()
  const received = (await Promise.all(answers)).filter((answer) => answer !== '')
  t.equal(received.length, accepted)
  t.equal(workers.size, 0)
})

t.test('options that are set later are checked, too', async (t) => {
  const caught: unknown[] = []
  class Server extends ThreadingTCPServer {
    override handleError(...[, , error]: Parameters<TCPServer['handleError']>) {
      caught.push(error)
    }
  }
  const server = new Server(LOCAL, Obedient)
  server.maxThreads = 1
  await serve(t, server)
  server.handlerOptions = { greeting: new URL('file:///srv') }
  t.equal(await talk(server, 'who\n'), '')
  // From 22 on, Node itself refuses to copy it.
  t.match(caught.pop(), {
    name: 'TypeError',
    message: /of the class URL, of which|structuredClone/,
  })
  server.handlerOptions = { greating: 'hello' }
  t.equal(await talk(server, 'who\n'), '')
  t.match(caught.pop(), { name: 'TypeError', message: /'greating': Obedient has no such field$/ })
  server.handlerOptions = {}
  t.match(await talk(server, 'who\n'), /"Thread-/)
})

t.test('timeout ends a client that takes nothing, and its thread is free before', async (t) => {
  let deaf = false
  let taken: () => void
  class Server extends ThreadingTCPServer {
    override processRequest(...[request, ...rest]: Parameters<TCPServer['processRequest']>) {
      if (deaf) {
        // As a socket whose peer has closed its window: the kernel takes no byte.
        Object.assign(request, { _write: () => {}, _writev: null })
        taken()
      }
      return super.processRequest(request, ...rest)
    }
  }
  const server = new Server(LOCAL, Obedient)
  server.maxThreads = 1
  server.handlerOptions = { timeout: 0.2 }
  await serve(t, server)
  captureStderr(t)
  // A small answer, one that fills the port, and one that the port does not take.
  for (const command of ['count', 'give 200000', 'give 1000000', 'trickle 1000000']) {
    deaf = true
    const client = dial(server)
    client.write(`${command}\n`)
    const answer = readAll(client)
    await new Promise<void>((resolve) => {
      taken = resolve
    })
    deaf = false
    t.match(await talk(server, 'count\n'), /^\d+\n$/)
    t.equal(await answer, '', command)
  }
})

t.test('timeout ends a client that is silent from the beginning', async (t) => {
  const server = new ThreadingTCPServer(LOCAL, Obedient)
  server.maxThreads = 1
  server.handlerOptions = { timeout: 0.05 }
  await serve(t, server)
  const log = captureStderr(t)
  t.equal(await talk(server, ''), '')
  server.handlerOptions = {}
  const patient = dial(server)
  await once(patient, 'connect')
  t.match(await talk(server, 'who\n'), /"Thread-/)
  patient.write('count\n')
  t.match(await readAll(patient), /^\d+\n$/)
  t.equal(log(), '')
})

t.test('waitsForClient = false: the server may speak first', async (t) => {
  // Its class is exported under two names, which is no harm.
  const server = new ThreadingTCPServer(LOCAL, Twice)
  server.waitsForClient = false
  await serve(t, server)
  t.equal(await talk(server, ''), 'Thread-\n')
})

t.test('a handler that cannot be found in a thread is a TypeError', async (t) => {
  const make = (Handler: RequestHandlerClass) => new ThreadingTCPServer(LOCAL, Handler)
  t.throws(() => make(unfit.Inherited), {
    name: 'TypeError',
    message: /add to the class: static readonly module = import\.meta\.url$/,
  })
  t.throws(() => make(unfit.anonymous), { name: 'TypeError', message: /has no name/ })
  const server = make(unfit.Hidden)
  await t.rejects(server.bindAndActivate(), {
    name: 'TypeError',
    message: /^Cannot find Hidden: .* write: export class Hidden$/,
  })
  t.equal(server.socket.listening, false)
  t.equal(workers.size, 0)
})
