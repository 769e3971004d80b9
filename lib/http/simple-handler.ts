/**
 * Python's `SimpleHTTPRequestHandler`: files and directories over HTTP, with GET and HEAD.
 *
 * ```text
 *   do_GET() -> sendHead() -> translatePath()      /a%20b/?x -> <directory>/a b/
 *                  |--> a directory without its slash: 301
 *                  |--> a directory: an index page, or listDirectory()
 *                  |--> a file: guessType(), then 200, or 304 if the client's copy is good
 *                  '--> anything else: 404
 *   do_GET() -> copyfile()                         the body
 * ```
 *
 * Like Python's, this handler asks the file system synchronously. A file is in the cache nearly
 * always, and then opening, asking and reading a small one in place takes 36 us; the same through
 * Node's thread pool takes 80 to 95 us, and a large one a fifth more CPU. The price is that a slow
 * disk stops the whole server for as long as it takes, piece by piece of 256 KiB; and so does a
 * directory of 100,000 names, a second perhaps.
 *
 * Production: a server whose files lie on a slow disk, or behind a network, reads them in the pool.
 *
 * Security: everything that a client sends is decoded once, then checked, then used. What a path
 * names after that is served if it is a regular file or a directory. A FIFO, a device or a socket
 * is a 404, and is not opened, unless it takes a file's place at that very moment: `openFile()`.
 *
 * Left out: `CGIHTTPRequestHandler`, which Python 3.15 has removed.
 *
 * Read before: `base-handler.ts`. Next: `server.ts`, `cli.ts`.
 *
 * @module
 */

import * as fs from 'node:fs'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StreamWriter } from '../socketserver/stream-writer.ts'
import { sleep0 } from '../stdlib/asyncio.ts'
import { parseDate } from '../stdlib/dates.ts'
import { repr } from '../stdlib/format.ts'
import { escapeHtml } from '../stdlib/html.ts'
import { guessFileType } from '../stdlib/mimetypes.ts'
import { join, normpath, splitext } from '../stdlib/posixpath.ts'
import {
  decodeSurrogatepass,
  encodeSurrogateescape,
  fsdecode,
  fsencode,
} from '../stdlib/surrogates.ts'
import { quote, unquote, unquoteToBytes, urlsplit, urlunsplit } from '../stdlib/urls.ts'
import type { SplitResult } from '../stdlib/urls.ts'
import { BaseHTTPRequestHandler } from './base-handler.ts'
import { HTTPStatus } from './status.ts'

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
  /** Let go of it. Must be called in any case. */
  close(): void
}

/**
 * The types of the extensions that `mimetypes` knows no good type for, as in Python.
 *
 * @python http.server.SimpleHTTPRequestHandler.extensions_map
 */
export const EXTENSIONS_MAP: Readonly<Record<string, string>> = {
  '.gz': 'application/gzip',
  '.Z': 'application/octet-stream',
  '.bz2': 'application/x-bzip2',
  '.xz': 'application/x-xz',
  // Differs: the article prints application/octet-stream. Python 3.13 says text/x-rst.
  '.rst': 'application/octet-stream',
}

/**
 * Serves the files of a directory.
 *
 * Methods that may be overridden:
 * - {@link do_GET}, {@link do_HEAD}, and `do_POST()` or any other that you add
 * - {@link sendHead}, the answer up to its body
 * - {@link translatePath}, from a request's path to a file's
 * - {@link listDirectory}, {@link guessType}, {@link copyfile}
 *
 * Fields that may be overridden:
 * - {@link directory}, {@link indexPages}, {@link followSymlinks}
 * - {@link extensionsMap}, {@link defaultContentType}, {@link extraResponseHeaders}
 *
 * @python http.server.SimpleHTTPRequestHandler
 */
export class SimpleHTTPRequestHandler extends BaseHTTPRequestHandler {
  static {
    Object.assign(this, { module: import.meta.url })
  }

  override serverVersion = 'SimpleHTTP/0.6'

