/**
 * A chunked body as a file, for those who read it: what `rfile` is while there is one.
 *
 * ```text
 *   connection --> [ StreamReader ] --takeTextLine(), takeBytes()--> decodeInto()
 *                                                                         v
 *                                handler <--read(), readline()-- [ ChunkedReader ]
 * ```
 *
 * @module
 */

import { Readable } from 'node:stream'
import { StreamReader } from '../socketserver/stream-reader.ts'
import { ByteQueue } from '../stdlib/byte-queue.ts'
import { decodeInto } from './chunked.ts'
import type { Field } from './message.ts'

/**
 * `rfile` while a chunked body is read: a file of what is in the chunks, which ends where the body ends.
 *
 * @added Python's `rfile` is always the connection.
 */
export class ChunkedReader extends StreamReader {
  readonly #rfile: StreamReader

  /**
   * Read the body that begins here. Nothing is taken from the client before somebody wants it.
   *
   * @param rfile - the connection's input, which is read to the end of the body and no further
   * @param onTrailers - called with the trailers, in order, when the body is complete
   */
  constructor(rfile: StreamReader, onTrailers: (trailers: Field[]) => void) {
    const pieces = decodeChunks(rfile, onTrailers)
    const body = new Readable({
      highWaterMark: 0,
      read() {
        pieces.next().then(
          ({ value }) => this.push(value ?? null),
          (error: unknown) => this.destroy(error as Error),
        )
      },
    })
    super(body.pause(), { failure: (error) => error, highWaterMark: 0 })
    this.#rfile = rfile
  }

  // The end of the body is not the end of the connection, nor that of the request.

  override get signal(): AbortSignal {
    return this.#rfile.signal
  }

  override adopt(resource: AsyncDisposable): void {
    this.#rfile.adopt(resource)
  }

  override release(): Promise<void> | undefined {
    return this.#rfile.release()
  }
}

/** Decode a chunked body: what is here is decoded together, since a chunk may be as small as a byte. */
async function* decodeChunks(
  rfile: StreamReader,
  onTrailers: (trailers: Field[]) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const body = new ByteQueue()
  const decoder = decodeInto(body, rfile)
  let step
  do {
    step = decoder.next()
    if (step.done === true) {
      onTrailers(step.value)
    }
    if (body.length > 0) {
      yield body.take()
    } else if (step.done !== true) {
      await rfile.more()
    }
  } while (step.done !== true)
}
