/**
 * A multipart body, parsed while it arrives.
 *
 * ```text
 *   preamble                              ignored
 *   --boundary                            a delimiter: a line of its own
 *   Content-Disposition: form-data; ...   the header of a part
 *                                         an empty line
 *   data                                  handed on piece by piece
 *   --boundary--                          the last delimiter
 *   epilogue                              ignored
 * ```
 *
 * The line end before a delimiter belongs to the delimiter, not to the data: that is how data can
 * end without one. So data cannot be handed on as soon as it arrives: what may turn out to be the
 * beginning of a delimiter is held back until more has arrived. With the boundary `b`:
 *
 * ```text
 *   arrives      handed on   held back
 *   one CR LF                o n e CR LF       (as many bytes as a delimiter has before its padding)
 *   --x          one         CR LF - - x
 *   y CR LF --b  CR LF --xy  CR LF - - b       found; it is one if nothing but white space follows
 *   CR LF                                      a delimiter: the header of a part is next
 * ```
 *
 * Everything is pulled: a piece is read only when the code that stores the parts asks for it. So a
 * form is read no faster than it is stored, and an error in either place reaches the caller of the
 * other: nothing here runs on its own.
 *
 * Differs: the header of each part must end with an empty line, each line before it must be a field
 * (`name: value`, or a folded line that continues one after white space), and the last delimiter must
 * be there: otherwise 400. Python drops a line that is not a field and all lines after it, and reads a
 * body that ends early as if it were complete. A folded field is joined; Python leaves the line end
 * in its value. At most 1024 bytes of white space may follow a delimiter. A form whose first delimiter
 * is also the last is empty; Python searches on. White space before the first delimiter makes it part
 * of the preamble; Python ignores such white space.
 *
 * Read before: `field-storage.ts`.
 *
 * @module
 * @see [RFC 7578](https://www.rfc-editor.org/rfc/rfc7578), forms in this format
 * @see [RFC 2046 §5.1.1](https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1), its grammar
 */

import { HTTPMessage, MAX_HEADERS } from '../http/message.ts'
import { RequestError } from '../http/request-error.ts'
import type { Field } from '../http/message.ts'
import { ByteQueue } from '../stdlib/byte-queue.ts'

/**
 * The pieces of a body, up to its end. They are as large as they happen to arrive, and nothing may
 * depend on where they are cut.
 */
export type Body = AsyncIterable<Buffer>

/** How to parse a body. */
export interface MultipartOptions {
  readonly boundary: string
  /** The most bytes in the header of a part, without the empty line that ends it. */
  readonly maxHeaderBytes: number
}

/** A part of a body. */
export interface Part {
  /** As they were sent, a character for each byte, but with their names in lower case. */
  readonly headers: HTTPMessage
  /** What has not been read when the next part is asked for is skipped. */
  readonly data: AsyncGenerator<Buffer, void, undefined>
}

/**
 * Read the parts of a body in order, and skip what follows the last one.
 *
 * @throws {@link RequestError} when the body is malformed, or a header is too long; what `body`
 * throws.
 */
export async function* readParts(
  body: Body,
  options: MultipartOptions,
): AsyncGenerator<Part, void, undefined> {
  const reader = new MultipartReader(body, options)
  await skip(reader.readData())
  while (!reader.atEnd) {
    const headers = await reader.readHeader()
    const data = reader.readData()
    yield { headers, data }
    await skip(data)
  }
  await reader.skipRest()
}

/**
 * Whether Python accepts this boundary: up to 201 characters of printable ASCII, without a trailing
 * space. RFC 2046 §5.1.1 allows 70 characters, and fewer kinds of them.
 */
export function isBoundary(boundary: string): boolean {
  return /^[ -~]{0,200}[!-~]$/.test(boundary)
}

/** White space after the boundary, which RFC 2046 §5.1.1 calls transport padding. */
const MAX_PADDING = 1024

class MultipartReader {
  /** Whether the last delimiter has been read. */
  atEnd = false
  readonly #pieces: AsyncIterator<Buffer>
  readonly #maxHeaderBytes: number
  /** The beginning of a delimiter. Whether a CR comes before it is checked when it is found. */
  readonly #delimiter: Buffer
  /**
   * What has arrived and has not been handed on. Before data, it begins with the LF of the previous
   * line, since a delimiter may follow at once; before the body, with an LF of our own.
   */
  readonly #window = new ByteQueue()

  constructor(body: Body, { boundary, maxHeaderBytes }: MultipartOptions) {
    this.#pieces = body[Symbol.asyncIterator]()
    this.#maxHeaderBytes = maxHeaderBytes
    this.#delimiter = Buffer.from(`\n--${boundary}`, 'latin1')
    this.#window.append(Buffer.from('\n'))
  }