  /**
   * The directory to serve. Empty, and among {@link BaseServer.handlerOptions} also null and
   * undefined: the current directory, whose path {@link setup} puts here. Among them it may be a
   * `file:` URL, too.
   *
   * Differs: to Python, `''` is the current directory for all paths but `/`, for which it is the root
   * of the file system.
   *
   * @python http.server.SimpleHTTPRequestHandler.directory
   */
  directory: string = ''

  /**
   * The files that are served in place of a directory that has one of them; the first counts.
   *
   * @python http.server.SimpleHTTPRequestHandler.index_pages
   */
  indexPages: readonly string[] = ['index.html', 'index.htm']

  /**
   * Whether symbolic links are followed out of {@link directory}, as Python always does. False:
   * what lies outside is a 404.
   *
   * Production: on Linux, what counts is where the file is that has been opened. Elsewhere its path
   * is looked up again after opening, and somebody who may write to the directory and exchanges a
   * link twice, at the right moments, is not noticed.
   *
   * @added Python follows all links.
   */
  followSymlinks = true

  /**
   * Media types by extension, which go before those of `mimetypes`. Looked up as the extension is
   * spelled, then in lower case.
   *
   * @python http.server.SimpleHTTPRequestHandler.extensions_map
   */
  extensionsMap: Readonly<Record<string, string>> = EXTENSIONS_MAP

  /**
   * The media type of a file whose extension says nothing.
   *
   * @python http.server.SimpleHTTPRequestHandler.default_content_type
   */
  defaultContentType: string = 'application/octet-stream'

  /**
   * Headers that are added to every answer with a 200.
   *
   * @python http.server.SimpleHTTPRequestHandler.extra_response_headers
   */
  extraResponseHeaders: readonly (readonly [name: string, value: string])[] = []

  /**
   * The system whose file names are to be reckoned with; tests change it.
   *
   * @added Python looks at `os.name`.
   */
  platform: NodeJS.Platform = process.platform

  /**
   * Check a `directory` among the options of a server, when it is bound.
   *
   * Differs: Python starts, and each request is a 404, or ends its handler.
   *
   * @throws TypeError when it is neither a path nor a `file:` URL, an Error when there is no such
   * directory.
   * @added Python does not check.
   */
  static override checkOptions(options: Readonly<Record<string, unknown>>): void {
    super.checkOptions(options)
    if ('directory' in options) {
      const path = directoryPath(options.directory)
      const reason = whyNotServed(path)
      if (reason !== null) {
        throw new Error(`Cannot serve the directory ${repr(path)}: ${reason}`)
      }
    }
  }

  /**
   * Make {@link directory} a path, then `rfile` and `wfile`.
   *
   * @python http.server.SimpleHTTPRequestHandler.__init__
   */
  override setup(): void | Promise<void> {
    this.directory = directoryPath(this.directory)
    return super.setup()
  }

  /**
   * Serve a GET request.
   *
   * @python http.server.SimpleHTTPRequestHandler.do_GET
   */
  do_GET(): void | Promise<void> {
    const source = this.sendHead()
    return source === null ? undefined : this.#sendBody(source)
  }

  /**
   * Serve a HEAD request.
   *
   * @python http.server.SimpleHTTPRequestHandler.do_HEAD
   */
  do_HEAD(): void | Promise<void> {
    this.sendHead()?.close()
  }

