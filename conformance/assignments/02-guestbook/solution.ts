import { BaseHTTPRequestHandler, escapeHtml, parseQsl, RequestError } from 'basehttp'

/** What has been written. A handler lives as long as its connection; this stays. */
const entries: { name: string; message: string }[] = []

/** The most bytes of a form. */
const LIMIT = 10_000

export class Guestbook extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    const list = entries.map(
      ({ name, message }) => `<li><b>${escapeHtml(name)}</b>: ${escapeHtml(message)}</li>\n`,
    )
    const page = Buffer.from(`<!DOCTYPE html>
<title>Guestbook</title>
<ul>
${list.join('')}</ul>
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

  async do_POST() {
    const form = new Map(parseQsl(await this.readForm()))
    const { name = 'Somebody', message } = Object.fromEntries(form)
    if (message === undefined) {
      this.sendError(400, 'Bad Request', 'there is no message')
      return
    }
    entries.push({ name, message })
    this.sendResponse(303)
    this.sendHeader('Location', '/')
    this.sendHeader('Content-Length', 0)
    this.endHeaders()
  }

  /** Read the body. A RequestError that nobody catches becomes the response. */
  async readForm(): Promise<string> {
    const [type = ''] = (this.headers.get('Content-Type') ?? '').split(';')
    if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
      throw new RequestError(415, 'Unsupported Media Type', 'send a form')
    }
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of this.body) {
      length += piece.length
      if (length > LIMIT) {
        throw new RequestError(413, 'Content Too Large', `a form has at most ${LIMIT} bytes`)
      }
      pieces.push(piece)
    }
    return Buffer.concat(pieces).toString()
  }
}

export default { guestbook: Guestbook }
