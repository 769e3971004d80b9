// Not from the article: server-sent events, for as long as the client listens.

// #region handler
import { setTimeout } from 'node:timers/promises'
import { AsyncHTTPServer, BaseHTTPRequestHandler, isMain } from 'basehttp'

export class ClockHandler extends BaseHTTPRequestHandler {
  /** Milliseconds. */
  pause = 1000

  async do_GET() {
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/event-stream')
    this.endHeaders()
    // A server that is being closed waits for its handlers.
    while (!this.server.closing) {
      await this.wfile.write(Buffer.from(`data: ${new Date().toISOString()}\n\n`))
      // Throws when the client has gone. You need not catch it: the log gets a line.
      await setTimeout(this.pause, undefined, { signal: this.signal })
    }
  }
}
// #endregion handler

// #region main
if (isMain(import.meta)) {
  const address = ['localhost', Number(process.argv[2] ?? 8080)] as const
  const server = new AsyncHTTPServer(address, ClockHandler)
  console.log('Starting server, use <Ctrl-C> to stop')
  await server.serveForever()
}
// #endregion main