  async #sendBody(source: Source): Promise<void> {
    try {
      await this.copyfile(source, this.wfile)
    } catch (error) {
      // Some files of the kernel's, and those on a broken disk, can be opened and not be read.
      if ((error as NodeJS.ErrnoException).syscall !== 'read') {
        throw error
      }
      this.logError('file cannot be read: %s', (error as Error).message)
      this.closeConnection = true
      return
    } finally {
      source.close()
    }
    if (source.remaining > 0) {
      // The head has promised more than there is; only the end of the connection can say so.
      this.logError('file became shorter while it was sent: %d bytes are missing', source.remaining)
      this.closeConnection = true
    }
  }

  /**
   * Answer a GET or HEAD request up to its body.
   *
   * @returns what is to be sent as the body, and to be closed whether or not it is sent; null if
   * the answer is complete.
   * @python http.server.SimpleHTTPRequestHandler.send_head
   */
  sendHead(): Source | null {
    let path = this.translatePath(this.path)
    let status = this.#stat(path)
    if (status?.isDirectory()) {
      const parts = splitTarget(this.path)
      if (parts === null) {
        this.sendError(HTTPStatus.NOT_FOUND, 'File not found')
        return null
      }
      // A slash may come escaped (gh-134098).
      if (!/(?:\/|%2f)$/i.test(parts.path)) {
        // Without the slash, the links of the page would lead a level too high.
        this.sendResponse(HTTPStatus.MOVED_PERMANENTLY)
        this.sendHeader('Location', withSlash(parts))
        this.sendHeader('Content-Length', '0')
        this.endHeaders()
        return null
      }
      const directory = path
      const index = this.indexPages
        .map((page) => join(directory, page))
        .find((page) => this.#stat(page)?.isFile())
      if (index === undefined) {
        return this.listDirectory(path)
      }
      path = index
      status = this.#stat(path)
    }
    const below = this.followSymlinks ? null : this.directory
    const file = status?.isFile() && !path.endsWith('/') ? openFile(path, below) : null
    if (file === null) {
      this.sendError(HTTPStatus.NOT_FOUND, 'File not found')
      return null
    }
    if (this.#isFresh(file.modified)) {
      file.close()
      this.sendResponse(HTTPStatus.NOT_MODIFIED)
      this.endHeaders()
      return null
    }
    try {
      this.sendResponse(HTTPStatus.OK)
      this.sendHeader('Content-type', this.guessType(path))
      this.sendHeader('Content-Length', file.size)
      if (file.modified >= FIRST_YEAR && file.modified < END_OF_YEARS) {
        this.sendHeader('Last-Modified', this.dateTimeString(file.modified))
      }
      this.#sendExtraHeaders()
      this.endHeaders()
    } catch (error) {
      file.close()
      throw error
    }
    return file
  }

  /** Whether the client's copy of a file is as good as the file. */
  #isFresh(modified: number): boolean {
    // RFC 9110 §13.1.3: a recipient MUST ignore If-Modified-Since beside If-None-Match, also one
    // that does not know the latter, as here.
    const since = this.headers.get('If-Modified-Since')
    if (since === null || this.headers.has('If-None-Match')) {
      return false
    }
    const date = parseDate(since)
    return date !== null && Math.floor(modified) <= date
  }

  #sendExtraHeaders(): void {
    for (const [name, value] of this.extraResponseHeaders) {
      this.sendHeader(name, value)
    }
  }

  /**
   * Answer a request for a directory with a page that lists it. The order is that of the names in
   * lower case, `/` behind a name means a directory, `@` a symbolic link.
   *
   * @param path - the directory
   * @returns the page, or null if the directory cannot be read: a 404, then.
   * @python http.server.SimpleHTTPRequestHandler.list_directory
   */
  listDirectory(path: string): Source | null {
    let entries: (fs.Dirent | fs.Dirent<Buffer>)[]
    try {
      entries = this.followSymlinks ? readDirectory(path) : readDirectoryBelow(path, this.directory)
    } catch {
      this.sendError(HTTPStatus.NOT_FOUND, 'No permission to list directory')
      return null
    }

    const rows = entries
      .map((entry) => {
        const name = typeof entry.name === 'string' ? entry.name : fsdecode(entry.name)
        const isLink = entry.isSymbolicLink()
        const isDirectory = isLink
          ? (this.#stat(join(path, name))?.isDirectory() ?? false)
          : entry.isDirectory()
        return { name, key: name.toLowerCase(), isLink, isDirectory }
      })
      .sort((one, other) => compareCodePoints(one.key, other.key))
      .map(({ name, isLink, isDirectory }) => {
        // A link to a directory is displayed with @, and linked with /.
        const display = isLink ? `${name}@` : isDirectory ? `${name}/` : name
        const href = quote(isDirectory ? `${name}/` : name)
        return `<li><a href="${href}">${escapeHtml(display, false)}</a></li>\n`
      })
    // Neither query nor fragment (gh-133889).
    const title = `Directory listing for ${escapeHtml(decodePath(withoutQuery(this.path)), false)}`
    const page = encodeSurrogateescape(
      '<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n' +
        `<title>${title}</title>\n</head>\n<body>\n<h1>${title}</h1>\n<hr>\n<ul>\n` +
        `${rows.join('')}</ul>\n<hr>\n</body>\n</html>\n`,
    )
    this.sendResponse(HTTPStatus.OK)
    this.sendHeader('Content-type', 'text/html; charset=utf-8')
    this.sendHeader('Content-Length', page.length)
    this.#sendExtraHeaders()
    this.endHeaders()
    return new InMemory(page)
  }

  /**
   * Turn the path of a request into that of a file: the query is dropped, escapes are decoded,
   * `.` and `..` worked out, and what would lead above {@link directory} stays in it.
   *
   * @param path - a request target
   * @returns a path of the file system, with a slash at its end if the request's had one, which may
   * have been escaped (gh-134098).
   * @python http.server.SimpleHTTPRequestHandler.translate_path
   */
  translatePath(path: string): string {
    const decoded = decodePath(withoutQuery(path))
    // normpath() leaves `..` at the start of a path without a slash.
    const words = normpath(decoded)
      .split('/')
      .filter((word) => word !== '' && word !== '.' && word !== '..')
    const result = words.length === 0 ? this.directory : join(this.directory, words.join('/'))
    return decoded.endsWith('/') ? `${result}/` : result
  }

  /**
   * Copy a file to the client. May be overridden, to change what is sent on its way.
   *
   * @returns a promise only if there is more than one read to be waited for.
   * @python http.server.SimpleHTTPRequestHandler.copyfile
   */
  copyfile(source: Source, outputfile: StreamWriter): void | Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(source.size, (copies < 32 ? 256 : 64) * KiB))
    const first = source.read(buffer)
    if (first === source.size) {
      void outputfile.write(buffer)
      return
    }
    return copyOn(first, buffer, source, outputfile)
  }

  /**
   * Guess the media type of a file by its name.
   *
   * @param path - the file
   * @returns a type as for `Content-type`.
   * @python http.server.SimpleHTTPRequestHandler.guess_type
   */
  guessType(path: string): string {
    const extension = splitext(path)[1]
    for (const key of [extension, extension.toLowerCase()]) {
      if (Object.hasOwn(this.extensionsMap, key)) {
        return this.extensionsMap[key] as string
      }
    }
    return guessFileType(path)[0] ?? this.defaultContentType
  }

  /** Look at what a path leads to; null if it leads nowhere, or must not. */
  #stat(path: string): fs.Stats | null {
    if (this.platform === 'win32' && this.#namesDevice(path)) {
      return null
    }
    if (!this.followSymlinks && !isInside(path, this.directory)) {
      return null
    }
    return stat(path)
  }

  /**
   * Security: Windows takes `CON`, `con.txt` and `aux ` for devices in every directory, drops
   * dots and spaces at the end of a name, and reads `x:` and `x::$DATA` as a drive and as a
   * stream. A backslash parts names.
   */
  #namesDevice(path: string): boolean {
    const below = path.startsWith(this.directory) ? path.slice(this.directory.length) : path
    return below
      .split('/')
      .some((word) =>
        /[\\:]|[ .]$|^(?:con|prn|aux|nul|com[0-9\xb9\xb2\xb3]|lpt[0-9\xb9\xb2\xb3]|conin\$|conout\$)[ ]*(?:\.|$)/i.test(
          word,
        ),
      )
  }
}

