import { existsSync } from 'node:fs'
import { SimpleHTTPRequestHandler } from 'basehttp'

export class Files extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override guessType(path: string): string {
    const type = super.guessType(path)
    return type.startsWith('text/') ? `${type}; charset=utf-8` : type
  }

  /** Every response comes through here, errors and listings included. */
  override endHeaders() {
    this.sendHeader('Cache-Control', 'no-cache')
    this.sendHeader('Access-Control-Allow-Origin', '*')
    super.endHeaders()
  }

  do_OPTIONS() {
    this.sendResponse(204)
    this.sendHeader('Access-Control-Allow-Methods', 'GET, HEAD')
    const asked = this.headers.get('Access-Control-Request-Headers')
    if (asked !== null) {
      this.sendHeader('Access-Control-Allow-Headers', asked)
    }
    this.endHeaders()
  }

  override sendHead() {
    const path = this.translatePath(this.path)
    const name = path.slice(this.directory.length)
    if (/(?:^|\/)\./.test(name)) {
      this.sendError(404)
      return null
    }
    if (!/\.[^/]*$/.test(name) && !existsSync(path)) {
      this.path = '/index.html'
    }
    return super.sendHead()
  }
}

export default { files: Files }
