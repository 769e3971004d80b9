/**
 * Python's `HTTPServer`: a TCP server that knows its own name.
 *
 * All of HTTP is in the handler. The server only takes connections. Servers with TLS are in
 * `https-server.ts`, those with threads in `threading-server.ts`.
 *
 * Reading path: 10 of 10.
 *
 * @module
 */

import { hostname } from 'node:os'
import { AsyncMixIn } from '../socketserver/mixins/async-mixin.ts'
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
   * Differs: Python does a reverse look-up of the address, which can take many seconds where no name
   * server responds. Here it is the host as it was given, or the machine's
   * name when that stands for all interfaces.
   */
  serverName = ''

  /** The port, once the server is bound. */
  serverPort = 0

  /**
   * Bind the server, and note its name and port.
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
 * An HTTP server that handles all its connections side by side, in one thread: while one handler waits,
 * others run. The command line uses it.
 *
 * @added Python's is `ThreadingHTTPServer`.
 */
export class AsyncHTTPServer extends AsyncMixIn(HTTPServer) {}
