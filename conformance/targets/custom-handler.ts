/**
 * The handler of the servers `custom10`, `custom11` and `override` of the recordings: a
 * request of each made-up method does one thing that a handler may do, right or wrong.
 *
 * Its Python twin is the program with which the recordings were made. Each line does the same in
 * both.
 *
 * @module
 */

import { BaseHTTPRequestHandler, unquote, unquoteToBytes, ValueError } from 'basehttp'
import type { HTTPMessage } from 'basehttp'

export class Custom10Handler extends BaseHTTPRequestHandler {
  static readonly module: string = import.meta.url

  // -- Requests with a body, and what a handler knows ----------------------------------------

  do_GET(): void {
    this.#reply(latin1(`${this.command} ${this.path}\n`))
  }

  do_lower(): void {
    this.do_GET()
  }

  do_HEAD(): void {
    if (this.headers.has('X-Piece')) {
      this.do_STREAM()
    } else if (this.headers.has('X-Code')) {
      this.do_ERROR()
    } else {
      this.do_GET()
    }
  }

  async do_PUT(): Promise<void> {
    const body = await this.rfile.read(pythonInt(this.headers.get('Content-Length', '0')))
    const head = latin1(`${this.command} ${this.path} ${String(body.length)}\n`)
    this.#reply(Buffer.concat([head, body]))
  }

  do_POST(): Promise<void> {
    return this.do_PUT()
  }

  async do_BODY(): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of this.body) {
      pieces.push(piece)
    }
    const body = Buffer.concat(pieces)
    const head = latin1(`${this.command} ${this.path} ${String(body.length)}\n`)
    const tail = [`\nlen=${String(this.headers.length)}`, ...this.#lines(this.trailers)]
    this.#reply(Buffer.concat([head, body, latin1(tail.join('\n') + '\n')]))
  }

  do_ECHO(): void {
    const lines = [
      `command=${json(this.command)}`,
      `path=${json(this.path)}`,
      `request_version=${json(this.requestVersion)}`,
      `requestline=${json(this.requestline)}`,
      `close_connection=${json(this.closeConnection)}`,
      ...this.#lines(this.headers),
    ]
    this.#reply(latin1(lines.join('\n') + '\n'))
  }

  do_LOOKUP(): void {
    const name = this.#required('X-Name')
    const all = this.headers.getAll(name)
    const lines = [
      `get=${json(this.headers.get(name))}`,
      `get_all=${json(all.length === 0 ? null : all)}`,
      `in=${json(this.headers.has(name))}`,
      `len=${String(this.headers.length)}`,
    ]
    this.#reply(latin1(lines.join('\n') + '\n'))
  }

  // -- The connection ------------------------------------------------------------------------

  do_KEEP(): void {
    this.sendResponse(204)
    this.sendHeader('Content-Type', 'text/html')
    this.sendHeader('Connection', 'keep-alive')
    this.endHeaders()
  }

  do_CLOSE(): void {
    this.sendResponse(200)
    this.sendHeader('Content-Length', '0')
    this.sendHeader('Connection', 'close')
    this.endHeaders()
  }

  do_CONNHEADER(): void {
    this.sendResponse(200)
    this.sendHeader('Content-Length', '0')
    const name = this.#parameter('X-Name') ?? ''
    this.sendHeader(name === '' ? 'Connection' : name, this.#required('X-Value'))
    this.endHeaders()
  }

  do_CLOSEATTR(): void {
    this.#reply(latin1('close_connection = True\n'))
    this.closeConnection = true
  }

  do_KEEPATTR(): void {
    this.#reply(latin1('close_connection = False\n'))
    this.closeConnection = false
  }

  override handleExpect100(): boolean | Promise<boolean> {
    if (this.path.startsWith('/reject')) {
      this.sendError(417)
      return false
    }
    return this.path.startsWith('/silent') ? false : super.handleExpect100()
  }

  // -- Errors and other responses ------------------------------------------------------------

  do_KEYERROR(): void {
    this.sendError(999)
  }

  do_NOTFOUND(): void {
    this.sendError(404)
  }

  do_CUSTOM(): void {
    this.sendResponse(999)
    this.sendHeader('Content-Type', 'text/html')
    this.sendHeader('Connection', 'close')
    this.endHeaders()
  }

  do_LATINONEHEADER(): void {
    this.sendResponse(999)
    this.sendHeader('X-Special', 'Dängerous Mind')
    this.sendHeader('Connection', 'close')
    this.endHeaders()
    const incoming = this.headers.get('x-special-incoming')
    if (incoming === null) {
      throw new TypeError('X-Special-Incoming is required')
    }
    void this.wfile.write(Buffer.from(incoming, 'utf-8'))
  }

  do_ERROR(): void {
    const code = this.#required('X-Code')
    this.sendError(pythonInt(code), this.#parameter('X-Message'), this.#parameter('X-Explain'))
  }

  do_RESPONSE(): void {
    this.sendResponse(this.#code(), this.#parameter('X-Message'))
    this.#finishResponse()
  }

  do_ONLY(): void {
    this.sendResponseOnly(this.#code(), this.#parameter('X-Message'))
    this.#finishResponse()
  }

  do_INTERIM(): void {
    this.sendResponseOnly(102)
    this.endHeaders()
    this.do_GET()
  }

  do_TWICE(): void {
    this.sendResponse(200)
    this.sendHeader('X-First', '1')
    this.sendResponse(404)
    this.sendHeader('X-Second', '2')
    this.sendHeader('Content-Length', '0')
    this.endHeaders()
  }

  do_AGAIN(): void {
    this.do_GET()
    this.sendResponse(404, 'Never')
    this.sendHeader('Content-Length', '0')
    this.endHeaders()
  }

  do_CHUNKED(): void {
    this.sendResponse(200)
    this.sendHeader('Transfer-Encoding', 'chunked')
    this.endHeaders()
    for (const piece of ['hello ', 'chunked ', 'world\n']) {
      void this.wfile.write(latin1(`${piece.length.toString(16)}\r\n${piece}\r\n`))
    }
    void this.wfile.write(latin1('0\r\n\r\n'))
  }

  do_STREAM(): void {
    this.sendResponse(this.#code())
    this.#sendHeaders()
    this.endHeadersChunked()
    for (const piece of this.headers.getAll('X-Piece')) {
      void this.wfile.write(unquoteToBytes(piece))
    }
    if (this.headers.has('X-Fail')) {
      throw new Error('boom')
    }
  }

  // -- What a handler does wrong -------------------------------------------------------------

  do_EARLY(): void {
    this.sendHeader('X-Early', 'before the status line')
    this.do_GET()
  }

  do_LATE(): void {
    this.sendResponse(200)
    this.sendHeader('Content-Length', '0')
    this.endHeaders()
    this.sendHeader('X-Late', 'after end_headers')
  }

  do_NOEND(): void {
    this.sendResponse(200)
    this.sendHeader('X-Left', 'over')
  }

  do_NORESPONSE(): void {
    // Sends no response.
  }

  do_RAW(): void {
    void this.wfile.write(latin1('raw bytes, no headers\n'))
  }

  do_BROKEN(): void {
    throw new Error('boom')
  }

  do_PARTIAL(): void {
    this.sendResponse(200)
    this.sendHeader('Content-Length', '100')
    this.endHeaders()
    void this.wfile.write(latin1('partial'))
    throw new Error('boom')
  }

  // TypeScript would refuse a number here; JavaScript does not.
  do_NOTCALLABLE = 42 as unknown as () => void

  // -- Words ---------------------------------------------------------------------------------

  do_DATE(): void {
    this.#reply(latin1(this.dateTimeString(pythonFloat(this.#required('X-Timestamp'))) + '\n'))
  }

  do_LOG(): void {
    const message = this.#parameter('X-Message') ?? ''
    this.logMessage('message %s', message)
    this.logError('error %s %d', message, 42)
    this.logRequest()
    this.logRequest(200, 15)
    this.logRequest('-', 0)
    this.#reply(latin1('logged\n'))
  }

  do_VERSION(): void {
    this.#reply(latin1(`${this.versionString()}\n${this.addressString()}\n`))
  }

  // -- Helpers -------------------------------------------------------------------------------

  /** A request header, percent-decoded. */
  #parameter(name: string): string | undefined {
    const value = this.headers.get(name)
    return value === null ? undefined : unquote(value)
  }

  /** A parameter without which Python's handler fails with an exception. */
  #required(name: string): string {
    const value = this.#parameter(name)
    if (value === undefined) {
      throw new TypeError(`${name} is required`)
    }
    return value
  }

  /** Fields as text, a line each. */
  #lines(fields: HTTPMessage): string[] {
    return fields.items().map(([name, value]) => `${json(name)}: ${json(value)}`)
  }

  #code(): number {
    return pythonInt(this.#parameter('X-Code') ?? '200')
  }

  #reply(body: Uint8Array): void {
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    if (this.command !== 'HEAD') {
      void this.wfile.write(body)
    }
  }

  #finishResponse(): void {
    this.#sendHeaders()
    this.endHeaders()
    const body = this.headers.get('X-Body')
    if (body !== null) {
      void this.wfile.write(unquoteToBytes(body))
    }
  }

  #sendHeaders(): void {
    for (const line of this.headers.getAll('X-Header')) {
      const header = unquote(line)
      const at = header.indexOf(': ')
      if (at === -1) {
        throw new ValueError('X-Header must hold a name and a value')
      }
      this.sendHeader(header.slice(0, at), header.slice(at + 2))
    }
  }
}