// -- Paths -----------------------------------------------------------------------------------

/**
 * The path of the directory to serve; Python's `os.fspath()`.
 *
 * @throws TypeError when it is neither a path nor a `file:` URL.
 */
function directoryPath(directory: unknown): string {
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
 * Say why a path cannot be the {@link SimpleHTTPRequestHandler.directory} to serve; null if it can.
 *
 * @internal
 */
export function whyNotServed(path: string): string | null {
  try {
    return fs.statSync(path).isDirectory() ? null : 'it is a file'
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'there is none of that name' : message
  }
}

/** Take a request target apart; null for one whose host cannot be: `http://[/..`. */
function splitTarget(target: string): SplitResult | null {
  try {
    // Security: the slashes that a target begins with have been collapsed, but urlsplit() drops
    // controls in front of it, and `\x01//evil.example` begins with slashes then.
    return urlsplit(target.replace(/^[\0-\x20]+\/+/, '/'))
  } catch {
    return null
  }
}

/** The URL of a directory that was asked for without its slash. */
function withSlash({ scheme, path, query, fragment }: SplitResult): string {
  // Security: a redirect stays on this host. Scheme and host of the target are left out: they may be
  // `http://evil.example/..` or `javascript://x/..`. What is left must not begin with others, as
  // after `https:` or `http://` it may: so it begins with exactly one slash, and backslashes, which
  // browsers read as slashes (gh-132826), are escaped.
  const absolute = `${scheme === '' ? '' : '/'}${path}/`.replace(/^\/+/, '/')
  const here = absolute.replaceAll('\\', '%5C')
  const location = urlunsplit({ scheme: '', netloc: '', path: here, query, fragment })
  // Security: a NUL may come in a target, and must not go into a header.
  return location.replaceAll('\0', '%00')
}

/** A request target up to its query or fragment. A `?` or `#` that belongs to a name comes escaped. */
function withoutQuery(target: string): string {
  return /^[^?#]*/.exec(target)?.[0] ?? ''
}

/**
 * Decode the escapes of a request target, as the name of a file; escapes that make none are
 * decoded as {@link unquote} does it, and so lead to no file.
 */
function decodePath(path: string): string {
  if (!path.includes('%')) {
    return path
  }
  let decoded = ''
  for (const [index, part] of path.split(/((?:%[0-9A-Fa-f]{2})+)/).entries()) {
    const text = index % 2 === 0 ? part : decodeSurrogatepass(unquoteToBytes(part))
    if (text === null) {
      return unquote(path)
    }
    decoded += text
  }
  return decoded
}

function stat(path: string): fs.Stats | null {
  const name = fsencode(path)
  try {
    return name === null ? null : (fs.statSync(name, { throwIfNoEntry: false }) ?? null)
  } catch {
    // A loop of links, a name too long, a file where a directory must be.
    return null
  }
}

/**
 * The entries of a directory: names as text, or, when there is one that is no UTF-8, as bytes.
 *
 * Measured: a Buffer for each name makes a listing take 1.5 times as long, and with 100,000 names,
 * all of them alive at once, twice.
 */
function readDirectory(path: string): (fs.Dirent | fs.Dirent<Buffer>)[] {
  const directory = fsencode(path) ?? ''
  try {
    const entries = fs.readdirSync(directory, { withFileTypes: true })
    if (!entries.some(({ name }) => name.includes('\ufffd'))) {
      return entries
    }
  } catch {
    // Where the file system does not tell types, Node asks for each by its name, and by one that
    // is no UTF-8 finds nothing.
  }
  return fs.readdirSync(directory, { encoding: 'buffer', withFileTypes: true })
}

/** The same for a directory of which it is certain that it lies in another one, or an exception. */
function readDirectoryBelow(path: string, directory: string): (fs.Dirent | fs.Dirent<Buffer>)[] {
  if (process.platform !== 'linux') {
    return readDirectory(path)
  }
  const flags = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY
  const descriptor = fs.openSync(fsencode(path) ?? '', flags)
  try {
    if (!isInside(path, directory, descriptor)) {
      throw new Error(`The directory ${repr(path)} does not lie in ${repr(directory)}`)
    }
    return readDirectory(`${DESCRIPTORS}${String(descriptor)}`)
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Where Linux tells what descriptors lead to. */
const DESCRIPTORS = '/proc/self/fd/'

/**
 * Whether a path, all its links followed, lies in a directory; or rather what has been opened by that
 * path, where the system tells.
 */
function isInside(path: string, directory: string, descriptor?: number): boolean {
  try {
    const real =
      descriptor !== undefined && process.platform === 'linux'
        ? fs.readlinkSync(`${DESCRIPTORS}${String(descriptor)}`, 'latin1')
        : realPath(path)
    const root = realPath(directory)
    // With the slash: /srv-secret begins with /srv, and is not in it.
    return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)
  } catch {
    return false
  }
}

/** A path with all its links followed, a character for each byte. */
function realPath(path: string): string {
  // Security: realpathSync() itself turns bytes into text on the way, and bytes that are no UTF-8
  // into U+FFFD: what it says is then true of another file.
  return fs.realpathSync.native(fsencode(path) ?? '', 'latin1')
}

/** Compare texts by code points, as Python does; JavaScript compares UTF-16 code units. */
function compareCodePoints(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)]
    if (a !== b) {
      return rank(a) - rank(b)
    }
  }
  return one.length - other.length
}

