/**
 * What is measured of this library: `node ours.js small|upload|threads|children PORT`.
 *
 * @module
 */

import {
  AsyncHTTPServer,
  BaseHTTPRequestHandler,
  ForkingTCPServer,
  isMain,
  StreamRequestHandler,
  ThreadingTCPServer,
} from 'basehttp'

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

class Upload extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  async do_POST() {
    let length = 0
    for await (const piece of this.body) {
      length += piece.length
    }
    const body = Buffer.from(`${String(length)}\n`)
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    void this.wfile.write(body)
  }

  override logMessage() {}
}

const RESPONSE = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\n' +
    'Hello, world\n',
)

/** Like `raw-net.ts`, sends the same bytes whatever the request: the cost of the mix-in alone. */
export class Canned extends StreamRequestHandler {
  static readonly module = import.meta.url

  override async handle(): Promise<void> {
    await this.rfile.peek()
    await this.rfile.skip(this.rfile.buffered)
    await this.wfile.write(RESPONSE)
  }
}

const SERVERS = {
  small: [AsyncHTTPServer, Small],
  upload: [AsyncHTTPServer, Upload],
  threads: [ThreadingTCPServer, Canned],
  children: [ForkingTCPServer, Canned],
} as const

if (isMain(import.meta)) {
  const [what = '', port] = process.argv.slice(2)
  const [Server, Handler] = SERVERS[what as keyof typeof SERVERS]
  const server = new Server(['127.0.0.1', Number(port)], Handler)
  server.requestQueueSize = 1000
  await server.serveForever()
}
