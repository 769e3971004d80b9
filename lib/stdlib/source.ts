/**
 * What is sent as the body of a response: an opened file, a part of one, or bytes in memory.
 *
 * ```text
 *   sendFileHead(file, path) returns
 *     file                     all of it
 *     file.slice(10, 19)       ten bytes of it, to which a seek in a video leads
 *     sourceOf(gzipped)        something made of it
 *     null                     nothing: the response is complete
 * ```
 *
 * In Python, all of these are file objects.
 *
 * @module
 */

import * as fs from 'node:fs'
import { sleep0 } from './asyncio.ts'

// -- Sources ---------------------------------------------------------------------------------

/**
 * What {@link SimpleHTTPRequestHandler.sendHead} returns to be sent: in Python, an open file.
 */
export interface Source {
  /** How many bytes there are, as `Content-Length` has said. */
  readonly size: number
  /** How many of them have not been read yet. */
  readonly remaining: number
  /**
   * Read the next bytes into a buffer.
   *
   * @returns how many; 0 when there are no more.
   */
  read(buffer: Uint8Array): number | Promise<number>
  /** Release it. Must be called in any case. */
  close(): void
}

/**
 * Make a source of bytes in memory.
 *
 * @python io.BytesIO
 */
export function sourceOf(bytes: Uint8Array): Source {
  return new Part(bytes.length, (position, buffer) => {
    const piece = bytes.subarray(position, position + buffer.length)
    buffer.set(piece)
    return piece.length
  })
}

type ReadAt = (position: number, buffer: Uint8Array) => number

/** What can be read from any place on, from its beginning to its end. */
class Part implements Source {
  readonly size: number
  readonly #readAt: ReadAt
  #position = 0

  constructor(size: number, readAt: ReadAt) {
    this.size = size
    this.#readAt = readAt
  }

  get remaining(): number {
    return this.size - this.#position
  }

  read(buffer: Uint8Array): number {
    const count = this.#readAt(this.#position, buffer.subarray(0, this.remaining))
    this.#position += count
    return count
  }

  close(): void {
    // There is nothing to release.
  }
}

/**
 * A regular file that is open for reading, and has passed every check: that it is one, and where it
 * lies.
 *
 * Differs: it is never read beyond the size that it had when it was opened, which `Content-Length`
 * has promised. If the file has become shorter since, the connection is closed and the log says so.
 *
 * @python io.FileIO
 */
export class OpenedFile implements Source {
  /**
   * How many bytes it had when it was opened.
   *
   * @added In Python, `os.fstat()` tells.
   */
  readonly size: number
  /**
   * When it was last modified, in seconds since 1970.
   *
   * @added In Python, `os.fstat()` tells.
   */
  readonly modified: number
  readonly #all: Part
  #descriptor: number | null

  /** @internal */
  constructor(descriptor: number, status: fs.Stats) {
    this.size = status.size
    this.modified = status.mtimeMs / 1000
    this.#descriptor = descriptor
    this.#all = this.#part(0, status.size)
  }

  /**
   * How many bytes {@link read} has not read yet.
   *
   * @added Python reads until nothing more comes.
   */
  get remaining(): number {
    return this.#all.remaining
  }

  /**
   * Read the next bytes into a buffer.
   *
   * @returns how many: as many as fit, unless the file has become shorter.
   * @python io.RawIOBase.readinto
   */
  read(buffer: Uint8Array): number {
    return this.#all.read(buffer)
  }

  /**
   * Take a part of the file, to be sent instead of all of it. It can be read as long as the file is
   * open.
   *
   * @param first - the position of its first byte, from 0
   * @param last - the position of its last byte, as in `Content-Range`
   * @throws `RangeError` when the file has no such part.
   * @added In Python, `file.seek(first)`, and then no more than so many bytes.
   */
  slice(first: number, last: number): Source {
    if (!(first >= 0 && first <= last && last < this.size)) {
      throw new RangeError(
        `Cannot take the bytes ${String(first)} to ${String(last)} of a file of ${String(this.size)}`,
      )
    }
    return this.#part(first, last - first + 1)
  }

  #part(first: number, size: number): Part {
    return new Part(size, (position, buffer) => {
      if (this.#descriptor === null) {
        throw new Error('Cannot read from a file that is closed')
      }
      // With a position, since parts of the file may be read in turn.
      return fs.readSync(this.#descriptor, buffer, 0, buffer.length, first + position)
    })
  }

  /**
   * Close it; a second time does nothing, since the descriptor may be another file's by then.
   *
   * @python io.IOBase.close
   */
  close(): void {
    if (this.#descriptor !== null) {
      const descriptor = this.#descriptor
      this.#descriptor = null
      fs.closeSync(descriptor)
    }
  }
}

/**
 * Make what is sent of an opened file. The file is closed together with that, or at once if nothing is
 * sent, so that whoever makes it cannot leave it open.
 */
export function sourceFrom(file: OpenedFile, make: () => Source | null): Source | null {
  let source: Source | null = null
  try {
    source = make()
  } finally {
    if (source === null) {
      file.close()
    }
  }
  return source === null || source === file ? source : new Lent(source, file)
}

/** A source that closes the file that it was made of. */
class Lent implements Source {
  readonly #source: Source
  readonly #file: OpenedFile

  constructor(source: Source, file: OpenedFile) {
    this.#source = source
    this.#file = file
  }

  get size(): number {
    return this.#source.size
  }

  get remaining(): number {
    return this.#source.remaining
  }

  read(buffer: Uint8Array): number | Promise<number> {
    return this.#source.read(buffer)
  }

  close(): void {
    try {
      this.#source.close()
    } finally {
      this.#file.close()
    }
  }
}

// -- Copying ---------------------------------------------------------------------------------

const KiB = 1024

/** How many copies are running that take more than one read. */
let copies = 0

/**
 * Copy what is left of a source, through a single buffer that is reused.
 *
 * The buffer is 256 KiB while few copies run, and 64 KiB when there are many. Measured: with 256 KiB
 * a copy is twice as fast as Node's `createReadStream()`; with 64 KiB it takes a fifth more CPU,
 * with 1 MiB, which the processor's cache does not hold, an eighth.
 *
 * Each write must be accepted within the timeout. With pieces of this size, that detects clients that
 * have stopped, not slow ones. (But the kernel reports room only when a third of its buffer is free,
 * perhaps a megabyte: a client that reads less in that time looks as if it had stopped.)
 *
 * @returns a promise only if one read is not enough.
 * @python shutil.copyfileobj
 */
export function copyfileobj(source: Source, output: Output): void | Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(source.size, (copies < 32 ? 256 : 64) * KiB))
  const first = source.read(buffer)
  if (first === source.size) {
    void output.write(buffer)
    return
  }
  return copyOn(first, buffer, source, output)
}

/** Where a copy goes: `wfile`. */
interface Output {
  write(data: Uint8Array): Promise<void>
}

async function copyOn(
  first: number | Promise<number>,
  buffer: Buffer,
  source: Source,
  output: Output,
): Promise<void> {
  copies++
  try {
    for (let count = await first; count > 0; count = await source.read(buffer)) {
      await output.write(buffer.subarray(0, count))
      // Without this, a client that reads as fast as we write would starve the others: nothing here
      // ever waits.
      await sleep0()
    }
  } finally {
    copies--
  }
}
