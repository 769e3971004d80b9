import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t from 'tap'
import { ForkingMixIn } from '../socketserver/forking-mixin.ts'
import { CERTIFICATE, PRIVATE_KEY } from '../test-certificate.ts'
import { captureStderr, serve, talk } from '../test-helpers.ts'
import { HTTPSServer } from './server.ts'
import { SimpleHTTPRequestHandler } from './simple-handler.ts'
import { ThreadingHTTPServer, ThreadingHTTPSServer } from './threading-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'basehttp-'))
const large = Buffer.alloc(3_000_000, 'abcdefg')
writeFileSync(join(folder, 'large.bin'), large)
writeFileSync(join(folder, 'cert.pem'), CERTIFICATE)
writeFileSync(join(folder, 'key.pem'), PRIVATE_KEY)
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

const LOCAL = ['127.0.0.1', 0] as const

t.test('ThreadingHTTPServer serves files from a thread', async (t) => {
  const log = captureStderr(t)
  const server = new ThreadingHTTPServer(LOCAL, SimpleHTTPRequestHandler)
  t.equal(server.daemonThreads, true)
  server.handlerOptions = { directory: folder }
  await serve(t, server)
  const answer = await talk(server, 'GET /large.bin HTTP/1.0\r\n\r\n')
  t.match(answer, /^HTTP\/1\.0 200 OK\r\n/)
  t.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), large.toString('latin1'))
  t.match(log(), /^127\.0\.0\.1 - - \[.*\] "GET \/large\.bin HTTP\/1\.0" 200 -\n$/)
})

t.test('ThreadingHTTPSServer decrypts in the main thread, and answers from another', async (t) => {
  captureStderr(t)
  const server = new ThreadingHTTPSServer(LOCAL, SimpleHTTPRequestHandler, {
    certfile: join(folder, 'cert.pem'),
    keyfile: join(folder, 'key.pem'),
  })
  server.handlerOptions = { directory: folder }
  await serve(t, server)
  const client = connect({ port: server.serverPort, host: '127.0.0.1', ca: CERTIFICATE })
  client.setEncoding('latin1')
  let answer = ''
  client.on('data', (text: string) => {
    answer += text
  })
  client.write('GET /large.bin HTTP/1.0\r\n\r\n')
  await once(client, 'end')
  t.match(answer, /^HTTP\/1\.0 200 OK\r\n/)
  t.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), large.toString('latin1'))
})

t.test('ForkingMixIn(HTTPSServer) is a TypeError', async (t) => {
  class ForkingHTTPSServer extends ForkingMixIn(HTTPSServer) {}
  t.throws(() => new ForkingHTTPSServer(LOCAL, SimpleHTTPRequestHandler, { certfile: 'x.pem' }), {
    name: 'TypeError',
    message: /^Cannot hand encrypted connections to a child process: .* use ThreadingMixIn/,
  })
})