/** The first half of a surrogate pair stands for something above U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xdc00 ? unit + 0x10000 : unit
}

// -- Files -----------------------------------------------------------------------------------

/** Where HTTP's dates begin and end, in seconds: the years 1 to 9999. A file may be of another. */
const FIRST_YEAR = -62135596800
const END_OF_YEARS = 253402300800

const KiB = 1024

/** How many copies are running that take more than one read. */
let copies = 0

/**
 * Python's `shutil.copyfileobj`: one buffer, filled and emptied in turn.
 *
 * The buffer is 256 KiB while few copies run, and 64 KiB when there are many. Measured: with 256 KiB
 * a copy is twice as fast as Node's `createReadStream()`; with 64 KiB it takes a fifth more CPU,
 * with 1 MiB, which the processor's cache does not hold, an eighth.
 *
 * A write must be taken within the timeout. With pieces of this size, that finds out who stands still
 * and not who is slow. (But the kernel tells of room only when a third of its buffer is free, a
 * megabyte perhaps: whoever takes less in that time stands still, as far as we can see.)
 */
async function copyOn(
  first: number | Promise<number>,
  buffer: Buffer,
  source: Source,
  outputfile: StreamWriter,
): Promise<void> {
  copies++
  try {
    for (let count = await first; count > 0; count = await source.read(buffer)) {
      await outputfile.write(buffer.subarray(0, count))
      // A client as fast as we are would else be the only one that is served: nothing here waits.
      await sleep0()
    }
  } finally {
    copies--
  }
}

