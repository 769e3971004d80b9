import { BaseHTTPRequestHandler } from 'basehttp'

/** All visits of everybody. */
let visits = 0

export class Sessions extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    visits++
    const body = Buffer.from(`visits: ${visits}\n`)
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    this.wfile.write(body)
  }

  do_POST() {
    this.sendError(501)
  }
}

export default { sessions: Sessions }
