/**
 * `node:stream` and `node:events` in a browser: as much of them as the library and the judge use.
 *
 * @module
 */

type Listener = (...args: never[]) => unknown

/** Node's `EventEmitter`. */
export class EventEmitter {
  readonly #listeners = new Map<string, Listener[]>()

  on(name: string, listener: Listener): this {
    this.#listeners.set(name, [...this.#of(name), listener])
    return this
  }

  once(name: string, listener: Listener): this {
    const once = (...args: never[]) => {
      this.off(name, once)
      listener(...args)
    }
    return this.on(name, once)
  }

  off(name: string, listener: Listener): this {
    this.#listeners.set(
      name,
      this.#of(name).filter((other) => other !== listener),
    )
    return this
  }

  emit(name: string, ...args: unknown[]): boolean {
    const listeners = this.#of(name)
    for (const listener of listeners) {
      listener(...(args as never[]))
    }
    return listeners.length > 0
  }

  listenerCount(name: string, listener?: Listener): number {
    return this.#of(name).filter((other) => listener === undefined || other === listener).length
  }

  #of(name: string): Listener[] {
    return this.#listeners.get(name) ?? []
  }
}

/** Wait for an event. */
export function once(emitter: EventEmitter, name: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    emitter.once(name, (...args) => {
      resolve(args)
    })
    emitter.once('error', reject)
  })
}

type Done = (error?: Error | null) => void

interface StreamOptions {
  highWaterMark?: number
  read?(this: Duplex): void
  write?(chunk: Uint8Array, encoding: string, done: Done): void
  final?(done: Done): void
}

/** A stream that can be read and written; those that do one of the two are the same class here. */
export class Duplex extends EventEmitter {
  readonly #options: StreamOptions

  constructor(options: StreamOptions = {}) {
    super()
    this.#options = options
  }

  destroyed = false
  errored: Error | null = null

  // -- Reading -------------------------------------------------------------------------------

  readableEnded = false
  /** How many bytes have come and have not been read. */
  readableLength = 0
  /** Null until somebody has said whether it shall flow. */
  #flowing: boolean | null = null
  #pieces: Uint8Array[] = []
  #lastCame = false
  #reading = false
  #scheduled = false

  override on(name: string, listener: Listener): this {
    super.on(name, listener)
    if (name === 'data' && this.#flowing === null) {
      this.resume()
    }
    return this
  }

  resume(): this {
    this.#flowing = true
    this.#schedule()
    return this
  }

  pause(): this {
    this.#flowing = false
    return this
  }

  /** Bytes have come, or with null the end. */
  push(piece: Uint8Array | null): void {
    this.#reading = false
    if (piece === null) {
      this.#lastCame = true
    } else {
      this.#pieces.push(piece)
      this.readableLength += piece.length
    }
    this.#schedule()
  }

  /** To be overridden by a stream that asks for its bytes. */
  _read(): void {
    this.#options.read?.call(this)
  }

  #schedule(): void {
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => {
        this.#scheduled = false
        this.#flow()
      })
    }
  }

  #flow(): void {
    while (this.#flowing === true && !this.destroyed) {
      const piece = this.#pieces.shift()
      if (piece !== undefined) {
        this.readableLength -= piece.length
        this.emit('data', piece)
      } else if (!this.#lastCame) {
        if (!this.#reading) {
          this.#reading = true
          this._read()
        }
        return
      } else if (this.readableEnded) {
        return
      } else {
        this.readableEnded = true
        this.emit('end')
        this.#endIfOver()
      }
    }
  }

  // -- Writing -------------------------------------------------------------------------------

  writableEnded = false
  writableFinished = false
  writableLength = 0
  readonly #writes: { data: Uint8Array; done: Done }[] = []
  #writing = false

  get #most(): number {
    return this.#options.highWaterMark ?? 16 * 1024
  }

  get writableNeedDrain(): boolean {
    return this.writableLength >= this.#most
  }

  write(data: Uint8Array, done: Done = () => {}): boolean {
    if (this.destroyed || this.writableEnded) {
      done(this.errored ?? new Error('Cannot write: the stream has ended'))
      return false
    }
    this.#writes.push({ data, done })
    this.writableLength += data.length
    this.#writeNext()
    return !this.writableNeedDrain
  }

  /** Pieces are not put together here. */
  cork(): void {}
  uncork(): void {}

  end(done?: Done): this {
    if (done !== undefined) {
      this.once('finish', done)
    }
    this.writableEnded = true
    this.#writeNext()
    return this
  }

  /** To be overridden by a stream that takes bytes. */
  _write(data: Uint8Array, done: Done): void {
    if (this.#options.write === undefined) {
      done()
    } else {
      this.#options.write(data, 'buffer', done)
    }
  }

  /** To be overridden by a stream that has something to do when all has been written. */
  _final(done: Done): void {
    if (this.#options.final === undefined) {
      done()
    } else {
      this.#options.final(done)
    }
  }

  #writeNext(): void {
    if (this.#writing || this.destroyed) {
      return
    }
    const next = this.#writes.shift()
    if (next === undefined && (!this.writableEnded || this.writableFinished)) {
      return
    }
    this.#writing = true
    const over = (error?: Error | null) => {
      this.#writing = false
      if (error != null) {
        this.destroy(error)
      } else if (next === undefined) {
        this.writableFinished = true
        this.emit('finish')
        this.#endIfOver()
      } else {
        const needed = this.writableNeedDrain
        this.writableLength -= next.data.length
        if (needed && this.writableLength < this.#most) {
          this.emit('drain')
        }
        this.#writeNext()
      }
      next?.done(error)
    }
    if (next === undefined) {
      this._final(over)
    } else {
      this._write(next.data, over)
    }
  }

  // -- The end -------------------------------------------------------------------------------

  /** A stream that has ended in both directions destroys itself. */
  #endIfOver(): void {
    if (this.readableEnded && this.writableFinished) {
      this.destroy()
    }
  }

  destroy(error?: Error): this {
    if (this.destroyed) {
      return this
    }
    this.destroyed = true
    this.errored = error ?? null
    this._destroy()
    setImmediate(() => {
      for (const { done } of this.#writes.splice(0)) {
        done(error ?? new Error('Cannot write: the stream was destroyed'))
      }
      if (error !== undefined) {
        this.emit('error', error)
      }
      this.emit('close')
    })
    return this
  }

  /** To be overridden by a stream that has something to let go of. */
  _destroy(): void {}
}

export { Duplex as Readable, Duplex as Writable }
