/**
 * The headers of a request: how they are read, what they may look like, and what they say of the
 * length of the body. Python's `http.client.HTTPMessage` and `parse_headers`.
 *
 * ```text
 *   GET / HTTP/1.1       <- the request line: base-handler.ts
 *   Host: example.org    <- field lines: here
 *   Content-Length: 5
 *                        <- an empty line ends the head
 *   hello                <- the body: the handler's affair; its length: here
 * ```
 *
 * Python gives this part to its e-mail parser, which forgives what a mail reader must forgive. A
 * server must not: two programs that read the same bytes as different requests are how a request
 * is smuggled past the first of them to the second. So this parser follows RFC 9112, and refuses
 * where Python guesses.
 *
 * Differs: a field line that begins with white space, that has no colon, white space before the
 * colon or a name that is no token, a CR or NUL inside a line, a second Host: 400. Python joins,
 * skips or silently drops such lines, and sometimes all after them. A body length that is wrong or
 * ambiguous: 400, and 501 for a transfer coding, 413 for a number that JavaScript cannot count to.
 * Python leaves that to the handler.
 *
 * Reading path: 6 of 9. Next: base-handler.ts.
 *
 * @module
 */

// -- HTTPMessage -----------------------------------------------------------------------------

/** A header field as it was sent: its name in the sender's spelling, its value. */
export type Field = readonly [name: string, value: string]

/**
 * The header fields of a request, in the order in which they came, repeated ones included.
 *
 * Names are compared without regard to case, values are text in which each character is one byte
 * (ISO 8859-1). White space in front of a value is gone; white space behind it is kept, as in
 * Python.
 *
 * Differs: going through the object gives pairs of name and value, as for JavaScript's own
 * `Headers` and `Map`; in Python, names.
 *
 * @python http.client.HTTPMessage
 */
export class HTTPMessage implements Iterable<Field> {
  readonly #fields: readonly Field[]

  /**
   * Hold fields.
   *
   * @param fields - in order
   */
  constructor(fields: readonly Field[] = []) {
    this.#fields = fields
  }

  /** The value of the first field of that name; `otherwise`, or null, if there is none. */
  get(name: string): string | null
  get<Default>(name: string, otherwise: Default): string | Default
  get(name: string, otherwise: unknown = null): unknown {
    const wanted = name.toLowerCase()
    // A loop, and not find(): it is called four times for each request.
    for (const [fieldName, value] of this.#fields) {
      if (isNamed(fieldName, wanted)) {
        return value
      }
    }
    return otherwise
  }

  /**
   * The values of all fields of that name, in order; none gives an empty array.
   *
   * Differs: where there is none, Python returns `None`.
   */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase()
    return this.#fields
      .filter(([fieldName]) => isNamed(fieldName, wanted))
      .map(([, value]) => value)
  }

  /**
   * Whether there is a field of that name; Python's `in`.
   *
   * @python email.message.Message.__contains__
   */
  has(name: string): boolean {
    return this.get(name) !== null
  }

  /**
   * How many fields there are, repeated ones counted each time; Python's `len()`.
   *
   * @python email.message.Message.__len__
   */
  get length(): number {
    return this.#fields.length
  }

  /** The names, in order and as they were spelled. */
  keys(): string[] {
    return this.#fields.map(([name]) => name)
  }

  /** The values, in order. */
  values(): string[] {
    return this.#fields.map(([, value]) => value)
  }

  /** The fields, in order. */
  items(): Field[] {
    return [...this.#fields]
  }

  /**
   * Go through the fields, in order: `for (const [name, value] of headers)`.
   *
   * @python email.message.Message.__iter__
   */
  [Symbol.iterator](): IterableIterator<Field> {
    return this.#fields[Symbol.iterator]()
  }
}

/** Whether a name is the one wanted, which is in lower case. */
function isNamed(fieldName: string, wanted: string): boolean {
  return fieldName.length === wanted.length && fieldName.toLowerCase() === wanted
}

