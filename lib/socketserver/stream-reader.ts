/**
 * `rfile`: a connection's input, read as Python reads a file, a line or a number of bytes at a time.
 *
 * ```text
 *   socket --'data'--> [ what is buffered: stdlib/byte-queue.ts ] --takeTextLine(), read()--> handler
 * ```
 *
 * Python's `socket.makefile('rb')` blocks its thread until the bytes are there. JavaScript cannot
 * block, so whatever may have to wait returns a promise; a line that is already here can be had
 * without one (`takeTextLine`).
 *
 * The reader pauses the socket when 64 KiB lie unread, until a read has to wait. The kernel's buffer then
 * fills up, the TCP window closes, and a client that sends faster than the handler reads is slowed down.
 *
 * Reading path: 4 of 10. Next: stream-writer.ts.
 *
 * @module
 */

import type { Readable } from 'node:stream'
import { ByteQueue } from '../stdlib/byte-queue.ts'
import { milliseconds, monotonic } from '../stdlib/dates.ts'
import { ConnectionResetError, TimeoutError, ValueError } from '../stdlib/errors.ts'

/** How a {@link StreamReader} is set up. */
export interface StreamReaderOptions {
  /** How long to wait for the peer each time, in seconds; null waits for ever. Default: null. */
  timeout?: number | null
  /** How many bytes may lie unread before the peer has to wait. Default: 64 KiB. */
  highWaterMark?: number
  /** Called before each wait for the peer, which may itself be waiting for a response. */
  beforeWaiting?: () => void
  /** What a read throws for an error of the stream. Default: a {@link ConnectionResetError}. */
  failure?: (error: Error) => Error
}

/**
 * A connection's input as a file. One read at a time: a second one that starts while the first still waits
 * is an error. {@link peek} does not count, since it takes nothing.
 *
 * What it throws: {@link TimeoutError} when the peer sends nothing for `timeout` seconds, or at the
 * {@link deadline}; {@link ConnectionResetError} when the connection breaks. The end of the input is not an
 * error: it shows as a short read, as in Python.
 *
 * @python io.BufferedReader
 */
export class StreamReader implements AsyncIterable<Buffer> {
  readonly #source: Readable
  readonly #timeout: number | null
  readonly #highWaterMark: number
  readonly #beforeWaiting: () => void
  readonly #failureOf: (error: Error) => Error

  /** What has arrived and has not been read. */
  readonly #queue = new ByteQueue()
  #ended = false
  #closed = false
  #failure: Error | undefined
  /** Settles when something has happened; defined while anyone waits for the peer. */
  #news: Promise<void> | undefined
  #resolve: (() => void) | undefined
  #reject: ((reason: Error) => void) | undefined
  #timer: NodeJS.Timeout | undefined
  /** Whether one of those waiting will take what comes. */
  #taking = false
  /** Defined once {@link signal} has been asked for. */
  #departure: AbortController | undefined

