import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { captureStderr, readAll, socketPair } from '../testing/helpers.ts'
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
  const log = captureStderr(t)
  // Nobody need handle them, and one line is enough.
  void wfile.write(bytes('x'))
  void wfile.write('text' as unknown as Uint8Array)
  await t.rejects(wfile.write(bytes('x')), { name: 'ValueError' })
  t.match(log(), /^Written after the end of the response, and not sent\. .* must await\n$/)
})

t.test('next() makes a writer for the next request, in order with this one', async (t) => {
  class Counting extends StreamWriter {
    count = 0
    override write(data: Uint8Array) {
      this.count++
      return super.write(data)
    }
  }
  captureStderr(t)
  const { writes, sink } = writer()
  const first = new Counting(sink)
  void first.write(bytes('one '))
  first.retire()
  await t.rejects(first.write(bytes('late ')), { name: 'ValueError' })
  const second = first.next() as Counting
  t.ok(second instanceof Counting)
  void second.write(bytes('two '))
  t.equal(second.count, 1)
  await new Promise(setImmediate)
  t.same(writes, ['one two '], 'in one write')

  void second.write(bytes('three '))
  const third = second.next()
  await t.rejects(second.write(bytes('late ')), { name: 'ValueError' })
  await new Promise(setImmediate)
  t.same(writes, ['one two ', 'three '], 'it leaves, even if the next one writes nothing')
  t.equal(sink.listenerCount('error'), 1)
  sink.destroy()
  await t.rejects(third.next().write(bytes('x')), { name: 'BrokenPipeError' })
})

t.test('stream() is a Writable, whose end is a flush', async (t) => {
  const { writes, sink, wfile } = writer()
  await pipeline(Readable.from([bytes('one '), 'two ']), wfile.stream())
  t.same(writes.join(''), 'one two ')
  t.equal(sink.writableEnded, false)
  await Readable.toWeb(Readable.from([bytes('three')])).pipeTo(Writable.toWeb(wfile.stream()))
  t.same(writes.join(''), 'one two three')

  sink.destroy()
  await t.rejects(pipeline(Readable.from([bytes('x')]), wfile.stream()), {
    name: 'BrokenPipeError',
  })
  // Nobody listens, and nothing happens.
  wfile.stream().write(bytes('x'))
  await new Promise((resolve) => setTimeout(resolve, 10))
})

t.test('stream() drops what comes too late, and does not fail', async (t) => {
  const log = captureStderr(t)
  const { writes, wfile } = writer()
  const nodes = wfile.stream()
  const webs = Writable.toWeb(wfile.stream())
  wfile.retire()
  await pipeline(Readable.from([bytes('one '), 'two ']), nodes)
  await Readable.toWeb(Readable.from([bytes('three')])).pipeTo(webs)
  t.same(writes, [])
  t.match(log(), /^Written after the end of the response, and not sent\. .* must await\n$/)

  // The request ends while a piece waits for the peer, and then the connection does.
  const [client, server] = await socketPair(t)
  const stuck = new StreamWriter(server)
  const piped = pipeline(Readable.from([Buffer.alloc(64 * 1024 * 1024)]), stuck.stream())
  while (!server.writableNeedDrain) {
    await new Promise(setImmediate)
  }
  stuck.retire()
  client.resetAndDestroy()
  await piped
})

t.test('stream() waits for a peer that does not read', async (t) => {
  const [client, server] = await socketPair(t)
  const stream = new StreamWriter(server).stream()
  const source = Readable.from(
    (function* () {
      for (let count = 0; count < 1024; count++) {
        yield Buffer.alloc(64 * 1024)
      }
    })(),
  )
  source.pipe(stream)
  while (!server.writableNeedDrain) {
    await new Promise(setImmediate)
  }
  t.ok(server.writableLength < 1024 * 1024)
  let received = 0
  for await (const chunk of client) {
    received += (chunk as Buffer).length
    if (received === 64 * 1024 * 1024) {
      break
    }
  }
  t.equal(received, 64 * 1024 * 1024)
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

t.test('write() waits once for all the writes that nobody awaits', async (t) => {
  const sink = new Writable({ write: () => {} })
  const wfile = new StreamWriter(sink, { timeout: 60 })
  const pending = Array.from({ length: 1000 }, () => wfile.write(Buffer.alloc(1000)))
  t.equal(wfile.full, true)
  t.equal(sink.listenerCount('drain'), 1)
  sink.destroy()
  await t.rejects(pending.at(-1) as Promise<void>, { name: 'BrokenPipeError' })
  t.equal(sink.listenerCount('drain'), 0)
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