  /** Read data up to the next delimiter, and the delimiter itself. */
  async *readData(): AsyncGenerator<Buffer, void, undefined> {
    const { length } = this.#delimiter
    // Offsets in the window: where the data begins, and where to search for a delimiter.
    let begin = 1
    let next = 0
    for (;;) {
      const bytes = this.#window.peek()
      const found = bytes.indexOf(this.#delimiter, next)
      // A CR just before the delimiter, or before what may be its beginning, is held back as well.
      let end = found === -1 ? bytes.length - length : found
      if (bytes[found - 1] === CR) {
        end -= 1
      }
      if (end > begin) {
        yield this.#window.take(end).subarray(begin)
        begin = 0
      } else {
        end = 0
      }
      if (found !== -1) {
        if (await this.#takeDelimiter(found + length - end)) {
          return
        }
        next = found + 1 - end
      } else {
        next = Math.max(0, next - end)
        await this.#needMore()
      }
    }
  }

  /**
   * Whether the rest of the line, from the offset `at` in the window, completes a delimiter. If so,
   * take everything up to its end out of the window.
   */
  async #takeDelimiter(at: number): Promise<boolean> {
    let hyphens = 0
    let bytes = this.#window.peek()
    for (const start = at; ; at++) {
      if (at === bytes.length) {
        if (!(await this.#more())) {
          break
        }
        bytes = this.#window.peek()
      }
      const byte = bytes[at] as number
      if (byte === LF) {
        break
      } else if (byte === HYPHEN && hyphens < 2 && at === start + hyphens) {
        hyphens += 1
      } else if (!WHITE_SPACE.includes(byte)) {
        return false
      } else if (at - start >= MAX_PADDING) {
        throw malformed(`there are more than ${String(MAX_PADDING)} bytes after a boundary`)
      }
    }
    if (hyphens === 1) {
      return false
    }
    this.#window.take(at + 1)
    this.atEnd = hyphens === 2
    return true
  }

  /** Read the header of a part, and the empty line that ends it but for its LF. */
  async readHeader(): Promise<HTTPMessage> {
    const lines: string[] = []
    for (let room = this.#maxHeaderBytes; ;) {
      const length = await this.#findLine(room + '\r\n'.length)
      const line = this.#window.take(length - 1).toString('latin1')
      if (/^[ \t\r\v\f]*$/.test(line)) {
        return new HTTPMessage(lines.map(parseField))
      }
      this.#window.take(1)
      room -= length
      if (room < 0) {
        throw this.#headerTooLong()
      }
      const text = line.endsWith('\r') ? line.slice(0, -1) : line
      const folded = lines.length > 0 && /^[ \t]/.test(text)
      // Security: another program may act on the line that this one does not understand.
      if (folded ? text.includes('\r') : !FIELD_LINE.test(text)) {
        throw malformed('the header of a part has a line that is neither "name: value" nor empty')
      }
      lines.push(folded ? `${lines.pop() as string}${text}` : text)
      // Security: in memory, 16 KiB of `a:` lines would take twenty times as much, for each part.
      if (lines.length > MAX_HEADERS) {
        throw headerTooLong(`${String(MAX_HEADERS)} fields`)
      }
    }
  }

  /** Wait for a complete line, and return its length including the LF. */
  async #findLine(limit: number): Promise<number> {
    for (let searched = 0; ;) {
      const bytes = this.#window.peek()
      const newline = bytes.indexOf(LF, searched)
      searched = newline === -1 ? bytes.length : newline + 1
      if (searched > limit) {
        throw this.#headerTooLong()
      }
      if (newline !== -1) {
        return searched
      }
      await this.#needMore()
    }
  }

  /** Skip what follows the last delimiter, so that the next request is at the head of the connection. */
  async skipRest(): Promise<void> {
    do {
      this.#window.take()
    } while (await this.#more())
  }

  /** Add the next piece of the body to the window; false if there is none. */
  async #more(): Promise<boolean> {
    const piece = await this.#pieces.next()
    if (piece.done === true) {
      return false
    }
    this.#window.append(piece.value)
    return true
  }

  async #needMore(): Promise<void> {
    if (!(await this.#more())) {
      throw malformed('the boundary that ends it is missing')
    }
  }

  #headerTooLong(): RequestError {
    return headerTooLong(`${String(this.#maxHeaderBytes)} bytes (maxHeaderBytes)`)
  }
}

/** A name is what Python accepts as one: printable ASCII except the colon. */
const FIELD_LINE = /^[!-9;-~]+:[^\r]*$/

function parseField(line: string): Field {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^[ \t]+/, '')]
}

async function skip(data: AsyncIterator<Buffer>): Promise<void> {
  while ((await data.next()).done !== true) {
    // Discarded.
  }
}

function headerTooLong(limit: string): RequestError {
  const explain = `the header of a part has more than ${limit}`
  return new RequestError(413, 'Content Too Large', explain)
}

function malformed(flaw: string): RequestError {
  return new RequestError(400, 'Malformed form', flaw)
}

const LF = 0x0a
const CR = 0x0d
const HYPHEN = 0x2d
/** What Python strips from a delimiter: HTAB, VT, FF, CR, SP. */
const WHITE_SPACE = [0x09, 0x0b, 0x0c, CR, 0x20]
