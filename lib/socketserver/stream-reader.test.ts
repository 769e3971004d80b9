import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { monotonic } from '../stdlib/dates.ts'
import { socketPair } from '../testing/helpers.ts'
import { piecesUntil } from './pieces.ts'
import { StreamReader } from './stream-reader.ts'

/** A reader, and a function that lets bytes come in. */
function reader(options = {}) {
  const source = new PassThrough()
  const rfile = new StreamReader(source, options)
  return { source, rfile, feed: (text: string) => source.write(text, 'latin1') }
}

t.test('readline() returns lines with their ends', async (t) => {
  const { source, rfile, feed } = reader()
  feed('one\r\ntwo\n\nlast')
  source.end()
  t.equal((await rfile.readline()).toString(), 'one\r\n')
  t.equal((await rfile.readline()).toString(), 'two\n')
  t.equal((await rfile.readline()).toString(), '\n')
  t.equal((await rfile.readline()).toString(), 'last', 'the last line has no end')
  t.equal((await rfile.readline()).length, 0, 'then there is none')
  t.equal((await rfile.readline()).length, 0, 'and still none')
})

t.test('readline() puts a line together from pieces of any size', async (t) => {
  const text = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
  for (const size of [1, 2, 3, 7, 100]) {
    const { source, rfile, feed } = reader()
    const lines = (async () => {
      const all: string[] = []
      for await (const line of rfile) {
        all.push(line.toString())
      }
      return all
    })()
    for (let at = 0; at < text.length; at += size) {
      feed(text.slice(at, at + size))
      await new Promise(setImmediate)
    }
    source.end()
    t.same(await lines, ['GET / HTTP/1.1\r\n', 'Host: x\r\n', '\r\n'], `pieces of ${String(size)}`)
  }
})

t.test('readline() returns no more than its limit', async (t) => {
  const { source, rfile, feed } = reader()
  feed('abcdef\nghi')
  t.equal((await rfile.readline(3)).toString(), 'abc')
  t.equal((await rfile.readline(4)).toString(), 'def\n')
  t.equal((await rfile.readline(3)).toString(), 'ghi', 'without waiting for more')
  feed('\n')
  t.equal((await rfile.readline(3)).toString(), '\n')
  source.end()
})

t.test('readline() of a long line is a view that later bytes do not change', async (t) => {
  const { rfile, feed } = reader()
  feed('a')
  await new Promise(setImmediate)
  feed('b\ncd')
  const first = await rfile.readline()
  feed('efghijklmnopqrstuvwxyz'.repeat(100))
  await new Promise(setImmediate)
  feed('\n')
  const second = await rfile.readline()
  t.equal(first.toString(), 'ab\n')
  t.equal(second.length, 2 + 2200 + 1)
})

t.test('takeTextLine() takes a line as text, a character for each byte', async (t) => {
  const { source, rfile, feed } = reader()
  t.equal(rfile.takeTextLine(), undefined)
  const more = rfile.more()
  feed('\xe9\xff\r\ntwo')
  await more
  t.equal(rfile.takeTextLine(), '\xe9\xff\r\n')
  t.equal(rfile.position, 4)
  t.equal(rfile.takeTextLine(), undefined)
  t.equal(rfile.takeTextLine(2), 'tw')
  const end = rfile.more()
  source.end()
  await end
  t.equal(rfile.takeTextLine(), 'o')
  t.equal(rfile.takeTextLine(), '')
})

t.test('more() does not wait behind the end of the input', async (t) => {
  const { source, rfile } = reader()
  source.end()
  await rfile.more()
  await rfile.more()
  t.equal((await rfile.readline()).length, 0)
})

t.test('takeTextLine() and reads of bytes in turns lose no byte, however the input is cut', (t) => {
  const line = fc.tuple(
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((c) => String.fromCharCode(c)) }),
    // Some lines are longer than what is decoded at once.
    fc.constantFrom('\n', '\r\n', `${'x'.repeat(5000)}\n`),
  )
  const input = fc.array(line, { minLength: 1 }).map((lines) => lines.flat().join(''))
  const cuts = fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1 })
  const turns = fc.array(fc.constantFrom('text', 'text', 'line', 'bytes', 'limit'), {
    minLength: 1,
  })
  return fc.assert(
    fc.asyncProperty(input, cuts, turns, async (text, cuts, turns) => {
      const { source, rfile, feed } = reader()
      const take = {
        text: () => rfile.takeTextLine(),
        line: async () => (await rfile.readline(Math.min(7, rfile.buffered))).toString('latin1'),
        limit: () => rfile.takeTextLine(3),
        bytes: async () => (await rfile.read(Math.min(2, rfile.buffered))).toString('latin1'),
      }
      let [taken, at, turn, cut, ended] = ['', 0, 0, 0, false]
      while (taken.length < text.length) {
        const piece = await take[turns[turn++ % turns.length] as keyof typeof take]()
        if (piece !== undefined && piece !== '') {
          taken += piece
        } else if (at < text.length) {
          const more = rfile.more()
          const size = cuts[cut++ % cuts.length] as number
          feed(text.slice(at, at + size))
          at += size
          await more
        } else if (!ended) {
          ended = true
          const more = rfile.more()
          source.end()
          await more
        }
      }
      t.equal(taken, text)
    }),
    { seed: 1, numRuns: 200 },
  )
})

