/**
 * The server of `uploads.ts` and `upload-limits.ts`, in a process of its own, whose memory and
 * descriptors can be measured.
 *
 * It responds to a form with a description of its first field, and of its own process. The query of
 * the request sets the limits: `/?maxFiles=1`. The argument says what kind of server it is; with
 * one, it closes when its standard input ends, and the process ends if nothing is left in it.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { fstatSync, readdirSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { AsyncHTTPServer, BaseHTTPRequestHandler, FieldStorage, ForkingMixIn } from 'basehttp'
import { HTTPServer, isMain, parseQsl, ThreadingHTTPServer, urlsplit } from 'basehttp'

/** The server's response. */
export interface UploadReport {
  readonly size: number
  readonly sha256: string
  /** The sizes of the open files whose names are gone; undefined where the system does not tell. */
  readonly unnamed: number[] | undefined
  /** What is in the directory for temporary files. */
  readonly named: string[]
  /** The most memory that has been resident so far, in bytes. */
  readonly peak: number
}

/** Reads a form and describes it. */
export class UploadHandler extends BaseHTTPRequestHandler {
  static readonly module = import.meta.url

  async do_POST(): Promise<void> {
    const { rfile: fp, headers } = this
    const query = Object.fromEntries(parseQsl(urlsplit(this.path).query))
    const { directory, ...limits } = query
    const before = process.env.TMPDIR
    if (directory !== undefined) {
      process.env.TMPDIR = directory
    }
    let form
    try {
      form = await FieldStorage.parse({
        fp,
        headers,
        maxBytes: Infinity,
        maxPartBytes: Infinity,
        ...Object.fromEntries(Object.entries(limits).map(([name, text]) => [name, Number(text)])),
      })
    } finally {
      if (directory !== undefined) {
        process.env.TMPDIR = before
      }
    }
    const hash = createHash('sha256')
    let size = 0
    for await (const piece of form.list[0]?.file ?? []) {
      hash.update(piece)
      size += piece.length
    }
    this.reply({ size, sha256: hash.digest('hex') })
  }

  do_GET(): void {
    this.reply({ size: 0, sha256: '' })
  }

  reply(seen: Pick<UploadReport, 'size' | 'sha256'>): void {
    const report: UploadReport = {
      ...seen,
      unnamed: unnamedFiles(),
      named: readdirSync(tmpdir()),
      peak: process.resourceUsage().maxRSS * 1024,
    }
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'application/json')
    this.endHeaders()
    void this.wfile.write(Buffer.from(JSON.stringify(report)))
  }
}

function unnamedFiles(): number[] | undefined {
  if (process.platform !== 'linux') {
    return undefined
  }
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const deleted = readlinkSync(`/proc/self/fd/${fd}`).endsWith(' (deleted)')
      return deleted ? [fstatSync(Number(fd)).size] : []
    } catch {
      // The one with which the directory is read.
      return []
    }
  })
}

class ForkingHTTPServer extends ForkingMixIn(HTTPServer) {}

const SERVERS = {
  plain: HTTPServer,
  tasks: AsyncHTTPServer,
  threads: ThreadingHTTPServer,
  forks: ForkingHTTPServer,
}

/** The kinds of server: one connection at a time; a task, a thread, a process for each. */
export type Kind = keyof typeof SERVERS
/** Their names. */
export const KINDS = Object.keys(SERVERS) as Kind[]

if (isMain(import.meta)) {
  const kind = (process.argv[2] ?? 'plain') as Kind
  const server = new SERVERS[kind](['127.0.0.1', 0], UploadHandler)
  await server.bindAndActivate()
  console.log(`port ${String(server.serverPort)}`)
  if (process.argv[2] !== undefined) {
    process.stdin.resume().on('end', () => void server.shutdown())
  }
  await server.serveForever()
  await server.serverClose()
}
