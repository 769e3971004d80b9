/**
 * The encodings that a client may name: the decoding half of Python's `codecs`.
 *
 * @module
 */

import { decodeLatin1, decodeUtf8 } from './bytes.ts'

/** Decodes bytes; those invalid in the encoding become U+FFFD. */
export type Decode = (bytes: Uint8Array) => string

/**
 * Find the decoder for an encoding, by its name in a `charset` parameter. Case, and the difference
 * between `_` and `-`, do not matter.
 *
 * Browsers take `iso-8859-1` and `us-ascii` for windows-1252. Here they are what they say, as in
 * Python. Some versions of Node, such as 20.20, decode windows-1252 as if it were ISO 8859-1.
 *
 * @returns null for a name that neither this library nor Node knows.
 * @python codecs.getdecoder
 */
export function findDecoder(charset: string): Decode | null {
  const name = charset.trim().toLowerCase().replaceAll('_', '-')
  if (/^utf-?8$/.test(name)) {
    return decodeUtf8
  }
  if (/^(?:iso-?8859-1|latin-?1|l1)$/.test(name)) {
    return decodeLatin1
  }
  if (/^(?:us-)?ascii$/.test(name)) {
    return (bytes) => decodeLatin1(bytes).replace(/[\x80-\xff]/g, '\ufffd')
  }
  try {
    const decoder = new TextDecoder(name, { ignoreBOM: true })
    return (bytes) => decoder.decode(bytes)
  } catch {
    return null
  }
}
