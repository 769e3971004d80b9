import { BaseHTTPRequestHandler, RequestError } from 'basehttp'
import type { Field } from 'basehttp'

/** The texts of the notes by their ids. A handler lives as long as its connection; this stays. */
const notes = new Map<string, string>()

/** The id that was given last. */
let last = 0

/** The most bytes of a body. */
const LIMIT = 100_000

export class Notes extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    if (this.path === '/notes') {
      this.sendJson(200, [...notes.keys()].map(noteOf))
      return
    }
    this.sendJson(200, noteOf(this.findId()))
  }

  async do_POST() {
    if (this.path !== '/notes') {
      this.findId()
      this.refuseMethod('GET, PUT, DELETE')
      return
    }
    const text = await this.readText()
    const id = String(++last)
    notes.set(id, text)
    this.sendJson(201, noteOf(id), [['Location', `/notes/${id}`]])
  }

  async do_PUT() {
    if (this.path === '/notes') {
      this.refuseMethod('GET, POST')
      return
    }
    const id = this.findId()
    const text = await this.readText()
    notes.set(id, text)
    this.sendJson(200, noteOf(id))
  }

  do_DELETE() {
    if (this.path === '/notes') {
      this.refuseMethod('GET, POST')
      return
    }
    notes.delete(this.findId())
    this.sendResponse(204)
    this.endHeaders()
  }

  /** The id in the path. A RequestError that is not caught becomes a response by itself. */
  findId(): string {
    const [, collection, id = '', ...more] = this.path.split('/')
    if (collection !== 'notes' || more.length > 0 || !notes.has(id)) {
      throw new RequestError(404, 'Not Found', 'there is no such note')
    }
    return id
  }

  /** Read the body, and return the text in it. */
  async readText(): Promise<string> {
    if (this.headers.get('Content-Type')?.split(';')[0]?.trim() !== 'application/json') {
      throw new RequestError(415, 'Unsupported Media Type', 'send application/json')
    }
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of this.body) {
      length += piece.length
      if (length > LIMIT) {
        throw new RequestError(413, 'Content Too Large', `a note has at most ${LIMIT} bytes`)
      }
      pieces.push(piece)
    }
    let value: unknown
    try {
      value = JSON.parse(Buffer.concat(pieces).toString())
    } catch {
      throw new RequestError(400, 'Bad Request', 'the body is not JSON')
    }
    if (typeof value === 'object' && value !== null && 'text' in value) {
      const { text } = value
      if (typeof text === 'string') {
        return text
      }
    }
    throw new RequestError(400, 'Bad Request', 'the body must be an object with a text')
  }

  sendJson(code: number, value: unknown, headers: Field[] = []) {
    const body = Buffer.from(JSON.stringify(value))
    this.sendResponse(code)
    this.sendHeader('Content-Type', 'application/json')
    this.sendHeader('Content-Length', body.length)
    for (const [name, text] of headers) {
      this.sendHeader(name, text)
    }
    this.endHeaders()
    this.wfile.write(body)
  }

  refuseMethod(allowed: string) {
    this.sendError(405, undefined, undefined, [['Allow', allowed]])
  }
}

function noteOf(id: string) {
  return { id, text: notes.get(id) }
}

export default { notes: Notes }
