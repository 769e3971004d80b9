import { randomBytes } from 'node:crypto'
import { BaseHTTPRequestHandler } from 'basehttp'

/** The visits of each session, by its id. */
const visits = new Map<string, number>()

export class Sessions extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    const known = this.sessionOf()
    const id = known ?? randomBytes(16).toString('base64url')
    const count = (visits.get(id) ?? 0) + 1
    visits.set(id, count)
    const body = Buffer.from(`visits: ${count}\n`)
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.sendHeader('Content-Length', body.length)
    if (known === null) {
      this.sendHeader('Set-Cookie', `session=${id}; Path=/; HttpOnly; SameSite=Lax`)
    }
    this.endHeaders()
    this.wfile.write(body)
  }

  do_POST() {
    if (this.path !== '/logout') {
      this.sendError(404)
      return
    }
    visits.delete(this.sessionOf() ?? '')
    this.sendResponse(204)
    this.sendHeader('Set-Cookie', 'session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0')
    this.endHeaders()
  }

  /** The session that the client is in; null if it names none, or one that was never given. */
  sessionOf(): string | null {
    for (const cookie of this.headers.getAll('Cookie').join(';').split(';')) {
      const [name = '', value = ''] = cookie.trim().split('=')
      if (name === 'session' && visits.has(value)) {
        return value
      }
    }
    return null
  }
}

export default { sessions: Sessions }
