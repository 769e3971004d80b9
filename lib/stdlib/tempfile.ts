/**
 * Python's `tempfile.TemporaryFile`: a file without a name, which is gone when it is closed.
 *
 * ```text
 *   make a directory (0700), open a file in it (0600), remove both -> write, read -> close
 * ```
 *
 * On Unix a file lives for as long as somebody has it open, name or no name. So its name is
 * removed before the first byte is written, and nothing is left to be cleaned up: however the
 * process ends, by an exception, a signal or a loss of power, the system frees the disk. Only a
 * process that is killed between opening and removing, in about a millisecond, leaves an empty
 * file.
 *
 * On Windows a file that is removed while it is open goes with its last handle, also when the
 * process is killed. Its directory cannot be removed before; that is tried again at the close,
 * and a killed process leaves it behind, empty.
 *
 * @module
 */

import { mkdtempSync, readSync, rmdirSync, unlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ValueError } from './errors.ts'

/**
 * A file that nobody else can open. What is written goes to its end, and is read from any place.
 *
 * @python tempfile.TemporaryFile
 */
export class TemporaryFile {
  readonly #handle: FileHandle
  /** What could not be removed yet. */
  #directory: string | undefined
  #size = 0
  #closed = false

  private constructor(handle: FileHandle, directory: string) {
    this.#handle = handle
    this.#directory = directory
  }

  /**
   * Make one, in the directory that `TMPDIR` (on Windows `TEMP`) names.
   *
   * @throws what Node throws when that cannot be done, with its `code`.
   */
  static async create(): Promise<TemporaryFile> {
    // Security: nobody else may enter this directory, so the name in it cannot be taken, nor be a
    // link that somebody has laid out.
    const directory = mkdtempSync(join(tmpdir(), 'basehttp-'))
    try {
      const path = join(directory, 'file')
      const handle = await open(path, 'wx+', 0o600)
      try {
        unlinkSync(path)
      } catch (error) {
        await handle.close()
        throw error
      }
      return new TemporaryFile(handle, directory)
    } finally {
      tryRemove(directory)
    }
  }

  /** How many bytes it holds. */
  get size(): number {
    return this.#size
  }

  /**
   * Write bytes to the end. One write at a time.
   *
   * @throws what Node throws when they cannot be written, with its `code`: `ENOSPC`, `EFBIG`.
   */
  async write(data: Uint8Array): Promise<void> {
    // A disk that is nearly full takes a part, and refuses the rest.
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await this.#handle.write(data, done, data.length - done, this.#size)
      this.#size += bytesWritten
      done += bytesWritten
    }
  }

  /**
   * Read so many bytes from a place on; fewer if the file ends first.
   *
   * @throws {@link ValueError} after {@link close}.
   */
  async read(position: number, length: number): Promise<Buffer> {
    this.#checkOpen()
    const bytes = Buffer.allocUnsafeSlow(length)
    let done = 0
    for (let more = 1; done < length && more > 0; done += more) {
      more = (await this.#handle.read(bytes, done, length - done, position + done)).bytesRead
    }
    return bytes.subarray(0, done)
  }

  /**
   * Read as {@link read} does, and let everybody wait for the disk.
   *
   * @throws {@link ValueError} after {@link close}.
   */
  readSync(position: number, length: number): Buffer {
    this.#checkOpen()
    const bytes = Buffer.allocUnsafeSlow(length)
    let done = 0
    for (let more = 1; done < length && more > 0; done += more) {
      more = readSync(this.#handle.fd, bytes, done, length - done, position + done)
    }
    return bytes.subarray(0, done)
  }

  /** Let go of it, once reads and writes that are under way are done: then it is no more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#handle.close()
    if (this.#directory !== undefined) {
      tryRemove(this.#directory)
      this.#directory = undefined
    }
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new ValueError('Cannot read: the file is closed')
    }
  }
}

function tryRemove(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // Not empty, on Windows; or removed already.
  }
}
