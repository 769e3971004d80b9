import t from 'tap'
import { EXCEPTIONS, Obedient, unfit } from '../../testing/handlers.ts'
import type { RequestHandlerClass } from '../request-handler.ts'
import { packError, RemoteServer, locationOf, unpackError } from './remote.ts'
import { TCPServer } from '../tcp-server.ts'

function server(Handler: RequestHandlerClass): TCPServer {
  return new TCPServer(['127.0.0.1', 8080], Handler)
}

t.test('locationOf() says where the handler is, and what it sees of the server', async (t) => {
  t.same(locationOf(server(Obedient)), {
    module: Obedient.module,
    className: 'Obedient',
    server: { serverAddress: ['127.0.0.1', 8080] },
  })
})

t.test('locationOf() refuses an option that cannot be sent', async (t) => {
  const wrong = server(Obedient)
  wrong.handlerOptions = { timeout: 5, greeting: () => 'hello' }
  t.throws(() => locationOf(wrong), {
    name: 'TypeError',
    message: /^Cannot send the handler option 'greeting' to another thread or process: only what/,
  })
})

t.test('locationOf() refuses an option whose copy would have lost its methods', async (t) => {
  class Accounts {
    readonly names = ['ann']
    has(name: string): boolean {
      return this.names.includes(name)
    }
  }
  const url = server(Obedient)
  url.handlerOptions = { greeting: new URL('file:///srv') }
  // From 22 on, Node itself refuses to copy it.
  t.throws(() => locationOf(url), /of the class URL, of which|only what structuredClone\(\) takes/)
  class OwnError extends Error {}
  const accounts = new Accounts()
  const wrong: [unknown, string, string][] = [
    [accounts, 'Accounts', 'Object'],
    [{ list: [1, { accounts }] }, 'Accounts', 'Object'],
    [new Map([['x', accounts]]), 'Accounts', 'Object'],
    [new Map([[accounts, 'x']]), 'Accounts', 'Object'],
    [new Set([accounts]), 'Accounts', 'Object'],
    [new OwnError('x'), 'OwnError', 'Error'],
    [new (class Names extends Array<string> {})(), 'Names', 'Array'],
    [new (class Table extends Map {})(), 'Table', 'Map'],
    // A thread would find no Buffer, and so other methods of the same names.
    [Buffer.from('x'), 'Buffer', 'Uint8Array'],
  ]
  for (const [greeting, name, copy] of wrong) {
    const refused = server(Obedient)
    refused.handlerOptions = { greeting }
    t.throws(
      () => locationOf(refused),
      {
        name: 'TypeError',
        message:
          "Cannot send the handler option 'greeting' to another thread or process: it holds an " +
          `object of the class ${name}, of which the copy is of the class ${copy}, without its ` +
          'methods; send the data that it is made from, and make it there',
      },
      name,
    )
  }
})

t.test('locationOf() takes what arrives as it was', async (t) => {
  const ring: { self?: unknown } = {}
  ring.self = ring
  const right = server(Obedient)
  right.handlerOptions = {
    nothing: [null, undefined, true, 1, 1n, 'text', NaN],
    plain: { a: [{ b: new Date() }, /x/g] },
    bare: Object.assign(Object.create(null), { c: 1 }) as unknown,
    tables: [new Map([[{ k: 1 }, new Set([new Uint8Array(2), new ArrayBuffer(3)])]])],
    errors: [new RangeError('x', { cause: { a: 1 } }), new Error('y')],
    boxed: [new DataView(new ArrayBuffer(8)), Object(1), Object('s')],
    ring,
  }
  t.equal(locationOf(right).className, 'Obedient')
})

t.test('RemoteServer.load() finds the class', async (t) => {
  const found = await RemoteServer.load(locationOf(server(Obedient)))
  t.equal(found.RequestHandlerClass, Obedient)
  t.same(found.serverAddress, ['127.0.0.1', 8080])
})

t.test('RemoteServer.load() says why it does not', async (t) => {
  const wrong: [RequestHandlerClass, string, RegExp][] = [
    [unfit.Hidden, 'TypeError', /^Cannot find Hidden: .* write: export class Hidden$/],
    [unfit.Double, 'TypeError', /^Cannot find Double: .* several classes of that name/],
    [unfit.Nowhere, 'Error', /^Cannot find module .*no-such-file/],
    [unfit.Unguarded, 'TypeError', /only in the program itself: if \(isMain\(import\.meta\)\)$/],
  ]
  for (const [Handler, name, message] of wrong) {
    await t.rejects(RemoteServer.load(locationOf(server(Handler))), { name, message })
  }
})

t.test('RemoteServer does nothing that only the server can', async (t) => {
  const found = await RemoteServer.load(locationOf(server(Obedient)))
  await t.rejects(found.shutdown(), /^Cannot shut down from a handler in another thread/)
  await t.rejects(found.serverClose(), /^Cannot close the server from a handler/)
  await t.rejects(found.serveForever(), /^Cannot serve from a handler/)
})

t.test('unpackError() makes what prints as the exception did', async (t) => {
  class OwnError extends Error {
    readonly code = 7
  }
  const known = unpackError(packError(new RangeError('too far')))
  t.ok(known instanceof RangeError)
  t.equal(known.message, 'too far')
  const own = unpackError(packError(new OwnError('mine')))
  t.ok(own instanceof Error)
  t.equal(own.constructor.name, 'OwnError')
  t.match(own.stack, /^OwnError: mine\n {4}at [^]*code: 7/)
  t.match(unpackError(packError('a text')).message, /^'a text'$/)
})

t.test('packError() makes whatever was thrown ready to be sent', async (t) => {
  for (const [name, make] of Object.entries(EXCEPTIONS)) {
    const packed = packError(make())
    t.same(JSON.parse(JSON.stringify(packed)), packed, `${name}, to a child`)
    t.same(structuredClone(packed), packed, `${name}, to a thread`)
    t.ok(unpackError(packed) instanceof Error, name)
  }
})
