/**
 * `Buffer` in a browser: as much of Node's as the library and the judge use.
 *
 * @module
 */

type Encoding = 'utf8' | 'utf-8' | 'latin1'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

class BrowserBuffer extends Uint8Array {
  override toString(encoding: Encoding = 'utf8', start = 0, end = this.length): string {
    const bytes = this.subarray(start, end)
    if (encoding !== 'latin1') {
      return decoder.decode(bytes)
    }
    // `TextDecoder('latin1')` is windows-1252. And there are only so many arguments at a time.
    let text = ''
    for (let at = 0; at < bytes.length; at += 8192) {
      text += String.fromCharCode(...bytes.subarray(at, at + 8192))
    }
    return text
  }

  copy(target: Uint8Array, targetStart = 0, start = 0, end = this.length): number {
    const piece = this.subarray(start, end)
    target.set(piece, targetStart)
    return piece.length
  }

  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, at) => byte === other[at])
  }

  override indexOf(what: unknown, from = 0, encoding: Encoding = 'utf8'): number {
    if (typeof what === 'number') {
      return super.indexOf(what, from)
    }
    const wanted = typeof what === 'string' ? encode(what, encoding) : (what as Uint8Array)
    const [first] = wanted
    if (first === undefined) {
      return from
    }
    let at = super.indexOf(first, from)
    while (at !== -1 && !wanted.every((byte, index) => byte === this[at + index])) {
      at = super.indexOf(first, at + 1)
    }
    return at
  }

  override includes(what: unknown, from = 0): boolean {
    return this.indexOf(what, from) !== -1
  }

  /** Node's shares the memory. */
  override slice(start?: number, end?: number): ReturnType<Uint8Array['slice']> {
    return this.subarray(start, end)
  }
}

function encode(text: string, encoding: Encoding): Uint8Array {
  return encoding === 'latin1'
    ? Uint8Array.from(text, (character) => character.charCodeAt(0))
    : encoder.encode(text)
}

function from(
  value: string | ArrayBuffer | ArrayLike<number>,
  encodingOrStart?: Encoding | number,
  length?: number,
): BrowserBuffer {
  if (value instanceof ArrayBuffer) {
    return new BrowserBuffer(value, encodingOrStart as number | undefined, length)
  }
  if (typeof value !== 'string') {
    return new BrowserBuffer(value)
  }
  const { buffer } = encode(value, (encodingOrStart ?? 'utf8') as Encoding)
  return new BrowserBuffer(buffer as ArrayBuffer)
}

const alloc = (length: number) => new BrowserBuffer(length)

/** Stands in for Node's. */
export const Buffer = Object.assign(BrowserBuffer, {
  from,
  alloc,
  allocUnsafe: alloc,
  allocUnsafeSlow: alloc,
  of: (...bytes: number[]) => from(bytes),
  byteLength: (text: string, encoding: Encoding = 'utf8') => encode(text, encoding).length,
  isBuffer: (value: unknown) => value instanceof BrowserBuffer,
  concat(pieces: readonly Uint8Array[], length?: number): BrowserBuffer {
    const whole = alloc(length ?? pieces.reduce((sum, piece) => sum + piece.length, 0))
    let at = 0
    for (const piece of pieces) {
      whole.set(piece, at)
      at += piece.length
    }
    return whole
  },
})
