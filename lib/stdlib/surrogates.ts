/**
 * File names as text, even those that are not UTF-8.
 *
 * To Unix, a file name is bytes; programs prefer text. Python uses two tricks for the difference,
 * both with code points that do not occur in real text, lone surrogates:
 *
 * ```text
 *   surrogateescape: an invalid byte becomes U+DC00 + byte                   E9 <-> U+DCE9
 *   surrogatepass:   a lone surrogate is encoded as if it were a character   U+DCE9 <-> ED B3 A9
 * ```
 *
 * Names are read from the disk with the first. Links in a listing are written with the second:
 * `latin1-%ED%B3%A9.txt`. A client that follows the link sends this back, it is decoded to U+DCE9, and
 * for the disk it is encoded as the byte E9. JavaScript's strings can hold lone surrogates as
 * Python's can, so the same works here.
 *
 * @module
 */

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decode a file name as UTF-8, with U+DC00 + byte for each invalid byte.
 *
 * @python os.fsdecode
 */
export function fsdecode(name: Uint8Array): string {
  try {
    return STRICT.decode(name)
  } catch {
    return decodeEscaping(name)
  }
}

function decodeEscaping(name: Uint8Array): string {
  let text = ''
  for (let at = 0; at < name.length;) {
    const length = sequenceLength(name, at)
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (name[at] as number))
      at += 1
    } else {
      text += STRICT.decode(name.subarray(at, at + length))
      at += length
    }
  }
  return text
}

/** The length of the UTF-8 sequence at an offset; 0 if there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number
  const length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  try {
    STRICT.decode(bytes.subarray(at, at + length))
    return at + length <= bytes.length ? length : 0
  } catch {
    return 0
  }
}

/**
 * Turn a name into what Node's `fs` takes: the text itself, or bytes if it contains escaped ones.
 *
 * @returns null if no file can have that name: it contains a NUL, or a surrogate that is not an
 * escaped byte.
 * @python os.fsencode
 */
export function fsencode(path: string): string | Buffer | null {
  if (path.includes('\0')) {
    return null
  }
  if (path.isWellFormed()) {
    return path
  }
  return /[^\P{Surrogate}\udc80-\udcff]/u.test(path) ? null : encodeSurrogateescape(path)
}

/**
 * Encode text as UTF-8, and each of U+DC80 to U+DCFF as the byte that it stands for.
 *
 * @python str.encode
 */
export function encodeSurrogateescape(text: string): Buffer {
  if (text.isWellFormed()) {
    return Buffer.from(text, 'utf8')
  }
  const pieces = text.split(/([\udc80-\udcff])/u)
  return Buffer.concat(
    pieces.map((piece, index) =>
      index % 2 === 0 ? Buffer.from(piece, 'utf8') : Buffer.of(piece.charCodeAt(0) - 0xdc00),
    ),
  )
}

/**
 * Encode text as UTF-8, lone surrogates included: three bytes each.
 *
 * @python str.encode
 */
export function encodeSurrogatepass(text: string): Uint8Array {
  if (text.isWellFormed()) {
    return Buffer.from(text, 'utf8')
  }
  const pieces = text.split(/(\p{Surrogate})/u)
  return Buffer.concat(
    pieces.map((piece, index) => {
      const code = piece.charCodeAt(0)
      return index % 2 === 0
        ? Buffer.from(piece, 'utf8')
        : Buffer.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
    }),
  )
}

/**
 * Decode UTF-8 in which the surrogates for escaped bytes, U+DC80 to U+DCFF, are allowed.
 *
 * Differs: Python's `surrogatepass` accepts all surrogates. No disk has a name with any other one, and
 * here two of them would form a character.
 *
 * @returns null for bytes that are not valid even so.
 * @python bytes.decode
 */
export function decodeSurrogatepass(bytes: Uint8Array): string | null {
  let text = ''
  let start = 0
  try {
    for (let at = bytes.indexOf(0xed); at !== -1; at = bytes.indexOf(0xed, at + 1)) {
      const [second, third] = [bytes[at + 1] ?? 0, bytes[at + 2] ?? 0]
      if ((second === 0xb2 || second === 0xb3) && third >= 0x80 && third <= 0xbf) {
        text += STRICT.decode(bytes.subarray(start, at))
        text += String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f))
        start = at + 3
      }
    }
    return text + STRICT.decode(bytes.subarray(start))
  } catch {
    return null
  }
}
