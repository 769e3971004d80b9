import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTCP } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import type { Test } from 'tap'
import { Agent, request } from 'undici'
import { CERTIFICATE, PRIVATE_KEY } from '../test-certificate.ts'
import { captureStderr, readAll, serve } from '../test-helpers.ts'
import { BaseHTTPRequestHandler } from './base-handler.ts'
import { AsyncHTTPSServer, HTTPServer, HTTPSServer } from './server.ts'

t.test('HTTPServer knows its name and port once it is bound', async (t) => {
  const server = new HTTPServer(['localhost', 0], BaseHTTPRequestHandler)
  t.equal(server.serverName, '')
  t.equal(server.serverPort, 0)
  await serve(t, server)
  t.equal(server.serverName, 'localhost')
  t.equal(server.serverPort, server.serverAddress[1])
  t.ok(server.serverPort > 0)
})

t.test('HTTPServer on all interfaces has the name of the machine', async (t) => {
  const server = new HTTPServer(['', 0], BaseHTTPRequestHandler)
  await serve(t, server)
  t.equal(server.serverName, hostname())
})

// -- TLS -------------------------------------------------------------------------------------

class Hello extends BaseHTTPRequestHandler {
  do_GET() {
    this.sendResponse(200)
    this.endHeaders()
    void this.wfile.write(Buffer.from('hello'))
  }
}

/** The certificate for tests, as files. */
function files(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-tls-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const [certfile, keyfile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certfile, CERTIFICATE)
  writeFileSync(keyfile, PRIVATE_KEY)
  return { certfile, keyfile }
}

async function dialTLS(server: HTTPSServer, options = {}): Promise<TLSSocket> {
  const [host, port] = server.serverAddress
  const socket = connect({
    socket: connectTCP({ host, port, allowHalfOpen: true }),
    servername: 'localhost',
    ca: CERTIFICATE,
    ...options,
  })
  await once(socket, 'secureConnect')
  return socket
}

t.test('HTTPSServer speaks TLS, with a certificate that clients check', async (t) => {
  captureStderr(t)
  const server = new HTTPSServer(['127.0.0.1', 0], Hello, files(t))
  await serve(t, server)
  const agent = new Agent({ connect: { ca: CERTIFICATE, servername: 'localhost' } })
  const url = `https://127.0.0.1:${String(server.serverPort)}/`
  const { statusCode, body } = await request(url, { dispatcher: agent })
  t.equal(statusCode, 200)
  t.equal(await body.text(), 'hello')
  await agent.close()
})

t.test('HTTPSServer agrees on a protocol of alpnProtocols', async (t) => {
  captureStderr(t)
  const server = new HTTPSServer(['127.0.0.1', 0], Hello, files(t))
  await serve(t, server)
  const agreed = await dialTLS(server, { ALPNProtocols: ['h2', 'http/1.1'] })
  t.equal(agreed.alpnProtocol, 'http/1.1')
  agreed.destroy()
  await t.rejects(dialTLS(server, { ALPNProtocols: ['h2'] }), /no application protocol/i)

  const other = new HTTPSServer(['127.0.0.1', 0], Hello, {
    ...files(t),
    alpnProtocols: ['http/1.0'],
  })
  await serve(t, other)
  const socket = await dialTLS(other, { ALPNProtocols: ['http/1.1', 'http/1.0'] })
  t.equal(socket.alpnProtocol, 'http/1.0')
  socket.destroy()
})

t.test('HTTPSServer answers a client that has ended its side', async (t) => {
  captureStderr(t)
  const server = new HTTPSServer(['127.0.0.1', 0], Hello, files(t))
  await serve(t, server)
  const socket = await dialTLS(server)
  socket.end('GET / HTTP/1.0\r\n\r\n')
  t.match(await readAll(socket), /^HTTP\/1\.0 200 OK\r\n[^]*\r\n\r\nhello$/)
})

t.test('HTTPSServer: who does not agree on keys holds nobody up', async (t) => {
  captureStderr(t)
  for (const Server of [HTTPSServer, AsyncHTTPSServer]) {
    const server = new Server(['127.0.0.1', 0], Hello, files(t))
    await serve(t, server)
    const silent = connectTCP(server.serverPort, '127.0.0.1')
    const plain = connectTCP(server.serverPort, '127.0.0.1')
    await Promise.all([once(silent, 'connect'), once(plain, 'connect')])
    const ended = once(plain.resume(), 'close')
    plain.on('error', () => {})
    plain.write('GET / HTTP/1.0\r\n\r\n')
    const socket = await dialTLS(server)
    socket.write('GET / HTTP/1.0\r\n\r\n')
    t.match(await readAll(socket), /hello$/)
    await ended
    silent.destroy()
  }
})

t.test('HTTPSServer: a key of another certificate is an error that names both', async (t) => {
  const { certfile, keyfile } = files(t)
  const { generateKeyPairSync } = await import('node:crypto')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(keyfile, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const server = new HTTPSServer(['127.0.0.1', 0], Hello, { certfile, keyfile })
  await t.rejects(server.serverBind(), {
    message: `Cannot use the private key '${keyfile}': it is not that of the certificate '${certfile}'`,
  })
  await server.serverClose()
})

t.test('HTTPSServer takes the key from the certificate’s file by default', async (t) => {
  captureStderr(t)
  const { certfile } = files(t)
  writeFileSync(certfile, CERTIFICATE + PRIVATE_KEY)
  const server = new HTTPSServer(['127.0.0.1', 0], Hello, { certfile })
  await serve(t, server)
  const socket = await dialTLS(server)
  t.equal(socket.authorized, true)
  socket.destroy()
})
