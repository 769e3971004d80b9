/**
 * A connection that is in one thread, and handled in another.
 *
 * ```text
 *        main thread            |            the handler's thread
 *   socket <---> Relay <--- frames: data, end, reset, credit ---> PortStream <---> handler
 * ```
 *
 * A socket belongs to the thread that accepted it. So its bytes are posted to the other thread as
 * they come, and a stream there looks to the handler as the socket would: it ends when the client
 * has closed its side, it is destroyed when the connection is reset, and the other way round.
 *
 * A port takes whatever it is given, and would hold a gigabyte for a handler that does not read.
 * So each side may send 256 KiB, and for more it needs credit, which the other side gives when it
 * is rid of bytes: the relay when the kernel has taken them, the stream when the handler has.
 * A small request and its answer never get so far, and cost no frame of credit.
 *
 * The frames, one each way:
 *
 * ```text
 *   relay                          stream
 *     data 'GET / HTTP/1.0...' -->                             with the opening, see remote.ts
 *                              <-- data 'HTTP/1.0 200 OK...'   with the report of the end, mostly
 *     end                      -->                             the client has closed its side
 * ```
 *
 * Read before: `request-handler.ts`, for what a `Connection` is. Next: `threading-mixin.ts`.
 *
 * @module
 */

import { Duplex } from 'node:stream'
import { milliseconds } from '../../stdlib/dates.ts'
import type { Connection } from '../request-handler.ts'

/** What goes over a port between the two halves of a connection. */
export type Frame =
  | { readonly kind: 'data'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Nothing more will be sent; what the other side sends is still read. */
  | { readonly kind: 'end' }
  /** The connection is gone, in both directions. */
  | { readonly kind: 'reset' }
  /** So many bytes more may be sent; the memory of some that were is sent back, to be used again. */
  | { readonly kind: 'credit'; readonly size: number; readonly memory?: readonly ArrayBuffer[] }
  /** From the handler only: Nagle's algorithm, off or on. */
  | { readonly kind: 'noDelay'; readonly value: boolean }

/** Sends a frame to the other thread; the memory in the list goes with it. */
export type Post = (frame: Frame, transfer?: readonly ArrayBuffer[]) => void

/** So many bytes may be under way in one direction. */
const WINDOW = 256 * 1024

/** Credit is given back in pieces of this size or more, and more than this is not sent at once. */
const PIECE = WINDOW / 4

/**
 * Memory of fewer bytes than this is copied by the port: to give it away costs more. Measured on
 * Node 24, CPU of a connection: 73 us instead of 78.
 */
const WORTH_GIVING = 16 * 1024

// -- In the main thread ----------------------------------------------------------------------

/**
 * The main thread's half: what comes from the socket is posted, what is posted goes to the socket.
 *
 * It begins to read at once, but no further than to the first bytes as long as there is no thread
 * to post them to: until then, a silent client costs a socket and nothing else.
 */
export class Relay {
  /**
   * Resolves when the client has sent something or has closed its side, to true; to false when
   * the connection was reset before that, or the client was silent for too long, and there is
   * nothing to handle.
   */
  readonly begun: Promise<boolean>

  readonly #socket: Connection
  #begin!: (alive: boolean) => void
  #post: Post | undefined
  /** What came while there was no thread. */
  readonly #held: Frame[] = []
  /** So much may still be posted; less than zero if the last piece was larger. */
  #credit = WINDOW
  /** So much has been taken off our hands, and no credit given for it yet. */
  #owed = 0
  #memory: ArrayBuffer[] = []

  /**
   * Begin to read.
   *
   * @param timeout - how long the client may be silent at first, in seconds; null is for ever
   */
  constructor(socket: Connection, timeout: number | null) {
    this.#socket = socket
    this.begun = new Promise((resolve) => {
      this.#begin = resolve
    })
    if (timeout !== null) {
      const timer = setTimeout(this.#begin, milliseconds(timeout), false).unref()
      void this.begun.then(() => {
        clearTimeout(timer)
      })
    }
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onClose)
    socket.resume()
  }

  /** Begin to post. What came before is returned, to be sent first. */
  attach(post: Post): Frame[] {
    this.#post = post
    this.#socket.resume()
    return this.#held.splice(0)
  }

  /** Stop posting. */
  detach(): void {
    this.#post = undefined
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('close', this.#onClose)
    this.#socket.pause()
  }

  /** Take a frame from the other thread. */
  accept(frame: Frame): void {
    switch (frame.kind) {
      case 'data': {
        const { bytes } = frame
        this.#socket.write(bytes, () => {
          this.#giveBack(bytes)
        })
        break
      }
      case 'end':
        this.#socket.end()
        break
      case 'reset':
        this.#socket.destroy()
        break
      case 'credit':
        this.#credit += frame.size
        if (this.#credit > 0) {
          this.#socket.resume()
        }
        break
      case 'noDelay':
        this.#socket.setNoDelay?.(frame.value)
        break
    }
  }

  #send(frame: Frame): void {
    if (this.#post === undefined) {
      this.#held.push(frame)
      this.#socket.pause()
      return
    }
    this.#post(frame, memoryOf([frame]))
  }

  #giveBack({ length, buffer }: Uint8Array<ArrayBuffer>): void {
    this.#owed += length
    // A gigabyte that is sent in new memory each time grows the process by 70 MiB before V8 looks
    // for what it can free. So whole pieces go to and fro.
    if (length === PIECE) {
      this.#memory.push(buffer)
    }
    // After detach() there may be another connection at the other end.
    if (this.#owed >= PIECE && this.#post !== undefined) {
      this.#post({ kind: 'credit', size: this.#owed, memory: this.#memory }, this.#memory)
      this.#owed = 0
      this.#memory = []
    }
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#credit -= chunk.length
    if (this.#credit <= 0) {
      this.#socket.pause()
    }
    // A socket makes new memory for each chunk, which can be given away without a copy.
    const bytes = ownsItsMemory(chunk) ? chunk : copyOf(chunk)
    this.#send({ kind: 'data', bytes })
    this.#begin(true)
  }

  readonly #onEnd = (): void => {
    this.#send({ kind: 'end' })
    this.#begin(true)
  }

  readonly #onClose = (): void => {
    this.#send({ kind: 'reset' })
    this.#begin(false)
  }
}

