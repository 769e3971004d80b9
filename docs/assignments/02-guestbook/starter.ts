import { BaseHTTPRequestHandler } from 'basehttp'

export class Guestbook extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    const page = Buffer.from(`<!DOCTYPE html>
<title>Guestbook</title>
<form method="post" action="/">
<p><label>Name <input name="name"></label>
<p><label>Message <textarea name="message"></textarea></label>
<p><button>Send</button>
</form>
`)
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/html; charset=utf-8')
    this.sendHeader('Content-Length', page.length)
    this.endHeaders()
    this.wfile.write(page)
  }

  do_POST() {
    // Task 2 begins here.
    this.sendError(501)
  }
}

export default { guestbook: Guestbook }
