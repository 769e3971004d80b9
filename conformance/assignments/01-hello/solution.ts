import { BaseHTTPRequestHandler, unquote } from 'basehttp'

export class Hello extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    const body = this.sendGreeting()
    if (body !== null) {
      this.wfile.write(body)
    }
  }

  do_HEAD() {
    this.sendGreeting()
  }

  /** Send the head, and return the body; null if the response is complete. */
  sendGreeting(): Uint8Array | null {
    const [path = ''] = this.path.split('?')
    const name = path.slice(1)
    if (name.includes('/')) {
      this.sendError(404)
      return null
    }
    const body = Buffer.from(`Hello, ${name === '' ? 'world' : unquote(name)}!\n`)
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain; charset=utf-8')
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    return body
  }
}

export default { hello: Hello }
