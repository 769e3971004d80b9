/**
 * Where the parts of a multipart form are kept until the response has been sent.
 *
 * Read before: `multipart.ts`.
 *
 * @module
 */

import { getSystemErrorMap } from 'node:util'
import { HTTPMessage } from '../http/message.ts'
import { RequestError } from '../http/request-error.ts'
import { ByteQueue } from '../stdlib/byte-queue.ts'
import { encodeLatin1 } from '../stdlib/bytes.ts'
import { findDecoder } from '../stdlib/codecs.ts'
import type { Decode } from '../stdlib/codecs.ts'
import { TemporaryFile } from '../stdlib/tempfile.ts'
import { Content, FormField } from './form-field.ts'
import { checkName, tooMany } from './form-limits.ts'
import type { FormLimits } from './form-limits.ts'
import { parseHeader } from './parse-header.ts'

/** Fewer bytes wait for more: a system call for each byte would be slow. */
const WRITTEN_AT_ONCE = 16 * 1024

/** Keeps the parts of a multipart form: in memory, and beyond the threshold in one file. */
export class Store implements AsyncDisposable {
  /** The fields that are stored. */
  readonly list: FormField[] = []
  readonly #limits: FormLimits
  readonly #spoolThreshold: number
  readonly #decode: Decode
  #file: TemporaryFile | undefined
  /** Bytes in memory; bytes of text, in memory or not; number of files. */
  #held = 0
  #text = 0
  #files = 0

  /** Keep within the limits; `decode` is for text that names no charset. */
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
    const decode = findDecoder(charset ?? '') ?? this.#decode
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
      return new Content(Buffer.from(held.take()), 0, size)
    }
    await this.#writeOut(held.take())
    return new Content(this.#file as TemporaryFile, start, size)
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

  /** Remove the file, if there is one. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
  }
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
