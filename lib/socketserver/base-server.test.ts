import { PassThrough } from 'node:stream'
import t from 'tap'
import { repr } from '../stdlib/format.ts'
import { captureStderr } from '../testing/helpers.ts'
import { BaseServer } from './base-server.ts'
import { sampleHandler } from './handler-options.ts'
import { BaseRequestHandler, StreamRequestHandler } from './request-handler.ts'
import type { Address, Connection } from './request-handler.ts'

const CLIENT = ['127.0.0.1', 52934] as const

/** A server whose requests come from a list, and which writes down what is called. */
class ListServer extends BaseServer<string> {
  readonly calls: string[] = []
  readonly #requests: string[] = []
  failIn = ''

  constructor(Handler: typeof BaseRequestHandler = BaseRequestHandler) {
    super('a list', Handler)
  }

  arrive(...names: string[]): void {
    this.#requests.push(...names)
    this.requestArrived()
  }

  get waiting(): number {
    return this.#requests.length
  }

  #call(name: string): void {
    this.calls.push(name)
    if (name === this.failIn) {
      throw new Error(`${name} failed`)
    }
  }

  override serverBind() {
    this.#call('serverBind')
  }
  override serverActivate() {
    this.#call('serverActivate')
  }
  override serverClose() {
    this.#call('serverClose')
    return super.serverClose()
  }
  override hasRequest() {
    return this.#requests.length > 0
  }
  override getRequest(): [Connection, Address] {
    this.#call('getRequest')
    this.#requests.shift()
    return [new PassThrough(), CLIENT]
  }
  override verifyRequest(request: Connection, clientAddress: Address) {
    this.#call('verifyRequest')
    return super.verifyRequest(request, clientAddress)
  }
  override processRequest(request: Connection, clientAddress: Address) {
    this.#call('processRequest')
    return super.processRequest(request, clientAddress)
  }
  override finishRequest(request: Connection, clientAddress: Address) {
    this.#call('finishRequest')
    return super.finishRequest(request, clientAddress)
  }
  override shutdownRequest(request: Connection) {
    this.#call('shutdownRequest')
    return super.shutdownRequest(request)
  }
  override closeRequest(request: Connection) {
    this.#call('closeRequest')
    return super.closeRequest(request)
  }
  override handleTimeout() {
    this.#call('handleTimeout')
    return super.handleTimeout()
  }
  override handleError() {
    this.#call('handleError')
  }
}

const WHOLE = [
  'getRequest',
  'verifyRequest',
  'processRequest',
  'finishRequest',
  'shutdownRequest',
  'closeRequest',
]

t.test('handleRequest() passes one request through the server, and leaves the rest', async (t) => {
  const server = new ListServer()
  server.arrive('one', 'two')
  await server.handleRequest()
  t.same(server.calls, ['serverBind', 'serverActivate', ...WHOLE])
  t.equal(server.waiting, 1)
  server.calls.length = 0
  await server.handleRequest()
  t.same(server.calls, WHOLE, 'bound and activated only once')
})

t.test('handleRequest() waits for a request', async (t) => {
  const server = new ListServer()
  const handled = server.handleRequest()
  await new Promise(setImmediate)
  server.arrive('one')
  await handled
  t.equal(server.waiting, 0)
})

t.test('handleRequest() calls handleTimeout() when none comes in time', async (t) => {
  const server = new ListServer()
  server.timeout = 0.01
  await server.handleRequest()
  t.same(server.calls, ['serverBind', 'serverActivate', 'handleTimeout'])
})

t.test('serveForever() handles request after request until shutdown()', async (t) => {
  const server = new ListServer()
  server.arrive('one', 'two')
  const serving = server.serveForever()
  await new Promise(setImmediate)
  server.arrive('three')
  await new Promise(setImmediate)
  await server.shutdown()
  t.same(server.calls, ['serverBind', 'serverActivate', ...WHOLE, ...WHOLE, ...WHOLE])
  await serving
  server.arrive('four')
  await new Promise(setImmediate)
  t.equal(server.waiting, 1, 'and then no more')
})

t.test('serveForever() runs once at a time, and again after a shutdown', async (t) => {
  const server = new ListServer()
  const serving = server.serveForever()
  await t.rejects(server.serveForever(), {
    message: 'Cannot serve: the server is serving already',
  })
  await server.shutdown()
  await serving
  server.arrive('one')
  const again = server.serveForever()
  await new Promise(setImmediate)
  t.equal(server.waiting, 0)
  await server.shutdown()
  await again
})

t.test('serveForever() rejects when binding fails, and closes the server', async (t) => {
  const server = new ListServer()
  server.failIn = 'serverActivate'
  await t.rejects(server.serveForever(), { message: 'serverActivate failed' })
  t.same(server.calls, ['serverBind', 'serverActivate', 'serverClose'])
  await server.shutdown()
})

