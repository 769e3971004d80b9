/**
 * The head of a request: how it is read, what it may look like, and what it says about the length of
 * the body. Python's `http.client.HTTPMessage` and `parse_headers`, and a part of `parse_request`.
 *
 * ```text
 *   GET / HTTP/1.1       <- the request line: split in request-line.ts, understood in base-handler.ts
 *   Host: example.org    <- field lines: here
 *   Content-Length: 5
 *                        <- an empty line ends the head
 *   hello                <- the body: up to the handler; its length: here
 * ```
 *
 * Python gives this part to its e-mail parser, which forgives what a mail reader must forgive. A server
 * must not: where two programs read the same bytes as different requests, a request can be smuggled past
 * the first to the second. So this parser follows RFC 9112, and refuses where Python guesses.
 *
 * Differs: a 400 for a field line that begins with white space, one without a colon, one with white
 * space before the colon, a name that is not a token, a CR or NUL inside a line. Python joins, skips or
 * silently drops such lines, and sometimes all after them. A body length that is wrong or ambiguous: 400,
 * and 501 for a coding that is not decoded, 413 for a number that JavaScript cannot count to. Python
 * leaves that to the handler.
 *
 * Reading path: 6 of 10. Next: chunked.ts.
 *
 * @module
 */

import { RequestError } from './request-error.ts'

// -- HTTPMessage -----------------------------------------------------------------------------

/** A header field as it was sent: its name in the sender's spelling, its value. */
export type Field = readonly [name: string, value: string]

/**
 * The header fields of a request, in the order in which they came, repeated ones included.
 *
 * Names are compared without regard to case, values are text in which each character is one byte (ISO
 * 8859-1). Leading white space is removed from a value; trailing white space is kept, as in Python.
 *
 * Differs: iterating gives pairs of name and value, as for JavaScript's own `Headers` and `Map`; in
 * Python, names.
 *
 * @python http.client.HTTPMessage
 */
export class HTTPMessage implements Iterable<Field> {
  readonly #fields: readonly Field[]

  /**
   * Store the fields.
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
    // A loop, and not find(): it runs several times for each request.
    for (const [fieldName, value] of this.#fields) {
      if (isNamed(fieldName, name)) {
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
    const values: string[] = []
    for (const [fieldName, value] of this.#fields) {
      if (isNamed(fieldName, name)) {
        values.push(value)
      }
    }
    return values
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

/** Whether two names of fields are the same; their case does not count. */
export function isNamed(name: string, other: string): boolean {
  return name.length === other.length && name.toLowerCase() === other.toLowerCase()
}

/** What a request's headers are stored in: {@link HTTPMessage} or a class derived from it. */
export type MessageClass = new (fields: readonly Field[]) => HTTPMessage

// -- Reading the headers ---------------------------------------------------------------------

/**
 * The most bytes in a header line, its end included.
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

/**
 * Read header lines up to the empty line that ends them, as far as they have arrived.
 *
 * @param rfile - gives a line as text with its end; undefined while it is not all here; a line without
 * an end, or an empty one, when the connection has ended
 * @param lines - those that have been read already; the others are appended
 * @returns the fields; undefined while the empty line is not here.
 * @throws {@link RequestError} for headers that are not valid. The rest of the head may still be to
 * come then.
 * @python http.client.parse_headers
 * @see [RFC 9112 §5](https://www.rfc-editor.org/rfc/rfc9112#section-5)
 */
export function readFields(
  rfile: { takeTextLine(limit: number): string | undefined },
  lines: string[],
): Field[] | undefined {
  let size = lines.reduce((sum, { length }) => sum + length, 0)
  for (;;) {
    const line = rfile.takeTextLine(MAX_LINE + 1)
    if (line === undefined) {
      return undefined
    }
    if (line.length > MAX_LINE) {
      throw tooMuch('Line too long', `${String(MAX_LINE)} bytes when reading header line`)
    }
    // Security: the end of the connection may have cut `Content-Length: 100` down to `1`. RFC 9112 §8
    // allows an error response to an incomplete request, and that is all it gets.
    // Differs: Python takes what is there for the whole.
    if (!line.endsWith('\n')) {
      throw new RequestError(
        400,
        'Incomplete request',
        'the connection ended before the empty line after the headers (RFC 9112 section 8)',
      )
    }
    // Checked before the line is looked at, so that the empty line counts: 99 fields are the most.
    if (lines.length === MAX_HEADERS) {
      throw tooMuch('Too many headers', `${String(MAX_HEADERS)} headers`)
    }
    size += line.length
    if (size > MAX_HEAD) {
      throw tooMuch('Headers too long', `${String(MAX_HEAD)} bytes of headers`)
    }
    if (line === '\r\n' || line === '\n') {
      return lines.map(parseField)
    }
    lines.push(line)
  }
}

function tooMuch(message: string, limit: string): RequestError {
  return new RequestError(431, message, `got more than ${limit}`)
}

function parseField(line: string, index: number): Field {
  const match = FIELD_LINE.exec(line)
  if (match === null) {
    throw new RequestError(
      400,
      'Bad header line',
      `header line ${String(index + 1)}: ${flaw(line)}`,
    )
  }
  return [match[1] as string, match[2] as string]
}

// field-line = field-name ":" OWS field-value OWS, where a name is a token, and the last OWS is kept, as in
// Python; RFC 9112 §2.2 allows a recipient to accept LF alone as its end. CR, LF and NUL are the three that
// RFC 9110 §5.5 calls invalid and dangerous; the other controls pass, as they do in Python.
// Security: a value begins with something other than white space. Otherwise there would be as many
// ways to divide white space from value as there is white space, and a failing match would try them
// all: 64 KiB of it before a CR took 1.9 s.
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[^ \t\r\n\0][^\r\n\0]*)?)\r?\n$/

