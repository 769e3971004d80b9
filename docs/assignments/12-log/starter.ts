import { BaseHTTPRequestHandler, unquote } from 'basehttp'

/** The lines of the log. */
const log: string[] = []

export class Log extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    const body = this.sendHead()
    if (body !== null) {
      this.wfile.write(body)
    }
  }

  do_HEAD() {
    this.sendHead()
  }

  sendHead(): Uint8Array | null {
    const name = this.path.slice(1)
    if (name.includes('/')) {
      this.sendError(404)
      return null
    }
    const text = name === 'log' ? log.join('') : `Hello, ${unquote(name)}!\n`
    const body = Buffer.from(text)
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain; charset=utf-8')
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    return body
  }

  override logRequest(code: number | string = '-', size: number | string = '-') {
    // A response has begun. Its length is not known yet.
    super.logRequest(code, size)
  }
}

export default { log: Log }
