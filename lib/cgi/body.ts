/**
 * The body of a request, piece by piece: what both kinds of form are read from.
 *
 * ```text
 *   rfile --readBody()--> piece, piece, ... --> multipart.ts, field-storage.ts
 * ```
 *
 * @module
 */

import { RequestError } from '../http/message.ts'
import type { StreamReader } from '../socketserver/stream-reader.ts'

/**
 * The pieces of a body, up to its end. They are as large as they happen to arrive, and nothing may
 * depend on where they are cut.
 */
export type Body = AsyncIterable<Buffer>

/**
 * Read exactly `length` bytes of a connection.
 *
 * It waits only for `fp`, and a wait there ends with a byte, with the end of the connection or with
 * the timeout of the handler.
 *
 * @throws {@link RequestError} when the input ends first; what `fp` throws.
 */
export async function* readBody(
  fp: StreamReader,
  length: number,
): AsyncGenerator<Buffer, void, undefined> {
  for (let left = length; left > 0;) {
    const { length: here } = await fp.peek()
    if (here === 0) {
      throw new RequestError(
        400,
        'Truncated form',
        `the body ended after ${String(length - left)} of ${String(length)} bytes`,
      )
    }
    const piece = await fp.read(Math.min(here, left))
    left -= piece.length
    yield piece
  }
}