/** Say what is wrong with a field line. The line itself stays out of page and log: it may hold a password. */
function flaw(line: string): string {
  if (/^[ \t]/.test(line)) {
    return 'it begins with white space, and folded lines are obsolete (RFC 9112 section 5.2)'
  }
  if (/\r(?!\n$)|\0/.test(line)) {
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
 * Tell how many bytes of body follow the head; 0 when the headers do not mention a body.
 *
 * Security: a proxy in front of this server has to come to the same number. Where two programs
 * could differ, the request is refused: `Content-Length` twice, beside `Transfer-Encoding`, or spelled as
 * only Python's `int()` would take it (`+5`, `1_0`).
 *
 * @param decodes - whether a chunked body can be read, as in HTTP/1.1. Python's handlers read the
 * chunks as the next request.
 * @returns a number of bytes; `Infinity` for a chunked body, whose end shows when it is read
 * @throws {@link RequestError} for a length that is not valid, or cannot be had.
 * @see [RFC 9112 §6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)
 */
export function bodyLength(headers: HTTPMessage, decodes = true): number {
  const lengths = headers.getAll('Content-Length')
  if (headers.has('Transfer-Encoding')) {
    if (lengths.length > 0) {
      throw new RequestError(
        400,
        'Bad message framing',
        'both Content-Length and Transfer-Encoding (RFC 9112 section 6.3)',
      )
    }
    if (decodes) {
      const codings = elementsOf(headers, 'Transfer-Encoding')
      if (codings.length === 0 || codings.indexOf('chunked') !== codings.length - 1) {
        throw new RequestError(
          400,
          'Bad Transfer-Encoding',
          'chunked must be the last coding, and be there once (RFC 9112 section 6.3)',
        )
      }
      if (codings.length === 1) {
        return Infinity
      }
    }
    throw new RequestError(
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
    throw new RequestError(
      400,
      'Bad Content-Length',
      'Content-Length must be there once, in decimal digits (RFC 9112 section 6.3)',
    )
  }
  const length = Number(digits)
  if (!Number.isSafeInteger(length)) {
    throw new RequestError(
      413,
      'Content Too Large',
      `Content-Length is over ${String(Number.MAX_SAFE_INTEGER)}`,
    )
  }
  return length
}

/** The elements of a field that is a list, from all its lines, in lower case. */
export function elementsOf(headers: HTTPMessage, name: string): string[] {
  // Often there is no such field, and no work to be done.
  return headers.has(name) ? listOf(headers.getAll(name).join()) : []
}

/** The elements of a list, in lower case. RFC 9110 §5.6.1: those that are empty do not count. */
export function listOf(value: string): string[] {
  const text = value.toLowerCase()
  // Nearly always it is one word, such as `keep-alive`.
  return /^[a-z-]+$/.test(text) ? [text] : (text.match(/[^ \t,]+(?:[ \t]+[^ \t,]+)*/g) ?? [])
}
