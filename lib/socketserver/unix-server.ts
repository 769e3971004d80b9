/**
 * Python's `UnixStreamServer`: a server on a Unix socket, whose address is the path of a file.
 *
 * All that differs from `tcp-server.ts` is the file: whether its path can be one, what stands in
 * its way, and when it is removed.
 *
 * Read before: `tcp-server.ts`.
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, lstatSync, renameSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { connect } from 'node:net'
import type { ListenOptions } from 'node:net'
import { dirname } from 'node:path'
import { repr } from '../stdlib/format.ts'
import type { Address } from './request-handler.ts'
import { TCPServer } from './tcp-server.ts'

/**
 * A server on a Unix stream socket. Its address is a path.
 *
 * Differs: the file is removed when the server is closed, unless another server has put its own
 * there; Python leaves it.
 *
 * @python socketserver.UnixStreamServer
 */
export class UnixStreamServer extends TCPServer<string> {
  /** The socket file, as far as one can tell it from another of the same name. */
  #file: Stats | undefined

  /**
   * Make the socket file and listen on it.
   *
   * @throws an error that says so when the path is empty or too long, when its directory is missing,
   * or when the file exists already, and whether a server is behind it; with Node's error, if there
   * was one, as its `cause`.
   * @python socketserver.TCPServer.server_bind
   */
  override async serverBind(): Promise<void> {
    const path = this.serverAddress
    const fault = faultOf(path)
    if (fault !== undefined) {
      throw new Error(`Cannot listen on ${repr(path)}: ${fault}`)
    }
    try {
      await super.serverBind()
    } catch (error) {
      const reason = await reasonOf(error as NodeJS.ErrnoException, path)
      if (reason !== undefined) {
        throw new Error(`Cannot listen on ${repr(path)}: ${reason}`, { cause: error })
      }
      throw error
    }
    // A pipe of Windows is no file, nor is an abstract socket of Linux.
    this.#file = await lstat(path).catch(() => undefined)
  }

  /**
   * As any server is closed, and the socket file removed, if it is still this server's.
   *
   * @python socketserver.TCPServer.server_close
   */
  override serverClose(): Promise<void> {
    const path = this.serverAddress
    // libuv removes what has this name, whoever made it: a server that was started to succeed this
    // one could not be reached any more. So its file is elsewhere for the moment.
    const spare = `${path}.${randomUUID()}`
    const succeeded = this.#file !== undefined && this.socket.listening && !isAt(path, this.#file)
    const moved = succeeded && tryRename(path, spare)
    const closed = super.serverClose()
    if (moved) {
      tryRename(spare, path)
    }
    return closed
  }

  override listenOptions(): Promise<ListenOptions> {
    return Promise.resolve({ path: this.serverAddress })
  }

  override clientAddressOf(): Address {
    return ''
  }
}

/** How many bytes of a path the kernel takes; the NUL behind them not counted. */
const MAX_PATH = process.platform === 'win32' ? Infinity : process.platform === 'linux' ? 107 : 103

/** Say why a path cannot be that of a socket; undefined if it can. */
function faultOf(path: unknown): string | undefined {
  if (typeof path !== 'string') {
    return 'the address of a Unix socket is a path, as text'
  }
  const length = Buffer.byteLength(path)
  if (length === 0) {
    return 'a socket needs a path'
  }
  // A longer one would be cut off, by Node 20 without a word.
  if (length > MAX_PATH) {
    return `the path of a socket has ${String(MAX_PATH)} bytes at most, and this one ${String(length)}`
  }
  // The first byte of an abstract socket of Linux is a NUL; any other one ends the path.
  return path.includes('\0', 1) ? 'there is a NUL in the path' : undefined
}

/** Rename a file. Where that is forbidden, so is removing it. */
function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch {
    return false
  }
}

/** Whether there is nothing at a path, or the file that was there before. */
function isAt(path: string, file: Stats): boolean {
  const now = lstatSync(path, { throwIfNoEntry: false })
  return now === undefined || (now.ino === file.ino && now.dev === file.dev)
}

/** Say in words why a path cannot be listened on; undefined where Node has said it well enough. */
async function reasonOf(
  { code }: NodeJS.ErrnoException,
  path: string,
): Promise<string | undefined> {
  if (code === 'EADDRINUSE') {
    return whatIsThere(path)
  }
  // libuv says EACCES also where there is no such directory.
  const directory = dirname(path)
  return code === 'EACCES' && !existsSync(directory)
    ? `there is no directory ${repr(directory)}`
    : undefined
}

/** Say what is at a path that cannot be taken. */
async function whatIsThere(path: string): Promise<string> {
  if (!(await lstat(path)).isSocket()) {
    return 'there is a file of that name, and it is no socket'
  }
  const probe = connect(path)
  try {
    await once(probe, 'connect')
    return 'another server is listening there'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
      ? 'the file is left over from a server that is gone; remove it first'
      : `there is a socket, and it cannot be asked whose it is (${(error as Error).message})`
  } finally {
    probe.destroy()
  }
}
