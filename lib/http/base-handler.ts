/**
 * Python's `BaseHTTPRequestHandler`: HTTP/1.x from the first byte of a request to the last byte of its
 * response.
 *
 * ```text
 *   handle() -> handleOneRequest() again and again, until closeConnection
 *                 |
 *                 |-- rfile.takeTextLine()  GET /?foo=bar HTTP/1.1
 *                 |-- parseRequest()        command, path, requestVersion, headers
 *                 |     '-- handleExpect100()
 *                 |-- do_GET()              yours: sendResponse(), sendHeader(), endHeaders(), wfile
 *                 '-- what is left of the body is skipped, or the connection ends
 * ```
 *
 * The protocol, for those who meet it here for the first time. A request is a line, then header lines,
 * then an empty line, then perhaps a body; and so is a response. Their first lines are
 *
 * ```text
 *   <command> <path> <version>                    the request line
 *   <version> <status code> <reason phrase>       the status line
 * ```
 *
 * Every line of a head ends with CR LF; LF alone is accepted. The headers say how a body ends; for a
 * response, as a last resort, it ends with the connection. A request line without a version is
 * HTTP/0.9, which only servers of HTTP/1.0 take: its response is the bare body, without a head.
 *
 * What a client does wrong gets a response from `sendError()`, mostly by way of a `RequestError`. A timeout
 * or a lost connection is logged. Any other exception is a fault of the program: no 500, as in Python.
 *
 * Reading path: 8 of 10. Next: simple-handler.ts.
 *
 * @module
 */

import { checkOneOf, checkSeconds } from '../socketserver/handler-options.ts'
import type { HandlerOptions } from '../socketserver/handler-options.ts'
import { piecesUntil } from '../socketserver/pieces.ts'
import { StreamRequestHandler } from '../socketserver/request-handler.ts'
import type { StreamReader } from '../socketserver/stream-reader.ts'
import { sleep0, Turn } from '../stdlib/asyncio.ts'
import { decodeLatin1, encodeLatin1, encodeUtf8 } from '../stdlib/bytes.ts'
import { deadlineIn, formatDate, localTime, MONTHS, now, WEEKDAYS } from '../stdlib/dates.ts'
import { isConnectionError, TimeoutError, ValueError } from '../stdlib/errors.ts'
import { escapeControls, format, repr } from '../stdlib/format.ts'
import { runtime, stderr } from '../stdlib/sys.ts'
import { ChunkedReader } from './chunked-reader.ts'
import { encodeChunk, LAST_CHUNK } from './chunked.ts'
import { ERROR_CONTENT_TYPE, ERROR_PAGE_HTML4, errorPage } from './error-page.ts'
import { checkHost } from './host.ts'
import { bodyLength, elementsOf, HTTPMessage, isNamed, listOf, readFields } from './message.ts'
import type { MessageClass } from './message.ts'
import { methodsOf } from './methods.ts'
import { RequestError } from './request-error.ts'
import { BAD_WORD, parseVersion, splitWords, withoutLineEnds } from './request-line.ts'
import { hasContent, HTTPStatus, RESPONSES } from './status.ts'
import type { Responses } from './status.ts'

/** A method that handles one kind of request: `do_GET`, `do_POST`. It takes no arguments. */
export type MethodHook = () => void | Promise<void>

/** The most bytes in a request line, its end included. */
const MAX_REQUEST_LINE = 65536
/** The most bytes of an unread body that are skipped: skipping more would cost more than reconnecting. */
const MAX_SKIPPED = 256 * 1024

/**
 * The base of HTTP request handlers. It handles no method of HTTP itself, but for OPTIONS in HTTP/1.1: for
 * each that you want to handle, add a method of yours, `do_GET()` for GET.
 *
 * To be called by your methods, in this order: {@link sendResponse}, {@link sendHeader} as often as
 * needed, {@link endHeaders} or {@link endHeadersChunked}, then `this.wfile.write()`; or {@link sendError}.
 *
 * Fields for your methods: {@link command}, {@link path}, {@link requestVersion}, {@link headers},
 * {@link requestline}; {@link body}, {@link trailers}; `rfile`, positioned at the start of the body;
 * `wfile`; {@link closeConnection}; `signal`.
 *
 * Methods that may be overridden: {@link handleExpect100}; {@link logRequest}, {@link logError},
 * {@link logMessage}; {@link versionString}, {@link dateTimeString}, {@link logDateTimeString},
 * {@link addressString}. Fields: all from {@link protocolVersion} on, and `timeout` of the base class.
 *
 * @python http.server.BaseHTTPRequestHandler
 */
