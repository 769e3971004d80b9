import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import t from 'tap'
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
  const progress = (received: string) => {
    if (received === 'one ' && Atomics.load(written, 0) === 0) {
      // After the reading of this turn, so that the timers come next.
      setImmediate(() => {
        server.postMessage('go on')
        // Until the rest is in the kernel, and our patience is exhausted.
        Atomics.wait(written, 0, 0)
        Atomics.wait(written, 0, 1, 2 * PATIENCE.missing)
      })
    }
    return expectation.progress(received)
  }
  const exchange = { actions: [], expectation: { ...expectation, progress } }
  const outcome = await play(exchange, { host: '127.0.0.1', port }, undefined, PATIENCE)
  t.match(outcome, { received: RESPONSE, closed: false, late: 0 })
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
