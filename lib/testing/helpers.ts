/**
 * What the unit tests share. Real sockets on loopback, on ports that the system chooses; every
 * wait is bounded by tap's own time limit.
 *
 * @module
 */

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Test } from 'tap'
import { HANG_LIMIT } from '../../conformance/patience.ts'
import type { BaseServer } from '../socketserver/base-server.ts'
import type { Address } from '../socketserver/request-handler.ts'

/** The top of the repository; the tests run compiled, in `dist/lib`. */
export const TOP = join(import.meta.dirname, '..', '..', '..')

/** Two ends of a connection, ours set up as a server sets up its sockets. Both end with the test. */
export async function socketPair(t: Test): Promise<[client: Socket, server: Socket]> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = once(listener, 'connection') as Promise<[Socket]>
  const client = connect({
    port: (listener.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  })
  client.on('error', () => {})
  const [server] = await accepted
  server.on('error', () => {})
  await connected(client)
  listener.close()
  t.teardown(() => {
    client.destroy()
    server.destroy()
  })
  return [client, server]
}

async function connected(socket: Socket): Promise<void> {
  if (socket.connecting) {
    await once(socket, 'connect')
  }
}

/** Start a server; it is shut down and closed at the end of the test. */
export async function serve(t: Test, server: BaseServer<Address>): Promise<void> {
  await server.bindAndActivate()
  const serving = server.serveForever()
  t.teardown(async () => {
    await server.shutdown()
    await serving
    await server.serverClose()
  })
}

/** Connect to a server. */
export function dial(server: BaseServer<Address>): Socket {
  const { serverAddress } = server
  const socket =
    typeof serverAddress === 'string'
      ? connect({ path: serverAddress, allowHalfOpen: true })
      : connect({ port: serverAddress[1], host: serverAddress[0], allowHalfOpen: true })
  socket.on('error', () => {})
  return socket
}

/** Send text to a server and read, as ISO 8859-1, all that comes back until it closes. */
export async function talk(
  server: BaseServer<Address>,
  text: string,
  { halfClose = false } = {},
): Promise<string> {
  const socket = dial(server)
  socket.write(text, 'latin1')
  if (halfClose) {
    socket.end()
  }
  return readAll(socket)
}

/** Read what comes until the other side closes. */
export async function readAll(socket: Socket): Promise<string> {
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    received += chunk
  })
  if (!socket.readableEnded && !socket.destroyed) {
    await new Promise<void>((resolve) => {
      socket.on('end', resolve)
      socket.on('close', resolve)
    })
  }
  socket.destroy()
  return received
}

/** Read until a text has come; return all up to and with it, and more if more came with it. */
export async function readUntil(socket: Socket, text: string): Promise<string> {
  let received = ''
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (received.includes(text)) {
        socket.off('data', onData)
        resolve(received)
      }
    }
    socket.on('data', onData)
    socket.on('close', () => {
      reject(new Error(`Closed before ${JSON.stringify(text)}: ${JSON.stringify(received)}`))
    })
  })
}

/** Collect, from now to the end of the test, what is written to standard error. */
export function captureStderr(t: Test): () => string {
  let text = ''
  t.intercept(process.stderr, 'write', {
    value: (chunk: string) => {
      text += chunk
      return true
    },
  })
  return () => text
}

/** Collects all that nothing refers to any more. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

/** How many objects are still referred to; waits for none. */
export async function countKept(objects: readonly WeakRef<object>[]): Promise<number> {
  let kept = NaN
  for (const end = Date.now() + HANG_LIMIT; kept !== 0 && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    collectGarbage()
    kept = objects.filter((one) => one.deref() !== undefined).length
  }
  return kept
}
