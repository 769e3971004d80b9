// `timeout` beside Python's: what a client does that keeps the server waiting, and what comes of it
// there and here.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { HANG_LIMIT, patiently } from '../../conformance/patience.ts'
import { captureStderr, readAll, serve } from '../testing/helpers.ts'
import { BaseHTTPRequestHandler } from './base-handler.ts'
import { AsyncHTTPServer } from './server.ts'

const TIMEOUT = patiently(1)
/** More than the buffers on the way can hold. */
const LARGE = 32 * 1024 * 1024

const PYTHON = `
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    timeout = ${String(TIMEOUT)}
    protocol_version = 'HTTP/1.1'
    def version_string(self): return 'x'
    def date_time_string(self, timestamp=None): return 'now'
    def log_date_time_string(self): return 'now'
    def do_GET(self): self.reply(b'got')
    def do_PUT(self): self.reply(self.rfile.read(int(self.headers['Content-Length'])))
    def do_LARGE(self): self.reply(bytes(${String(LARGE)}))
    def reply(self, body):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
`

class Handler extends BaseHTTPRequestHandler {
  override timeout = TIMEOUT
  override protocolVersion = 'HTTP/1.1'

  override versionString() {
    return 'x'
  }
  override dateTimeString() {
    return 'now'
  }
  override logDateTimeString() {
    return 'now'
  }
  do_GET() {
    return this.reply(Buffer.from('got'))
  }
  async do_PUT() {
    await this.reply(await this.rfile.read(Number(this.headers.get('Content-Length'))))
  }
  do_LARGE() {
    return this.reply(Buffer.alloc(LARGE))
  }
  reply(body: Buffer) {
    this.sendResponse(200)
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    return this.wfile.write(body)
  }
}

/** Send pieces, each a moment after the one before; they are done in more than the timeout. */
async function trickle(socket: Socket, text: string): Promise<void> {
  const piece = Math.ceil(text.length / 8)
  for (let at = 0; at < text.length; at += piece) {
    socket.write(text.slice(at, at + piece))
    await sleep((TIMEOUT * 1000) / 7)
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

const DEAF = 'does not read'

/** What a client does; then it waits for the end. */
const CLIENTS: Readonly<Record<string, (socket: Socket) => unknown>> = {
  'says nothing': () => {},
  'stops in the request line': (socket) => socket.write('GET / HT'),
  'stops in the headers': (socket) => socket.write('GET / HTTP/1.1\r\nHost: x\r\nX: '),
  'stops in a body': (socket) =>
    socket.write('PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc'),
  'falls silent after a request': (socket) => socket.write(GET),
  'trickles a head': (socket) => trickle(socket, GET),
  'trickles a body': (socket) =>
    trickle(socket, 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n' + '.'.repeat(99)),
  [DEAF]: (socket) => socket.write('LARGE / HTTP/1.1\r\nHost: x\r\n\r\n'),
}

/** What a server sends, and logs, for each client. The last line tells that time was up. */
async function answers(port: number, log: () => string): Promise<[name: string, answer: string][]> {
  const seen: [string, string][] = []
  for (const [name, behave] of Object.entries(CLIENTS)) {
    const before = log().length
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => {})
    const received = name === DEAF ? '' : readAll(socket)
    await behave(socket)
    while (!/timed out.*\n/.test(log().slice(before))) {
      await sleep(20)
    }
    seen.push([name, (await received) + log().slice(before)])
    socket.destroy()
  }
  return seen
}

function findPython(): string | undefined {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const isRight = 'import sys; sys.exit(0 if sys.version_info[:2] == (3, 13) else 1)'
  let installed: string[] = []
  try {
    installed = readdirSync(versions).map((version) => join(versions, version, 'bin', 'python'))
  } catch {
    // There is no pyenv.
  }
  return ['python3', ...installed].find(
    (path) => spawnSync(path, ['-c', isRight], { timeout: HANG_LIMIT }).status === 0,
  )
}

const python = findPython()
const skip = python === undefined && 'there is no Python 3.13'
t.test('timeout works as Python’s, whatever keeps the server waiting', { skip }, async (t) => {
  const child = spawn(python as string, ['-c', PYTHON])
  t.teardown(() => child.kill('SIGKILL'))
  let theirLog = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    theirLog += text
  })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  const ourLog = captureStderr(t)
  const server = new AsyncHTTPServer(['127.0.0.1', 0], Handler)
  await serve(t, server)

  const [theirs, ours] = await Promise.all([
    answers(Number(port.toString()), () => theirLog),
    answers(server.serverPort, ourLog),
  ])
  t.same(ours, theirs)
  t.equal(theirs[0]?.[1], "127.0.0.1 - - [now] Request timed out: TimeoutError('timed out')\n")
})
