/**
 * A field of a form, and its bytes.
 *
 * Read before: `field-storage.ts`.
 *
 * @module
 */

import type { HTTPMessage } from '../http/message.ts'
import type { Decode } from '../stdlib/codecs.ts'
import { ValueError } from '../stdlib/errors.ts'
import { TemporaryFile } from '../stdlib/tempfile.ts'

/** The value of a field: text, or the bytes of a file. */
export type FormValue = string | Buffer

/**
 * A field of a form.
 *
 * @python cgi.FieldStorage
 */
export class FormField {
  /**
   * Its name; null if it has none.
   *
   * @python cgi.FieldStorage.name
   */
  readonly name: string | null
  /**
   * The name of the file as the client gives it; null if the field is not a file. A browser sends an
   * empty name if no file was chosen.
   *
   * As in Python, `filename*` (RFC 8187) is not read: RFC 7578 §4.2 forbids it. A part with nothing
   * but that is a text, and its bytes are in {@link file}.
   *
   * Security: it may be `../../etc/passwd`. Never use it as a path.
   *
   * @python cgi.FieldStorage.filename
   */
  readonly filename: string | null
  /**
   * The media type that the client gives, in lower case and without parameters; `text/plain` by
   * default, null in an urlencoded form.
   *
   * @python cgi.FieldStorage.type
   */
  readonly type: string | null
  /**
   * The headers of the part, with names in lower case; none in an urlencoded form.
   *
   * @python cgi.FieldStorage.headers
   */
  readonly headers: HTTPMessage
  /**
   * The bytes of the value, as a file.
   *
   * Differs: it always is bytes, and every field has it. Python's is a text file for a text, and
   * `None` in an urlencoded form.
   *
   * @python cgi.FieldStorage.file
   */
  readonly file: FormFile
  readonly #content: Content
  readonly #decode: Decode

  /** @internal */
  constructor(
    content: Content,
    decode: Decode,
    { name, filename, type, headers }: Pick<FormField, 'name' | 'filename' | 'type' | 'headers'>,
  ) {
    this.name = name
    this.filename = filename
    this.type = type
    this.headers = headers
    this.file = new FormFile(content)
    this.#content = content
    this.#decode = decode
  }

  /**
   * The value: the bytes of a file, otherwise text, with U+FFFD for bytes that are invalid in its
   * encoding.
   *
   * A value in a temporary file is read anew each time, all of it: for a large one, use {@link file}.
   *
   * Differs: a `charset` that the part or the request names is honoured (RFC 7578 §4.5), and an
   * unknown one is ignored. Python uses `encoding` alone.
   *
   * @throws {@link ValueError} when the temporary file has been closed.
   * @python cgi.FieldStorage.value
   */
  get value(): FormValue {
    const bytes = this.#content.readSync()
    return this.filename === null ? this.#decode(bytes) : bytes
  }

  /**
   * The size of the value in bytes.
   *
   * @added In Python, a program reads the value and counts.
   */
  get size(): number {
    return this.#content.size
  }
}

/**
 * The bytes of a field as a file. Iterating gives pieces of up to 64 KiB, so that
 * `pipeline(field.file, createWriteStream(path))` saves it. Where a stream of Node's is needed, use
 * `Readable.from(field.file)`.
 *
 * @python io.BufferedReader
 */
export class FormFile implements AsyncIterable<Buffer> {
  readonly #content: Content
  #position = 0

  /** @internal */
  constructor(content: Content) {
    this.#content = content
  }

  /**
   * Its size in bytes.
   *
   * @added As {@link FormField.size}.
   */
  get size(): number {
    return this.#content.size
  }

  /**
   * Read so many bytes from where the last read ended, or all that are left.
   *
   * @param size - how many bytes at most; -1 for all
   * @returns no bytes at the end.
   * @throws {@link ValueError} for any other negative number, or one that is no integer, and when
   * the form has been closed.
   * @python io.BufferedReader.read
   */
  async read(size = -1): Promise<Buffer> {
    if (size < -1 || !Number.isInteger(size)) {
      throw new ValueError(`Cannot read ${String(size)} bytes: give a length, or -1 for all`)
    }
    const left = this.size - this.#position
    const start = this.#position
    // Moved before the wait: a second read goes on where this one will end.
    this.#position += size === -1 ? left : Math.min(size, left)
    return this.#content.read(start, this.#position - start)
  }

  /**
   * Go to a place, from where the next read begins.
   *
   * @param position - bytes from the beginning
   * @throws {@link ValueError} for a position outside the file.
   * @python io.BufferedReader.seek
   */
  seek(position: number): void {
    if (!Number.isInteger(position) || position < 0 || position > this.size) {
      throw new ValueError(
        `Cannot go to byte ${String(position)}: there are 0 to ${String(this.size)}`,
      )
    }
    this.#position = position
  }

  /**
   * Iterate over what is left, in pieces.
   *
   * Differs: Python iterates over lines.
   *
   * @python io.IOBase.__iter__
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const piece = await this.read(PIECE)
      if (piece.length === 0) {
        return
      }
      yield piece
    }
  }
}

/** How many bytes are read from a file at a time. */
const PIECE = 64 * 1024

/** The stored bytes of a field: in memory, or a section of a file. */
export class Content {
  readonly #source: Buffer | TemporaryFile
  readonly #start: number
  readonly size: number

  constructor(source: Buffer | TemporaryFile, start: number, size: number) {
    this.#source = source
    this.#start = start
    this.size = size
  }

  /** Read that many bytes from a position on. */
  async read(position: number, length: number): Promise<Buffer> {
    const start = this.#start + position
    return this.#source instanceof TemporaryFile
      ? this.#source.read(start, length)
      : this.#source.subarray(start, start + length)
  }

  /** Read all of it. */
  readSync(): Buffer {
    return this.#source instanceof TemporaryFile
      ? this.#source.readSync(this.#start, this.size)
      : this.#source
  }
}
