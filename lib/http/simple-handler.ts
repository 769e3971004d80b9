/**
 * Python's `SimpleHTTPRequestHandler`: files and directories over HTTP, with GET and HEAD.
 *
 * ```text
 *   do_GET() -> sendHead() -> translatePath()      /a%20b/?x -> <directory>/a b/
 *                  |--> a directory without its slash: 301
 *                  |--> a directory: an index page, or listDirectory()
 *                  |--> a file: 304 if it isFresh(), or sendFileHead(), a 200
 *                  '--> anything else: 404
 *   do_GET() -> copyfile()                         the body
 * ```
 *
 * Like Python's, this handler uses synchronous file calls (`stdlib/files.ts`). Most files are in the
 * cache; then open, stat and read of a small one take 36 us, against 80 to 95 us through Node's thread
 * pool, which also costs 20 % more CPU for a large one. The price is that a slow disk stops the whole
 * server while each piece of 256 KiB is read; and so does a directory of 100,000 names, a second perhaps.
 *
 * Production: a server whose files lie on a slow disk, or behind a network, reads them in the pool.
 *
 * Security: everything that a client sends is decoded once, then checked, then used. What a path
 * names after that is served if it is a regular file or a directory. A FIFO, a device or a socket
 * is a 404, and is not opened, unless it takes a file's place at that very moment: see `open()`.
 *
 * Left out: `CGIHTTPRequestHandler`, which Python 3.15 has removed.
 *
 * Reading path: 9 of 10. Next: server.ts.
 *
 * @module
 */

import type { Dirent, Stats } from 'node:fs'
import { checkPairs, checkTexts } from '../socketserver/handler-options.ts'
import type { HandlerOptions } from '../socketserver/handler-options.ts'
import type { StreamWriter } from '../socketserver/stream-writer.ts'
import * as files from '../stdlib/files.ts'
import { repr } from '../stdlib/format.ts'
import { guessFileType } from '../stdlib/mimetypes.ts'
import { join, normpath, splitext } from '../stdlib/posixpath.ts'
import { copyfileobj, sourceFrom, sourceOf } from '../stdlib/source.ts'
import type { OpenedFile, Source } from '../stdlib/source.ts'
import { unquotePath } from '../stdlib/urls.ts'
import { BaseHTTPRequestHandler } from './base-handler.ts'
import { withoutOrigin } from './host.ts'
import { listingPage } from './listing-page.ts'
import { isFailedPrecondition, isFreshByDate, lastModified } from './conditions.ts'
import { splitTarget, withoutQuery, withSlash } from './redirects.ts'
import { HTTPStatus } from './status.ts'