t.test('takeTextLine() takes a line that is here, and never waits', async (t) => {
  const { source, rfile, feed } = reader()
  t.equal(rfile.takeTextLine(), undefined)
  const more = rfile.more()
  feed('one\ntwo')
  await more
  t.equal(rfile.takeTextLine(), 'one\n')
  t.equal(rfile.takeTextLine(), undefined)
  t.equal(rfile.takeTextLine(2), 'tw')
  const end = rfile.more()
  source.end()
  await end
  t.equal(rfile.takeTextLine(), 'o')
  t.equal(rfile.takeTextLine(), '')
})

t.test('read() returns exactly so many bytes', async (t) => {
  const { source, rfile, feed } = reader()
  feed('hello')
  t.equal((await rfile.read(2)).toString(), 'he')
  t.equal((await rfile.read(0)).length, 0)
  const rest = rfile.read(6)
  await new Promise(setImmediate)
  feed(' you')
  t.equal((await rest).toString(), 'llo yo')
  t.equal(rfile.position, 8)
  source.end('!!')
  t.equal((await rfile.read(100)).toString(), 'u!!', 'fewer when the input ends')
  t.equal((await rfile.read(100)).length, 0)
})

t.test('read() without a size reads to the end', async (t) => {
  const { source, rfile, feed } = reader()
  const all = rfile.read()
  feed('a'.repeat(100_000))
  await new Promise(setImmediate)
  source.end('b')
  t.equal((await all).length, 100_001)
})

t.test('readline() takes -1 for no limit, and refuses what is none', async (t) => {
  const { rfile, feed } = reader()
  feed('one\ntwo\n')
  t.equal((await rfile.readline(-1)).toString(), 'one\n')
  t.equal((await rfile.readline()).toString(), 'two\n')
  await t.rejects(rfile.readline(-2), { name: 'ValueError' })
  await t.rejects(rfile.readline(NaN), { name: 'ValueError' })
  await t.rejects(rfile.skip(-4), { name: 'ValueError' })
})

t.test('a file that is closed cannot be read', async (t) => {
  const { rfile, feed } = reader()
  feed('line\n')
  rfile.close()
  t.equal(rfile.closed, true)
  t.throws(() => rfile.takeTextLine(), { message: 'Cannot read: the file is closed' })
  await t.rejects(rfile.readline(), { name: 'ValueError' })
  await t.rejects(rfile.read(1), { name: 'ValueError' })
})

t.test('a deadline holds, however often the peer sends a byte', async (t) => {
  const { rfile, feed } = reader({ timeout: 10 })
  rfile.deadline = monotonic() + 0.1
  const timer = setInterval(() => feed('x'), 10)
  await t.rejects(rfile.readline(), { name: 'TimeoutError' })
  clearInterval(timer)
  rfile.deadline = null
  feed('\n')
  t.match((await rfile.readline()).toString(), /^x+\n$/, 'without it, all goes on')
})

t.test('a timeout of more than 24 days is one of 24 days', async (t) => {
  const { rfile, feed } = reader({ timeout: 1e9 })
  const line = rfile.readline()
  await new Promise((resolve) => setTimeout(resolve, 10))
  feed('x\n')
  t.equal((await line).toString(), 'x\n')
})

t.test('read() refuses what is no length', async (t) => {
  const { rfile } = reader()
  for (const size of [-2, 1.5, NaN]) {
    await t.rejects(rfile.read(size), {
      name: 'ValueError',
      message: `Cannot read ${String(size)} bytes: give a length, or -1 for all`,
    })
  }
})

t.test('skip() throws bytes away', async (t) => {
  const { source, rfile, feed } = reader()
  feed('0123456789')
  await rfile.skip(4)
  t.equal((await rfile.read(2)).toString(), '45')
  source.end()
  await rfile.skip(100)
  t.equal(rfile.position, 10)
})

