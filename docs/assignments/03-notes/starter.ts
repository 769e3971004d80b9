import { BaseHTTPRequestHandler } from 'basehttp'

export class Notes extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    this.sendError(501)
  }

  do_POST() {
    this.sendError(501)
  }

  do_PUT() {
    this.sendError(501)
  }

  do_DELETE() {
    this.sendError(501)
  }
}

export default { notes: Notes }
