import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import type { Test } from 'tap'
import { patiently } from '../patience.ts'
import { play } from './exchange.ts'
import type { Expectation } from './exchange.ts'
import type { Pattern } from './pattern.ts'
import { judgeResponses } from './verdict.ts'

const PATIENCE = { missing: 100, quiet: 10, whole: 60_000 }
const RESPONSE = 'one two'

const expectation: Expectation = {
  closes: false,
  progress: (received) => (received === RESPONSE ? 'complete' : 'incomplete'),
}

t.test('play() takes a response that came while the process had to wait', async (t) => {
  // A server in a thread: it responds while this one is held up.
  const written = new Int32Array(new SharedArrayBuffer(4))
  const server = new Worker(
    `const { parentPort, workerData: written } = require('node:worker_threads')
    const server = require('node:net').createServer((socket) => {
      socket.write('one ')
      parentPort.once('message', () => {
        socket.write('two', () => {
          Atomics.store(written, 0, 1)
          Atomics.notify(written, 0)
        })
      })
    })
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`,
    { eval: true, workerData: written },
  )
  t.teardown(() => server.terminate())
  const [port] = (await once(server, 'message')) as [number]
  // The first bytes must come within it, however busy the machine is.
  const patience = { ...PATIENCE, missing: patiently(2000) }
  const progress = (received: string) => {
    if (received === 'one ' && Atomics.load(written, 0) === 0) {
      // After the reading of this turn, so that the timers come next.
      setImmediate(() => {
        server.postMessage('go on')
        // Until the rest is in the kernel, and our patience is exhausted.
        Atomics.wait(written, 0, 0)
        Atomics.wait(written, 0, 1, 2 * patience.missing)
      })
    }
    return expectation.progress(received)
  }
  const exchange = { actions: [], expectation: { ...expectation, progress } }
  const outcome = await play(exchange, { host: '127.0.0.1', port }, undefined, patience)
  t.match(outcome, { received: RESPONSE, closed: false, late: 0 })
})

/** A server that says what it has received once that ends with a full stop, and notes resets. */
async function echo(t: Test, options: { pauseOnConnect?: boolean } = {}) {
  const sockets: Socket[] = []
  const resets: Error[] = []
  const server = createServer(options, (socket) => {
    sockets.push(socket)
    let received = ''
    socket.on('data', (data) => {
      received += String(data)
      if (received.endsWith('.')) {
        socket.write(`[${received}]`)
        received = ''
      }
    })
    socket.on('error', (error) => resets.push(error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    sockets.forEach((socket) => socket.destroy())
  })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, sockets, resets }
}

const send = (text: string) => ({ do: 'send', bytes: Buffer.from(text) }) as const
const exactly = (text: string, closes = false): Expectation => ({
  closes,
  progress: (received, count = 9) => {
    const wanted = text.slice(0, text.split(']', count).join(']').length + 1)
    return received === wanted ? 'complete' : wanted.startsWith(received) ? 'incomplete' : 'wrong'
  },
})

t.test('play() holds a conversation over several connections', async (t) => {
  const server = await echo(t)
  const outcome = await play(
    {
      actions: [
        send('a1'),
        { do: 'line', name: 'b' },
        send('b1.'),
        { do: 'wait-for-responses', count: 1 },
        { do: 'line', name: 'a' },
        send('a2.'),
        { do: 'wait-for-responses', count: 1 },
        { do: 'line', name: 'b' },
        send('b2.'),
      ],
      expectation: exactly('[a1a2.]'),
      beside: new Map([['b', { expectation: exactly('[b1.][b2.]') }]]),
    },
    server,
    undefined,
    { ...PATIENCE, missing: 10_000 },
  )
  t.match(outcome, { received: '[a1a2.]', closed: false, late: 0 })
  t.match(outcome.beside.get('b'), { received: '[b1.][b2.]', closed: false, late: 0 })
  t.not(outcome.clientPort, outcome.beside.get('b')?.clientPort)
  t.equal(server.sockets.length, 2)
})

t.test('play() asks of each connection anew whether it ends', async (t) => {
  const server = await echo(t)
  const asked: string[] = []
  const ending = (received: string) => {
    asked.push(received)
    return received.startsWith('[last')
  }
  const wait = (count: number) => [{ do: 'wait-for-responses', count }, { do: 'go-on' }] as const
  const end = { do: 'act', act: () => void server.sockets[0]?.end() } as const
  const outcome = await play(
    {
      actions: [send('last.'), wait(1)[0], end, wait(1)[1], send('b1.'), ...wait(2), send('b2.')],
      expectation: { ...exactly('[last.][b1.][b2.]'), ending },
    },
    server,
    undefined,
    { ...PATIENCE, missing: patiently(10_000) },
  )
  t.match(outcome, { received: '[last.][b1.][b2.]', late: 0 })
  t.same(asked, ['[last.]', '[b1.]'])
})

t.test('play() resets, leaves, and forgets what nobody waited for', async (t) => {
  const server = await echo(t)
  const outcome = await play(
    {
      actions: [
        send('1.'),
        { do: 'wait-for-responses', count: 1 },
        send('2.'),
        { do: 'wait-for', text: '[2.]' },
        send('half'),
        { do: 'reset' },
        send('never sent.'),
        { do: 'new' },
        send('3.'),
        { do: 'wait-for-responses', count: 2 },
        { do: 'new' },
        send('4.'),
      ],
      expectation: exactly('[1.][3.][4.]'),
    },
    server,
    undefined,
    { ...PATIENCE, missing: 10_000 },
  )
  t.match(outcome, { received: '[1.][3.][4.]', closed: false, reset: false, waits: [true] })
  t.same(outcome.ends, [4, 8])
  t.match(server.resets, [{ code: 'ECONNRESET' }])
  t.equal(server.sockets.length, 3)
})

t.test('play() does not wait for ever for a server that reads nothing', async (t) => {
  const server = await echo(t, { pauseOnConnect: true })
  const outcome = await play(
    { actions: [send('y'.repeat(64 * 1024 * 1024))], expectation },
    server,
    undefined,
    PATIENCE,
  )
  t.match(outcome, { received: '', closed: false, late: 100 })
})

t.test('play() says that the rest of a response did not come', async (t) => {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.write('one ')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    sockets.forEach((socket) => socket.destroy())
  })
  const { port } = server.address() as AddressInfo
  const outcome = await play(
    { actions: [], expectation },
    { host: '127.0.0.1', port },
    undefined,
    PATIENCE,
  )
  t.match(outcome, { received: 'one ', closed: false, late: 100 })
  const response: Pattern = [{ literal: RESPONSE }]
  t.same(
    judgeResponses([response], outcome).map(({ flaw }) => flaw),
    ['time-out, nothing more came for 0.1 s: the response ends here'],
  )
})