t.test('serveForever() calls serviceActions() after each request and each interval', async (t) => {
  let actions = 0
  class Busy extends ListServer {
    override serviceActions() {
      actions++
    }
  }
  const server = new Busy()
  server.arrive('one', 'two')
  const serving = server.serveForever(3600)
  await new Promise(setImmediate)
  t.equal(actions, 2)
  await server.shutdown()
  await serving

  const polling = server.serveForever(0.01)
  while (actions < 5) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await server.shutdown()
  await polling
})

t.test('shutdown() before serveForever() is not lost', async (t) => {
  const server = new ListServer()
  server.arrive('one')
  await server.shutdown()
  await server.serveForever()
  t.equal(server.waiting, 1, 'the loop ended before its first request')
  await server.shutdown()
})

t.test('shutdown() waits for the request that is being handled', async (t) => {
  let goOn: () => void = () => {}
  const events: string[] = []
  class Slow extends BaseRequestHandler {
    override async handle() {
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      events.push('handled')
    }
  }
  const server = new ListServer(Slow)
  server.arrive('one')
  const serving = server.serveForever()
  await new Promise(setImmediate)
  const shut = server.shutdown().then(() => events.push('shut down'))
  await new Promise(setImmediate)
  t.same(events, [])
  goOn()
  await shut
  await serving
  t.same(events, ['handled', 'shut down'])
})

t.test('shutdown() inside a handler rejects at once, and still ends the loop', async (t) => {
  let awaited: unknown
  class Suicide extends BaseRequestHandler {
    override async handle() {
      await new Promise(setImmediate)
      awaited = await this.server.shutdown().catch((error: unknown) => error)
    }
  }
  const server = new ListServer(Suicide)
  server.arrive('one')
  await server.serveForever()
  t.match(awaited, { message: /^Cannot wait for shutdown\(\) inside a handler/ })
})

t.test('shutdown() inside a handler, not awaited, ends the loop and nothing else', async (t) => {
  class Last extends BaseRequestHandler {
    override handle() {
      void this.server.shutdown()
    }
  }
  const server = new ListServer(Last)
  server.arrive('one', 'two')
  await server.serveForever()
  t.equal(server.waiting, 1)
})

t.test('shutdown() may be awaited by what a handler left behind', async (t) => {
  let later: Promise<string> | undefined
  class Starter extends BaseRequestHandler {
    override handle() {
      later = new Promise((resolve) => setTimeout(resolve, 10))
        .then(() => this.server.shutdown())
        .then(
          () => 'resolved',
          () => 'rejected',
        )
    }
  }
  const server = new ListServer(Starter)
  server.arrive('one')
  await server.serveForever()
  t.equal(await later, 'resolved')
})

t.test('a server that is closed cannot be used again', async (t) => {
  const server = new ListServer()
  const waiting = server.handleRequest()
  const rejected = t.rejects(waiting, { message: 'Cannot serve: the server is closed' })
  await new Promise(setImmediate)
  await server.serverClose()
  await rejected
  await t.rejects(server.handleRequest(), { message: 'Cannot serve: the server is closed' })
  await t.rejects(server.serveForever(), { message: 'Cannot serve: the server is closed' })
})

t.test('several may wait for a request at once', async (t) => {
  const server = new ListServer()
  const both = [server.handleRequest(), server.handleRequest()]
  await new Promise(setImmediate)
  server.arrive('one')
  await Promise.race(both)
  server.arrive('two')
  await Promise.all(both)
  t.equal(server.waiting, 0)
})

t.test('serverClose() ends a loop that is running', async (t) => {
  const server = new ListServer()
  const serving = server.serveForever()
  await new Promise(setImmediate)
  await server.serverClose()
  await serving
  t.same(server.calls, ['serverBind', 'serverActivate', 'serverClose'])
})

t.test('Symbol.asyncDispose closes the server', async (t) => {
  const server = new ListServer()
  await server[Symbol.asyncDispose]()
  t.same(server.calls, ['serverClose'])
})

t.test('verifyRequest() false closes the connection unhandled', async (t) => {
  class Strict extends ListServer {
    override verifyRequest() {
      return false
    }
  }
  const server = new Strict()
  server.arrive('one')
  await server.handleRequest()
  t.same(server.calls.slice(2), ['getRequest', 'shutdownRequest', 'closeRequest'])
})

t.test('an exception on the way is reported and closes the connection', async (t) => {
  for (const place of ['verifyRequest', 'processRequest', 'finishRequest']) {
    const server = new ListServer()
    server.failIn = place
    server.arrive('one')
    await server.handleRequest()
    t.same(server.calls.slice(-3), ['handleError', 'shutdownRequest', 'closeRequest'], place)
  }
})