  /** Begin to listen to a stream. If it comes paused, it stays so until its bytes are waited for. */
  constructor(source: Readable, options: StreamReaderOptions = {}) {
    this.#source = source
    this.#timeout = options.timeout ?? null
    this.#highWaterMark = options.highWaterMark ?? 64 * 1024
    this.#beforeWaiting = options.beforeWaiting ?? (() => {})
    this.#failureOf = options.failure ?? connectionReset
    source.on('data', this.#onData)
    source.on('end', this.#onEnd)
    source.on('close', this.#onClose)
    source.on('error', this.#onError)
    // 'end' or 'close' may have come before these listeners.
    this.#ended = source.readableEnded
    if (source.destroyed) {
      this.#onClose()
    }
  }

  // -- Lines ---------------------------------------------------------------------------------

  /**
   * Read a line, its LF included.
   *
   * Without LF: the input ended, or `limit` bytes came before it. Empty: the input has ended.
   *
   * @param limit - the most bytes to return; -1 for no limit
   * @throws {@link ValueError} for a limit that is not valid, and after {@link close}.
   * @python io.BufferedReader.readline
   */
  async readline(limit = -1): Promise<Buffer> {
    for (;;) {
      const length = this.#queue.lineLength(this.#checkSize(limit), this.#ended)
      if (length !== undefined) {
        return this.#take(length)
      }
      await this.more()
      if (this.#closed) {
        return NOTHING
      }
    }
  }

  /**
   * Take a line that is already here, as {@link readline} reads it, or return undefined if that would have
   * to wait. The line is decoded as ISO 8859-1: each byte becomes the character of the same number.
   *
   * @added Python's reads block, so it needs no other kind.
   */
  takeTextLine(limit = -1): string | undefined {
    const line = this.#queue.takeTextLine(this.#checkSize(limit), this.#ended)
    if (line !== undefined) {
      this.#advance(line.length)
    }
    return line
  }

  /**
   * Iterate over the lines that are left: `for await (const line of rfile)`.
   *
   * @python io.IOBase.__iter__
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const line = await this.readline()
      if (line.length === 0) {
        return
      }
      yield line
    }
  }

  // -- Bytes ---------------------------------------------------------------------------------

  /**
   * Read exactly `size` bytes, or fewer if the input ends first; without a size, all of it.
   *
   * Unless the body comes in chunks, `rfile` is the connection, and reading to the end waits until the
   * client closes its side: read as many bytes as `Content-Length` says.
   *
   * @param size - how many bytes; -1 for all to the end of the input
   * @throws {@link ValueError} for a size that is not valid, and after {@link close}.
   * @python io.BufferedReader.read
   */
  async read(size = -1): Promise<Buffer> {
    const most = this.#checkSize(size)
    // The bytes wait in the queue, which joins them as they come: for a body that is sent byte by byte,
    // a list of pieces would cost a hundred times as much.
    while (this.buffered < most && !this.#ended) {
      await this.more()
    }
    return this.#take(Math.min(most, this.buffered))
  }

  /**
   * Take bytes that are already here.
   *
   * @param most - the most bytes to return
   * @returns undefined if they would have to be waited for; none if the input has ended.
   * @added As {@link takeTextLine}.
   */
  takeBytes(most: number): Buffer | undefined {
    const length = Math.min(this.#checkSize(most), this.buffered)
    return length > 0 || this.#ended ? this.#take(length) : undefined
  }

  /**
   * Read that many bytes and throw them away, or fewer if the input ends first.
   *
   * @added To leave a connection in order for its next request.
   */
  async skip(size: number): Promise<void> {
    let missing = this.#checkSize(size)
    for (;;) {
      missing -= this.#take(Math.min(missing, this.buffered)).length
      if (missing === 0 || this.#ended) {
        return
      }
      await this.more()
    }
  }

  /**
   * How many bytes are here and have not been read yet.
   *
   * @added Python's buffer is hidden, but for {@link peek}.
   */
  get buffered(): number {
    return this.#queue.length
  }

  /**
   * Wait until there is a byte, and look at what is here without taking it: nothing, if the input has
   * ended. It may be abandoned, in a `Promise.race()` for instance, and another read may begin.
   *
   * @throws {@link ValueError} after {@link close}.
   * @python io.BufferedReader.peek
   */
  async peek(): Promise<Buffer> {
    this.#checkSize(-1)
    while (this.buffered === 0 && !this.#ended) {
      await this.#wait()
    }
    return this.#queue.peek()
  }

  /**
   * Wait until there are more bytes than now, or the input has ended. For code that takes what is here
   * and comes back for the rest.
   *
   * @added Python's reads block, so there is no need to come back.
   */
  more(): Promise<void> {
    if (this.#taking) {
      return Promise.reject(new Error('Cannot read: another read is still waiting for the peer'))
    }
    const news = this.#wait()
    this.#taking = this.#news !== undefined
    return news
  }

  /** Wait as {@link more}, together with those that wait already. */
  #wait(): Promise<void> {
    if (this.#failure !== undefined) {
      return Promise.reject(this.#failure)
    }
    if (this.#ended) {
      return Promise.resolve()
    }
    this.#beforeWaiting()
    const patience = Math.min(
      this.#timeout ?? Infinity,
      this.deadline === null ? Infinity : this.deadline - monotonic(),
    )
    // The clock of the last wait counts: a peek() that was abandoned must not cut the next read short.
    clearTimeout(this.#timer)
    if (patience !== Infinity) {
      this.#timer = setTimeout(() => {
        this.#wake(new TimeoutError('timed out'))
      }, milliseconds(patience))
    }
    this.#source.resume()
    this.#news ??= new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    return this.#news
  }

  /**
   * When the peer's time is up, on the clock of `monotonic()`; null: never. It counts besides the
   * timeout, which begins again with each wait.
   *
   * @added Python leaves slow clients to threads.
   */
  deadline: number | null = null

  /**
   * How many bytes have been read so far.
   *
   * @added To know how much of a body has been read.
   */
  get position(): number {
    return this.#position
  }
  #position = 0

  /**
   * Aborted, with a {@link ConnectionResetError}, when the peer has gone: it has closed its side, the
   * connection is broken, or {@link close} has been called. After {@link release} it is another one, so
   * that listeners of one request do not outlive it.
   *
   * Once it has been asked for, the input is watched: up to 64 KiB are taken from the peer, and wait here
   * for the next read. If more than that is unread, its leaving is not noticed.
   *
   * @added In Python, a thread finds out only by reading.
   */
  get signal(): AbortSignal {
    this.#departure ??= new AbortController()
    if (this.#ended || this.#closed || this.#failure !== undefined) {
      this.#depart()
    }
    this.#watch()
    return this.#departure.signal
  }

  #depart(): void {
    this.#departure?.abort(this.#failure ?? new ConnectionResetError('The client has gone'))
  }

  /** Take bytes from the peer although no one waits for them, while there is room. */
  #watch(): void {
    if (!this.#closed && this.buffered <= this.#highWaterMark) {
      this.#source.resume()
    }
  }

  // -- What is made from the input -----------------------------------------------------------

  /**
   * Take care of something that must not outlive the request, such as the temporary file of an upload: it
   * is disposed of with {@link release}.
   *
   * @added Python's files close themselves when nothing refers to them any more.
   */
  adopt(resource: AsyncDisposable): void {
    this.#adopted.push(resource)
  }
  #adopted: AsyncDisposable[] = []

  /**
   * Dispose of all that was given to {@link adopt}, and forget the {@link signal}. Called after each
   * request, and by {@link close}; undefined if there was nothing: a promise costs.
   *
   * @added See {@link adopt}.
   */
  release(): Promise<void> | undefined {
    this.#departure = undefined
    return this.#adopted.length === 0 ? undefined : this.#releaseAll()
  }

  async #releaseAll(): Promise<void> {
    for (const resource of this.#adopted.splice(0)) {
      await resource[Symbol.asyncDispose]()
    }
  }

  // -- The end -------------------------------------------------------------------------------

  /**
   * Whether {@link close} has been called.
   *
   * @python io.IOBase.closed
   */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * Let go of the input. Unread bytes are lost; what is still to come is left to `closeRequest()`. A read
   * that still waits, because it was not awaited, gets the end of the input.
   *
   * @python io.BufferedReader.close
   */
  close(): void {
    this.#closed = this.#ended = true
    this.#wake()
    this.#depart()
    void this.release()
    this.#source.off('data', this.#onData)
    this.#source.off('end', this.#onEnd)
    this.#source.off('close', this.#onClose)
    this.#source.pause()
  }

  // -- Inside --------------------------------------------------------------------------------

  /** Check a number of bytes, and that they can be read at all. */
  #checkSize(size: number): number {
    if (this.#closed) {
      throw new ValueError('Cannot read: the file is closed')
    }
    if (size === -1) {
      return Infinity
    }
    if (size < 0 || !Number.isInteger(size)) {
      throw new ValueError(`Cannot read ${String(size)} bytes: give a length, or -1 for all`)
    }
    return size
  }

