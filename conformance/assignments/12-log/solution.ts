import { BaseHTTPRequestHandler, unquote } from 'basehttp'

/** The lines of the log. */
const log: string[] = []

/** When each key has been used, in milliseconds, as far as it still matters. */
const used = new Map<string, number[]>()

/** How many requests a key has in how many milliseconds. */
const LIMIT = 5
const WINDOW = 2000

export class Log extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  /** Of the response that is being made. */
  code: number | string = '-'
  size: number | string = '-'

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
    if (!this.isWithinLimit()) {
      this.sendError(429, undefined, undefined, [['Retry-After', WINDOW / 1000]])
      return null
    }
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

  /** Whether the client may ask once more; then it has. */
  isWithinLimit(): boolean {
    const key = this.headers.get('X-Api-Key')
    if (key === null) {
      return true
    }
    const now = performance.now()
    const times = (used.get(key) ?? []).filter((time) => time > now - WINDOW)
    const isWithin = times.length < LIMIT
    if (isWithin) {
      times.push(now)
    }
    used.set(key, times)
    return isWithin
  }

  // -- The log: what is known when ---------------------------------------------------------

  override logRequest(code: number | string = '-') {
    this.code = code
    this.size = '-'
  }

  override sendHeader(keyword: string, value: string | number) {
    if (keyword.toLowerCase() === 'content-length' && this.command !== 'HEAD') {
      this.size = value
    }
    super.sendHeader(keyword, value)
  }

  override endHeaders() {
    super.endHeaders()
    const time = this.logDateTimeString().replace(' ', ':')
    const [referer, agent] = ['Referer', 'User-Agent'].map((name) => this.headers.get(name) ?? '-')
    const fields = [this.requestline, referer, agent].map((text) => escapeField(text ?? '-'))
    const [request = '', from = '', by = ''] = fields
    log.push(
      `${this.addressString()} - - [${time} ${zone()}] "${request}" ${this.code} ${this.size} "${from}" "${by}"\n`,
    )
  }
}

/** Escape what would end a field, or could not be printed. */
function escapeField(text: string): string {
  return text.replace(/["\\]/g, '\\$&').replace(/[^\x20-\x7e]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** The time zone, as `+0100`. */
function zone(): string {
  const minutes = -new Date().getTimezoneOffset()
  const two = (number: number) => String(Math.trunc(number)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}${two(Math.abs(minutes) % 60)}`
}

export default { log: Log }
