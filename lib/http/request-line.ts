/**
 * The request line, `GET /?foo=bar HTTP/1.1`, and its words. What they mean is in base-handler.ts.
 *
 * @module
 */

/**
 * Take CRs and LFs off the end of a line; Python's `rstrip('\r\n')`.
 *
 * Security: not `replace(/[\r\n]+$/, '')`. In a line full of CRs, that looks from each of them for
 * the end: with 64 KiB, the server stood still for 1.7 s.
 */
export function withoutLineEnds(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === '\n' || line[end - 1] === '\r')) {
    end--
  }
  return line.slice(0, end)
}

/**
 * Split a request line into words.
 *
 * RFC 9112 §3 allows a server to take runs of SP, HTAB, VT, FF and bare CR for the single space of
 * the grammar, as Python does.
 *
 * Security: Python's `str.split()` also splits at the octets 1C to 1F, 85 and A0. To a proxy they are
 * part of the target: what it lets pass as `/secret\x85` must not be served as `/secret`. Here each of
 * them is a word of its own, and one that is refused.
 * Differs: a request line with one of the octets 1C to 1F, 85 and A0 is a 400.
 */
export function splitWords(line: string): string[] {
  return line.match(/[^\t-\r\x1c-\x20\x85\xa0]+|[\x1c-\x1f\x85\xa0]/g) ?? []
}

/** A word that {@link splitWords} has made of such an octet. */
export const BAD_WORD = /^[\x1c-\x1f\x85\xa0]/

/**
 * Turn `HTTP/1.1` into `[1, 1]`, and anything other than `HTTP/<digits>.<digits>` into null.
 *
 * RFC 9112 §2.3 allows exactly one digit on each side of the dot, and that is what a server of HTTP/1.1
 * wants. Python accepts up to ten, so with HTTP/1.0 we do too; otherwise `HTTP/1.10` would get a different
 * response here.
 *
 * @param speaks11 - whether the server speaks HTTP/1.1
 */
export function parseVersion(
  word: string,
  speaks11: boolean,
): [major: number, minor: number] | null {
  const match = (speaks11 ? VERSION : LONG_VERSION).exec(word)
  return match === null ? null : [Number(match[1]), Number(match[2])]
}

const VERSION = /^HTTP\/([0-9])\.([0-9])$/
const LONG_VERSION = /^HTTP\/([0-9]{1,10})\.([0-9]{1,10})$/
