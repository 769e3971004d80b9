/**
 * What is measured of this library: `node ours.js WHAT PORT`.
 *
 * @module
 */

import { AsyncHTTPServer, BaseHTTPRequestHandler } from 'basehttp'

const BODY = Buffer.from('Hello, world\n')

class Small extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.sendHeader('Content-Length', BODY.length)
    this.endHeaders()
    void this.wfile.write(BODY)
  }

  override logMessage() {}
}

class Server extends AsyncHTTPServer {
  override requestQueueSize = 1000
}

await new Server(['127.0.0.1', Number(process.argv[2])], Small).serveForever()
