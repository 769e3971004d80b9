import { setTimeout } from 'node:timers/promises'
import { BaseHTTPRequestHandler, parseQsl } from 'basehttp'

/** How many streams are open. */
let clients = 0

/** Milliseconds between two events. */
const PAUSE = 200

export class Events extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  async do_GET() {
    const [path, query = ''] = this.path.split('?')
    if (path === '/events') {
      this.sendStreamHead()
      const count = Number(new Map(parseQsl(query)).get('count') ?? 3)
      await this.sendEvents(Number(this.headers.get('Last-Event-ID')) || 0, count)
    } else if (path === '/clients') {
      this.sendClients()
    } else {
      this.sendError(404)
    }
  }

  do_HEAD() {
    if (this.path.split('?')[0] === '/events') {
      this.sendStreamHead()
    } else {
      this.sendError(404)
    }
  }

  sendStreamHead() {
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/event-stream')
    this.sendHeader('Cache-Control', 'no-store')
    this.endHeadersChunked()
  }

  /** Send the events that come after one of them. */
  async sendEvents(after: number, count: number) {
    clients++
    try {
      for (let id = after + 1; id <= count; id++) {
        await this.wfile.write(Buffer.from(`id: ${id}\ndata: tick ${id}\n\n`))
        if (id < count) {
          // Throws when the client has gone.
          await setTimeout(PAUSE, undefined, { signal: this.signal })
        }
      }
    } finally {
      clients--
    }
  }

  sendClients() {
    const body = Buffer.from(`${clients}\n`)
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    this.wfile.write(body)
  }
}

export default { events: Events }
