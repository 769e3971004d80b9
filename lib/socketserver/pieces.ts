/**
 * A body, in pieces as they come.
 *
 * Used by `http/base-handler.ts` and by forms.
 *
 * @module
 */

import { ConnectionResetError } from '../stdlib/errors.ts'
import type { StreamReader } from './stream-reader.ts'

/**
 * Iterate over the bytes up to a `position` of the reader; with `Infinity`, to the end of the input. Python's
 * `read1()`, again and again.
 *
 * @param tooShort - makes the error for an input that ends too soon, from the number of missing bytes
 * @throws a `ConnectionResetError` in that case, by default; and what `peek()` throws.
 */
export async function* piecesUntil(
  rfile: StreamReader,
  end: number,
  tooShort = connectionEnded,
): AsyncGenerator<Buffer, void, undefined> {
  while (rfile.position < end) {
    const { length } = await rfile.peek()
    if (rfile.closed) {
      return
    }
    if (length === 0) {
      if (end === Infinity) {
        return
      }
      throw tooShort(end - rfile.position)
    }
    yield await rfile.read(Math.min(length, end - rfile.position))
  }
}

function connectionEnded(missing: number): Error {
  return new ConnectionResetError(
    `Connection ended, ${String(missing)} bytes before the end of the body`,
  )
}