t.test('an exception in a handler is reported, and the server goes on', async (t) => {
  class Broken extends BaseRequestHandler {
    override handle() {
      throw new Error('boom')
    }
  }
  const server = new ListServer(Broken)
  server.arrive('one', 'two')
  const serving = server.serveForever()
  await new Promise(setImmediate)
  await server.shutdown()
  await serving
  t.equal(server.calls.filter((call) => call === 'handleError').length, 2)
})

t.test(
  'getRequest() may fail as a system call does, and nothing is lost but the request',
  async (t) => {
    class Flaky extends ListServer {
      override getRequest(): [Connection, Address] {
        super.getRequest()
        throw Object.assign(new Error('accept ECONNABORTED'), { errno: -103 })
      }
    }
    const server = new Flaky()
    server.arrive('one')
    await server.handleRequest()
    t.same(server.calls.slice(2), ['getRequest'])

    const wrong = new ListServer()
    wrong.failIn = 'getRequest'
    wrong.arrive('one')
    await t.rejects(
      wrong.handleRequest(),
      { message: 'getRequest failed' },
      'any other error is one',
    )
  },
)

t.test('handleError() prints Python’s block, with the stack', async (t) => {
  const stderr = captureStderr(t)
  const server = new BaseServer('x', BaseRequestHandler)
  await server.handleError(new PassThrough(), CLIENT, new TypeError('boom'))
  const dashes = '-'.repeat(40)
  const lines = stderr().split('\n')
  t.equal(lines[0], dashes)
  t.equal(lines[1], "Exception occurred during processing of request from ('127.0.0.1', 52934)")
  t.equal(lines[2], 'TypeError: boom')
  t.match(lines[3], /^ {4}at .*base-server\.test\.ts/)
  t.same(lines.slice(-2), [dashes, ''])
})

t.test('handleError() prints whatever was thrown', async (t) => {
  const stderr = captureStderr(t)
  const server = new BaseServer('x', BaseRequestHandler)
  await server.handleError(new PassThrough(), '', undefined)
  await server.handleError(new PassThrough(), '', new Error('outer', { cause: new Error('inner') }))
  t.match(stderr(), /from ''\nundefined\n-/)
  t.match(stderr(), /Error: outer[^]*\[cause\]: Error: inner/)
})

t.test('a server without a transport says so', async (t) => {
  const server = new BaseServer('x', BaseRequestHandler)
  server.timeout = 0.01
  await server.handleRequest()
  t.throws(() => server.getRequest(), {
    message: 'Cannot get a request: this class has no transport; override getRequest()',
  })
  t.equal(server.serverAddress, 'x')
})

t.test('handlerOptions become fields of each handler, if it has such fields', async (t) => {
  const seen: unknown[] = []
  class Handler extends BaseRequestHandler {
    greeting = 'hello'
    override handle() {
      seen.push(this.greeting)
    }
  }
  const server = new BaseServer('x', Handler)
  await server.finishRequest(new PassThrough(), CLIENT)
  server.handlerOptions = { greeting: 'hi' }
  await server.finishRequest(new PassThrough(), CLIENT)
  t.same(seen, ['hello', 'hi'])

  server.handlerOptions = { greeting: 'hi', greating: 'oops' }
  await t.rejects(server.finishRequest(new PassThrough(), CLIENT), {
    name: 'TypeError',
    message: "Cannot set the handler option 'greating': Handler has no such field",
  })
  t.equal(seen.length, 2, 'and the handler did not run')
})

t.test('handlerOptions are checked when the server is bound', async (t) => {
  const wrong: [object, string][] = [
    [{ greating: 'hi' }, "Cannot set the handler option 'greating': Handler has no such field"],
    ...['5', NaN, -1, {}].map((timeout): [object, string] => [
      { timeout },
      `Cannot set the handler option 'timeout' to ${repr(timeout)}: give a number of seconds, or ` +
        'null to wait for ever',
    ]),
  ]
  let bound = 0
  let run = 0
  class Handler extends StreamRequestHandler {
    greeting = 'hello'
    override handle() {
      run++
    }
  }
  class Server extends BaseServer<string> {
    override serverBind() {
      bound++
    }
  }
  for (const [options, message] of wrong) {
    const server = new Server('x', Handler)
    server.handlerOptions = options as BaseServer['handlerOptions']
    await t.rejects(server.bindAndActivate(), { name: 'TypeError', message })
  }
  t.equal(bound, 0)
  for (const timeout of [null, undefined, 0, 0.5, Infinity]) {
    const server = new Server('x', Handler)
    server.handlerOptions = { timeout, greeting: 'hi' }
    await server.bindAndActivate()
  }
  t.equal(bound, 5)
  t.equal(run, 0, 'no handler was run')

  const server = new Server('x', Handler)
  server.handlerOptions = { greeting: undefined }
  t.match(sampleHandler(server), { greeting: 'hello' }, 'undefined leaves a field as it is')
})
