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
 * Next to read: `multipart.ts`, `form-store.ts`.
 *
 * @module
 */

import { bodyLength, HTTPMessage } from '../http/message.ts'
import { RequestError } from '../http/request-error.ts'
import { piecesUntil } from '../socketserver/pieces.ts'
import type { StreamReader } from '../socketserver/stream-reader.ts'
import { ByteQueue } from '../stdlib/byte-queue.ts'
import { decodeUtf8 } from '../stdlib/bytes.ts'
import { findDecoder } from '../stdlib/codecs.ts'
import type { Decode } from '../stdlib/codecs.ts'
import { ValueError } from '../stdlib/errors.ts'
import { repr } from '../stdlib/format.ts'
import { parseQsl } from '../stdlib/urls.ts'
import { Content, FormField } from './form-field.ts'
import type { FormValue } from './form-field.ts'
import {
  checkLimits,
  checkName,
  FORM_LIMITS,
  tooMany,
  truncated,
  withinLimits,
} from './form-limits.ts'
import type { FormLimits } from './form-limits.ts'
import { Store } from './form-store.ts'
import { isBoundary, readParts } from './multipart.ts'
import type { Body } from './multipart.ts'
import { parseHeader } from './parse-header.ts'

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
    const {
      fp,
      headers,
      encoding = 'utf-8',
      spoolThreshold = 1024 * 1024,
      keepBlankValues,
    } = options
    const limits = checkLimits({ ...FORM_LIMITS, ...options })
    const [type, parameters] = parseHeader(headers.get('Content-Type', URLENCODED))
    const decode = findDecoder(parameters.get('charset') ?? '') ?? decoderOf(encoding)
    const length = lengthOf(headers)
    const tooShort = (missing: number) => truncated(length - missing, length)
    const pieces = piecesUntil(fp, fp.position + length, tooShort)
    const body = withinLimits(pieces, length, limits, type === URLENCODED)
    if (type === URLENCODED) {
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

// -- The body ------------------------------------------------------------------------------

/** The length of the body; `Infinity` if it comes in chunks: then `fp` ends where the body ends. */
function lengthOf(headers: HTTPMessage): number {
  const length = bodyLength(headers)
  if (length === 0 && !headers.has('Content-Length')) {
    throw new RequestError(400, 'Missing Content-Length', 'Content-Length must say how long it is')
  }
  return length
}

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
  if (bytes.length < length && length !== Infinity) {
    throw truncated(bytes.length, length)
  }
  const text = decode(bytes.take())
  // Counted before they are parsed, as in Python: bpo-34866.
  if (text.split('&', maxFields + 1).length > maxFields) {
    throw tooMany('fields', maxFields, 'maxFields')
  }
  return parseQsl(text, { keepBlankValues, decode }).map(([name, value]) => {
    checkName(name)
    const bytes = Buffer.from(value)
    return new FormField(new Content(bytes, 0, bytes.length), decodeUtf8, {
      name,
      filename: null,
      type: null,
      headers: new HTTPMessage(),
    })
  })
}

/** The decoder for the encoding that the program asks for. */
function decoderOf(encoding: string): Decode {
  const decode = findDecoder(encoding)
  if (decode === null) {
    throw new ValueError(`Cannot decode ${repr(encoding)}: there is no such encoding`)
  }
  return decode
}