export class Custom11Handler extends Custom10Handler {
  static override readonly module = import.meta.url

  override protocolVersion = 'HTTP/1.1'
}

export class OverrideHandler extends Custom11Handler {
  static override readonly module = import.meta.url

  override defaultRequestVersion = 'HTTP/1.1'
  override serverVersion = 'Oracle/1.0'
  override sysVersion = ''
  override errorMessageFormat = '%(code)d|%(message)s|%(explain)s|100%%\n'
  override errorContentType = 'text/plain;charset=utf-8'
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** Python's `json.dumps`: ASCII only, a space after each comma. */
function json(value: unknown): string {
  const text = Array.isArray(value)
    ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
    : JSON.stringify(value)
  return text.replace(/[\x7f-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Python's `int()`: white space around it, a sign, single underscores between the digits. */
function pythonInt(text: string): number {
  const digits = text.trim()
  if (!/^[+-]?[0-9]+(?:_[0-9]+)*$/.test(digits)) {
    throw new ValueError(`invalid literal for int() with base 10: '${text}'`)
  }
  return Number(digits.replaceAll('_', ''))
}

/** Python's `float()`, except infinity and the like: those are not valid dates anyway. */
function pythonFloat(text: string): number {
  const number = text.trim().replace(/(?<=[0-9])_(?=[0-9])/g, '')
  if (!/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(number)) {
    throw new ValueError(`could not convert string to float: '${text}'`)
  }
  return Number(number)
}
