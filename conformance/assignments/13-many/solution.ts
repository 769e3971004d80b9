import { createHash } from 'node:crypto'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { BaseHTTPRequestHandler, HTTPServer, parseQsl, ThreadingMixIn } from 'basehttp'

export class Office extends BaseHTTPRequestHandler {
  // Each thread loads the class from there.
  static readonly module = import.meta.url

  override protocolVersion = 'HTTP/1.1'

  /** How many tickets have been drawn. The server sets it to memory that all threads share. */
  drawn = new Int32Array(1)

  async do_GET() {
    const [path, query = ''] = this.path.split('?')
    const until = Number(new Map(parseQsl(query)).get('until') ?? 0)
    if (path === '/') {
      this.sendText('Draw a ticket: POST /tickets\n')
    } else if (path === '/tickets') {
      this.sendText(`${Atomics.load(this.drawn, 0)}\n`)
    } else if (path === '/wait') {
      await this.beginText('waiting\n')
      while (Atomics.load(this.drawn, 0) < until) {
        await setTimeout(10, undefined, { signal: this.signal })
      }
      await this.wfile.write(Buffer.from(`${Atomics.load(this.drawn, 0)}\n`))
    } else if (path === '/search') {
      await this.beginText('searching\n')
      const found = search(() => Atomics.load(this.drawn, 0) >= until)
      await this.wfile.write(Buffer.from(`${found}\n`))
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
    // Adds, and tells what was there before, in one step: no other thread comes in between.
    const number = Atomics.add(this.drawn, 0, 1) + 1
    this.sendText(`${number} ${name.toString()}\n`)
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

class OfficeServer extends ThreadingMixIn(HTTPServer) {}

async function start(app: string, { port }: { port: number }) {
  const server = new OfficeServer(['127.0.0.1', port], Office)
  server.handlerOptions = { drawn: new Int32Array(new SharedArrayBuffer(4)) }
  await server.bindAndActivate()
  // Connections are refused from now on. Those that are being handled end after their response, and
  // nothing is left that keeps the process running.
  process.once('SIGTERM', () => void server.serverClose())
  void server.serveForever()
  return { port: server.serverPort }
}

export default { apps: ['many'], start }
