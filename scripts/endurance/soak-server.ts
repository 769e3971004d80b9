/**
 * The server under `npm run soak`: serves a directory, and tells how it is when it is asked.
 *
 * @module
 */

import { AsyncHTTPServer, SimpleHTTPRequestHandler } from 'basehttp'

class Server extends AsyncHTTPServer {
  override requestQueueSize = 1000
}

class Handler extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override logMessage() {}
}

const server = new Server(['127.0.0.1', 0], Handler)
server.handlerOptions = { directory: process.argv[2] }
await server.bindAndActivate()

process.on('message', () => {
  globalThis.gc?.()
  process.send?.({
    heap: process.memoryUsage().heapUsed,
    resources: process.getActiveResourcesInfo().length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  })
})
process.send?.({ port: server.serverPort })
await server.serveForever()
