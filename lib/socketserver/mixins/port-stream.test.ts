import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import type { Test } from 'tap'
import { readAll, socketPair } from '../../testing/helpers.ts'
import { PortStream, Relay } from './port-stream.ts'
import type { Frame } from './port-stream.ts'
import { written } from './remote.ts'

const MIB = 1024 * 1024

/** A client, and the handler's end of its connection, with a real port in between. */
async function connection(t: Test, { timeout = null as number | null } = {}) {
  const [client, socket] = await socketPair(t)
  const { port1, port2 } = new MessageChannel()
  const relay = new Relay(socket, timeout)
  const stream = new PortStream((frame, transfer) => {
    port2.postMessage(frame, transfer)
  })
  /** The bytes that were posted in each direction. */
  const posted = { up: 0, down: 0 }
  port1.on('message', (frame: Frame) => {
    posted.down += frame.kind === 'data' ? frame.bytes.length : 0
    relay.accept(frame)
  })
  port2.on('message', (frame: Frame) => {
    posted.up += frame.kind === 'data' ? frame.bytes.length : 0
    stream.accept(frame)
  })
  const attach = () => {
    const early = relay.attach((frame, transfer) => {
      port1.postMessage(frame, transfer)
    })
    for (const frame of early) {
      port1.postMessage(frame)
    }
  }
  t.teardown(() => {
    port1.close()
    stream.destroy()
  })
  return { client, socket, relay, stream, attach, posted }
}

/** Wait until a number does not change any more. */
async function settled(value: () => number): Promise<number> {
  for (let last = -1; ; last = value()) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    await new Promise(setImmediate)
    if (value() === last) {
      return last
    }
  }
}

t.test(
  'Relay: begun is true with the first byte, true at the end, false after a reset',
  async (t) => {
    const [first, second, third] = await Promise.all([connection(t), connection(t), connection(t)])
    first.client.write('x')
    t.equal(await first.relay.begun, true)
    second.client.end()
    t.equal(await second.relay.begun, true)
    third.client.resetAndDestroy()
    t.equal(await third.relay.begun, false)
  },
)

t.test('what came before there was a thread is not lost', async (t) => {
  const { client, stream, attach, relay } = await connection(t)
  client.write('early, ')
  await relay.begun
  client.end('late')
  attach()
  t.equal(await text(stream), 'early, late')
})

t.test('a client that sends faster than the handler reads is stopped', async (t) => {
  const { client, stream, attach, posted } = await connection(t)
  attach()
  client.end(Buffer.alloc(8 * MIB, 'x'))
  const limit = await settled(() => posted.up)
  t.ok(limit >= 256 * 1024 && limit <= 256 * 1024 + 65536, String(limit))
  t.equal((await text(stream)).length, 8 * MIB)
})

t.test('a handler that writes faster than the client reads is stopped', async (t) => {
  const { client, socket, stream, attach, posted } = await connection(t)
  attach()
  client.pause()
  const sent = Buffer.alloc(16 * MIB, 'x')
  stream.end(sent)
  await settled(() => posted.down)
  // What the kernel has taken has been given credit for.
  const queued = posted.down - (socket.bytesWritten - socket.writableLength)
  t.ok(queued <= 256 * 1024, String(queued))
  t.ok(posted.down < sent.length)
  client.resume()
  const received = await readAll(client)
  t.equal(received.length, sent.length)
})

t.test('each side may close its half', async (t) => {
  const { client, stream, attach } = await connection(t)
  attach()
  stream.end('the answer')
  t.equal(await readAllOpen(client), 'the answer')
  client.end('the rest')
  t.equal(await text(stream), 'the rest')
})

t.test('a reset by the client destroys the stream', async (t) => {
  const { client, stream, attach, relay } = await connection(t)
  client.write('x')
  await relay.begun
  attach()
  await once(stream, 'readable')
  client.resetAndDestroy()
  await once(stream, 'close')
  t.equal(stream.readableEnded, false)
  // Not stuck on what can never leave.
  stream.write('x')
  await written(stream, null)
})

t.test('a stream that is destroyed takes the connection with it', async (t) => {
  const { client, stream, attach } = await connection(t)
  attach()
  stream.destroy()
  t.equal(await readAll(client), '')
})

t.test('written() waits for what was written; finish() leaves the connection open', async (t) => {
  const { client, socket, stream, attach } = await connection(t)
  attach()
  client.pause()
  stream.write(Buffer.alloc(8 * MIB))
  let finished = false
  const finishing = written(stream, null)?.then(() => {
    finished = true
    stream.finish()
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(finished, false)
  client.resume()
  await finishing
  t.equal(socket.destroyed, false)
  t.equal(socket.writableEnded, false)
})

t.test('written() does not wait for a client that is gone', async (t) => {
  const { client, stream, attach } = await connection(t)
  attach()
  client.pause()
  stream.write(Buffer.alloc(8 * MIB))
  const finishing = written(stream, null)
  client.resetAndDestroy()
  await finishing
  t.equal(stream.destroyed, true)
})

t.test('written() does not wait longer than it may for a client that takes nothing', async (t) => {
  const { client, socket, stream, attach } = await connection(t)
  attach()
  client.pause()
  stream.write(Buffer.alloc(16 * MIB))
  await written(stream, 0.05)
  t.equal(stream.destroyed, true)
  // Nothing is left in the main thread, either.
  if (!socket.destroyed) {
    await once(socket, 'close')
  }
  t.same(stream.finish(), [])
})

t.test('Relay: begun is false when the client was silent for too long', async (t) => {
  const silent = await connection(t, { timeout: 0.05 })
  t.equal(await silent.relay.begun, false)
  const other = await connection(t, { timeout: 60 })
  other.client.write('x')
  t.equal(await other.relay.begun, true)
})

t.test('setNoDelay() gets to the socket', async (t) => {
  const { client, socket, stream, attach } = await connection(t)
  attach()
  const calls: unknown[] = []
  t.intercept(socket, 'setNoDelay', {
    value: (noDelay: boolean) => {
      calls.push(noDelay)
    },
  })
  stream.setNoDelay(false)
  stream.end('x')
  t.equal(await readAllOpen(client), 'x')
  t.same(calls, [false])
})

async function text(stream: PortStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('latin1')
}

/** Read to the end, and leave the way back open. */
async function readAllOpen(client: Parameters<typeof readAll>[0]): Promise<string> {
  let received = ''
  client.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
  })
  await once(client, 'end')
  return received
}

t.test(
  'nothing is posted for a connection that is over: the next frames are of another',
  async (t) => {
    const posted: Frame['kind'][] = []
    const stream = new PortStream((frame) => posted.push(frame.kind))
    // More than the window: the rest waits for credit.
    stream.write(Buffer.alloc(MIB))
    await new Promise(setImmediate)
    t.same(new Set(posted), new Set(['data']))
    posted.length = 0
    stream.accept({ kind: 'reset' })
    t.same(stream.finish(), [])
    // Credit for what had been sent before the client left.
    stream.accept({ kind: 'credit', size: MIB })
    stream.setNoDelay(true)
    await new Promise(setImmediate)
    t.same(posted, [])
  },
)

t.test('a write that waits for credit fails when the connection is gone', async (t) => {
  const stream = new PortStream(() => {})
  const failed = new Promise((resolve) => {
    stream.write(Buffer.alloc(MIB), resolve)
  })
  stream.accept({ kind: 'reset' })
  t.match(await failed, { message: 'The connection is gone' })
})
