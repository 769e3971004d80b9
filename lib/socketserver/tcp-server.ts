/**
 * Python's `TCPServer`: the transport under a server.
 *
 * ```text
 *   client --connect--> kernel --accept--> [ queue, each socket paused ] --getRequest()--> handler
 *                                             requestQueueSize
 * ```
 *
 * Python leaves new connections in the kernel's queue and accepts one when it has time for it. Node
 * accepts by itself, as soon as it can, so the queue is kept here: sockets in the order in which they
 * came, paused, not a byte read. A connection that finds it full is closed, and that is logged.
 *
 * Differs: in Python, a client that finds the kernel's queue full tries again for a while. Here
 * it is turned away at once.
 *
 * Reading path: 2 of 10. Next: request-handler.ts.
 *
 * @module
 */

import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { ListenOptions, Server, Socket } from 'node:net'
import { repr } from '../stdlib/format.ts'
import { stderr } from '../stdlib/sys.ts'
import { BaseServer } from './base-server.ts'
import { LingeringConnections } from './closing.ts'
import type { Address, Connection, InternetAddress } from './request-handler.ts'

/**
 * Which internet addresses a server listens on: IPv4 only, IPv6 only, or an IPv6 socket that
 * takes IPv4 as well and shows such clients as `::ffff:127.0.0.1`.
 */
export type AddressFamily = 'IPv4' | 'IPv6' | 'dual'

/**
 * A server on an internet stream socket.
 *
 * In addition to {@link BaseServer}:
 *
 * Fields that may be overridden: {@link addressFamily}, {@link requestQueueSize}, {@link maxConnections},
 * {@link allowReusePort}. Methods for derived classes: {@link createSocket}, {@link listenOptions},
 * {@link boundAddress}, {@link clientAddressOf}.
 *
 * @typeParam ServerAddress - a pair of host and port; the host `''` is all interfaces, the port
 * 0 any free one
 * @python socketserver.TCPServer
 */
export class TCPServer<
  ServerAddress extends Address = InternetAddress,
