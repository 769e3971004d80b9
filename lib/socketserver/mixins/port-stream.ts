/**
 * A connection that belongs to one thread, and is handled in another.
 *
 * ```text
 *        main thread            |            the handler's thread
 *   socket <---> Relay <--- frames: data, end, reset, credit ---> PortStream <---> handler
 * ```
 *
 * A socket belongs to the thread that accepted it. So its bytes are posted to the other thread as
 * they arrive, and a stream there looks to the handler like the socket: it ends when the client has
 * closed its side, it is destroyed when the connection is reset, and vice versa.
 *
 * A port accepts whatever is posted, and would buffer a gigabyte for a handler that does not read.
 * So each side may send 256 KiB, and needs credit for more. The other side grants it once it has
 * passed the bytes on: the relay to the kernel, the stream to the handler. A small request and its
 * response stay below that, and cost no frame of credit.
 *
 * The frames, one each way:
 *
 * ```text
 *   relay                          stream
 *     data 'GET / HTTP/1.0...' -->                             with the job, see remote.ts
 *                              <-- data 'HTTP/1.0 200 OK...'   usually with the final report
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

/** What the two halves of a connection post to each other. */
export type Frame =
  | { readonly kind: 'data'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Nothing more will be sent, but the other direction stays open. */
  | { readonly kind: 'end' }
  /** The connection is gone, in both directions. */
  | { readonly kind: 'reset' }
  /** The other side may send that many bytes more. Memory of bytes sent earlier comes back. */
  | { readonly kind: 'credit'; readonly size: number; readonly memory?: readonly ArrayBuffer[] }
  /** Only from the handler: switch Nagle's algorithm off or on. */
  | { readonly kind: 'noDelay'; readonly value: boolean }

/** Posts a frame to the other thread, which gets the memory in the list instead of a copy. */
export type Post = (frame: Frame, transfer?: readonly ArrayBuffer[]) => void

/** How many bytes may be on their way in one direction. */
const WINDOW = 256 * 1024

/** Credit is granted for at least so many bytes at a time, and no frame has more of them. */
const PIECE = WINDOW / 4

/**
 * The port copies fewer bytes than these, because transferring their memory costs more. Measured on
 * Node 24, CPU of a connection: 73 us instead of 78.
 */
const WORTH_GIVING = 16 * 1024

// -- In the main thread ----------------------------------------------------------------------

/**
 * The main thread's half: it posts what the socket receives, and writes to the socket what the other
 * half posts.
 *
 * It starts to read at once, but stops after the first bytes until there is a thread to post them
 * to: until then, a silent client costs a socket and nothing else.
 */
export class Relay {
  /**
   * Resolves to true when the client has sent something or has closed its side; to false when the
   * connection was reset before that or the client stayed silent too long, so that there is nothing
   * to handle.
   */
  readonly begun: Promise<boolean>

  readonly #socket: Connection
  #begin!: (alive: boolean) => void
  #post: Post | undefined
  /** Frames from before there was a thread. */
  readonly #held: Frame[] = []
  /** How many bytes may still be posted; negative if the last piece was larger. */
  #credit = WINDOW
  /** Bytes consumed for which no credit has been returned. */
  #owed = 0
  #memory: ArrayBuffer[] = []

  /**
   * Start to read.
   *
   * @param timeout - how long to wait for the first byte, in seconds; null means for ever
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

  /** Start to post. Returns the frames from before, which must be posted first. */
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
    // The memory of whole pieces goes back to be used again. Measured on Node 20, for a download of
    // 1 GiB: the process grows by 9 MiB; with new memory for each piece by 73, before V8 frees any.
    if (length === PIECE) {
      this.#memory.push(buffer)
    }
    // After detach(), the thread may already have another connection.
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
    // A socket usually allocates each chunk separately, so it can be transferred without a copy.
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

/** The handler's half: a stream that looks like a socket. */
export class PortStream extends Duplex implements Connection {
  readonly #post: Post
  readonly #incoming: Buffer[] = []
  #inputEnded = false
  /** Whether the reader has asked for more. */
  #wanted = false
  #credit = WINDOW
  #owed = 0
  /** Memory of pieces that were sent, to be used again. */
  readonly #memory: ArrayBuffer[] = []
  /** Continues a write that waits for credit, and ends it without that. */
  #goOn: (() => void) | undefined
  #giveUp: ((error: Error) => void) | undefined
  /** Whether the other side need not be told how this one ends. */
  #over = false

  /** What has not been posted yet. */
  readonly #outgoing: Frame[] = []

  constructor(post: Post) {
    super({ allowHalfOpen: true, highWaterMark: 64 * 1024 })
    this.#post = post
    // As on the sockets of a server: an error reaches the handler through its reads and writes.
    this.on('error', () => {})
  }

  /** Take a frame from the main thread. */
  accept(frame: Frame): void {
    // Security: credit for what was sent before the client left may come after that. A write that goes
    // on then would post the rest of its response to whoever is the thread's next client.
    if (this.#over) {
      return
    }
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
    if (!this.#over) {
      this.#post({ kind: 'noDelay', value: noDelay })
    }
    return this
  }

  /**
   * End the stream without a frame to the other side: the last report says it, and ending properly
   * would cost more. Before that, see `written()`.
   *
   * @returns the last frames, which have not been posted yet.
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

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#goOn = this.#giveUp = undefined
    let sent = 0
    while (sent < chunk.length && this.#credit > 0) {
      const piece = chunk.subarray(sent, sent + Math.min(this.#credit, PIECE))
      // A copy, because the handler may reuse its buffer, and because a small Buffer lies in a pool
      // that many share: posting three of its bytes would post the whole pool.
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
      this.#giveUp = done
    }
  }

  override _final(done: () => void): void {
    if (!this.#over) {
      this.#send({ kind: 'end' })
    }
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // No credit will come. A socket that is destroyed fails the write that is under way, too; else the
    // handler would wait for it for ever, and occupy its thread.
    this.#giveUp?.(new Error('The connection is gone'))
    const complete = this.readableEnded && this.writableFinished
    if (!this.#over && !complete) {
      this.#send({ kind: 'reset' })
    }
    done(error)
  }

  /**
   * Post a frame after the pending microtasks. By then a response is often complete, and its bytes
   * go with the final report: see `finish()`. Measured, CPU of a connection on Node 24: 4 % less than
   * with two messages.
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

/** The memory of some frames that is transferred to the other thread, not copied. */
export function memoryOf(frames: readonly Frame[]): ArrayBuffer[] {
  return frames.flatMap((frame) =>
    frame.kind === 'data' && frame.bytes.length >= WORTH_GIVING ? [frame.bytes.buffer] : [],
  )
}

function ownsItsMemory(chunk: Buffer): chunk is Buffer<ArrayBuffer> {
  return chunk.length === chunk.buffer.byteLength && chunk.buffer instanceof ArrayBuffer
}

/** Copy a chunk into memory of its own, which can be transferred. */
function copyOf(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(chunk)
}
