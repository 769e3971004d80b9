/**
 * `node:net` in a browser: a network without wires, whose only host is this worker.
 *
 * ```text
 *   connect({ port })  -->  the Server that listens on that port
 *        Socket  <--------->  Socket        what one writes, the other reads
 * ```
 *
 * @module
 */

import { Duplex, EventEmitter } from './streams.ts'

/** How much lies unread before a write has to wait: the kernel's two buffers, more or less. */
const IN_FLIGHT = 1024 * 1024

const HOST = '127.0.0.1'

type Done = (error?: Error | null) => void

function broken(code: string): Error {
  return Object.assign(new Error(`write ${code}`), { code, errno: -1 })
}

/** One end of a connection. */
export class Socket extends Duplex {
  readonly remoteAddress = HOST
  readonly localAddress = HOST
  remotePort = 0
  localPort = 0
  #peer!: Socket
  #waiting: Done | undefined

  /** Make the two ends of a connection. */
  static pair(clientPort: number, serverPort: number): [client: Socket, server: Socket] {
    const [client, server] = [new Socket(), new Socket()]
    client.#peer = server
    server.#peer = client
    client.localPort = server.remotePort = clientPort
    client.remotePort = server.localPort = serverPort
    return [client, server]
  }

  override _read(): void {
    // Everything that was under way has been taken.
    const waiting = this.#peer.#waiting
    this.#peer.#waiting = undefined
    waiting?.()
  }

  override _write(data: Uint8Array, done: Done): void {
    const peer = this.#peer
    if (peer.destroyed) {
      done(broken('EPIPE'))
      return
    }
    if (data.length > 0) {
      peer.push(Buffer.from(data))
    }
    if (peer.readableLength > IN_FLIGHT) {
      this.#waiting = done
    } else {
      done()
    }
  }

  override _final(done: Done): void {
    this.#peer.push(null)
    done()
  }

  override _destroy(): void {
    const peer = this.#peer
    if (peer.destroyed) {
      return
    }
    // As a kernel has it: whoever closes with unread bytes sends a reset.
    if (this.readableLength > 0 || this.#resets) {
      peer.destroy(broken('ECONNRESET'))
    } else if (!this.writableFinished) {
      peer.push(null)
    }
  }

  #resets = false

  resetAndDestroy(): this {
    this.#resets = true
    return this.destroy()
  }

  setNoDelay(): this {
    return this
  }
}

const listening = new Map<number, Server>()
let lastPort = 49151

/** A server. */
export class Server extends EventEmitter {
  #port = 0

  get listening(): boolean {
    return listening.get(this.#port) === this
  }

  listen({ port = 0 }: { port?: number }): this {
    this.#port = port === 0 ? ++lastPort : port
    setImmediate(() => {
      listening.set(this.#port, this)
      this.emit('listening')
    })
    return this
  }

  address() {
    return { address: HOST, family: 'IPv4', port: this.#port }
  }

  close(): this {
    listening.delete(this.#port)
    return this
  }
}

/** Make a server, whose connections come paused. */
export function createServer(
  _options: unknown,
  onConnection: (connection: Socket) => void,
): Server {
  return new Server().on('connection', onConnection)
}

/** How a client reads: into memory of its own. */
interface OnRead {
  buffer(): Uint8Array
  callback(length: number, bytes: Uint8Array): boolean
}

/** Connect to a server in this worker. */
export function connect({ port, onread }: { port: number; onread?: OnRead }): Socket {
  const [client, end] = Socket.pair(++lastPort, port)
  if (onread !== undefined) {
    client.on('data', (piece: Uint8Array) => {
      for (let at = 0; at < piece.length;) {
        const room = onread.buffer()
        const part = piece.subarray(at, at + room.length)
        room.set(part)
        onread.callback(part.length, room)
        at += part.length
      }
    })
  }
  setImmediate(() => {
    const server = listening.get(port)
    if (server === undefined) {
      client.destroy(broken('ECONNREFUSED'))
    } else {
      server.emit('connection', end.pause())
      client.emit('connect')
    }
  })
  return client
}

/** As in Node. */
export function isIPv4(text: string): boolean {
  const bytes = text.split('.')
  return (
    bytes.length === 4 && bytes.every((byte) => /^(?:0|[1-9]\d{0,2})$/.test(byte) && +byte < 256)
  )
}

/** As in Node: the browser knows, in an address. */
export function isIPv6(text: string): boolean {
  return /^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]`)
}