  #take(length: number): Buffer {
    const bytes = this.#queue.take(length)
    this.#advance(length)
    return bytes
  }

  /** Note that bytes have been read, which makes room for others. */
  #advance(length: number): void {
    this.#position += length
    if (this.#departure !== undefined) {
      this.#watch()
    }
  }

  #wake(failure?: Error): void {
    const [resolve, reject] = [this.#resolve, this.#reject]
    clearTimeout(this.#timer)
    this.#news = this.#resolve = this.#reject = this.#timer = undefined
    this.#taking = false
    if (failure === undefined) {
      resolve?.()
    } else {
      reject?.(failure)
    }
  }

  // As fields, so that close() can take them off again: a socket that collects listeners is a classic
  // leak. The one for errors stays, or a late reset would end the process.

  readonly #onData = (chunk: Buffer): void => {
    this.#queue.append(chunk)
    if (this.buffered > this.#highWaterMark) {
      this.#source.pause()
    }
    this.#wake()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    this.#wake()
    this.#depart()
  }

  readonly #onClose = (): void => {
    if (!this.#ended) {
      this.#fail(connectionReset())
    }
  }

  readonly #onError = (error: Error): void => {
    this.#fail(this.#failureOf(error))
  }

  #fail(reason: Error): void {
    this.#failure ??= reason
    this.#wake(this.#failure)
    this.#depart()
  }
}

const NOTHING = Buffer.alloc(0)

function connectionReset(cause?: Error): Error {
  return new ConnectionResetError('Connection reset by peer', { cause })
}
