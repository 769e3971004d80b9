import { Writable } from 'node:stream'
import t from 'tap'
import { readAll, socketPair } from '../test-helpers.ts'
import { StreamWriter } from './stream-writer.ts'

/** A writer into an array, one item for each write to the sink. */
function writer(options = {}) {
  const writes: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      writes.push(chunk.toString('latin1'))
      callback()
    },
  })
  return { writes, sink, wfile: new StreamWriter(sink, options) }
}

const bytes = (text: string) => Buffer.from(text, 'latin1')

t.test('write() gathers small pieces into one write', async (t) => {
  const { writes, wfile } = writer()
  void wfile.write(bytes('head\r\n\r\n'))
  await wfile.write(bytes('body'))
  t.same(writes, [], 'nothing has left yet')
  await wfile.flush()
  t.same(writes, ['head\r\n\r\nbody'])
  await wfile.flush()
  t.equal(writes.length, 1, 'and an empty flush writes nothing')
})

t.test('write() leaves by itself before the event loop goes on', async (t) => {
  const { writes, wfile } = writer()
  void wfile.write(bytes('now'))
  await new Promise(setImmediate)
  t.same(writes, ['now'])
})

t.test('write() takes a copy of a small piece', async (t) => {
  const { writes, wfile } = writer()
  const piece = bytes('abc')
  await wfile.write(piece)
  piece.fill('x')
  await wfile.flush()
  t.same(writes, ['abc'])
})

t.test('write() sends 64 KiB at once, and a large piece behind what was gathered', async (t) => {
  const { writes, wfile } = writer()
  for (let count = 0; count < 64; count++) {
    void wfile.write(Buffer.alloc(1024, 'a'))
  }
  t.same(
    writes.map(({ length }) => length),
    [65536],
    'without waiting for anything',
  )
  void wfile.write(bytes('small'))
  await wfile.write(Buffer.alloc(100_000, 'b'))
  t.same(
    writes.slice(1).map((text) => [text[0], text.length]),
    [
      ['s', 5],
      ['b', 100_000],
    ],
  )
})

t.test('close() waits until the system has taken everything', async (t) => {
  const taken: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, encoding, callback) {
      setTimeout(() => {
        taken.push(chunk.toString())
        callback()
      }, 20)
    },
  })
  const wfile = new StreamWriter(sink)
  void wfile.write(Buffer.from('one'))
  void wfile.flush()
  void wfile.write(Buffer.from('two'))
  await wfile.close()
  t.same(taken.filter(Boolean), ['one', 'two'])
  await wfile.close()

  const stuck = new StreamWriter(new Writable({ write: () => {} }), { timeout: 0.05 })
  void stuck.write(Buffer.from('one'))
  await t.rejects(async () => stuck.close(), { name: 'TimeoutError' })
})

t.test('write() refuses text, and anything after close()', async (t) => {
  const { writes, wfile } = writer()
  t.throws(
    () => wfile.write('text' as unknown as Uint8Array),
    new TypeError("Cannot write 'text': bytes are required, as from Buffer.from(text, 'utf-8')"),
  )
  void wfile.write(bytes('last'))
  wfile.close()
  t.equal(wfile.closed, true)
  t.same(writes, ['last'])
  t.throws(() => wfile.write(bytes('x')), { name: 'ValueError' })
})

t.test('write() waits for a peer that does not read', async (t) => {
  const [client, server] = await socketPair(t)
  const wfile = new StreamWriter(server)
  const block = Buffer.alloc(64 * 1024)
  let written = 0
  let waiting = false
  while (!waiting && written < 64 * 1024 * 1024) {
    const pending = wfile.write(block)
    written += block.length
    waiting = await Promise.race([
      pending.then(() => false),
      new Promise<boolean>((resolve) => setTimeout(resolve, 200, true)),
    ])
  }
  t.equal(waiting, true)
  t.equal(wfile.full, true)
  const all = readAll(client)
  await wfile.drain()
  t.equal(wfile.full, false)
  server.end()
  t.equal((await all).length, written, 'and not one byte is lost')
})

t.test('write() gives up on a peer that does not read in time', async (t) => {
  const [, server] = await socketPair(t)
  const wfile = new StreamWriter(server, { timeout: 0.05 })
  const fill = async () => {
    for (;;) {
      await wfile.write(Buffer.alloc(1024 * 1024))
    }
  }
  await t.rejects(fill(), { name: 'TimeoutError', message: 'timed out' })
  await t.rejects(wfile.drain(), { name: 'TimeoutError' }, 'and so does drain()')
})

t.test('write() to a peer that is gone is a BrokenPipeError', async (t) => {
  const [client, server] = await socketPair(t)
  const wfile = new StreamWriter(server)
  client.resetAndDestroy()
  const fill = async () => {
    for (let count = 0; count < 1000; count++) {
      await wfile.write(Buffer.alloc(100_000))
    }
  }
  await t.rejects(fill(), { name: 'BrokenPipeError' })
  await t.rejects(wfile.write(bytes('x')), { name: 'BrokenPipeError' })
  t.equal(wfile.full, true)
  await t.rejects(wfile.drain(), { name: 'BrokenPipeError' })
  await t.rejects(wfile.flush(), { name: 'BrokenPipeError' })
  wfile.close()
})

t.test('a failure that nobody awaits does not end the process', async (t) => {
  const [client, server] = await socketPair(t)
  const wfile = new StreamWriter(server)
  client.resetAndDestroy()
  for (let count = 0; count < 20; count++) {
    void wfile.write(Buffer.alloc(100_000))
    void wfile.drain()
    await new Promise(setImmediate)
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
  await t.rejects(wfile.write(bytes('x')), { name: 'BrokenPipeError' })
})

t.test('a writer that comes too late knows that the peer is gone', async (t) => {
  const { sink } = writer()
  sink.destroy()
  await t.rejects(new StreamWriter(sink).write(bytes('x')), { name: 'BrokenPipeError' })
})