/**
 * Serves the files of a directory.
 *
 * Methods that may be overridden:
 * - {@link do_GET}, {@link do_HEAD}, and `do_POST()` or any other that you add
 * - {@link sendHead}, the response up to its body
 * - {@link translatePath}, from a request's path to a file's
 * - {@link isFresh}, {@link sendFileHead}: to add ETags, ranges, compression
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

  // -- The life of a request -----------------------------------------------------------------

  /** Serve a GET request. */
  do_GET(): void | Promise<void> {
    const source = this.sendHead()
    return source === null ? undefined : this.#sendBody(source)
  }

  /** Serve a HEAD request. */
  do_HEAD(): void | Promise<void> {
    this.sendHead()?.close()
  }

  /**
   * Respond to a GET or HEAD request up to the body.
   *
   * @returns what is to be sent as the body, and to be closed whether or not it is sent; null if
   * the response is complete.
   */
  sendHead(): Source | null {
    let path = this.translatePath(this.#target)
    let stats = this.#stat(path)
    if (stats?.isDirectory()) {
      const parts = splitTarget(this.#target)
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
      stats = this.#stat(path)
    }
    const file = stats?.isFile() && !path.endsWith('/') ? files.open(path, this.#below()) : null
    if (file === null) {
      this.sendError(HTTPStatus.NOT_FOUND, 'File not found')
      return null
    }
    // Closes the file as well if it is not sent.
    return sourceFrom(file, () => this.#sendFile(file, path))
  }

  /**
   * The target, without scheme and host: a server of HTTP/1.1 must take those, too (RFC 9112 §3.2.2).
   * Differs: to Python they are a part of the path.
   */
  get #target(): string {
    return this.isHTTP11 ? withoutOrigin(this.path) : this.path
  }

  /** Stat a path; null if it does not exist or may not be served. */
  #stat(path: string): Stats | null {
    const name = path.startsWith(this.directory) ? path.slice(this.directory.length) : path
    if (this.platform === 'win32' && files.isOddOnWindows(name)) {
      return null
    }
    return files.stat(path, this.#below())
  }

  /** The directory in which everything must lie that is served; null if it may lie anywhere. */
  #below(): string | null {
    return this.followSymlinks ? null : this.directory
  }

  #sendFile(file: OpenedFile, path: string): Source | null {
    return this.#isWanted(file.modified, () => this.isFresh(file))
      ? this.sendFileHead(file, path)
      : null
  }

  /** Evaluate the conditions of the request. If they are not met, respond with what follows from them. */
  #isWanted(modified: number | null, isFresh: () => boolean): boolean {
    if (isFailedPrecondition(this.headers, modified, this.isHTTP11)) {
      this.sendError(HTTPStatus.PRECONDITION_FAILED)
      return false
    }
    if (!isFresh()) {
      return true
    }
    this.sendResponse(HTTPStatus.NOT_MODIFIED)
    if (this.isHTTP11) {
      // RFC 9110 §15.4.5: those of the 200 that caches go by MUST come with the 304.
      this.#sendExtraHeaders(FOR_CACHES)
    }
    this.endHeaders()
    return false
  }

  #sendExtraHeaders(names = /^/): void {
    for (const [name, value] of this.extraResponseHeaders) {
      if (names.test(name)) {
        this.sendHeader(name, value)
      }
    }
  }

  async #sendBody(source: Source): Promise<void> {
    try {
      await this.copyfile(source, this.wfile)
    } catch (error) {
      // Some kernel files, and files on a failing disk, can be opened but not read.
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

  // -- Its steps, which may be overridden ----------------------------------------------------

  /**
   * Turn the path of a request into that of a file: the query is dropped, escapes are decoded,
   * `.` and `..` worked out, and what would lead above {@link directory} stays in it.
   *
   * @param path - a request target
   * @returns a path of the file system, with a trailing slash if the request's had one, which may
   * have been escaped (gh-134098).
   */
  translatePath(path: string): string {
    const decoded = unquotePath(withoutQuery(path))
    // normpath() leaves `..` at the start of a path without a slash.
    const words = normpath(decoded)
      .split('/')
      .filter((word) => word !== '' && word !== '.' && word !== '..')
    const result = words.length === 0 ? this.directory : join(this.directory, words.join('/'))
    return decoded.endsWith('/') ? `${result}/` : result
  }

  /**
   * Tell whether the client's copy of a file is still good, which is then a 304. Here, copies are
   * compared by their date.
   *
   * @added Python does it within `send_head()`.
   */
  isFresh(file: OpenedFile): boolean {
    return isFreshByDate(this.headers, file.modified, this.isHTTP11)
  }

  /**
   * Respond with a file that may be served, up to the body. It is closed with what is returned.
   *
   * @returns what is to be sent of it: the file, a part of it, or what {@link sourceOf} makes; null if
   * the response is complete.
   * @added Python does it within `send_head()`.
   */
  sendFileHead(file: OpenedFile, path: string): Source | null {
    const modified = lastModified(file.modified, this.isHTTP11)
    this.sendResponse(HTTPStatus.OK)
    this.sendHeader('Content-type', this.guessType(path))
    this.sendHeader('Content-Length', file.size)
    if (modified !== null) {
      this.sendHeader('Last-Modified', this.dateTimeString(modified))
    }
    this.#sendExtraHeaders()
    this.endHeaders()
    return file
  }

  /**
   * Respond to a request for a directory with a page that lists it. The order is that of the names
   * in lower case; a trailing `/` means a directory, `@` a symbolic link.
   *
   * @param path - the directory
   * @returns the page; null if the response is complete, as when the directory cannot be read: a 404, then.
   */
  listDirectory(path: string): Source | null {
    let entries: Dirent[]
    try {
      entries = files.scandir(path, this.#below())
    } catch {
      this.sendError(HTTPStatus.NOT_FOUND, 'No permission to list directory')
      return null
    }

    // A page has no date. `If-Match` and `If-None-Match: *` are left.
    if (!this.#isWanted(null, () => isFreshByDate(this.headers, null, this.isHTTP11))) {
      return null
    }
    const page = listingPage(
      // Neither query nor fragment (gh-133889).
      unquotePath(withoutQuery(this.#target)),
      entries.map((entry) => {
        const { name } = entry
        const isLink = entry.isSymbolicLink()
        const isDirectory = isLink
          ? (this.#stat(join(path, name))?.isDirectory() ?? false)
          : entry.isDirectory()
        return { name, key: name.toLowerCase(), isLink, isDirectory }
      }),
    )
    this.sendResponse(HTTPStatus.OK)
    this.sendHeader('Content-type', 'text/html; charset=utf-8')
    this.sendHeader('Content-Length', page.length)
    this.#sendExtraHeaders()
    this.endHeaders()
    return sourceOf(page)
  }

  /**
   * Guess the media type of a file by its name.
   *
   * @param path - the file
   * @returns a type as for `Content-type`.
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

  /**
   * Copy a file to the client. May be overridden, to change what is sent, but not its length.
   *
   * @returns a promise only if there is something to wait for.
   */
  copyfile(source: Source, outputfile: StreamWriter): void | Promise<void> {
    return copyfileobj(source, outputfile)
  }

  // -- What is served, and how ---------------------------------------------------------------

  /**
   * The directory to serve. Empty: the current directory, whose path {@link setup} puts here. Among
   * a server's `handlerOptions` it may also be null, the same as empty, or a `file:` URL.
   *
   * Differs: to Python, `''` is the current directory for all paths but `/`, for which it is the root
   * of the file system.
   */
  directory: string = ''

  /** The files that are served in place of a directory that has one of them; the first counts. */
  indexPages: readonly string[] = ['index.html', 'index.htm']

  /**
   * Whether symbolic links are followed out of {@link directory}, as Python always does. False:
   * what lies outside is a 404.
   *
   * Security: on Linux, the place of the opened file itself is checked. Elsewhere its path is looked up
   * again after opening, and somebody who can write to the directory and swaps a link twice, at the right
   * moments, is not noticed.
   *
   * @added Python follows all links.
   */
  followSymlinks = true

  /**
   * Media types by extension, which go before those of `mimetypes`. Looked up as the extension is
   * spelled, then in lower case.
   */
  extensionsMap: Readonly<Record<string, string>> = EXTENSIONS_MAP

  /**
   * The media type of a file whose extension says nothing.
   *
   * @python http.server.SimpleHTTPRequestHandler.default_content_type
   */
  defaultContentType: string = 'application/octet-stream'

  /**
   * Headers that are added to every response with a 200.
   *
   * Differs: in HTTP/1.1, those that caches go by are in a 304, too.
   *
   * @python http.server.SimpleHTTPRequestHandler.extra_response_headers
   */
  extraResponseHeaders: readonly (readonly [name: string, value: string])[] = []

  /**
   * The platform whose file-name rules apply; tests change it.
   *
   * @added Python looks at `os.name`.
   */
  platform: NodeJS.Platform = process.platform

  /**
   * Check {@link directory}, {@link indexPages} and {@link extraResponseHeaders}, as far as they are
   * among the options of a server.
   *
   * Differs: Python starts, and each request is a 404, or ends its handler.
   *
   * @throws TypeError when the directory is neither a path nor a `file:` URL, or the others are not
   * arrays of what they hold; an Error when there is no such directory.
   * @added Python does not check.
   */
  static override checkOptions(options: HandlerOptions): void {
    super.checkOptions(options)
    if ('directory' in options) {
      const path = files.directoryPath(options.directory)
      const problem = files.directoryProblem(path)
      if (problem !== null) {
        throw new Error(`Cannot serve the directory ${repr(path)}: ${problem}`)
      }
    }
    checkTexts(options, 'indexPages', 'an array of names')
    checkPairs(options, 'extraResponseHeaders', "an array of pairs, [['Name', 'value']]")
  }

  /**
   * Turn {@link directory} into a path, and make `rfile` and `wfile`.
   *
   * @python http.server.SimpleHTTPRequestHandler.__init__
   */
  override setup(): void | Promise<void> {
    this.directory = files.directoryPath(this.directory)
    return super.setup()
  }
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
  // Differs: Python 3.13 says text/x-rst. The article on `http.server` in PyMOTW-3, whose output this library
  // reproduces, prints this one.
  '.rst': 'application/octet-stream',
}

/** The fields of a 200 that its 304 has, too. */
const FOR_CACHES = /^(?:Cache-Control|Content-Location|ETag|Expires|Vary)$/i
