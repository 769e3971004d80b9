import { randomUUID } from 'node:crypto'
import { createWriteStream, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { FieldStorage, RequestError, SimpleHTTPRequestHandler } from 'basehttp'

/** The most bytes of a body. */
const LIMIT = 1_000_000

export class Upload extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  async do_PUT() {
    this.checkLength()
    const path = this.pathFor(this.path)
    const isNew = whatIs(path) === undefined
    await store(path, this.body)
    this.sendDone(isNew ? 201 : 204)
  }

  async do_POST() {
    this.checkLength()
    const form = await FieldStorage.parse({ fp: this.rfile, headers: this.headers })
    for (const key of form.keys()) {
      for (const { filename, file } of [form.get(key) ?? []].flat()) {
        if (filename) {
          // Only the last part of the name, as browsers send it, and for Windows, too.
          const name = filename.replace(/^.*[/\\]/s, '')
          await store(this.pathFor(`/${encodeURIComponent(name)}`), file)
        }
      }
    }
    this.sendResponse(303)
    this.sendHeader('Location', '/')
    this.sendHeader('Content-Length', 0)
    this.endHeaders()
  }

  do_DELETE() {
    this.sendError(405, undefined, undefined, [['Allow', 'GET, HEAD, PUT, POST']])
  }

  /** Refuse what is too large before it is sent. */
  override handleExpect100() {
    this.checkLength()
    return super.handleExpect100()
  }

  /** A RequestError that nobody catches becomes the response. */
  checkLength() {
    if (Number(this.headers.get('Content-Length') ?? 0) > LIMIT) {
      throw tooLarge()
    }
  }

  /** The path under which a file may be stored. */
  pathFor(target: string): string {
    const path = this.translatePath(target)
    const isFolder = path.endsWith('/') || whatIs(path)?.isDirectory() === true
    if (isFolder || whatIs(dirname(path))?.isDirectory() !== true) {
      throw new RequestError(409, 'Conflict', 'no file can be stored under this name')
    }
    return path
  }

  sendDone(code: number) {
    this.sendResponse(code)
    if (code !== 204) {
      this.sendHeader('Content-Length', 0)
    }
    this.endHeaders()
  }
}

/** Store bytes as a file, which is there as a whole or not at all. */
async function store(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${randomUUID()}`
  try {
    await pipeline(limited(pieces), createWriteStream(temporary))
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Pass pieces on, as long as they are not too many. */
async function* limited(pieces: AsyncIterable<Uint8Array>) {
  let length = 0
  for await (const piece of pieces) {
    length += piece.length
    if (length > LIMIT) {
      throw tooLarge()
    }
    yield piece
  }
}

function tooLarge(): RequestError {
  return new RequestError(413, 'Content Too Large', `a file has at most ${LIMIT} bytes`)
}

function whatIs(path: string) {
  return statSync(path, { throwIfNoEntry: false })
}

export default { upload: Upload }
