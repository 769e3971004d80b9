/**
 * Bytes that arrive in pieces of one size and are wanted in another.
 *
 * ```text
 *   append() --> [ taken | held | free ] --peek(), take()-->
 *                        ^ start ^ end
 * ```
 *
 * A list of the pieces would do if all clients were friendly. For one that sends single bytes, each
 * byte would cost an object of a hundred; so the bytes are copied together here. The space doubles
 * when it is used up, so that each byte is copied about twice, however small the pieces are.
 *
 * @module
 */

/** Bytes, first in, first out. */
export class ByteQueue {
  // Memory before #start has been handed out and is never written again, so what is taken can be a
  // view instead of a copy.
  #bytes: Buffer = NOTHING
  #start = 0
  #end = 0

  /** How many bytes are held. */
  get length(): number {
    return this.#end - this.#start
  }

  /** Append bytes, which must not change afterwards: they are copied only if necessary. */
  append(piece: Buffer): void {
    const held = this.length
    if (held === 0) {
      this.#bytes = piece
      this.#start = 0
      this.#end = piece.length
      return
    }
    if (this.#end + piece.length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * held + piece.length)
      this.#bytes.copy(larger, 0, this.#start, this.#end)
      this.#bytes = larger
      this.#start = 0
      this.#end = held
    }
    piece.copy(this.#bytes, this.#end)
    this.#end += piece.length
  }

  /** Look at all bytes that are held. */
  peek(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  /** Take that many bytes off the front; all of them by default. */
  take(length = this.length): Buffer {
    const start = this.#start
    this.#start = Math.min(start + length, this.#end)
    return this.#bytes.subarray(start, this.#start)
  }
}

const NOTHING = Buffer.alloc(0)