/** What a request's headers are stored in: {@link HTTPMessage} or a class derived from it. */
export type MessageClass = new (fields: readonly Field[]) => HTTPMessage

// -- Faults ----------------------------------------------------------------------------------

/** Something wrong with a request, in the words of `sendError(code, message, explain)`. */
export class Fault {
  readonly code: number
  readonly message: string
  readonly explain: string

  constructor(code: number, message: string, explain: string) {
    this.code = code
    this.message = message
    this.explain = explain
  }
}

/**
 * A request that cannot be answered as it was meant, found out by something that a method called:
 * `FieldStorage.parse()` throws it. A method need not catch it. If it has not begun an answer, the
 * client gets `sendError(code, message, explain)`, and the connection ends.
 *
 * @added In Python such a thing is a `ValueError`, and the client gets no answer.
 */
export class RequestError extends Error {
  /** The name of the class, for reports. */
  override readonly name: string = 'RequestError'
  /**
   * The status code of the answer.
   *
   * @added As {@link RequestError}.
   */
  readonly code: number
  /**
   * The longer text for the page of the answer.
   *
   * @added As {@link RequestError}.
   */
  readonly explain: string

  /** Say what is wrong, in the words of `sendError(code, message, explain)`. */
  constructor(code: number, message: string, explain: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.explain = explain
  }
}

// -- Reading the head ------------------------------------------------------------------------

/**
 * The most bytes in a line of the head, its end included.
 *
 * @python http.client._MAXLINE
 */
export const MAX_LINE = 65536

/**
 * The most lines in the headers, the empty one at the end included.
 *
 * @python http.client._MAXHEADERS
 */
export const MAX_HEADERS = 100

/**
 * The most bytes in all the headers together.
 *
 * Differs: Python sets no such limit, and so allows 6.5 MB for each connection.
 */
export const MAX_HEAD = 256 * 1024

/** As much of a `StreamReader` as reading a head needs. */
export interface LineSource {
  takeTextLine(limit: number): string | undefined
}

/**
 * Reads header lines up to the empty line that ends them.
 *
 * @python http.client.parse_headers
 * @see [RFC 9112 §5](https://www.rfc-editor.org/rfc/rfc9112#section-5)
 */
export class FieldReader {
  readonly #rfile: LineSource
  readonly #lines: string[] = []
  #size = 0

  constructor(rfile: LineSource) {
    this.#rfile = rfile
  }

  /**
   * Take the lines that are here.
   *
   * @returns undefined if they are not all here yet: wait for more, and call again. Otherwise the
   * fields, or what is wrong with them; after a fault, the rest of the head may be still to come.
   */
  take(): Field[] | Fault | undefined {
    for (;;) {
      const line = this.#rfile.takeTextLine(MAX_LINE + 1)
      if (line === undefined) {
        return undefined
      }
      if (line.length > MAX_LINE) {
        return new Fault(
          431,
          'Line too long',
          `got more than ${String(MAX_LINE)} bytes when reading header line`,
        )
      }
      // Security: the end of the connection may have cut `Content-Length: 1` from `100`. RFC 9112 §8
      // allows an error response to an incomplete request, and that is all it gets.
      // Differs: Python takes what is there for the whole.
      if (!line.endsWith('\n')) {
        return new Fault(
          400,
          'Incomplete request',
          'the connection ended before the empty line after the headers (RFC 9112 section 8)',
        )
      }
      // Counted before it is looked at, so that the empty line counts: 99 fields are the most.
      if (this.#lines.length === MAX_HEADERS) {
        return new Fault(431, 'Too many headers', `got more than ${String(MAX_HEADERS)} headers`)
      }
      this.#size += line.length
      if (this.#size > MAX_HEAD) {
        return new Fault(
          431,
          'Headers too long',
          `got more than ${String(MAX_HEAD)} bytes of headers`,
        )
      }
      const text = withoutLineEnd(line)
      if (text === '') {
        return parseFields(this.#lines)
      }
      this.#lines.push(text)
    }
  }
}

/** Take the line end off: CR LF, or LF alone, which RFC 9112 §2.2 allows a recipient to accept. */
function withoutLineEnd(line: string): string {
  return line.slice(0, line.endsWith('\r\n') ? -2 : -1)
}

function parseFields(lines: readonly string[]): Field[] | Fault {
  const fields: Field[] = []
  for (const [index, line] of lines.entries()) {
    const match = FIELD_LINE.exec(line)
    if (match === null) {
      return new Fault(400, 'Bad header line', `header line ${String(index + 1)}: ${flaw(line)}`)
    }
    fields.push([match[1] as string, match[2] as string])
  }
  return fields
}

// field-line = field-name ":" OWS field-value OWS, where a name is a token. CR, LF and NUL are
// the three that RFC 9110 §5.5 calls invalid and dangerous; the other controls pass, as they do
// in Python.
// Security: a value begins with something else than white space. Otherwise there were as many ways
// to part white space from value as there is white space, and all of them were tried: 64 KiB of it
// in front of a CR took 1.9 s.
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[^ \t\r\n\0][^\r\n\0]*)?)$/