export class BaseHTTPRequestHandler extends StreamRequestHandler {
  static {
    Object.assign(this, { module: import.meta.url })
  }

  /**
   * The methods, found by name: a request `GET` calls `do_GET()`. If there is none of that name: 501.
   *
   * The prefix keeps a request named `constructor` away from what every object has.
   */
  [hook: `do_${string}`]: MethodHook | undefined

  // -- The life of a request -----------------------------------------------------------------

  /** Handle the requests of a connection, one or many. */
  override async handle(): Promise<void> {
    const turn = new Turn()
    do {
      await this.handleOneRequest()
      // Security: while further requests are already here, nothing in this loop waits for the event
      // loop, and all other clients would have to wait for the last of them.
      if (turn.isOver(this.rfile.buffered > 0)) {
        await sleep0()
      }
    } while (!this.closeConnection && !this.server.closing)
  }

  /** Read one request and respond to it. Usually not overridden. */
  async handleOneRequest(): Promise<void> {
    let line: string | undefined
    // RFC 9112 §2.2: an empty line before a request is ignored. Old clients end a body with one. In
    // HTTP/1.0 it ends the connection silently, as in Python.
    let emptyLines = this.protocolVersion >= 'HTTP/1.1' ? 1 : 0
    try {
      do {
        line = this.rfile.takeTextLine(MAX_REQUEST_LINE + 1)
        if (line === undefined) {
          await (this.rfile.buffered > 0 ? this.#waitForHead() : this.waitForRequest())
        }
      } while (line === undefined || (line.length <= 2 && /^\r?\n$/.test(line) && emptyLines-- > 0))
      if (line.length === 0) {
        this.closeConnection = true
        return
      }
      this.#rawRequestline = line
      this.#begin()
      if (line.length > MAX_REQUEST_LINE) {
        this.requestline = this.requestVersion = this.command = ''
        this.sendError(HTTPStatus.URI_TOO_LONG)
        return
      }
      if (await this.parseRequest()) {
        // Awaited only if it is a promise: most methods are done at once, and each wait costs.
        const handling = this.#callMethod()
        if (handling !== undefined) {
          await handling
        }
      }
      if (this.wfile.encode === encodeChunk && !this.wfile.closed) {
        this.wfile.encode = undefined
        void this.wfile.write(LAST_CHUNK)
      }
      this.wfile.retire()
      // The next request waits until the client has taken enough of this response.
      if (this.wfile.full) {
        await this.wfile.drain()
      }
      const unread = this.#leaveRequest()
      if (unread > 0) {
        // Security: with a timeout, a body that trickles in cannot hold the connection.
        this.#input.deadline ??= deadlineIn(this.timeout)
        await this.rfile.skip(Math.min(unread, MAX_SKIPPED))
        if (unread === Infinity && (await this.rfile.peek()).length > 0) {
          this.closeConnection = true
        }
      }
      this.#input.deadline = null
    } catch (error) {
      this.closeConnection = true
      if (error instanceof RequestError) {
        this.#headersBuffer = ''
        this.sendError(error.code, error.message, error.explain)
      } else if (error instanceof TimeoutError) {
        this.logError('Request timed out: %r', error)
      } else if (!isConnectionError(error)) {
        throw error
      } else if (line !== undefined) {
        // Differs: Python prints a traceback for every client that goes away. Between two requests
        // nothing is lost, and there is nothing to say.
        this.logError('Connection lost: %r', error)
      }
    } finally {
      this.server.idleConnections.delete(this.request)
      this.wfile.retire()
      const releasing = this.rfile.release()
      if (releasing !== undefined) {
        await releasing
      }
      // A chunked body has a reader of its own, which ends with it.
      if (this.rfile === this.#bodySource && this.rfile !== this.#input) {
        this.rfile.close()
        this.rfile = this.#input
      }
    }
  }

  /**
   * Wait for the first bytes of a request, or for the end of the input. Meanwhile the connection is
   * idle: nothing is lost if the server, on being closed, ends it.
   *
   * @added See `idleConnections` of the server.
   */
  waitForRequest(): Promise<void> {
    this.server.idleConnections.add(this.request)
    return this.rfile.more()
  }

  /**
   * Wait for more of a head. Until it is whole, no request has begun: a server that is closed need not
   * wait for the rest. Meanwhile the writer takes nothing: what an earlier method has left running must
   * not write into the response to come.
   */
  async #waitForHead(): Promise<void> {
    this.rfile.deadline ??= deadlineIn(this.headTimeout)
    this.wfile.retire()
    this.server.idleConnections.add(this.request)
    await this.rfile.more()
    this.#begin()
  }

