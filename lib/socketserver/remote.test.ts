import t from 'tap'
import { EXCEPTIONS, Obedient, unfit } from '../test-handlers.ts'
import type { RequestHandlerClass } from './request-handler.ts'
import { packError, RemoteServer, siteOf, unpackError } from './remote.ts'
import { TCPServer } from './tcp-server.ts'

function server(Handler: RequestHandlerClass): TCPServer {
  return new TCPServer(['127.0.0.1', 8080], Handler)
}

t.test('siteOf() says where the handler is, and what it sees of the server', async (t) => {
  t.same(siteOf(server(Obedient)), {
    module: Obedient.module,
    className: 'Obedient',
    server: { serverAddress: ['127.0.0.1', 8080] },
  })
})

t.test('siteOf() refuses an option that cannot be sent', async (t) => {
  const wrong = server(Obedient)
  wrong.handlerOptions = { timeout: 5, greeting: () => 'hello' }
  t.throws(() => siteOf(wrong), {
    name: 'TypeError',
    message: /^Cannot send the handler option 'greeting' to another thread or process: only what/,
  })
})

t.test('RemoteServer.load() finds the class', async (t) => {
  const found = await RemoteServer.load(siteOf(server(Obedient)))
  t.equal(found.RequestHandlerClass, Obedient)
  t.same(found.serverAddress, ['127.0.0.1', 8080])
})

t.test('RemoteServer.load() says why it does not', async (t) => {
  const wrong: [RequestHandlerClass, string, RegExp][] = [
    [unfit.Hidden, 'TypeError', /^Cannot find Hidden: .* write: export class Hidden$/],
    [unfit.Double, 'TypeError', /^Cannot find Double: .* several classes of that name/],
    [unfit.Nowhere, 'Error', /^Cannot find module .*no-such-file/],
    [unfit.Unguarded, 'TypeError', /only in the program itself: if \(process\.argv\[1\] ===/],
  ]
  for (const [Handler, name, message] of wrong) {
    await t.rejects(RemoteServer.load(siteOf(server(Handler))), { name, message })
  }
})

t.test('RemoteServer does nothing that only the server can', async (t) => {
  const found = await RemoteServer.load(siteOf(server(Obedient)))
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
