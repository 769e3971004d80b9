import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTCP } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import type { Test } from 'tap'
import { Agent, request } from 'undici'
import { CERTIFICATE, PRIVATE_KEY } from '../testing/certificate.ts'
import { captureStderr, readAll, serve } from '../testing/helpers.ts'
import { BaseHTTPRequestHandler } from './base-handler.ts'
import { AsyncHTTPSServer, createTLSServer, HTTPSServer } from './https-server.ts'

const NO_OPENSSL = spawnSync('openssl', ['version']).error !== undefined && 'no openssl(1) here'

/** A folder with the certificate and its key; paths in it. */
function folder(t: Test): (name: string, contents?: string) => string {
  const root = mkdtempSync(join(tmpdir(), 'basehttp-tls-'))
  t.teardown(() => {
    rmSync(root, { recursive: true })
  })
  writeFileSync(join(root, 'cert.pem'), CERTIFICATE)
  writeFileSync(join(root, 'key.pem'), PRIVATE_KEY)
  return (name, contents) => {
    if (contents !== undefined) {
      writeFileSync(join(root, name), contents)
    }
    return join(root, name)
  }
}

/** A server that greets; returns its port. */
async function greet(
  t: Test,
  certfile: string,
  keyfile: string,
  handshakeSeconds?: number,
): Promise<number> {
  const credentials = { certfile, keyfile, password: undefined, alpnProtocols: ['http/1.1'] }
  const sayHello = (connection: Socket) => connection.end('hello')
  const server = await createTLSServer(credentials, sayHello, handshakeSeconds)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Send bytes, and wait until the server has closed the connection. */
async function send(port: number, text: string): Promise<void> {
  const socket = connectTCP(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(text)
  await readAll(socket)
}

t.test('createTLSServer() ends a handshake that takes too long, and logs it', async (t) => {
  const log = captureStderr(t)
  const path = folder(t)
  const port = await greet(t, path('cert.pem'), path('key.pem'), 0.05)
  await send(port, '')
  await send(port, '\x16\x03\x01\x01')
  const line =
    /Connection from \('127\.0\.0\.1', \d+\) closed: the TLS handshake failed: TLS handshake timeout\n/
  t.match(log(), new RegExp(`^(?:${line.source}){2}$`))
})

t.test('createTLSServer() logs who speaks plain HTTP, or cannot agree', async (t) => {
  const log = captureStderr(t)
  const path = folder(t)
  const port = await greet(t, path('cert.pem'), path('key.pem'))
  await send(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  t.match(
    log(),
    /^Connection from \('127\.0\.0\.1', \d+\) closed: it speaks plain HTTP, and this is a port for HTTPS\n$/,
  )
  const before = log().length
  const other = connect({ port, host: '127.0.0.1', ca: CERTIFICATE, ALPNProtocols: ['h2'] })
  await t.rejects(once(other, 'secureConnect'))
  t.match(log().slice(before), /closed: the TLS handshake failed: no application protocol\n$/)
})

t.test('createTLSServer() does not log who leaves, nor each of a flood', async (t) => {
  const log = captureStderr(t)
  const path = folder(t)
  const port = await greet(t, path('cert.pem'), path('key.pem'))
  for (const text of ['', '\x16\x03\x01\x01']) {
    const socket = connectTCP(port, '127.0.0.1')
    socket.end(text)
    // The server closes, too, long before the time is over.
    await readAll(socket)
  }
  t.equal(log(), '')
  await Promise.all(Array.from({ length: 100 }, () => send(port, 'GET / HTTP/1.0\r\n\r\n')))
  const lines = log().trimEnd().split('\n')
  // Twice as many, should the machine take more than ten seconds.
  t.ok(lines.length >= 10 && lines.length <= 20, String(lines.length))
  t.match(lines[9], /, and there are further ones$/)
})

t.test(
  'createTLSServer() takes the forms of a certificate that OpenSSL takes',
  { skip: NO_OPENSSL },
  async (t) => {
    const path = folder(t)
    const args = ['x509', '-in', path('cert.pem'), '-trustout', '-addtrust', 'serverAuth']
    const trusted = execFileSync('openssl', args, { encoding: 'utf8' })
    t.match(trusted, /^-----BEGIN TRUSTED CERTIFICATE-----/)
    const forms = [trusted, CERTIFICATE.replaceAll(' CERTIFICATE', ' X509 CERTIFICATE')]
    for (const form of forms) {
      const port = await greet(t, path('form.pem', form), path('key.pem'))
      const socket = connect({ port, host: '127.0.0.1', ca: CERTIFICATE, servername: 'localhost' })
      t.equal(await readAll(socket), 'hello')
    }
  },
)

t.test('createTLSServer() says what is in a file that has no certificate', async (t) => {
  const path = folder(t)
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cases: [contents: string, holds: string][] = [
    [
      '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n',
      ', but a CERTIFICATE REQUEST',
    ],
    [PRIVATE_KEY, ', but a PRIVATE KEY'],
    [publicKey.export({ type: 'spki', format: 'pem' }).toString(), ', but a PUBLIC KEY'],
    ['nothing', ''],
  ]
  for (const [contents, holds] of cases) {
    const file = path('file', contents)
    const message = `Cannot use the certificate '${file}': it holds none in PEM format${holds}`
    await t.rejects(greet(t, file, path('key.pem')), { message })
  }
  const message = `Cannot use the private key '${path('cert.pem')}': it holds none in PEM format, but a CERTIFICATE`
  await t.rejects(greet(t, path('cert.pem'), path('cert.pem')), { message })
})

// -- HTTPSServer -----------------------------------------------------------------------------

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

t.test('serverClose() does not wait for a handshake', async (t) => {
  captureStderr(t)
  const path = folder(t)
  const files = { certfile: path('cert.pem', CERTIFICATE), keyfile: path('key.pem', PRIVATE_KEY) }
  const server = new AsyncHTTPSServer(['127.0.0.1', 0], BaseHTTPRequestHandler, files)
  await server.bindAndActivate()
  const accepted = once(server.socket, 'connection') as Promise<[Socket]>
  const client = connectTCP(server.serverPort, '127.0.0.1')
  client.on('error', () => {})
  const [connection] = await accepted
  await server.serverClose()
  t.ok(connection.destroyed, 'and not only 30 seconds later, which would keep the process')
})
