/**
 * The server under `npm run soak`: serves a directory, and describes its own
 * state for each line on standard input.
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

process.stdin.on('data', () => {
  globalThis.gc?.()
  const sample = {
    heap: process.memoryUsage().heapUsed,
    resources: process.getActiveResourcesInfo().length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  }
  console.log(JSON.stringify(sample))
})
console.log(`port ${String(server.serverPort)}`)
await server.serveForever()