  /**
   * Begin with a clean slate. An earlier `do_GET()` may have left something running, a timer for instance,
   * which may have called anything by now; whatever it has written since was refused.
   */
  #begin(): void {
    this.server.idleConnections.delete(this.request)
    this.wfile = this.wfile.next()
    this.#input = this.rfile
    this.#headersBuffer = ''
    this.#status = 0
    this.#responding = false
  }

  /**
   * Read the rest of the head, whose first line is in {@link rawRequestline}, and set the fields that
   * depend on it.
   *
   * @returns true for success. False: a response has been sent already, or there is none to send.
   */
  async parseRequest(): Promise<boolean> {
    this.command = ''
    // Until the line is parsed. With HTTP/1.1, a response that says what is wrong with it has a head.
    const speaks11 = this.protocolVersion >= 'HTTP/1.1'
    this.isHTTP11 = speaks11
    this.requestVersion = speaks11 ? this.protocolVersion : this.defaultRequestVersion
    this.closeConnection = true
    this.#ends = false
    this.#said = ''
    this.requestline = withoutLineEnds(this.#rawRequestline)

    const words = splitWords(this.requestline)
    if (words.length === 0) {
      return false
    }
    try {
      this.#parseRequestline(words, speaks11)
      const lines: string[] = []
      let fields = readFields(this.rfile, lines)
      while (fields === undefined) {
        await this.#waitForHead()
        fields = readFields(this.rfile, lines)
      }
      this.rfile.deadline = null
      const { encrypted = false } = this.server as { encrypted?: boolean }
      fields = checkHost(fields, this.path, this.isHTTP11, encrypted)
      this.headers = new this.MessageClass(fields)
      this.#checkFraming()
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error
      }
      this.sendError(error.code, error.message, error.explain)
      return false
    }

    // RFC 9110 §7.6.1: a list, in one line or more. Differs: Python looks at the first line, as a whole.
    const options = elementsOf(this.headers, 'Connection')
    if (options.includes('close')) {
      this.closeConnection = true
      this.#ends = this.isHTTP11
    } else if (options.includes('keep-alive') && speaks11) {
      this.closeConnection = false
    }

    // RFC 9110 §10.1.1: a client that expects 100 holds its body back until it hears from us. An
    // HTTP/1.0 client would take a 100 for the final response, so it is sent none. Expect is a list, too.
    // Differs: Python looks at the first line, as a whole, and the client waits in vain.
    const waits = elementsOf(this.headers, 'Expect').includes('100-continue')
    return waits && this.isHTTP11 ? this.handleExpect100() : true
  }

  /** Set command, path and version from the words of the request line. */
  #parseRequestline(words: readonly string[], speaks11: boolean): void {
    // The version is the last of three words or more, whether or not the line is right otherwise.
    if (words.length >= 3) {
      const version = words.at(-1) as string
      const number = parseVersion(version, speaks11)
      if (number === null) {
        throw new RequestError(400, `Bad request version (${repr(version)})`)
      }
      const [major, minor] = number
      if ((major > 1 || (major === 1 && minor >= 1)) && speaks11) {
        this.closeConnection = false
      }
      // RFC 9110 §15.6.6. Differs: a server of HTTP/1.1 refuses HTTP/0.9 by name, too.
      if (major >= 2 || (major === 0 && speaks11)) {
        throw new RequestError(505, `Invalid HTTP version (${version.slice('HTTP/'.length)})`)
      }
      this.requestVersion = version
      this.isHTTP11 = speaks11 && version >= 'HTTP/1.1'
    }
    if (words.length < 2 || words.length > 3 || words.some((word) => BAD_WORD.test(word))) {
      throw new RequestError(400, `Bad request syntax (${repr(this.requestline)})`)
    }

    const [command, path] = words as [string, string]
    if (words.length === 2) {
      // Differs: with HTTP/1.1, HTTP/0.9 is not spoken any more.
      if (command !== 'GET' || speaks11) {
        throw new RequestError(400, `Bad HTTP/0.9 request type (${repr(command)})`)
      }
      this.requestVersion = this.defaultRequestVersion
    }
    this.command = command
    // Security: a browser reads `//evil.com` as another host. Sent back in a Location header, such a
    // path would lead there (CVE-2021-28861, gh-87389). Browsers read `/\evil.com` that way, too; but a
    // proxy may forbid `/secret`, which `/\secret` must not become here. So the backslash is escaped
    // where `Location` is made (gh-132826).
    this.path = path.replace(/^\/+/, '/')
  }

  /** Learn from the headers how long the body is, and how it is to be read. */
  #checkFraming(): void {
    if (
      !this.isHTTP11 &&
      this.protocolVersion >= 'HTTP/1.1' &&
      this.headers.has('Transfer-Encoding')
    ) {
      throw new RequestError(
        400,
        'Bad message framing',
        'HTTP/1.0 has no Transfer-Encoding (RFC 9112 section 6.1)',
      )
    }
    const length = bodyLength(this.headers, this.isHTTP11)
    if (length > 0) {
      this.rfile.deadline = deadlineIn(this.bodyTimeout)
    }
    this.trailers = NO_FIELDS
    if (length === Infinity) {
      this.rfile = new ChunkedReader(this.rfile, (trailers) => {
        this.trailers = new this.MessageClass(trailers)
      })
    }
    this.#bodySource = this.rfile
    this.#bodyEnd = this.rfile.position + length
  }

  /**
   * Respond to a client that sent `Expect: 100-continue` and waits with its body: here, always with
   * `100 Continue`. An override may look at the headers first.
   *
   * @returns true to go on. False: a response has been sent, and the request is not handled.
   */
  handleExpect100(): boolean | Promise<boolean> {
    this.sendResponseOnly(HTTPStatus.CONTINUE)
    this.endHeaders()
    void this.wfile.flush()
    return true
  }

  /** Let the method for the request respond to it; 501 if there is none. */
  #callMethod(): void | Promise<void> {
    const name = `do_${this.command}` as const
    if (this[name] === undefined) {
      // RFC 9110 §9.3.7. Differs: in HTTP/1.1, OPTIONS is served; in Python it is a method like any other.
      if (this.isHTTP11 && this.command === 'OPTIONS') {
        this.sendResponse(HTTPStatus.NO_CONTENT)
        this.sendHeader('Allow', methodsOf(this).join(', '))
        this.endHeaders()
        return
      }
      this.sendError(HTTPStatus.NOT_IMPLEMENTED, `Unsupported method (${repr(this.command)})`)
      return
    }
    // A TypeError if it is not a method at all, as in Python.
    return this[name]()
  }

  /** Put the connection in order; returns how many bytes to skip before the next request. */
  #leaveRequest(): number {
    if (this.#headersBuffer !== '') {
      this.#dropHeaders()
      this.closeConnection = true
    }
    // Security: what a method leaves of the body would be taken for the next request, and is
    // chosen by whoever wrote the body (gh-150499). A method that read on past the body has
    // taken a piece of the next request.
    const unread = this.#unread
    // Differs: only the end of the connection ends a response of HTTP/0.9; Python keeps it open if
    // somebody says `Connection: keep-alive`.
    if (unread < 0 || isLong(unread) || this.requestVersion === 'HTTP/0.9') {
      this.closeConnection = true
    }
    return this.closeConnection ? 0 : unread
  }

  /**
   * How many bytes of the body are unread: below 0 if a method read past it, always `Infinity` for chunks, 0
   * once a method has put another reader in place, after CONNECT for instance: what comes is no longer ours.
   */
  get #unread(): number {
    return this.rfile === this.#bodySource ? this.#bodyEnd - this.rfile.position : 0
  }

  // -- Writing responses ---------------------------------------------------------------------

  /**
   * Send a whole response that reports an error, and log it. The connection ends with it. As in Python, a
   * head that has been begun, and not ended, comes first; after one that has left, the error is only logged.
   *
   * @param message - the reason phrase, in place of the code's own
   * @param explain - a longer text for the page, in place of the code's own description
   * @param headers - further headers, such as the `Allow` of a 405. Differs: Python takes none.
   * @throws `TypeError` for what cannot stand in a head.
   */
  sendError(
    code: number,
    message?: string,
    explain?: string,
    headers: Iterable<readonly [name: string, value: string | number]> = [],
  ): void {
    const [phrase, description] = this.responses[code] ?? ['???', '???']
    message ??= phrase
    explain ??= description
    this.logError('code %d, message %s', code, message)
    if (this.#responding) {
      this.#refuseSecond(explain)
      return
    }
    this.sendResponse(code, message)
    this.sendHeader('Connection', 'close')
    for (const [name, value] of headers) {
      this.sendHeader(name, value)
    }

    let body: Uint8Array | undefined
    if (hasContent(code)) {
      const [page, type] = errorPage(this, code, message, explain)
      body = encodeUtf8(page)
      this.sendHeader('Content-Type', type)
      this.sendHeader('Content-Length', body.length)
    }
    this.endHeaders()

    // RFC 9110 §9.3.2: the response to HEAD is that to GET without the content.
    if (this.command !== 'HEAD' && body !== undefined) {
      void this.wfile.write(body)
    }
  }

  /**
   * Begin a response: the status line and the headers `Server` and `Date`. The request is logged.
   *
   * @param message - the reason phrase, in place of the code's own
   * @throws `TypeError` for a message that cannot stand in a status line.
   */
  sendResponse(code: number, message?: string): void {
    this.logRequest(code)
    this.sendResponseOnly(code, message)
    this.sendHeader('Server', this.versionString())
    this.sendHeader('Date', this.dateTimeString())
  }

  /**
   * Begin a response as {@link sendResponse}, with the status line only, and log nothing. For
   * `100 Continue` and the like.
   *
   * Headers from before the first status line are dropped. When a response has begun to leave, a second
   * one to the same request is not sent, and the connection ends. Both are logged.
   * Differs: Python sends both, and a client takes the second for the response to its next request.
   */
  sendResponseOnly(code: number, message?: string): void {
    if (this.#responding) {
      this.#refuseSecond(`${String(code)} ${message ?? ''}`)
    } else if (this.#status === 0 && this.#headersBuffer !== '') {
      this.#dropHeaders()
    }
    this.#status = code
    message ??= this.responses[code]?.[0] ?? ''
    this.#addLine(this.protocolVersion, ' ', `${String(code)} ${message}`)
  }

  /** End the connection: its client could no longer tell which request a response belongs to. */
  #refuseSecond(explain: string): void {
    this.closeConnection = true
    this.wfile.retire()
    this.logError('not sent, because a response has begun: %s', explain)
  }

  /**
   * Add a header to the response; each character of its value becomes one byte. `Connection: close` and
   * `Connection: keep-alive` also decide {@link closeConnection}.
   *
   * RFC 9112 §9.6: after a `close` from either side the connection MUST end, and nothing may deny it.
   * Differs: in HTTP/1.1, a later `Connection: keep-alive`, or one while the server closes, is not sent; in
   * Python it keeps the connection open.
   *
   * @throws `TypeError` when either holds CR, LF, NUL, or a character that does not fit in one byte.
   */
  sendHeader(keyword: string, value: string | number): void {
    const text = String(value)
    if (isNamed(keyword, 'connection')) {
      const options = listOf(text)
      if (options.includes('close')) {
        this.closeConnection = true
        this.#ends = this.isHTTP11
        this.#said = 'close'
      } else if (options.includes('keep-alive')) {
        if (this.#ends || (this.isHTTP11 && this.server.closing)) {
          return
        }
        this.closeConnection = false
        this.#said = 'keep-alive'
      }
    }
    this.#addLine(keyword, ': ', text)
  }

  /** End the headers with an empty line. What is written to `wfile` after this is the body. */
  endHeaders(): void {
    // Connections of HTTP/1.1 persist, those of HTTP/1.0 end, and exceptions are announced. RFC 9112
    // §9.6: a client of HTTP/1.1 SHOULD be told that this is the last response; Python does not tell.
    // A client of HTTP/1.0 that asked for a persistent connection must see it confirmed; otherwise it
    // waits for the connection to end (RFC 2068 §19.7.1; RFC 9112 §C.2.2). Differs: Python keeps the
    // connection and does not say so; `ab -k` then waits for its end.
    if (this.#status >= 200 && this.protocolVersion >= 'HTTP/1.1') {
      // Too much is left of the body to be skipped: this response is the last, even if the method reads on.
      this.closeConnection ||= isLong(this.#unread)
      const ends = this.closeConnection || this.server.closing
      const word = ends ? 'close' : 'keep-alive'
      if (ends === this.isHTTP11 && this.#said !== word) {
        this.sendHeader('Connection', word)
      }
    }
    if (this.requestVersion !== 'HTTP/0.9') {
      this.#headersBuffer += '\r\n'
    }
    this.flushHeaders()
  }

  /**
   * End the headers of a response whose length is not known. What is written to `wfile` from here on
   * is sent in chunks, and the last one when the method is done. A client of HTTP/1.0 gets the body as
   * it is, and the end of the connection. In a response to HEAD, what is written is dropped.
   *
   * A method that fails sends no last chunk: the client can tell that the body is not whole.
   *
   * @throws `ValueError` when there is a `Content-Length` or a `Transfer-Encoding` already, and for a response
   * that has no body: 1xx, 204, 205, 304, and a 2xx to CONNECT.
   * @added Python has no chunks; its handlers send them by hand.
   * @see [RFC 9112 §7.1](https://www.rfc-editor.org/rfc/rfc9112#section-7.1)
   */
  endHeadersChunked(): void {
    // RFC 9112 §6.1 and §6.2: chunks MUST NOT be announced where there is no body, nor beside a length.
    const flaw = !hasContent(this.#status, this.command)
      ? `one with status ${String(this.#status)} has no body`
      : /\n(?:content-length|transfer-encoding):/i.test(this.#headersBuffer)
        ? 'it has a Content-Length or Transfer-Encoding already'
        : ''
    if (flaw !== '') {
      throw new ValueError(`Cannot send the response to ${this.command} in chunks: ${flaw}`)
    }
    if (this.isHTTP11) {
      this.sendHeader('Transfer-Encoding', 'chunked')
    } else {
      this.closeConnection = true
    }
    this.endHeaders()
    if (this.command === 'HEAD') {
      this.wfile.encode = () => NOTHING
    } else if (this.isHTTP11) {
      this.wfile.encode = encodeChunk
    }
  }

  /** Write the headers so far to `wfile`. */
  flushHeaders(): void {
    this.#responding ||= this.#status >= 200
    // The next status line after an interim response is a first one again.
    this.#status = this.#responding ? this.#status : 0
    if (this.#headersBuffer !== '') {
      void this.wfile.write(encodeLatin1(this.#headersBuffer))
      this.#headersBuffer = ''
    }
  }

  /** Differs: in Python such lines come out before the next response. */
  #dropHeaders(): void {
    this.#headersBuffer = this.#said = ''
    this.logError('headers dropped: endHeaders() was not called')
  }

  /**
   * The one place through which every line of a head goes.
   *
   * Security: a CR or LF would end the line and begin another, of somebody else's choosing. A
   * character above U+00FF would become one by losing its upper bits: U+010A is an LF then.
   * Differs: Python lets CR, LF and NUL pass (gh-142533).
   */
  #addLine(first: string, separator: ' ' | ': ', rest: string): void {
    // In two pieces: JavaScript joins strings only when it has to, and to test a line it has to.
    // Measured, together with splitWords(): 7 % less CPU for a pipelined request.
    if (UNSAFE_IN_HEAD.test(first) || UNSAFE_IN_HEAD.test(rest)) {
      throw new TypeError(
        `Cannot send the header line ${repr(first + separator + rest)}: CR, LF, NUL and ` +
          'characters above U+00FF have no place in it',
      )
    }
    // HTTP/0.9 has no headers.
    if (this.requestVersion !== 'HTTP/0.9') {
      this.#headersBuffer += first + separator + rest + '\r\n'
    }
  }

  // -- The log -------------------------------------------------------------------------------

  /**
   * Log a request that is being responded to. {@link sendResponse} calls it. Nothing in this library
   * knows the size of a response yet, which leaves the `-`.
   */
  logRequest(code: number | string = '-', size: number | string = '-'): void {
    this.logMessage('"%s" %s %s', this.requestline, code, size)
  }

  /** Log an error. Here, as any other message: see {@link logMessage}. */
  logError(template: string, ...args: unknown[]): void {
    this.logMessage(template, ...args)
  }

  /**
   * Log a message, to standard error, after the client's address and the time. All that this class logs
   * comes through here; override it to log elsewhere.
   *
   * @param template - a format as for Python's `%`: `'code %d, message %s'`
   * @throws `TypeError` when the arguments do not fit the format.
   */
  logMessage(template: string, ...args: unknown[]): void {
    // Security: a request line is chosen by the client. Control characters in it could move the cursor of
    // whoever reads the log, and a line feed could forge a line (gh-100001). The address is escaped with
    // the rest: a subclass may override addressString() to return the value of a header.
    const line = `${this.addressString()} - - [${this.logDateTimeString()}] ${format(template, args)}`
    stderr.write(`${escapeControls(line)}\n`)
  }

  // -- Words for the response and the log ----------------------------------------------------

  /** The value of the `Server` header. */
  versionString(): string {
    return `${this.serverVersion} ${this.sysVersion}`
  }

  /**
   * A time as headers want it: `Thu, 06 Oct 2016 20:44:11 GMT`.
   *
   * @param timestamp - seconds since 1970, UTC; now, if left out
   * @throws `ValueError` when the year has more than four digits.
   */
  dateTimeString(timestamp: number = now()): string {
    return formatDate(timestamp)
  }

  /** The current time as the log wants it, in the machine's time zone: `06/Oct/2016 17:00:54`. */
  logDateTimeString(): string {
    const { year, month, day, hour, minute, second } = localTime(now())
    const two = (number: number) => String(number).padStart(2, '0')
    return `${two(day)}/${String(this.monthname[month])}/${String(year)} ${two(hour)}:${two(minute)}:${two(second)}`
  }

  /** The client's address, for the log. */
  addressString(): string {
    const { clientAddress } = this
    return typeof clientAddress === 'string' ? clientAddress : clientAddress[0]
  }

  // -- The request ---------------------------------------------------------------------------

  /** The method of the request, such as `GET`; empty until that is known. Case matters. */
  command = ''
  /** The request target as it was sent, with its query, not decoded; of several leading slashes, one. */
  path = ''
  /** The version that the client speaks, such as `HTTP/1.1`. */
  requestVersion = ''
  /**
   * Whether both sides speak HTTP/1.1, as `parseRequest()` finds: {@link protocolVersion} and
   * {@link requestVersion} say so. Only then are there chunks and connections that persist unasked, and
   * must there be a `Host`.
   *
   * @added Python compares the two wherever it matters.
   */
  isHTTP11 = false
  /** The request line as text, without its line end; each character is one byte. */
  requestline = ''

  /** The request line as bytes, with its line end. */
  get rawRequestline(): Uint8Array {
    return encodeLatin1(this.#rawRequestline)
  }
  /** For code that reads the line itself and then calls {@link parseRequest}. */
  set rawRequestline(line: Uint8Array) {
    this.#rawRequestline = decodeLatin1(line)
  }
  /** The same as text, a character for each byte. */
  #rawRequestline = ''

  /** The header fields of the request. */
  headers: HTTPMessage = new HTTPMessage()

  /**
   * The fields that came after a chunked body, once all of it has been read; none before, and none for
   * any other body. They are not among the {@link headers}, where a length or a `Host` would count.
   *
   * @added Python has no chunks.
   */
  trailers: HTTPMessage = NO_FIELDS

  /**
   * The body of the request, in pieces as they come: `for await (const piece of this.body)`, or
   * `pipeline(this.body, createWriteStream(name))`. What is left of it when the method returns is skipped,
   * or the connection ends.
   *
   * When the client breaks off within the body, the loop throws a `ConnectionResetError`, which a
   * method need not catch.
   *
   * @added In Python, `rfile.read(int(headers['Content-Length']))`.
   */
  get body(): ReturnType<typeof piecesUntil> {
    return piecesUntil(this.rfile, this.rfile === this.#bodySource ? this.#bodyEnd : 0)
  }

  /**
   * Whether the connection ends with this request. `parseRequest()` decides it from what the client
   * said, `sendHeader('Connection', 'close')` sets it, and you may, too.
   */
  closeConnection = true

  /** The head that is being written: lines, each with its CR LF. */
  #headersBuffer = ''
  /** The status code of that head; 0 before there is one. */
  #status = 0
  /** Whether the response, not only an interim one, has begun to leave. */
  #responding = false
  /** What that head says of the connection: `close`, `keep-alive`, or nothing yet. */
  #said = ''
  /** Whether client or method has said, in HTTP/1.1, that the connection ends: that is final. */
  #ends = false
  /** The connection's own reader; `rfile` is another one while a body comes in chunks. */
  #input!: StreamReader

  /** The reader that the body is read from, and its `position` where the body ends: `Infinity` for chunks. */
  #bodySource: StreamReader | undefined
  #bodyEnd = 0

  // -- What may be overridden ----------------------------------------------------------------

  /**
   * The version of HTTP that is spoken, and the first word of every response. With `'HTTP/1.1'`,
   * connections are kept open, and each response needs a `Content-Length`, or {@link endHeadersChunked}:
   * its client waits for ever if nothing says where it ends.
   */
  protocolVersion: string = 'HTTP/1.0'

  /** The server software, as it is named in the `Server` header. */
  serverVersion: string = 'BaseHTTP/0.6'

  /** What the server runs on. Differs: `Node/20.20.2`, where Python says `Python/3.13.0`. */
  sysVersion: string = runtime

  /** With HTTP/1.0, a request's version until it is known: a malformed line gets a page without a head. */
  defaultRequestVersion: string = 'HTTP/0.9'

  /**
   * The page of {@link sendError}, a format with the names `code`, `message` and `explain`. The last two
   * come escaped for HTML, but for quotes, as in Python: they are safe between tags, not in an attribute.
   */
  errorMessageFormat: string = ERROR_PAGE_HTML4

  /** The media type of that page. */
  errorContentType: string = ERROR_CONTENT_TYPE
  /** Phrase and description of each status code. */
  responses: Responses = RESPONSES
  /** The class that {@link headers} is an object of. */
  MessageClass: MessageClass = HTTPMessage
  /** The days of the week, Monday first. */
  weekdayname: readonly string[] = WEEKDAYS
  /** The months, with nothing at 0, so that January is 1. */
  monthname: readonly (string | null)[] = MONTHS

  /**
   * How long a client may take for the head of a request, from its first byte to its last, in
   * seconds. Null: no limit, provided it is never silent for `timeout` seconds.
   *
   * Security: a client that sends a byte a second holds a connection for days (slow loris), and
   * no timeout for a single wait can see it.
   *
   * @added Python has no such limit.
   */
  headTimeout: number | null = null

  /**
   * As {@link headTimeout}, for the body, from the end of the head on, even while the method does
   * something else. If it is null, what a method has not read must arrive within `timeout` seconds, if
   * there is one, after the method has returned.
   *
   * @added As {@link headTimeout}.
   */
  bodyTimeout: number | null = null

  /**
   * Check {@link protocolVersion} and the timeouts, as far as they are among the options of a server.
   *
   * @throws `TypeError` for a version that is not spoken here, or a timeout that is not valid.
   * @added Python does not check.
   */
  static override checkOptions(options: HandlerOptions): void {
    super.checkOptions(options)
    checkSeconds(options, 'headTimeout')
    checkSeconds(options, 'bodyTimeout')
    checkOneOf(options, 'protocolVersion', ['HTTP/1.0', 'HTTP/1.1'])
  }
}

/** Whether an unread body is known to be too long to be skipped. */
function isLong(unread: number): boolean {
  return unread > MAX_SKIPPED && unread !== Infinity
}

const NO_FIELDS = new HTTPMessage()
const NOTHING = new Uint8Array()

const UNSAFE_IN_HEAD = /[^\x01-\t\v\f\x0e-\xff]/
