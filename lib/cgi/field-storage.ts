/**
 * Forms: the `FieldStorage` of Python's `cgi`, a module that Python had until 3.12.
 *
 * ```text
 *   do_POST() -> FieldStorage.parse({ fp: this.rfile, headers: this.headers })
 *                  |-- application/x-www-form-urlencoded   a=1&b=2        stdlib/urls.ts
 *                  '-- multipart/form-data                 with files     multipart.ts
 *                        '-- a large part goes to a file on disk          stdlib/tempfile.ts
 * ```
 *
 * The client makes the form, and can make it as long, as odd and as broken as it likes. What a form
 * may cost is limited (`FORM_LIMITS`), and what is wrong with it becomes a `RequestError`, which the
 * handler's base class turns into a response that says so: 400, or 413 for a form over a limit.
 *
 * Differs: left out are the query of a GET, for which there is `parseQsl()`, `strict_parsing`, and
 * forms inside forms (`multipart/mixed` for several files of one name), which RFC 7578 §4.3
 * deprecates: such a part is one field. A body that is not a form is refused; Python stores it, and
 * its `keys()` then raises a `TypeError`.
 *
 * Next to read: `multipart.ts`.
 *
 * @module
 */

import { getSystemErrorMap } from 'node:util'
import { bodyLength, HTTPMessage, RequestError } from '../http/message.ts'
import type { StreamReader } from '../socketserver/stream-reader.ts'
import { ByteQueue } from '../stdlib/byte-queue.ts'
import { decodeUtf8, encodeLatin1 } from '../stdlib/bytes.ts'
import { findDecoder } from '../stdlib/codecs.ts'
import type { Decode } from '../stdlib/codecs.ts'
import { ValueError } from '../stdlib/errors.ts'
import { repr } from '../stdlib/format.ts'
import { TemporaryFile } from '../stdlib/tempfile.ts'
import { parseQsl } from '../stdlib/urls.ts'
import { isBoundary, readParts } from './multipart.ts'
import type { Body } from './multipart.ts'
import { parseHeader } from './parse-header.ts'

// -- What a form may cost --------------------------------------------------------------------

/** What a form may cost; `Infinity` means no limit. See {@link FORM_LIMITS} for the defaults. */
export interface FormLimits {
  /** The bytes of the whole body. */
  maxBytes: number
  /** The number of fields that are not files. */
  maxFields: number
  /** The number of files. */
  maxFiles: number
  /** The bytes of one field, or of one file, in a multipart form. */
  maxPartBytes: number
  /**
   * The total bytes of all fields that are not files, because a program holds them in memory as
   * text. For an urlencoded form, the bytes of the body.
   */
  maxTextBytes: number
  /** The bytes of the header of one part. */
  maxHeaderBytes: number
}

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/**
 * The default limits.
 *
 * Security: without a limit, clients can fill the disk or the memory. A million fields of one byte
 * each cost far more than a megabyte.
 *
 * @added Python has `max_num_fields` and `cgi.maxlen`, neither of which is set by default.
 */
export const FORM_LIMITS: Readonly<FormLimits> = {
  maxBytes: 2 * GIB,
  maxFields: 1000,
  maxFiles: 100,
  maxPartBytes: GIB,
  maxTextBytes: 4 * MIB,
  maxHeaderBytes: 16 * KIB,
}

/** The options of {@link FieldStorage.parse}. */
export interface FieldStorageOptions extends Partial<FormLimits> {
  /** The input, at the first byte of the body: `this.rfile` of a handler. */
  fp: StreamReader
  /** The headers of the request; `Content-Type` and `Content-Length` say how to read the body. */
  headers: HTTPMessage
  /** Whether to keep urlencoded fields without a value. Default: false. */
  keepBlankValues?: boolean
  /** The encoding of text for which no `charset` is given. Default: `utf-8`. */
  encoding?: string
  /**
   * How many bytes of a multipart form to keep in memory, all parts together. A part that does not
   * fit goes to a temporary file. Default: 1 MiB.
   */
  spoolThreshold?: number
}

// -- FieldStorage ----------------------------------------------------------------------------

/** The value of a field: text, or the bytes of a file. */
export type FormValue = string | Buffer

/**
 * A form that was sent: its fields, by name and in order.
 *
 * A name may come more than once, and then `get()` and `getvalue()` give an array. A name is null
 * for a part that has none.
 *
 * What was too large for memory is in a temporary file, which exists until the response has been
 * sent, or {@link close} is called.
 *
 * Differs: names are in the order of their first appearance; in Python, in the order of a set, which
 * changes from run to run.
 *
 * @python cgi.FieldStorage
 */
