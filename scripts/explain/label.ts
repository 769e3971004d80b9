/**
 * What each byte of an exchange is: the recording, cut into pieces that each have one label.
 *
 * ```text
 *   GET        method            RFC 9110 §9.3.1   read by ..., becomes command, used by ...
 *   (space)    space             RFC 9112 §3       read by ...
 *   /?foo=bar  target            RFC 9112 §3.2.1   ...
 * ```
 *
 * It proves itself: the pieces of the responses are all that came over the wire, byte for byte, or this
 * throws. What the client sent and nobody read is a piece, too.
 *
 * @module
 */

import { piece } from './pieces.ts'
import type { Piece } from './pieces.ts'
import { RequestReader } from './request.ts'
import { ResponseReader } from './response.ts'
import type { Line } from './tape.ts'
import type { Finder } from './trace.ts'

/** A request and its response. */
export interface Explained {
  readonly request: readonly Piece[]
  readonly response: readonly Piece[]
}

/** The bytes on the wire are not those that were recorded. */
export class NotTiled extends Error {
  override readonly name = 'NotTiled'
}

/**
 * Label all bytes of a connection.
 *
 * @param sent - all that the client has sent
 * @param received - all that it has received
 * @throws {@link NotTiled} when some bytes did not come by way of `wfile`.
 */
export function explain(
  line: Line,
  sent: Uint8Array,
  received: Uint8Array,
  find: Finder,
): Explained[] {
  const bytes = Buffer.from(sent)
  const explained = line.exchanges.map((exchange) => ({
    request: new RequestReader(exchange, bytes, find).pieces(),
    response: new ResponseReader(exchange, find).pieces(),
  }))
  const lastRead = line.exchanges.flatMap(({ takes }) => takes).at(-1)?.to ?? 0
  if (lastRead < bytes.length) {
    const rest = bytes.subarray(lastRead)
    const at = explained.findLastIndex(({ request, response }) => request.length + response.length)
    explained[Math.max(at, 0)]?.request.push(
      piece(rest, 'not read: the connection had ended', '9112 §9.6', []),
    )
  }
  prove(
    'sent',
    bytes,
    explained.flatMap(({ request }) => request),
  )
  prove(
    'received',
    Buffer.from(received),
    explained.flatMap(({ response }) => response),
  )
  return explained.filter(({ request, response }) => request.length + response.length > 0)
}

/** Compare the pieces with the wire. */
function prove(direction: 'sent' | 'received', wire: Buffer, pieces: readonly Piece[]): void {
  const labelled = Buffer.concat(pieces.map(({ bytes }) => bytes))
  if (labelled.equals(wire)) {
    return
  }
  let at = 0
  while (at < wire.length && wire[at] === labelled[at]) {
    at++
  }
  const excerpt = (bytes: Buffer) => JSON.stringify(bytes.toString('latin1', at, at + 40))
  throw new NotTiled(
    `Cannot label what was ${direction}: at byte ${String(at)}, ${excerpt(wire)} is on the wire, and ` +
      `${excerpt(labelled)} came by way of ${direction === 'sent' ? 'rfile' : 'wfile'}`,
  )
}
