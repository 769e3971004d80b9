/**
 * A multipart body, taken apart while it arrives.
 *
 * ```text
 *   --boundary                            what is in front of it does not count
 *   Content-Disposition: form-data; ...   the header of a part
 *                                         an empty line
 *   data                                  handed on piece by piece
 *   --boundary--                          what is behind it does not count
 * ```
 *
 * Boundaries are found by Dicer, the part of `@fastify/busboy` that does this alone. Busboy
 * itself would take the headers of a part for itself, and drop a part that it does not like without
 * a word. It is loaded with the first form that needs it.
 *
 * Differs: a boundary is where CR LF, two hyphens and its characters stand, whatever follows. RFC
 * 2046 §5.1.1 forbids such a line in the data of a part. Python wants it to be a line of its own,
 * and takes lines that end with LF alone.
 *
 * Read before: `field-storage.ts`.
 *
 * @module
 * @see [RFC 7578](https://www.rfc-editor.org/rfc/rfc7578), forms in this format
 */

import type { Readable } from 'node:stream'
import type { Dicer } from '@fastify/busboy'
import { HTTPMessage, RequestError } from '../http/message.ts'
import type { Field } from '../http/message.ts'
import type { StreamReader } from '../socketserver/stream-reader.ts'

/** A body that is to be taken apart. */
export interface MultipartBody {
  readonly fp: StreamReader
  /** How many bytes of `fp` it has. All are read, also those behind the last boundary. */
  readonly length: number
  readonly boundary: string
  /** The most bytes in the header of a part. */
  readonly maxHeaderBytes: number
}

/**
 * Stores a part. The next one is begun when the promise has resolved.
 *
 * @param headers - as they were sent, each character a byte, but their names in lower case
 * @param data - must be read to its end
 */
export type KeepPart = (headers: HTTPMessage, data: AsyncIterable<Buffer>) => Promise<void>

/**
 * Read a body and store its parts, one after the other.
 *
 * No more is read than `keep` has taken, but for one piece. When this rejects, `keep` is not
 * running any more.
 *
 * @throws {@link RequestError} when the body is cut short or malformed, or a header is too long;
 * what `fp` and `keep` throw.
 */
export async function readParts(body: MultipartBody, keep: KeepPart): Promise<void> {
  const { fp, length } = body
  const parts = await Parts.open(body, keep)
  const end = fp.position + length
  try {
    while (fp.position < end) {
      const { length: here } = await fp.peek()
      if (here === 0) {
        throw truncated(length - (end - fp.position), length)
      }
      await parts.write(await fp.read(Math.min(here, end - fp.position)))
    }
    await parts.end()
  } catch (error) {
    await parts.abandon(error as Error)
    throw error
  }
}

/** The fault of a body that ends too early. */
export function truncated(got: number, length: number): RequestError {
  return new RequestError(
    400,
    'Truncated form',
    `the body ended after ${String(got)} of ${String(length)} bytes`,
  )
}

/**
 * Whether Python would take this for a boundary: printable ASCII, up to 201 characters, no space at
 * the end. RFC 2046 §5.1.1 allows 70 characters, and fewer kinds of them.
 */
export function isBoundary(boundary: string): boolean {
  return /^[ -~]{0,200}[!-~]$/.test(boundary)
}

/** Dicer as something that one can wait for. */
class Parts {
  readonly #dicer: Dicer
  readonly #keep: KeepPart
  readonly #maxHeaderBytes: number
  /** The parts so far, stored one after the other. */
  #kept: Promise<void> = Promise.resolve()
  /** The last one, and whether its header has come. */
  #part: Readable | undefined
  #headerPending = false
  #ended = false
  #failure: Error | undefined
  /** Ends the wait of `write()` or `end()`. */
  #wake: () => void = () => {}

  static async open({ boundary, maxHeaderBytes }: MultipartBody, keep: KeepPart): Promise<Parts> {
    const { Dicer } = await import('@fastify/busboy')
    // Dicer cuts a header that is too long, and does not say so. It keeps twice as much as is
    // allowed, then the cut is seen by what is left.
    const config = { boundary, maxHeaderSize: 2 * maxHeaderBytes, maxHeaderPairs: Infinity }
    return new Parts(new Dicer(config), keep, maxHeaderBytes)
  }

  private constructor(dicer: Dicer, keep: KeepPart, maxHeaderBytes: number) {
    this.#dicer = dicer
    this.#keep = keep
    this.#maxHeaderBytes = maxHeaderBytes
    dicer.on('part', (part) => {
      this.#onPart(part)
    })
    dicer.on('finish', () => {
      this.#ended = true
      this.#wake()
    })
    dicer.on('error', () => {
      this.#fail(malformed('the boundary that ends it is missing'))
    })
  }

  #onPart(part: Dicer.PartStream): void {
    this.#checkHeader()
    this.#part = part
    this.#headerPending = true
    // The same is told by the 'error' of all.
    part.on('error', () => {})
    part.on('header', (header) => {
      this.#headerPending = false
      const fields = Object.entries(header as Record<string, string[]>).flatMap(([name, values]) =>
        values.map((value): Field => [name, value]),
      )
      this.#kept = this.#kept.then(() => {
        this.#checkSize(fields)
        return this.#keep(new HTTPMessage(fields), part as AsyncIterable<Buffer>)
      })
      this.#kept.catch((error: unknown) => {
        this.#fail(error as Error)
      })
    })
  }

  /** A part whose header never ends is dropped by Dicer. It must not be lost without a word. */
  #checkHeader(): void {
    if (this.#headerPending) {
      this.#fail(malformed('a part has no empty line behind its header'))
    }
  }

  #checkSize(fields: readonly Field[]): void {
    const size = fields.reduce((sum, [name, value]) => sum + `${name}: ${value}\r\n`.length, 0)
    if (size > this.#maxHeaderBytes) {
      throw new RequestError(
        413,
        'Content Too Large',
        `the header of a part has more than ${String(this.#maxHeaderBytes)} bytes (maxHeaderBytes)`,
      )
    }
  }

  /** Take a piece of the body, and wait until there is room for the next one. */
  async write(piece: Buffer): Promise<void> {
    // What is behind the last boundary does not count.
    if (!this.#ended) {
      await this.#wait((done) => this.#dicer.write(piece, done))
    }
  }

  /** The body is over: wait until all parts are stored. */
  async end(): Promise<void> {
    if (!this.#ended) {
      await this.#wait(() => this.#dicer.end())
    }
    this.#checkHeader()
    await this.#kept
    this.#throwFailure()
  }

  /** Stop, and wait until no part is being stored any more. */
  async abandon(reason: Error): Promise<void> {
    this.#part?.destroy(reason)
    await this.#kept.catch(() => {})
  }

  async #wait(start: (done: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      start(resolve)
    })
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) {
      throw this.#failure
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }
}

function malformed(flaw: string): RequestError {
  return new RequestError(400, 'Malformed form', flaw)
}