export class FieldStorage implements Iterable<string | null>, AsyncDisposable {
  /**
   * All fields, in the order in which they were sent.
   *
   * @python cgi.FieldStorage.list
   */
  readonly list: readonly FormField[]
  readonly #byName = new Map<string | null, FormField[]>()
  readonly #store: AsyncDisposable | undefined

  /**
   * Read a form from the body of a request, and exactly that body.
   *
   * A handler's method need not catch what it throws: the client then gets a page that says what is
   * wrong, and the connection ends.
   *
   * Differs: Python's constructor does this. Reading waits, and a constructor cannot.
   *
   * @throws {@link RequestError} for a body that is not a form, or is truncated, malformed or over a
   * limit, and with code 500 when the temporary file cannot be written; {@link ValueError} for an
   * encoding or a limit that is not valid; what `fp` throws.
   * @python cgi.FieldStorage.__init__
   */
  static async parse(options: FieldStorageOptions): Promise<FieldStorage> {
    const { fp, headers, encoding = 'utf-8', spoolThreshold = MIB, keepBlankValues } = options
    const limits = checkLimits({ ...FORM_LIMITS, ...options })
    const [type, parameters] = parseHeader(headers.get('Content-Type', URLENCODED))
    const decode = decoderFor(parameters.get('charset')) ?? decoderOf(encoding)
    const length = lengthOf(headers, limits)
    const tooShort = (missing: number) => truncated(length - missing, length)
    const body = fp.piecesUntil(fp.position + length, tooShort)
    if (type === URLENCODED) {
      if (length > limits.maxTextBytes) {
        throw tooMany('bytes of text', limits.maxTextBytes, 'maxTextBytes')
      }
      return new FieldStorage(await readUrlencoded(body, length, limits, decode, keepBlankValues))
    }
    if (!type.startsWith('multipart/')) {
      throw new RequestError(
        400,
        'Not a form',
        `Content-Type must be multipart/form-data or ${URLENCODED}, and not ${repr(type)}`,
      )
    }
    const boundary = parameters.get('boundary') ?? ''
    if (!isBoundary(boundary)) {
      throw new RequestError(
        400,
        'Bad boundary',
        `Content-Type must name the boundary between the parts, and it is ${repr(boundary)}`,
      )
    }
    const store = new Store(limits, spoolThreshold, decode)
    const { maxHeaderBytes } = limits
    try {
      for await (const { headers, data } of readParts(body, { boundary, maxHeaderBytes })) {
        await store.keep(headers, data)
      }
    } catch (error) {
      await store[Symbol.asyncDispose]()
      throw error
    }
    fp.adopt(store)
    return new FieldStorage(store.list, store)
  }

  /** Store the fields, and what their contents are stored in. */
  private constructor(list: readonly FormField[], store?: AsyncDisposable) {
    this.list = list
    this.#store = store
    for (const field of list) {
      const fields = this.#byName.get(field.name)
      if (fields === undefined) {
        this.#byName.set(field.name, [field])
      } else {
        fields.push(field)
      }
    }
  }

  /**
   * The names, each once, in the order of their first appearance.
   *
   * @python cgi.FieldStorage.keys
   */
  keys(): (string | null)[] {
    return [...this.#byName.keys()]
  }

  /**
   * The field of that name, or an array if there are several.
   *
   * Differs: undefined if there is none, where Python raises `KeyError`.
   *
   * @python cgi.FieldStorage.__getitem__
   */
  get(name: string | null): FormField | FormField[] | undefined {
    const fields = this.#byName.get(name)
    return fields?.length === 1 ? fields[0] : fields
  }

  /**
   * The value of the field of that name; an array if there are several; `otherwise`, or null, if
   * there is none.
   *
   * @python cgi.FieldStorage.getvalue
   */
  getvalue(name: string | null): FormValue | FormValue[] | null
  getvalue<Default>(name: string | null, otherwise: Default): FormValue | FormValue[] | Default
  getvalue(name: string | null, otherwise: unknown = null): unknown {
    const values = this.getlist(name)
    return values.length === 0 ? otherwise : values.length === 1 ? values[0] : values
  }

  /**
   * The value of the first field of that name; if there is none, `otherwise`, or null.
   *
   * @python cgi.FieldStorage.getfirst
   */
  getfirst(name: string | null): FormValue | null
  getfirst<Default>(name: string | null, otherwise: Default): FormValue | Default
  getfirst(name: string | null, otherwise: unknown = null): unknown {
    const first = this.#byName.get(name)?.[0]
    return first === undefined ? otherwise : first.value
  }

  /**
   * The values of all fields of that name; none gives an empty array.
   *
   * @python cgi.FieldStorage.getlist
   */
  getlist(name: string | null): FormValue[] {
    return (this.#byName.get(name) ?? []).map(({ value }) => value)
  }

  /**
   * Whether there is a field of that name; Python's `in`.
   *
   * @python cgi.FieldStorage.__contains__
   */
  has(name: string | null): boolean {
    return this.#byName.has(name)
  }

  /**
   * How many names there are; Python's `len()`.
   *
   * @python cgi.FieldStorage.__len__
   */
  get length(): number {
    return this.#byName.size
  }

  /**
   * Iterate over the names: `for (const name of form)`.
   *
   * @python cgi.FieldStorage.__iter__
   */
  [Symbol.iterator](): IterableIterator<string | null> {
    return this.#byName.keys()
  }

  /**
   * Remove the temporary file, if there is one. The handler's base class does this after the
   * response.
   *
   * @python cgi.FieldStorage.__exit__
   */
  async close(): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]()
  }

