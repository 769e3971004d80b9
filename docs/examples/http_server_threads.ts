// The article's http_server_threads.py: each connection in a thread of its own.

// #region handler
import { BaseHTTPRequestHandler, currentThread, HTTPServer, isMain, ThreadingMixIn } from 'basehttp'

export class Handler extends BaseHTTPRequestHandler {
  static readonly module = import.meta.url

  do_GET() {
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain; charset=utf-8')
    this.endHeaders()
    const message = currentThread().name
    this.wfile.write(Buffer.from(message, 'utf-8'))
    this.wfile.write(Buffer.from('\n'))
  }
}

/** Handle requests in a separate thread. */
export class ThreadedHTTPServer extends ThreadingMixIn(HTTPServer) {}
// #endregion handler

// #region main
if (isMain(import.meta)) {
  const server = new ThreadedHTTPServer(['localhost', Number(process.argv[2] ?? 8080)], Handler)
  console.log('Starting server, use <Ctrl-C> to stop')
  await server.serveForever()
}
// #endregion main
