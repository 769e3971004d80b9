/**
 * A program that starts its server wherever it is loaded, and so in the threads of that server.
 *
 * @module
 */

import { StreamRequestHandler } from '../socketserver/request-handler.ts'
import { TCPServer } from '../socketserver/tcp-server.ts'
import { ThreadingMixIn } from '../socketserver/mixins/threading-mixin.ts'

export class Unguarded extends StreamRequestHandler {
  static readonly module = import.meta.url
}

class Server extends ThreadingMixIn(TCPServer) {}

await new Server(['127.0.0.1', 0], Unguarded).serveForever()
