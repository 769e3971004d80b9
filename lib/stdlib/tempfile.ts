/**
 * Python's `tempfile.TemporaryFile`: a file without a name, which is gone when it is closed.
 *
 * ```text
 *   make a directory (0700), open a file in it (0600), remove both -> write, read -> close
 * ```
 *
 * On Unix a file exists as long as a process has it open, with or without a name. So its name is
 * removed before the first byte is written, and there is nothing to clean up: however the process
 * ends, by an exception, a signal or a power failure, the system frees the disk space. Only a process
 * that is killed between opening and removing, within about a millisecond, leaves an empty file.
 *
 * On Windows a file that is removed while it is open disappears with its last handle, even when the
 * process is killed. Its directory cannot be removed before that; `close()` tries again, and a killed
 * process leaves the directory behind, empty.
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
 * A file that no other process can open. It is written at its end, and read anywhere.
 *
 * @python tempfile.TemporaryFile
 */
export class TemporaryFile {
  readonly #handle: FileHandle
  /** The directory, if it could not be removed yet. */
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
    // Security: no other user can enter this directory, so nobody can have created a file or planted
    // a link of that name.
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
    // A nearly full disk accepts a part, and refuses the rest.
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await this.#handle.write(data, done, data.length - done, this.#size)
      this.#size += bytesWritten
      done += bytesWritten
    }
  }

  /**
   * Read so many bytes from a position; fewer if the file ends first.
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
   * Read like {@link read}, but block the whole process meanwhile.
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

  /** Close it after pending reads and writes; the system then frees it. */
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
