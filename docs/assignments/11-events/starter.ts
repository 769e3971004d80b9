import { BaseHTTPRequestHandler } from 'basehttp'

/** How many streams are open. */
const clients = 0

export class Events extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    const [path] = this.path.split('?')
    if (path !== '/clients') {
      this.sendError(404)
      return
    }
    const body = Buffer.from(`${clients}\n`)
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    this.wfile.write(body)
  }
}

export default { events: Events }
