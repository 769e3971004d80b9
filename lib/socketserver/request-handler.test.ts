import t from 'tap'
import { readAll, socketPair } from '../testing/helpers.ts'
import { BaseServer } from './base-server.ts'
import { BaseRequestHandler, StreamRequestHandler } from './request-handler.ts'

const ADDRESS = ['127.0.0.1', 52934] as const
const SERVER = new BaseServer(ADDRESS, BaseRequestHandler)

/** A handler that writes down which of its methods are called. */
class Recorder extends BaseRequestHandler {
  calls: string[] = []
  failIn = ''

  #call(name: string): void {
    this.calls.push(name)
    if (name === this.failIn) {
      throw new Error(`${name} failed`)
    }
  }

  override setup() {
    this.#call('setup')
  }
  override handle() {
    this.#call('handle')
  }
  override finish() {
    this.#call('finish')
  }
}

t.test('run() calls setup, handle and finish, in that order', async (t) => {
  const [, request] = await socketPair(t)
  const handler = new Recorder(request, ADDRESS, SERVER)
  await handler.run()
  t.same(handler.calls, ['setup', 'handle', 'finish'])
  t.equal(handler.request, request)
  t.same(handler.clientAddress, ADDRESS)
  t.equal(handler.server, SERVER)
})

t.test('run() calls finish when handle throws, and throws the same', async (t) => {
  const [, request] = await socketPair(t)
  const handler = new Recorder(request, ADDRESS, SERVER)
  handler.failIn = 'handle'
  await t.rejects(handler.run(), { message: 'handle failed' })
  t.same(handler.calls, ['setup', 'handle', 'finish'])
})

t.test('run() keeps what handle() threw when finish() throws, too', async (t) => {
  class Twice extends BaseRequestHandler {
    override handle() {
      throw new Error('first')
    }
    override finish() {
      throw new Error('second')
    }
  }
  const [, request] = await socketPair(t)
  await t.rejects(new Twice(request, ADDRESS, SERVER).run(), {
    message: 'second',
    cause: { message: 'first' },
  })
})

t.test('what was written is sent, whatever finish() does', async (t) => {
  class Hello extends StreamRequestHandler {
    override handle() {
      void this.wfile.write(Buffer.from('hello'))
    }
  }
  class Silent extends Hello {
    override async finish() {}
  }
  class Throwing extends Hello {
    override finish(): Promise<void> {
      throw new Error('boom')
    }
  }
  for (const Handler of [Silent, Throwing]) {
    const [client, request] = await socketPair(t)
    await new Handler(request, ADDRESS, SERVER).run().catch(() => {})
    request.end()
    t.equal(await readAll(client), 'hello', Handler.name)
  }
})

t.test('run() calls neither handle nor finish when setup throws', async (t) => {
  const [, request] = await socketPair(t)
  const handler = new Recorder(request, ADDRESS, SERVER)
  handler.failIn = 'setup'
  await t.rejects(handler.run(), { message: 'setup failed' })
  t.same(handler.calls, ['setup'])
})

t.test('the base class does nothing, without an error', async (t) => {
  const [, request] = await socketPair(t)
  await new BaseRequestHandler(request, ADDRESS, SERVER).run()
  t.equal(request.destroyed, false)
})

t.test('a subclass’s fields are there in every method', async (t) => {
  class WithField extends BaseRequestHandler {
    greeting = 'hello'
    heard = ''
    override setup() {
      this.heard = this.greeting
    }
  }
  const [, request] = await socketPair(t)
  const handler = new WithField(request, ADDRESS, SERVER)
  await handler.run()
  t.equal(handler.heard, 'hello')
})

class Shout extends StreamRequestHandler {
  override async handle() {
    for await (const line of this.rfile) {
      void this.wfile.write(Buffer.from(line.toString().toUpperCase()))
    }
  }
}

t.test('StreamRequestHandler reads lines and writes answers', async (t) => {
  const [client, request] = await socketPair(t)
  const done = new Shout(request, ADDRESS, SERVER).run()
  client.end('one\ntwo\nthree')
  await done
  request.end()
  t.equal(await readAll(client), 'ONE\nTWO\nTHREE')
})

t.test('wfile leaves before rfile waits', async (t) => {
  class Ask extends StreamRequestHandler {
    override async handle() {
      void this.wfile.write(Buffer.from('name? '))
      const name = await this.rfile.readline()
      void this.wfile.write(Buffer.concat([Buffer.from('hello '), name]))
    }
  }
  const [client, request] = await socketPair(t)
  const done = new Ask(request, ADDRESS, SERVER).run()
  const question = await new Promise((resolve) => client.once('data', resolve))
  t.equal(String(question), 'name? ')
  client.end('world\n')
  await done
  request.end()
  t.equal(await readAll(client), 'hello world\n')
})

t.test('what was written before handle() threw is still sent', async (t) => {
  class Fail extends StreamRequestHandler {
    override handle() {
      void this.wfile.write(Buffer.from('partial'))
      throw new Error('boom')
    }
  }
  const [client, request] = await socketPair(t)
  await t.rejects(new Fail(request, ADDRESS, SERVER).run(), { message: 'boom' })
  request.end()
  t.equal(await readAll(client), 'partial')
})

t.test('a handler that writes, waits and writes is seen piece by piece', async (t) => {
  let goOn: () => void = () => {}
  class Slow extends StreamRequestHandler {
    override async handle() {
      void this.wfile.write(Buffer.from('one'))
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      void this.wfile.write(Buffer.from('two'))
    }
  }
  const [client, request] = await socketPair(t)
  const done = new Slow(request, ADDRESS, SERVER).run()
  const first = await new Promise((resolve) => client.once('data', resolve))
  t.equal(String(first), 'one', 'the first piece is here while the handler still waits')
  goOn()
  await done
  request.end()
  t.equal(await readAll(client), 'two')
})

t.test('timeout bounds each wait for the peer', async (t) => {
  class Impatient extends Shout {
    override timeout = 0.02
  }
  const [, request] = await socketPair(t)
  await t.rejects(new Impatient(request, ADDRESS, SERVER).run(), { name: 'TimeoutError' })
})

t.test('disableNagleAlgorithm = false is passed on to the socket', async (t) => {
  class Nagle extends StreamRequestHandler {
    override disableNagleAlgorithm = false
  }
  const [client, request] = await socketPair(t)
  const calls: boolean[] = []
  request.setNoDelay = (noDelay = true) => {
    calls.push(noDelay)
    return request
  }
  client.end()
  await new Nagle(request, ADDRESS, SERVER).run()
  t.same(calls, [false])
  await new StreamRequestHandler(request, ADDRESS, SERVER).run()
  t.same(calls, [false], 'and true is how the socket comes')
})

t.test('finish() keeps quiet about a client that is gone', async (t) => {
  const [client, request] = await socketPair(t)
  class Ignore extends StreamRequestHandler {
    override async handle() {
      client.resetAndDestroy()
      await new Promise((resolve) => this.request.once('close', resolve))
      void this.wfile.write(Buffer.from('too late'))
    }
  }
  const handler = new Ignore(request, ADDRESS, SERVER)
  request.resume()
  await handler.run()
  t.equal(handler.wfile.closed, true)
})
