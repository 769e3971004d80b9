// 10 MiB in chunks, as the programs send them that people use, to each kind of server: what arrives is
// what was sent, to the byte.
//
//   curl -T -, undici, http.client, curl through nginx  -->  a form, to the article's program
//                                                       -->  any bytes, to a method that reads the body

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { AsyncHTTPServer, ForkingMixIn, HTTPServer, ThreadingHTTPServer } from 'basehttp'
import t from 'tap'
import { request } from 'undici'
import { isInstalled, nginx, startFrontEnd } from '../../conformance/attacks/front-ends.ts'
import type { FrontEnd } from '../../conformance/attacks/front-ends.ts'
import { HANG_LIMIT } from '../../conformance/patience.ts'
import { findPython } from '../../conformance/targets/python.ts'
import { UploadHandler } from './article-uploads.ts'

t.setTimeout(20 * HANG_LIMIT)

const MiB = 1024 * 1024
const SIZE = 10 * MiB

// -- What is sent ----------------------------------------------------------------------------

/** Bytes that are different everywhere; among them what ends a chunk, a body, a part, and a head. */
const FILE = Buffer.alloc(SIZE, '\r\n0\r\n\r\n--boundary\0\xff 5\r\nhello\r\n', 'latin1')
for (let at = 0; at < SIZE; at += 1000) {
  FILE.writeUInt32BE(at, at)
}

const FORM = Buffer.concat([
  Buffer.from(
    '--the-boundary\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n',
  ),
  FILE,
  Buffer.from('\r\n--the-boundary--\r\n'),
])

const SHA256 = createHash('sha256').update(FILE).digest('hex')

/** Sent by each client; a method that reads the body does not care. */
const TYPE = 'multipart/form-data; boundary=the-boundary'

/** Cut into pieces: of a few bytes, of some thousand, and of up to 200 KiB. */
function* piecesOf(body: Buffer): Generator<Buffer> {
  for (let at = 0, count = 0; at < body.length; count++) {
    const size = [1, 17, 1000, 65_536, 200_000][count % 5] as number
    yield body.subarray(at, (at += size))
  }
}

// -- Those who send it -----------------------------------------------------------------------

type Method = 'POST' | 'PUT'

/** A client: how it sends a body in chunks to a port, and what it gets. */
interface Client {
  readonly name: string
  /** What is not on this machine; false if all is there. */
  readonly lacking: string | false
  readonly send: (method: Method, body: Buffer, port: number) => Promise<string>
}

/** Run a program that sends its standard input, and prints the body of the response. */
async function run(command: string, args: readonly string[], body: Buffer): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: HANG_LIMIT })
  // A server that refuses it shows in what is printed.
  child.stdin.on('error', () => {})
  Readable.from(piecesOf(body)).pipe(child.stdin)
  let output = ''
  for await (const text of child.stdout.setEncoding('latin1')) {
    output += String(text)
  }
  return output
}

function curl(method: Method, body: Buffer, port: number): Promise<string> {
  const headers = ['Transfer-Encoding: chunked', `Content-Type: ${TYPE}`]
  const flags = ['-sS', '-X', method, '-T', '-', ...headers.flatMap((field) => ['-H', field])]
  return run('curl', [...flags, `http://127.0.0.1:${String(port)}/`], body)
}

const HTTP_CLIENT = `
import http.client, sys
method, port, content_type = sys.argv[1:]
pieces = iter(lambda: sys.stdin.buffer.read(50000), b'')
connection = http.client.HTTPConnection('127.0.0.1', int(port))
connection.request(method, '/', pieces, {'Content-Type': content_type})
sys.stdout.buffer.write(connection.getresponse().read())
`

const python = findPython('python3')
const hasCurl = spawnSync('curl', ['--version']).error === undefined
const lacksCurl = !hasCurl && 'this machine has no curl'

const NGINX: FrontEnd = {
  name: 'nginx',
  program: 'nginx',
  configuration: nginx('proxy_request_buffering off; client_max_body_size 0;'),
}

const folder = mkdtempSync(join(tmpdir(), 'basehttp-uploads-'))
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

const CLIENTS: readonly Client[] = [
  { name: 'curl', lacking: lacksCurl, send: curl },
  {
    name: 'undici with a stream',
    lacking: false,
    async send(method, body, port) {
      const response = await request(`http://127.0.0.1:${String(port)}/`, {
        method,
        headers: { 'Content-Type': TYPE },
        body: Readable.from(piecesOf(body)),
        // No connection for another request: the server must be able to end.
        reset: true,
      })
      return response.body.text()
    },
  },
  {
    name: "Python's http.client with an iterator",
    lacking: python === undefined && 'this machine has no Python',
    send: (method, body, port) =>
      run(python?.path ?? '', ['-c', HTTP_CLIENT, method, String(port), TYPE], body),
  },
  {
    name: 'curl through nginx',
    lacking: lacksCurl || (!isInstalled(NGINX) && 'this machine has no nginx'),
    async send(method, body, port) {
      const proxy = await startFrontEnd(NGINX, port, folder)
      try {
        return await curl(method, body, proxy.port)
      } finally {
        await proxy.stop()
      }
    },
  },
]

// -- Those who receive it --------------------------------------------------------------------

class ForkingHTTPServer extends ForkingMixIn(HTTPServer) {}

const SERVERS: readonly (readonly [name: string, Server: typeof HTTPServer])[] = [
  ['one at a time', HTTPServer],
  ['tasks', AsyncHTTPServer],
  ['threads', ThreadingHTTPServer],
  ['processes', ForkingHTTPServer],
]

for (const [kind, Server] of SERVERS) {
  t.test(kind, async (t) => {
    const server = new Server(['127.0.0.1', 0], UploadHandler)
    await server.bindAndActivate()
    const serving = server.serveForever()
    t.teardown(async () => {
      await server.shutdown()
      await serving
      await server.serverClose()
    })
    for (const { name, lacking, send } of CLIENTS) {
      t.test(name, { skip: lacking }, async (t) => {
        const form = await send('POST', FORM, server.serverPort)
        t.match(form, `\tUploaded file as 'large.bin' (${String(SIZE)} bytes)\n`)
        t.match(form, new RegExp(`\nchunked ${SHA256}\n$`), "the article's program has it all")
        const read = await send('PUT', FILE, server.serverPort)
        t.equal(read, `chunked ${SHA256}\n`, 'and so has a method that reads the body')
      })
    }
  })
}
