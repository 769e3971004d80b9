/**
 * Python's `HTTPServer` and its family: TCP servers that know their own name.
 *
 * ```text
 *   TCPServer <- HTTPServer <- HTTPSServer        one connection at a time
 *                    ^              ^
 *            AsyncHTTPServer   AsyncHTTPSServer   each connection a task (AsyncMixIn)
 * ```
 *
 * All of HTTP is in the handler. The server only takes connections: read
 * `socketserver/base-server.ts` for what that means. Those with threads are in
 * `threading-server.ts`.
 *
 * @module
 */

import type { Server, Socket } from 'node:net'
import { hostname } from 'node:os'
import { AsyncMixIn } from '../socketserver/async-mixin.ts'
import type { InternetAddress } from '../socketserver/base-server.ts'
import type { RequestHandlerClass } from '../socketserver/request-handler.ts'
import { TCPServer } from '../socketserver/tcp-server.ts'

/**
 * A server for HTTP, which handles one connection at a time.
 *
 * ```ts
 * const server = new HTTPServer(['localhost', 8080], MyHandler)
 * await server.serveForever()
 * ```
 *
 * @python http.server.HTTPServer
 */
export class HTTPServer extends TCPServer {
  /**
   * The name of the host, once the server is bound.
   *
   * Differs: Python asks the name service for the full name of the address, which can take many
   * seconds on a machine that has none. Here it is the host as it was given, or the machine's
   * name when that stands for all interfaces.
   *
   * @python http.server.HTTPServer.server_name
   */
  serverName = ''

  /**
   * The port, once the server is bound.
   *
   * @python http.server.HTTPServer.server_port
   */
  serverPort = 0

  /**
   * Bind the server, and take down its name and port.
   *
   * @python http.server.HTTPServer.server_bind
   */
  override async serverBind(): Promise<void> {
    const [host] = this.serverAddress
    await super.serverBind()
    this.serverName = ['', '0.0.0.0', '::'].includes(host) ? hostname() : host
    this.serverPort = this.serverAddress[1]
  }
}

/**
 * An HTTP server that handles each connection as a task of its own. The command line uses it.
 *
 * @added Python's is `ThreadingHTTPServer`.
 */
export class AsyncHTTPServer extends AsyncMixIn(HTTPServer) {}

// -- TLS -------------------------------------------------------------------------------------

/** What an {@link HTTPSServer} needs beside an address and a handler. */
export interface HTTPSOptions {
  /** The path of the certificate, in PEM format, with those that lead to its issuer behind it. */
  readonly certfile: string
  /** The path of the private key, in PEM format. Default: it is in `certfile`, too. */
  readonly keyfile?: string | undefined
  /** What the private key is encrypted with, if it is. */
  readonly password?: string | undefined
  /** The protocols to agree on, the best first. Default: `['http/1.1']`. */
  readonly alpnProtocols?: readonly string[] | undefined
}

/**
 * An HTTP server over TLS, which handles one connection at a time.
 *
 * ```ts
 * const files = { certfile: 'cert.pem', keyfile: 'key.pem' }
 * const server = new HTTPSServer(['localhost', 8443], MyHandler, files)
 * ```
 *
 * Differs: clients agree on keys side by side, before they come to the queue. In Python they do so
 * one at a time, and a client that does not go on with it holds the server.
 *
 * @python http.server.HTTPSServer
 */
export class HTTPSServer extends HTTPServer {
  override readonly encrypted = true

  /**
   * The path of the certificate.
   *
   * @python http.server.HTTPSServer.certfile
   */
  readonly certfile: string
  /**
   * The path of the private key.
   *
   * @python http.server.HTTPSServer.keyfile
   */
  readonly keyfile: string
  /**
   * What the private key is encrypted with.
   *
   * @python http.server.HTTPSServer.password
   */
  readonly password: string | undefined
  /**
   * The protocols to agree on, the best first.
   *
   * @python http.server.HTTPSServer.alpn_protocols
   */
  readonly alpnProtocols: readonly string[]

  /** Store the arguments. The files are read when the server is bound. */
  constructor(
    serverAddress: InternetAddress,
    RequestHandlerClass: RequestHandlerClass,
    { certfile, keyfile = certfile, password, alpnProtocols = ['http/1.1'] }: HTTPSOptions,
  ) {
    super(serverAddress, RequestHandlerClass)
    this.certfile = certfile
    this.keyfile = keyfile
    this.password = password
    this.alpnProtocols = alpnProtocols
  }

  override async createSocket(onConnection: (connection: Socket) => void): Promise<Server> {
    // Loaded only here: a server without TLS need not spend the 5 ms.
    const { createTLSServer } = await import('./tls.ts')
    return createTLSServer(this, onConnection)
  }
}

/**
 * An HTTPS server that handles each connection as a task of its own.
 *
 * @added Python's is `ThreadingHTTPSServer`.
 */
export class AsyncHTTPSServer extends AsyncMixIn(HTTPSServer) {}