  /**
   * Same as {@link close}, for `await using`.
   *
   * @python cgi.FieldStorage.__exit__
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

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
const PIECE = 64 * KIB

// -- The two kinds of form -------------------------------------------------------------------

const URLENCODED = 'application/x-www-form-urlencoded'

async function readUrlencoded(
  body: Body,
  length: number,
  { maxFields }: FormLimits,
  decode: Decode,
  keepBlankValues = false,
): Promise<FormField[]> {
  const bytes = new ByteQueue()
  for await (const piece of body) {
    bytes.append(piece)
  }
  // The pieces end early, without an error, when `fp` is closed before all have come.
  if (bytes.length < length) {
    throw truncated(bytes.length, length)
  }
  const text = decode(bytes.take())
  // Counted before they are parsed, as in Python: bpo-34866.
  if (text.split('&', maxFields + 1).length > maxFields) {
    throw tooMany('fields', maxFields, 'maxFields')
  }
  return parseQsl(text, { keepBlankValues, decode }).map(([name, value]) => {
    checkName(name)
    return new FormField(new Bytes(Buffer.from(value)), decodeUtf8, {
      name,
      filename: null,
      type: null,
      headers: new HTTPMessage(),
    })
  })
}

/** Fewer bytes wait for more: a system call for each byte would be slow. */
const WRITTEN_AT_ONCE = 16 * KIB

/** Keeps the parts of a multipart form: in memory, and beyond the threshold in one file. */
class Store implements AsyncDisposable {
  readonly list: FormField[] = []
  readonly #limits: FormLimits
  readonly #spoolThreshold: number
  readonly #decode: Decode
  #file: TemporaryFile | undefined
  /** Bytes in memory; bytes of text, in memory or not; number of files. */
  #held = 0
  #text = 0
  #files = 0

  constructor(limits: FormLimits, spoolThreshold: number, decode: Decode) {
    this.#limits = limits
    this.#spoolThreshold = spoolThreshold
    this.#decode = decode
  }

  /** Store a part. */
  async keep(header: HTTPMessage, data: AsyncIterable<Buffer>): Promise<void> {
    const headers = new HTTPMessage(
      header.items().map(([name, value]) => [name, this.#decode(encodeLatin1(value))]),
    )
    const [, disposition] = parseHeader(headers.get('Content-Disposition', ''))
    const [type, parameters] = parseHeader(headers.get('Content-Type', 'text/plain'))
    const name = disposition.get('name') ?? null
    const filename = disposition.get('filename') ?? null
    checkName(name)
    checkName(filename)
    this.#count(filename !== null)
    const charset = filename === null ? parameters.get('charset') : undefined
    const decode = decoderFor(charset) ?? this.#decode
    const content = await this.#keepData(data, filename !== null)
    this.list.push(new FormField(content, decode, { name, filename, type, headers }))
  }

  #count(isFile: boolean): void {
    const { maxFiles, maxFields } = this.#limits
    this.#files += isFile ? 1 : 0
    if (this.#files > maxFiles) {
      throw tooMany('files', maxFiles, 'maxFiles')
    }
    if (!isFile && this.list.length - this.#files >= maxFields) {
      throw tooMany('fields', maxFields, 'maxFields')
    }
  }

  async #keepData(data: AsyncIterable<Buffer>, isFile: boolean): Promise<Content> {
    const held = new ByteQueue()
    let size = 0
    let start: number | undefined
    for await (const piece of data) {
      this.#checkRoom(piece.length, size, isFile)
      size += piece.length
      this.#text += isFile ? 0 : piece.length
      held.append(piece)
      this.#held += piece.length
      if (start !== undefined || this.#held > this.#spoolThreshold) {
        start ??= this.#file?.size ?? 0
        if (held.length >= WRITTEN_AT_ONCE) {
          await this.#writeOut(held.take())
        }
      }
    }
    if (start === undefined) {
      // Copied, because the piece is a view of something larger and would keep all of it alive.
      return new Bytes(Buffer.from(held.take()))
    }
    await this.#writeOut(held.take())
    return new Extent(this.#file as TemporaryFile, start, size)
  }

  /** Check that a piece fits. If it exceeds two limits, the one that is reached first counts. */
  #checkRoom(length: number, size: number, isFile: boolean): void {
    const { maxPartBytes, maxTextBytes } = this.#limits
    const partRoom = maxPartBytes - size
    const textRoom = isFile ? Infinity : maxTextBytes - this.#text
    if (length > Math.min(partRoom, textRoom)) {
      throw partRoom <= textRoom
        ? tooMany('bytes in one part', maxPartBytes, 'maxPartBytes')
        : tooMany('bytes of text', maxTextBytes, 'maxTextBytes')
    }
  }