/** A page that was made in memory; Python's `io.BytesIO`. */
class InMemory implements Source {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get size(): number {
    return this.#bytes.length
  }

  get remaining(): number {
    return this.size - this.#position
  }

  read(buffer: Uint8Array): number {
    const piece = this.#bytes.subarray(this.#position, this.#position + buffer.length)
    buffer.set(piece)
    this.#position += piece.length
    return piece.length
  }

  close(): void {
    // There is nothing to let go of.
  }
}

/**
 * A regular file that is open for reading.
 *
 * Differs: it is never read beyond the size that it had when `Content-Length` was sent, and a file
 * that has become shorter since costs the client the connection, and the log a line.
 */
class OpenFile implements Source {
  readonly size: number
  /** When it was last changed, in seconds since 1970. */
  readonly modified: number
  readonly #descriptor: number
  #position = 0

  constructor(descriptor: number, status: fs.Stats) {
    this.#descriptor = descriptor
    this.size = status.size
    this.modified = status.mtimeMs / 1000
  }

  get remaining(): number {
    return this.size - this.#position
  }

  read(buffer: Uint8Array): number {
    const length = Math.min(buffer.length, this.remaining)
    const count = fs.readSync(this.#descriptor, buffer, 0, length, null)
    this.#position += count
    return count
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }
}

/**
 * Open a file, if it is a regular one.
 *
 * Opening a FIFO would wait for somebody to write into it, and with it the whole server: that is
 * why `O_NONBLOCK`. It is checked again after opening, because the file may be another one by
 * now. Differs: a FIFO hangs Python.
 *
 * @param below - the directory in which it must lie; null if it may lie anywhere
 */
function openFile(path: string, below: string | null): OpenFile | null {
  let descriptor: number
  try {
    // Windows knows no O_NONBLOCK, nor FIFOs; undefined adds no bit.
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
  return new OpenFile(descriptor, status)
}
