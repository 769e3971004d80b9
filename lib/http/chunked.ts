/**
 * A body that comes in chunks, because its sender did not know its length when it began.
 *
 * ```text
 *   5;note=first       <- a chunk: its size in hexadecimal, then extensions, which mean nothing here,
 *   hello              <- its data, then a line end
 *   0                  <- the last chunk has no data;
 *   Checksum: 5d41     <- instead, fields that were not known before the body: the trailers,
 *                      <- and an empty line
 * ```
 *
 * Security: every program between the client and this one finds the end of the body for itself. What
 * one of them takes for data may be the next request to another. So nothing is guessed here: chunks that
 * are not written exactly as the grammar has them are refused, and the connection ends.
 *
 * Reading path: 7 of 10. Next: base-handler.ts.
 *
 * @module
 */

import type { StreamReader } from '../socketserver/stream-reader.ts'
import type { ByteQueue } from '../stdlib/byte-queue.ts'
import { ConnectionResetError } from '../stdlib/errors.ts'
import { readFields } from './message.ts'
import { RequestError } from './request-error.ts'
import type { Field } from './message.ts'

/** The most bytes in the line before a chunk, its end included. */
const MAX_CHUNK_LINE = 4096

/**
 * The most bytes of extensions in all the chunks of a body.
 *
 * Security: RFC 9112 §7.1.1 asks for a limit. Extensions are read and thrown away, so a client could
 * send them for ever, and no limit on the size of a body would see it.
 */
const MAX_EXTENSIONS = 64 * 1024

/** A piece of at least so many bytes is not copied to the end of others, but handed on alone. */
const LARGE = 4096

/**
 * Decode chunks into `body`. It yields to wait for bytes, or to let `body` be emptied before a large piece.
 *
 * @returns the trailers
 * @throws {@link RequestError} for what is not a chunked body, and a `ConnectionResetError` when the
 * input ends before its trailers.
 * @see [RFC 9112 §7.1](https://www.rfc-editor.org/rfc/rfc9112#section-7.1)
 */
export function* decodeInto(body: ByteQueue, rfile: StreamReader): Generator<undefined, Field[]> {
  let extensions = 0
  for (;;) {
    const chunk = parseChunkLine(yield* readLine(rfile))
    extensions += chunk.extensions
    if (extensions > MAX_EXTENSIONS) {
      throw tooLarge(`got more than ${String(MAX_EXTENSIONS)} bytes of chunk extensions`)
    }
    if (chunk.size === 0) {
      break
    }
    for (let missing = chunk.size; missing > 0;) {
      const piece = rfile.takeBytes(missing)
      if (piece === undefined) {
        yield
        continue
      }
      if (piece.length === 0) {
        throw brokenOff()
      }
      // A large piece is handed on as it is, and not copied to the end of others.
      if (piece.length >= LARGE && body.length > 0) {
        yield
      }
      body.append(piece)
      missing -= piece.length
    }
    if ((yield* readLine(rfile)) !== '\r\n') {
      throw bad('the data of a chunk must be as long as its size says, and end with CR LF')
    }
  }
  // RFC 9110 §6.5.1: trailers are kept apart from the header fields. A length or a Host that comes
  // after the body must not count for anything.
  const lines: string[] = []
  let trailers
  while ((trailers = readFields(rfile, lines)) === undefined) {
    yield
  }
  return trailers
}

/** Read a line of the framing. */
function* readLine(rfile: StreamReader): Generator<undefined, string> {
  let line
  while ((line = rfile.takeTextLine(MAX_CHUNK_LINE)) === undefined) {
    yield
  }
  // Only the end of the input makes a line without LF that is shorter than the limit.
  if (!line.endsWith('\n') && line.length < MAX_CHUNK_LINE) {
    throw brokenOff()
  }
  return line
}

/**
 * Understand the line before a chunk.
 *
 * Security: each of these was once read differently by two programs, and carried a request past one of
 * them (RFC 9112 §11.2): a sign or `0x` before the size, a size that overflowed, white space before
 * the line end, LF alone as the line end, a line end within the extensions.
 */
function parseChunkLine(line: string): { size: number; extensions: number } {
  const [, digits, extensions] = CHUNK_LINE.exec(line) ?? []
  if (digits === undefined || extensions === undefined) {
    throw bad('a chunk begins with its size in hexadecimal digits, and CR LF')
  }
  const size = Number.parseInt(digits, 16)
  if (!Number.isSafeInteger(size)) {
    throw tooLarge(`the size of a chunk is over ${String(Number.MAX_SAFE_INTEGER)}`)
  }
  return { size, extensions: extensions.length }
}

// chunk-ext = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"'
const EXTENSION = `[\\t ]*;[\\t ]*${TOKEN}(?:[\\t ]*=[\\t ]*(?:${TOKEN}|${QUOTED}))?`
const CHUNK_LINE = new RegExp(`^([0-9A-Fa-f]+)((?:${EXTENSION})*)\\r\\n$`)

function bad(explain: string): RequestError {
  return new RequestError(400, 'Bad chunk', `${explain} (RFC 9112 section 7.1)`)
}

function tooLarge(explain: string): RequestError {
  return new RequestError(413, 'Content Too Large', explain)
}

function brokenOff(): Error {
  return new ConnectionResetError('Connection ended within a chunked body')
}

// -- Sending ---------------------------------------------------------------------------------

/** Make a chunk of bytes; no bytes make none, since an empty chunk is the last one. */
export function encodeChunk(data: Uint8Array): Uint8Array {
  return data.length === 0
    ? data
    : Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')])
}

/** What ends a chunked body that has no trailers. */
export const LAST_CHUNK = Buffer.from('0\r\n\r\n')