> extends BaseServer<ServerAddress> {
  /** Which addresses to listen on. A host name is looked up in this family. */
  addressFamily: AddressFamily = 'IPv4'

  /**
   * One less than how many connections may wait while another is handled, as with Linux's `listen()`.
   */
  requestQueueSize = 5

  /**
   * Whether an address may be taken again at once after a server on it has ended.
   *
   * Differs: always true; false is refused when the server is bound. Node sets `SO_REUSEADDR` on
   * every server socket and offers no way to leave it.
   */
  allowReuseAddress = true

  /**
   * Whether several servers may listen on the same port and share its connections
   * (`SO_REUSEPORT`). Needs Node 22.12; true is refused before that, when the server is bound.
   */
  allowReusePort = false

  /**
   * How many connections may be open at once; any beyond that are closed unread, and the first of
   * them is logged. Null: as many as the system allows. Takes effect when the server is bound.
   *
   * When the process runs out of file descriptors, connections are dropped and libuv does not report
   * it; nor can a file be opened for those that are there. A limit below the system's avoids both.
   *
   * @added Python's `accept()` fails then, again and again.
   */
  maxConnections: number | null = null

  /**
   * The listening socket, once the server is bound.
   *
   * @python socketserver.BaseServer.socket
   */
  socket!: Server

  /** Accepted, paused, and not yet given out by {@link getRequest}. */
  readonly #queue: [Socket, Address][] = []
  readonly #lingering = new LingeringConnections(this)
  // Whether the log already says that the queue is full, or that the limit is reached.
  #overflowing = false
  #dropping = false

  // -- Starting and stopping -----------------------------------------------------------------

  /**
   * Make the listening socket and bind it. Extend it to do something with the real address.
   *
   * Differs: Node binds and listens in one step, so connections are taken from here on, and wait.
   *
   * @throws what Node throws when the address cannot be had, with its `code` (`EADDRINUSE`,
   * `EACCES`, `EADDRNOTAVAIL`, `ENOTFOUND`).
   * @python socketserver.TCPServer.server_bind
   */
  override async serverBind(): Promise<void> {
    if (!this.allowReuseAddress) {
      throw new Error('Cannot bind with allowReuseAddress = false: Node always sets SO_REUSEADDR')
    }
    if (this.allowReusePort && !canReusePort()) {
      throw new Error(
        `Cannot bind with allowReusePort = true: Node ${process.version} has no such option, ` +
          'Node 22.12 has',
      )
    }
    const options = await this.listenOptions()
    this.socket = await this.createSocket((connection) => {
      this.#enqueue(connection)
    })
    if (this.maxConnections !== null) {
      this.socket.maxConnections = this.maxConnections
      this.socket.on('drop', (dropped) => {
        if (!this.#dropping) {
          this.#dropping = true
          const { remoteAddress, remotePort } = dropped ?? {}
          const limit = String(this.maxConnections)
          logDrop(
            remoteAddress && [remoteAddress, remotePort],
            `${limit} are open, see maxConnections`,
          )
        }
      })
    }
    this.socket.listen({ ...options, reusePort: this.allowReusePort } as ListenOptions)
    await once(this.socket, 'listening')
    this.socket.on('error', (error) => {
      stderr.write(`Cannot accept a connection: ${error.message}\n`)
    })
    this.serverAddress = this.boundAddress()
  }

  /**
   * Stop listening, close the connections that wait in the queue, and end those that are idle. Those that
   * are being handled end after their current HTTP request. Those that are being closed are waited for:
   * four seconds at most, two for the last bytes to leave and two for the client to close its side.
   *
   * @python socketserver.TCPServer.server_close
   */
  override async serverClose(): Promise<void> {
    for (const [connection] of this.#queue.splice(0)) {
      connection.destroy()
    }
    // Not there if the server was never bound, not listening if binding failed.
    if ((this.socket as Server | undefined)?.listening === true) {
      this.socket.close()
    }
    await super.serverClose()
    await this.#lingering.allClosed()
  }

  /**
   * Make the listening socket, not bound yet. To be overridden by a class with another transport,
   * TLS for instance.
   *
   * @param onConnection - to be called with each new connection, which must be paused
   * @added Python's constructor makes the socket.
   */
  createSocket(onConnection: (connection: Socket) => void): Server | Promise<Server> {
    // allowHalfOpen: a client that closes its side after the request (`printf ... | nc`) still
    // gets its response; by default, Node would close ours as well.
    return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, onConnection)
  }

  /**
   * Say where to listen, in the words of Node's `server.listen()`.
   *
   * @added Python passes `server_address` to `bind()`.
   */
  async listenOptions(): Promise<ListenOptions> {
    const [host, port] = this.serverAddress as InternetAddress
    const family = this.addressFamily
    if (host === '') {
      return { host: family === 'IPv4' ? '0.0.0.0' : '::', port, ipv6Only: family === 'IPv6' }
    }
    // `localhost` may be ::1 first; the family decides, not the order of the addresses. What is an address
    // already comes back as it is, whatever its family.
    const wanted = family === 'IPv4' ? 4 : 6
    const found = await lookup(host, { family: wanted })
    if (found.family !== wanted) {
      throw new Error(
        `Cannot listen on ${repr(host)} with addressFamily = ${repr(family)}: ` +
          `that is an IPv${String(found.family)} address`,
      )
    }
    return { host: found.address, port, ipv6Only: family === 'IPv6' }
  }

  /**
   * The address that the listening socket really has.
   *
   * @added Python's `socket.getsockname()`.
   */
  boundAddress(): ServerAddress {
    const bound = this.socket.address()
    const address: Address =
      bound === null || typeof bound === 'string' ? (bound ?? '') : [bound.address, bound.port]
    return address as ServerAddress
  }

  // -- The queue -----------------------------------------------------------------------------

  #enqueue(connection: Socket): void {
    this.#dropping = false
    // Without a listener, a reset would end the process. Whoever reads or writes hears of it.
    connection.on('error', ignore)
    const clientAddress = this.clientAddressOf(connection)
    if (clientAddress === null) {
      // Security: reset while it waited in the kernel. There is no one to respond to, and no address
      // to give to verifyRequest() or to the log.
      connection.destroy()
    } else if (this.#queue.length > this.requestQueueSize) {
      this.#drop(connection, clientAddress)
    } else {
      this.#queue.push([connection, clientAddress])
      this.requestArrived()
    }
  }

  /**
   * The client's address; null if the client is gone already.
   *
   * @added Python's `socket.accept()` tells it.
   */
  clientAddressOf({ remoteAddress, remotePort }: Socket): Address | null {
    return remoteAddress === undefined || remotePort === undefined
      ? null
      : [remoteAddress, remotePort]
  }

  #drop(connection: Socket, clientAddress: Address): void {
    connection.destroy()
    if (!this.#overflowing) {
      this.#overflowing = true
      logDrop(
        clientAddress,
        `the queue is full, see requestQueueSize (${String(this.requestQueueSize)})`,
      )
    }
  }

  /** @internal */
  override hasRequest(): boolean {
    return this.#queue.length > 0
  }

  /**
   * Take the connection that has waited longest.
   *
   * @throws when none is waiting.
   * @python socketserver.TCPServer.get_request
   */
  override getRequest(): [Connection, Address] | Promise<[Connection, Address]> {
    const request = this.#queue.shift()
    if (request === undefined) {
      throw new Error('Cannot get a request: none is waiting')
    }
    this.#overflowing = false
    return request
  }

  // -- Closing a connection ------------------------------------------------------------------

  /**
   * Send what is still to be sent, and close the connection: our side then, the rest when the client
   * has closed its side, too, or two seconds after ours. Until then, what it sends is read and thrown away:
   * to close a socket with unread input makes the kernel send a reset, which can destroy the response
   * on its way. See `closing.ts`.
   *
   * Differs: Python closes at once.
   *
   * @python socketserver.TCPServer.close_request
   */
  override closeRequest(request: Connection): void | Promise<void> {
    if (!request.destroyed) {
      this.#lingering.close(request)
    }
  }
}

/** One line for many, or whoever floods the server would flood the log as well. */
function logDrop(clientAddress: unknown, reason: string): void {
  const from = clientAddress === undefined ? '' : ` from ${repr(clientAddress)}`
  stderr.write(`Connection${from} dropped, and so are further ones: ${reason}\n`)
}

function ignore(): void {}

function canReusePort(): boolean {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
  return major > 22 || (major === 22 && minor >= 12)
}