t.test('a second read while the first waits is an error', async (t) => {
  const { rfile, feed } = reader()
  const first = rfile.read(1)
  await t.rejects(rfile.read(1), {
    message: 'Cannot read: another read is still waiting for the peer',
  })
  feed('x')
  t.equal((await first).toString(), 'x')
})

t.test('peek() may be given up, and another read begins', async (t) => {
  const { rfile, feed } = reader()
  const given = rfile.peek()
  t.equal(await Promise.race([given, Promise.resolve('an event')]), 'an event')
  const line = rfile.readline()
  const another = rfile.peek()
  await t.rejects(rfile.readline(), /another read is still waiting/, 'two that take are an error')
  feed('one\n')
  t.equal((await line).toString(), 'one\n', 'it has taken nothing')
  feed('two\n')
  t.equal((await given).toString(), 'one\n', 'it came first')
  t.equal((await another).toString(), 'two\n')
})

t.test('a peek() that was given up does not cut the next read short', async (t) => {
  const { rfile, feed } = reader({ timeout: 0.2 })
  const given = rfile.peek()
  await new Promise((resolve) => setTimeout(resolve, 150))
  const line = rfile.readline()
  setTimeout(() => feed('one\n'), 150)
  t.equal((await line).toString(), 'one\n')
  t.equal((await given).toString(), 'one\n')
  void rfile.peek().catch(() => {})
  rfile.deadline = monotonic() + 0.02
  await t.rejects(rfile.readline(), { name: 'TimeoutError' })
})

t.test('piecesUntil() gives the bytes as they come, and none behind the end', async (t) => {
  const { source, rfile, feed } = reader()
  feed('head\nab')
  await rfile.readline()
  const pieces: string[] = []
  const end = rfile.position + 5
  for await (const piece of piecesUntil(rfile, end)) {
    pieces.push(piece.toString())
    feed('cdefg')
  }
  t.same(pieces, ['ab', 'cde'])
  for await (const piece of piecesUntil(rfile, end)) {
    t.fail(piece.toString())
  }
  const cut = piecesUntil(rfile, rfile.position + 100)
  source.end()
  t.equal((await cut.next()).value?.toString(), 'fgcdefg')
  await t.rejects(cut.next(), {
    name: 'ConnectionResetError',
    message: 'Connection ended, 93 bytes before the end of the body',
  })
})

t.test('signal tells that the peer has gone', async (t) => {
  for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const [client, server] = await socketPair(t)
    const rfile = new StreamReader(server)
    const { signal } = rfile
    t.equal(signal.aborted, false)
    client.write('for the next request')
    await rfile.peek()
    client[leave]()
    await once(signal, 'abort')
    t.match(signal.reason, { name: 'ConnectionResetError' })
    t.equal(rfile.signal, signal)
    t.equal(rfile.buffered, 20, 'what has come before is still here')
    t.ok(new StreamReader(server).signal.aborted, 'it may have gone before')
  }
})

