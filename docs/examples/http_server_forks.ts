// The article's http_server_threads.py with ForkingMixIn: each connection in a process of its own.

// #region handler
import { BaseHTTPRequestHandler, ForkingMixIn, HTTPServer, isMain } from 'basehttp'

export class Handler extends BaseHTTPRequestHandler {
  static readonly module = import.meta.url

  do_GET() {
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain; charset=utf-8')
    this.endHeaders()
    const message = `Process ${String(process.pid)}`
    this.wfile.write(Buffer.from(message, 'utf-8'))
    this.wfile.write(Buffer.from('\n'))
  }
}

/** Handle requests in a separate process. */
export class ForkingHTTPServer extends ForkingMixIn(HTTPServer) {}
// #endregion handler

// #region main
if (isMain(import.meta)) {
  const server = new ForkingHTTPServer(['localhost', Number(process.argv[2] ?? 8080)], Handler)
  console.log('Starting server, use <Ctrl-C> to stop')
  await server.serveForever()
}
// #endregion main
