import { createHash } from 'node:crypto'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { BaseHTTPRequestHandler, HTTPServer, parseQsl } from 'basehttp'

/** How many tickets have been drawn. */
let drawn = 0

export class Office extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  async do_GET() {
    const [path, query = ''] = this.path.split('?')
    const until = Number(new Map(parseQsl(query)).get('until') ?? 0)
    if (path === '/') {
      this.sendText('Draw a ticket: POST /tickets\n')
    } else if (path === '/tickets') {
      this.sendText(`${drawn}\n`)
    } else if (path === '/wait') {
      await this.beginText('waiting\n')
      while (drawn < until) {
        await setTimeout(10, undefined, { signal: this.signal })
      }
      await this.wfile.write(Buffer.from(`${drawn}\n`))
    } else if (path === '/search') {
      await this.beginText('searching\n')
      await this.wfile.write(Buffer.from(`${search(() => drawn >= until)}\n`))
    } else {
      this.sendError(404)
    }
  }

  async do_POST() {
    if (this.path !== '/tickets') {
      this.sendError(404)
      return
    }
    const name = await this.rfile.read(Number(this.headers.get('Content-Length') ?? 0))
    drawn++
    this.sendText(`${drawn} ${name.toString()}\n`)
  }

  sendText(text: string) {
    const body = Buffer.from(text)
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    this.wfile.write(body)
  }

  /** Send the head and the first line of a response; the rest follows when it is known. */
  async beginText(text: string) {
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.endHeadersChunked()
    this.wfile.write(Buffer.from(text))
    // What has been written leaves when the thread has nothing else to do, so not while it computes.
    await setImmediate()
  }
}

/** Look for the number with the smallest hash, until it is over. It computes, and does not wait. */
function search(isOver: () => boolean): string {
  let best = hashOf(0)
  for (let n = 1; !isOver(); n++) {
    const next = hashOf(n)
    best = next.hash < best.hash ? next : best
  }
  return `${best.n} ${best.hash}`
}

function hashOf(n: number) {
  return { n, hash: createHash('sha256').update(`${n}`).digest('hex') }
}

async function start(app: string, { port }: { port: number }) {
  const server = new HTTPServer(['127.0.0.1', port], Office)
  await server.bindAndActivate()
  void server.serveForever()
  return { port: server.serverPort }
}

export default { apps: ['many'], start }