  async #writeOut(bytes: Buffer): Promise<void> {
    try {
      this.#file ??= await TemporaryFile.create()
      await this.#file.write(bytes)
    } catch (error) {
      throw storageFailure(error as NodeJS.ErrnoException)
    }
    this.#held -= bytes.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
  }
}

/** The stored bytes of a field. */
interface Content {
  readonly size: number
  read(position: number, length: number): Promise<Buffer>
  readSync(): Buffer
}

/** In memory. */
class Bytes implements Content {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get size(): number {
    return this.#bytes.length
  }

  read(position: number, length: number): Promise<Buffer> {
    return Promise.resolve(this.#bytes.subarray(position, position + length))
  }

  readSync(): Buffer {
    return this.#bytes
  }
}

/** A section of the temporary file. */
class Extent implements Content {
  readonly #file: TemporaryFile
  readonly #start: number
  readonly size: number

  constructor(file: TemporaryFile, start: number, size: number) {
    this.#file = file
    this.#start = start
    this.size = size
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#file.read(this.#start + position, length)
  }

  readSync(): Buffer {
    return this.#file.readSync(this.#start, this.size)
  }
}

// -- What may be wrong -----------------------------------------------------------------------

function checkLimits(limits: FormLimits): FormLimits {
  for (const name of Object.keys(FORM_LIMITS) as (keyof FormLimits)[]) {
    const limit: unknown = limits[name]
    if (typeof limit !== 'number' || !(limit >= 0)) {
      throw new ValueError(`Cannot limit ${name} to ${repr(limit)}: give a number, or Infinity`)
    }
  }
  return limits
}

function lengthOf(headers: HTTPMessage, { maxBytes }: FormLimits): number {
  const length = bodyLength(headers)
  if (!headers.has('Content-Length')) {
    throw new RequestError(400, 'Missing Content-Length', 'Content-Length must say how long it is')
  }
  if (length > maxBytes) {
    throw tooMany('bytes', maxBytes, 'maxBytes')
  }
  return length
}

function truncated(arrived: number, length: number): RequestError {
  return new RequestError(
    400,
    'Truncated form',
    `the body ended after ${String(arrived)} of ${String(length)} bytes`,
  )
}

/** The decoder for a charset that a client names; null if there is none or it is unknown. */
function decoderFor(charset: string | undefined): Decode | null {
  return charset === undefined ? null : findDecoder(charset)
}

/** The decoder for the encoding that the program asks for. */
function decoderOf(encoding: string): Decode {
  const decode = findDecoder(encoding)
  if (decode === null) {
    throw new ValueError(`Cannot decode ${repr(encoding)}: there is no such encoding`)
  }
  return decode
}

/** Security: to programs in C, and to the system, a name ends at a NUL. */
function checkName(name: string | null): void {
  if (name?.includes('\0') === true) {
    throw new RequestError(400, 'Malformed form', 'there is a NUL in a name')
  }
}

function tooMany(what: string, limit: number, name: string): RequestError {
  return new RequestError(
    413,
    'Content Too Large',
    `the form has more than ${String(limit)} ${what} (${name})`,
  )
}

/** The disk is full, for instance: the fault of neither the client nor the program. */
function storageFailure(error: NodeJS.ErrnoException): RequestError {
  const reason = getSystemErrorMap().get(error.errno ?? 0)?.[1] ?? error.message
  return new RequestError(
    500,
    `Cannot store the form: ${reason}`,
    'what was sent is too large to be kept in memory, and cannot be written to a temporary file',
    { cause: error },
  )
}
