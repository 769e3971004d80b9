import { SimpleHTTPRequestHandler } from 'basehttp'

export class Upload extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_PUT() {
    this.sendError(501)
  }

  do_POST() {
    this.sendError(501)
  }
}

export default { upload: Upload }
