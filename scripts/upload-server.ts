/**
 * The server of `uploads.ts`, in a process of its own, whose memory can be measured.
 *
 * It answers a form with what it knows of its first field, and of its own process.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { fstatSync, readdirSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { BaseHTTPRequestHandler, FieldStorage, HTTPServer } from 'basehttp'

/** What the server answers. */
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

class UploadHandler extends BaseHTTPRequestHandler {
  async do_POST(): Promise<void> {
    const { rfile: fp, headers } = this
    const form = await FieldStorage.parse({
      fp,
      headers,
      maxBytes: Infinity,
      maxPartBytes: Infinity,
    })
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

const server = new HTTPServer(['127.0.0.1', 0], UploadHandler)
await server.bindAndActivate()
console.log(`READY ${String(server.serverPort)}`)
await server.serveForever()
