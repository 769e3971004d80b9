/**
 * Python's `ThreadingHTTPServer` and `ThreadingHTTPSServer`.
 *
 * They have their own file so that the command line, which handles connections as tasks, need not
 * load the code for threads.
 *
 * Read before: `https-server.ts`, `socketserver/mixins/threading-mixin.ts`.
 *
 * @module
 */

import { ThreadingMixIn } from '../socketserver/mixins/threading-mixin.ts'
import { HTTPSServer } from './https-server.ts'
import { HTTPServer } from './server.ts'

/**
 * An HTTP server that handles each connection in a thread of its own. Its threads are daemons: see
 * `daemonThreads`.
 *
 * @python http.server.ThreadingHTTPServer
 */
export class ThreadingHTTPServer extends ThreadingMixIn(HTTPServer) {
  override daemonThreads = true
}

/**
 * An HTTPS server that handles each connection in a thread of its own. Its threads are daemons: see
 * `daemonThreads`.
 *
 * @python http.server.ThreadingHTTPSServer
 */
export class ThreadingHTTPSServer extends ThreadingMixIn(HTTPSServer) {
  override daemonThreads = true
}