/** Say what is wrong with a field line. The line itself stays out of page and log: it may hold a password. */
function flaw(line: string): string {
  if (/^[ \t]/.test(line)) {
    return 'it begins with white space, and folded lines are obsolete (RFC 9112 section 5.2)'
  }
  if (/[\r\0]/.test(line)) {
    return 'it contains a bare CR or a NUL (RFC 9110 section 5.5)'
  }
  if (!line.includes(':')) {
    return 'it has no colon (RFC 9112 section 5)'
  }
  if (/^[^:]*[ \t]:/.test(line)) {
    return 'white space before the colon (RFC 9112 section 5.1)'
  }
  return 'the name before the colon is not a token (RFC 9110 section 5.1)'
}

// -- The length of the body ------------------------------------------------------------------

/**
 * Tell how many bytes of body follow the head; 0 when the headers say nothing of a body.
 *
 * Security: a proxy in front of this server has to come to the same number. Where two programs
 * could differ, the request is refused: both headers at once, `Content-Length` twice, or spelled
 * as Python's `int()` would take it (`+5`, `1_0`, ` 5`).
 *
 * Production: a server that takes uploads decodes `Transfer-Encoding: chunked`. Python's does
 * not, and its handlers then read the chunks as the next request; here it is a 501.
 *
 * @returns a number of bytes, or what is wrong.
 * @see [RFC 9112 §6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)
 */
export function bodyLength(headers: HTTPMessage): number | Fault {
  const lengths = headers.getAll('Content-Length')
  if (headers.has('Transfer-Encoding')) {
    if (lengths.length > 0) {
      return new Fault(
        400,
        'Bad message framing',
        'both Content-Length and Transfer-Encoding (RFC 9112 section 6.3)',
      )
    }
    return new Fault(
      501,
      'Unsupported transfer coding',
      'send Content-Length instead of Transfer-Encoding (RFC 9112 section 6.1)',
    )
  }
  if (lengths.length === 0) {
    return 0
  }
  const digits = /^([0-9]+)[ \t]*$/.exec(lengths[0] as string)?.[1]
  if (lengths.length > 1 || digits === undefined) {
    return new Fault(
      400,
      'Bad Content-Length',
      'Content-Length must be there once, in decimal digits (RFC 9112 section 6.3)',
    )
  }
  const length = Number(digits)
  if (!Number.isSafeInteger(length)) {
    return new Fault(
      413,
      'Content Too Large',
      `Content-Length is over ${String(Number.MAX_SAFE_INTEGER)}`,
    )
  }
  return length
}
