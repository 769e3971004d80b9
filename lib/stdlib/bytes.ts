/**
 * Text to bytes and back, in the two encodings that HTTP/1.x uses.
 *
 * A head is ISO 8859-1 (Python's `iso-8859-1`, `latin-1`): byte 0xNN is the character U+00NN, so
 * nothing that a client sends can fail to decode. Pages are UTF-8.
 *
 * `http/base-handler.ts` and its neighbours speak `Uint8Array` and come here for the rest, so that
 * they need nothing of Node's `Buffer`, which does the work.
 *
 * @module
 */

/** Decode bytes as ISO 8859-1, each byte becoming the character of the same number. */
export function decodeLatin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}

/**
 * Encode text as ISO 8859-1.
 *
 * A character above U+00FF keeps only its low eight bits, which is how response splitting once
 * got past Node's own checks: refuse such text first, as `sendHeader()` does.
 */
export function encodeLatin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** Decode bytes as UTF-8, with U+FFFD for invalid bytes (Python's `errors='replace'`). */
export function decodeUtf8(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('utf8')
}

/** Encode text as UTF-8, with `?` for lone surrogates (Python's `errors='replace'`). */
export function encodeUtf8(text: string): Uint8Array {
  return Buffer.from(text.isWellFormed() ? text : text.replace(/\p{Surrogate}/gu, '?'), 'utf8')
}

/** The same memory with Buffer's methods on it; nothing is copied. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
