/**
 * The encodings that a client may name: Python's `codecs`, as far as reading goes.
 *
 * @module
 */

import { decodeLatin1, decodeUtf8 } from './bytes.ts'

/** Turns bytes into text; what is no text in its encoding becomes U+FFFD. */
export type Decode = (bytes: Uint8Array) => string

/**
 * Find out how to read an encoding, by the name that a `charset` parameter has for it. Case, and
 * the difference between `_` and `-`, do not matter.
 *
 * To a browser, `iso-8859-1` and `us-ascii` are two other names for windows-1252. Here they are
 * what they say, as in Python. Some versions of Node (20.20 is one) read windows-1252 as if it
 * were ISO 8859-1.
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