t.test('signal watches a peer that sends, as far as there is room', async (t) => {
  const [client, server] = await socketPair(t)
  const rfile = new StreamReader(server)
  const { signal } = rfile
  client.end(Buffer.alloc(1_000_000))
  while (rfile.buffered <= 64 * 1024) {
    await new Promise(setImmediate)
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
  const { buffered } = rfile
  t.ok(buffered <= 192 * 1024, 'no more than that is read ahead')
  t.equal(rfile.signal, signal)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(rfile.buffered, buffered, 'nor does it help to look again')
  t.equal(signal.aborted, false)
  await rfile.read(950_000)
  await once(signal, 'abort')
  t.equal((await rfile.read()).length, 50_000)
})

t.test('close() aborts the signal, and leaves no timer', async (t) => {
  const { rfile } = reader({ timeout: 3600 })
  const { signal } = rfile
  void rfile.peek()
  rfile.close()
  t.equal(signal.aborted, true)
  // The timer of an hour would keep this test running.
})

t.test('a wait is announced, and ends after the timeout', async (t) => {
  let waits = 0
  const { rfile, feed } = reader({
    timeout: 0.02,
    beforeWaiting: () => {
      waits++
    },
  })
  await t.rejects(rfile.readline(), { name: 'TimeoutError', message: 'timed out' })
  t.equal(waits, 1)
  feed('x\n')
  t.equal((await rfile.readline()).toString(), 'x\n', 'and the file can be read on')
})

t.test('each byte that comes gives the peer its time again', async (t) => {
  const { rfile, feed } = reader({ timeout: 1 })
  const line = rfile.readline()
  for (const character of 'abc') {
    await new Promise((resolve) => setTimeout(resolve, 400))
    feed(character)
  }
  feed('\n')
  t.equal((await line).toString(), 'abc\n')
})

t.test('a reset is a ConnectionResetError, for this read and the next', async (t) => {
  const [client, server] = await socketPair(t)
  const rfile = new StreamReader(server)
  const line = rfile.readline()
  client.write('half a li')
  await new Promise((resolve) => setTimeout(resolve, 20))
  client.resetAndDestroy()
  await t.rejects(line, { name: 'ConnectionResetError' })
  await t.rejects(rfile.read(100), { name: 'ConnectionResetError' })
})

t.test('a peer that sends faster than it is read is made to wait', async (t) => {
  const [client, server] = await socketPair(t)
  const rfile = new StreamReader(server)
  const block = Buffer.alloc(64 * 1024)
  client.write(block)
  t.equal((await rfile.read(1)).length, 1)
  let written = 0
  let stuck = false
  while (!stuck && written < 64 * 1024 * 1024) {
    written += block.length
    client.write(block)
    await new Promise(setImmediate)
    if (client.writableLength > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      stuck = client.writableLength > 0
    }
  }
  t.ok(stuck, 'the client cannot get rid of its bytes')
  t.ok(server.isPaused())
  client.end()
  t.equal((await rfile.read()).length, block.length - 1 + written, 'and not one is lost')
})

t.test('close() leaves a connection still', async (t) => {
  const [client, server] = await socketPair(t)
  const rfile = new StreamReader(server)
  client.write('line\n')
  await rfile.readline()
  rfile.close()
  t.equal(server.readableFlowing, false)
  t.equal(server.listenerCount('data'), 0)
  t.equal(server.listenerCount('end'), 1, 'Node’s own')
})

t.test('release() and close() dispose of what was adopted, once', async (t) => {
  const { rfile } = reader()
  const disposed: string[] = []
  const resource = (name: string) => ({
    [Symbol.asyncDispose]: async () => {
      disposed.push(name)
    },
  })
  t.equal(rfile.release(), undefined, 'there is nothing to wait for')
  rfile.adopt(resource('a'))
  rfile.adopt(resource('b'))
  await rfile.release()
  t.same(disposed, ['a', 'b'])
  t.equal(rfile.release(), undefined)
  rfile.adopt(resource('c'))
  rfile.close()
  t.same(disposed, ['a', 'b', 'c'])
})

t.test('a reader that comes too late knows that the input has ended', async (t) => {
  const source = new PassThrough()
  source.resume().end()
  await new Promise((resolve) => source.once('end', resolve))
  t.equal((await new StreamReader(source).readline()).length, 0)
  const broken = new PassThrough()
  broken.destroy()
  await t.rejects(new StreamReader(broken).readline(), { name: 'ConnectionResetError' })
})

t.test('peek() waits for a byte, and leaves it where it is', async (t) => {
  const { source, rfile, feed } = reader()
  const waiting = rfile.peek()
  feed('GET')
  t.equal((await waiting).toString(), 'GET')
  t.equal((await rfile.peek()).toString(), 'GET')
  t.equal((await rfile.read(3)).toString(), 'GET')
  const end = rfile.peek()
  source.end()
  t.equal((await end).length, 0, 'none, when the input has ended')
  rfile.close()
  await t.rejects(rfile.peek(), { name: 'ValueError' })
})

t.test('close() ends what nobody has awaited: to it, the input is over', async (t) => {
  const waits: ((rfile: StreamReader) => Promise<unknown>)[] = [
    (rfile) => rfile.read(5),
    (rfile) => rfile.readline(),
    (rfile) => rfile.peek(),
    (rfile) => rfile.skip(5),
    async (rfile) => {
      for await (const piece of piecesUntil(rfile, 5)) {
        t.fail(piece.toString())
      }
    },
  ]
  for (const wait of waits) {
    const rfile = new StreamReader(new PassThrough(), { timeout: 60 })
    const waiting = wait(rfile)
    await new Promise(setImmediate)
    rfile.close()
    await t.resolves(waiting)
  }
})

t.test('release() forgets the signal: its listeners do not outlive the request', async (t) => {
  const rfile = new StreamReader(new PassThrough())
  const { signal } = rfile
  t.equal(rfile.signal, signal)
  void rfile.release()
  t.not(rfile.signal, signal)
  rfile.close()
  t.notOk(signal.aborted)
})
