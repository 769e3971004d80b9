import { SimpleHTTPRequestHandler } from 'basehttp'

/** Where the scripts are, in the path of a request. */
export const FOLDER = '/cgi-bin/'

export class Scripts extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override do_GET() {
    if (this.path.startsWith(FOLDER)) {
      this.sendError(501, 'No script has been run')
      return
    }
    return super.do_GET()
  }

  do_POST() {
    this.sendError(501, 'No script has been run')
  }
}

export default { cgi: Scripts }