// -- In the handler's thread -----------------------------------------------------------------

/** The handler's half: a stream that looks like the socket. */
export class PortStream extends Duplex implements Connection {
  readonly #post: Post
  readonly #incoming: Buffer[] = []
  #inputEnded = false
  /** Whether the reading side has asked for more. */
  #wanted = false
  #credit = WINDOW
  #owed = 0
  /** Of pieces that were sent, to be used again. */
  readonly #memory: ArrayBuffer[] = []
  /** Goes on with a write that waits for credit. */
  #goOn: (() => void) | undefined
  /** Whether the other side need not be told any more how this one ends. */
  #over = false

  /** What has not been posted yet. */
  readonly #outgoing: Frame[] = []

  constructor(post: Post) {
    super({ allowHalfOpen: true, highWaterMark: 64 * 1024 })
    this.#post = post
    // As on a socket of a server: whoever reads or writes hears of it.
    this.on('error', () => {})
  }

  /** Take a frame from the main thread. */
  accept(frame: Frame): void {
    switch (frame.kind) {
      case 'data': {
        const { buffer, byteOffset, length } = frame.bytes
        this.#incoming.push(Buffer.from(buffer, byteOffset, length))
        this.#deliver()
        break
      }
      case 'end':
        this.#inputEnded = true
        this.#deliver()
        break
      case 'reset':
        this.#over = true
        this.destroy()
        break
      case 'credit':
        this.#credit += frame.size
        this.#memory.push(...(frame.memory ?? []))
        this.#goOn?.()
        break
      case 'noDelay':
        break
    }
  }

  /** Switch Nagle's algorithm off (true) or on (false). */
  setNoDelay(noDelay: boolean): this {
    this.#post({ kind: 'noDelay', value: noDelay })
    return this
  }

  /**
   * Be over, without a word to the other side. See `written()` for what comes before that; the
   * ceremony of an end is spared, for what it costs.
   *
   * @returns the last frames, which have not been posted.
   */
  finish(): Frame[] {
    this.#over = true
    this.destroy()
    return this.#outgoing.splice(0)
  }

  /** Post what has not been posted yet. */
  flush(): void {
    for (const frame of this.#outgoing.splice(0)) {
      this.#post(frame, memoryOf([frame]))
    }
  }

  override _read(): void {
    this.#wanted = true
    this.#deliver()
  }

  #deliver(): void {
    while (this.#wanted) {
      const chunk = this.#incoming.shift()
      if (chunk !== undefined) {
        this.#giveBack(chunk.length)
        this.#wanted = this.push(chunk)
      } else {
        if (this.#inputEnded) {
          this.#wanted = this.push(null)
        }
        return
      }
    }
  }

  #giveBack(length: number): void {
    this.#owed += length
    if (this.#owed >= PIECE) {
      this.#post({ kind: 'credit', size: this.#owed })
      this.#owed = 0
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#goOn = undefined
    let sent = 0
    while (sent < chunk.length && this.#credit > 0) {
      const piece = chunk.subarray(sent, sent + Math.min(this.#credit, PIECE))
      // A copy, because a handler may use its bytes again, and because small ones lie in a pool
      // that all share: to post three of them would post the whole pool.
      const memory = piece.length === PIECE ? this.#memory.pop() : undefined
      const bytes = new Uint8Array(memory ?? new ArrayBuffer(piece.length))
      bytes.set(piece)
      this.#send({ kind: 'data', bytes })
      this.#credit -= piece.length
      sent += piece.length
    }
    if (sent === chunk.length) {
      done()
    } else {
      this.#goOn = () => {
        this._write(chunk.subarray(sent), _encoding, done)
      }
    }
  }

  override _final(done: () => void): void {
    if (!this.#over) {
      this.#send({ kind: 'end' })
    }
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const complete = this.readableEnded && this.writableFinished
    if (!this.#over && !complete) {
      this.#send({ kind: 'reset' })
    }
    done(error)
  }

  /**
   * Send a frame, when all promises that are due have been served. By then an answer is often
   * complete, and its bytes go with the report of its end: see `finish()`. Measured, CPU of a
   * connection on Node 24: 4 % less than with two messages.
   */
  #send(frame: Frame): void {
    if (this.#outgoing.push(frame) === 1) {
      process.nextTick(() => {
        this.flush()
      })
    }
  }
}

// -- Memory ----------------------------------------------------------------------------------

/** The memory that goes to the other thread with some frames, and is not copied. */
export function memoryOf(frames: readonly Frame[]): ArrayBuffer[] {
  return frames.flatMap((frame) =>
    frame.kind === 'data' && frame.bytes.length >= WORTH_GIVING ? [frame.bytes.buffer] : [],
  )
}

function ownsItsMemory(chunk: Buffer): chunk is Buffer<ArrayBuffer> {
  return chunk.length === chunk.buffer.byteLength && chunk.buffer instanceof ArrayBuffer
}

/** A copy with memory of its own, to be given away. */
function copyOf(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(chunk)
}
