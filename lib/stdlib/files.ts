/**
 * Files and directories by name: what Python's `os` and `open()` do for `http.server`.
 *
 * ```text
 *   stat(path)     is there something, and what?     null if not
 *   open(path)     a regular file, for reading       null if it is not one
 *   scandir(path)  the entries of a directory        throws what Node throws
 * ```
 *
 * Outside this file every name is text, even one that is not UTF-8 (see `surrogates.ts`). Only here
 * is it turned into what the system takes, bytes if need be.
 *
 * All three take the directory in which the target must lie after following all links. All three
 * block while they wait for the disk, and with them the whole process.
 *
 * @module
 */

import * as fs from 'node:fs'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { repr } from './format.ts'
import { OpenedFile } from './source.ts'
import { fsdecode, fsencode } from './surrogates.ts'

// -- By name ---------------------------------------------------------------------------------

/**
 * Ask what a path leads to.
 *
 * @param below - the directory in which it must lie; null if it may lie anywhere
 * @returns null if it does not exist, or lies elsewhere.
 * @python os.stat
 */
export function stat(path: string, below: string | null): fs.Stats | null {
  const name = fsencode(path)
  if (name === null || (below !== null && !isInside(path, below))) {
    return null
  }
  try {
    return fs.statSync(name, { throwIfNoEntry: false }) ?? null
  } catch {
    // A loop of links, a name too long, a file where a directory must be.
    return null
  }
}

/**
 * Open a file, if it is a regular one.
 *
 * Opening a FIFO would block the whole server until something writes to it, hence `O_NONBLOCK`. The
 * type is checked after opening, because by then the path may lead to another file. Differs: a FIFO
 * hangs Python.
 *
 * @param below - the directory in which it must lie; null if it may lie anywhere
 * @python builtins.open
 */
export function open(path: string, below: string | null): OpenedFile | null {
  let descriptor: number
  try {
    // Windows has neither O_NONBLOCK nor FIFOs; undefined adds no bit.
    const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK
    descriptor = fs.openSync(fsencode(path) ?? '', flags)
  } catch {
    return null
  }
  const status = fs.fstatSync(descriptor)
  if (!status.isFile() || (below !== null && !isInside(path, below, descriptor))) {
    fs.closeSync(descriptor)
    return null
  }
  return new OpenedFile(descriptor, status)
}

/**
 * Read the entries of a directory, in the order of the disk.
 *
 * @param below - the directory in which it must lie; null if it may lie anywhere
 * @throws what Node throws when it cannot be read; an Error when it lies elsewhere.
 * @python os.scandir
 */
export function scandir(path: string, below: string | null): fs.Dirent[] {
  const name = fsencode(path) ?? ''
  if (below === null || process.platform !== 'linux') {
    return entriesOf(name)
  }
  // An open directory cannot be replaced by another one after the check.
  const descriptor = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  try {
    if (!isInside(path, below, descriptor)) {
      throw new Error(`The directory ${repr(path)} does not lie in ${repr(below)}`)
    }
    return entriesOf(`${DESCRIPTORS}${String(descriptor)}`)
  } finally {
    fs.closeSync(descriptor)
  }
}

/**
 * Measured: with a Buffer for each name, a listing takes 1.5 times as long, and twice as long for
 * 100,000 names, which are all alive at once. So names are read as text, and read again as bytes only
 * if one of them is not UTF-8.
 */
function entriesOf(directory: string | Buffer): fs.Dirent[] {
  try {
    const entries = fs.readdirSync(directory, { withFileTypes: true })
    if (!entries.some(({ name }) => name.includes('\ufffd'))) {
      return entries
    }
  } catch {
    // If the file system does not report types, Node looks up each name, and cannot find one that is
    // not UTF-8.
  }
  return fs
    .readdirSync(directory, { encoding: 'buffer', withFileTypes: true })
    .map((entry) => Object.assign(entry, { name: fsdecode(entry.name) }) as fs.Dirent)
}

/** Where Linux shows what each descriptor refers to. */
const DESCRIPTORS = '/proc/self/fd/'

/**
 * Whether a path lies in a directory once all its links are followed. Where the system allows it,
 * the opened file is checked rather than the path.
 */
function isInside(path: string, directory: string, descriptor?: number): boolean {
  try {
    const real =
      descriptor !== undefined && process.platform === 'linux'
        ? fs.readlinkSync(`${DESCRIPTORS}${String(descriptor)}`, 'latin1')
        : realpath(path)
    const root = realpath(directory)
    // With the slash: /srv-secret begins with /srv but is not in it.
    return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)
  } catch {
    return false
  }
}

/**
 * Follow all links of a path. The result has a character for each byte.
 *
 * Security: plain `realpathSync()` turns bytes that are not UTF-8 into U+FFFD, so its result may be
 * the path of another file.
 */
function realpath(path: string): string {
  return fs.realpathSync.native(fsencode(path) ?? '', 'latin1')
}

// -- About names -----------------------------------------------------------------------------

/**
 * Whether Windows takes a segment of a path for something other than a file of that name.
 *
 * Security: Windows takes `CON`, `con.txt` and `aux ` for devices in every directory, drops dots
 * and spaces at the end of a name, reads `x:` and `x::$DATA` as a drive and as a stream, and treats
 * a backslash as a separator.
 *
 * @param path - segments between slashes, without the drive
 */
export function isOddOnWindows(path: string): boolean {
  return path
    .split('/')
    .some((word) =>
      /[\\:]|[ .]$|^(?:con|prn|aux|nul|com[0-9\xb9\xb2\xb3]|lpt[0-9\xb9\xb2\xb3]|conin\$|conout\$)[ ]*(?:\.|$)/i.test(
        word,
      ),
    )
}

/** Compare texts by code points, as Python does; JavaScript compares UTF-16 code units. */
export function compareCodePoints(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)]
    if (a !== b) {
      return rank(a) - rank(b)
    }
  }
  return one.length - other.length
}

/** The first half of a surrogate pair ranks above U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xdc00 ? unit + 0x10000 : unit
}

// -- The directory to serve ------------------------------------------------------------------

/**
 * Turn the directory to serve, as a program gives it, into a path.
 *
 * @throws TypeError when it is neither a path nor a `file:` URL.
 * @python os.fspath
 */
export function directoryPath(directory: unknown): string {
  if (typeof directory === 'string' && directory !== '') {
    return directory
  }
  if (directory === '' || directory === null || directory === undefined) {
    return process.cwd()
  }
  if (directory instanceof URL && directory.protocol === 'file:') {
    return fileURLToPath(directory)
  }
  const what = directory instanceof URL ? directory.href : repr(directory)
  throw new TypeError(`Cannot serve the directory ${what}: give a path, or a file: URL`)
}

/**
 * Say why a path does not lead to a directory; null if it does.
 *
 * @internal
 */
export function directoryProblem(path: string): string | null {
  try {
    return fs.statSync(path).isDirectory() ? null : 'it is a file'
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'there is none of that name' : message
  }
}
