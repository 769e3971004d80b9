/**
 * Python's `HTTPSServer`: `HTTPServer` over TLS.
 *
 * ```text
 *   certfile, keyfile -> createTLSServer() -> a listening socket that speaks TLS
 *   connection -> handshake -> the queue of TCPServer -> the handler, as without TLS
 * ```
 *
 * If something is wrong with the two files, Node reports only what OpenSSL says: `error:0480006C:PEM
 * routines::no start line`. So they are checked first.
 *
 * Node's TLS is loaded when a server is bound: a program without one need not spend the 5 ms.
 *
 * Read before: `server.ts`.
 *
 * @module
 */

import type { KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { AsyncMixIn } from '../socketserver/mixins/async-mixin.ts'
import type { InternetAddress, RequestHandlerClass } from '../socketserver/request-handler.ts'
import { monotonic } from '../stdlib/dates.ts'
import { repr } from '../stdlib/format.ts'
import { stderr } from '../stdlib/sys.ts'
import { HTTPServer } from './server.ts'

/** What an {@link HTTPSServer} needs besides an address and a handler. */
export interface HTTPSOptions {
  /** The path of the certificate in PEM format, followed by the chain to its issuer. */
  readonly certfile: string
  /** The path of the private key in PEM format. Default: `certfile` contains it as well. */
  readonly keyfile?: string | undefined
  /** The password of the private key, if it is encrypted. */
  readonly password?: string | undefined
  /** The ALPN protocols, in order of preference. Default: `['http/1.1']`. */
  readonly alpnProtocols?: readonly string[] | undefined
}

/**
 * An HTTP server over TLS, which handles one connection at a time.
 *
 * ```ts
 * const files = { certfile: 'cert.pem', keyfile: 'key.pem' }
 * const server = new HTTPSServer(['localhost', 8443], MyHandler, files)
 * ```
 *
 * Differs: handshakes run concurrently, before the connections are queued. Python's run one at a
 * time, and a client that stops in the middle of one blocks the server.
 *
 * @python http.server.HTTPSServer
 */
export class HTTPSServer extends HTTPServer {
  /**
   * Connections are encrypted by this process, and so cannot be handed to another.
   *
   * @added In Python, a child has a copy of the keys.
   */
  readonly encrypted = true

  /**
   * The path of the certificate.
   *
   * @python http.server.HTTPSServer.certfile
   */
  readonly certfile: string
  /**
   * The path of the private key.
   *
   * @python http.server.HTTPSServer.keyfile
   */
  readonly keyfile: string
  /**
   * The password of the private key.
   *
   * @python http.server.HTTPSServer.password
   */
  readonly password: string | undefined
  /**
   * The ALPN protocols, in order of preference.
   *
   * @python http.server.HTTPSServer.alpn_protocols
   */
  readonly alpnProtocols: readonly string[]

  /** Store the arguments. The files are read when the server is bound. */
  constructor(
    serverAddress: InternetAddress,
    RequestHandlerClass: RequestHandlerClass,
    { certfile, keyfile = certfile, password, alpnProtocols = ['http/1.1'] }: HTTPSOptions,
  ) {
    super(serverAddress, RequestHandlerClass)
    this.certfile = certfile
    this.keyfile = keyfile
    this.password = password
    this.alpnProtocols = alpnProtocols
  }

  /** Connections whose handshake is not complete, by the client's address. */
  readonly #handshakes = new Map<string, Socket>()

  override async createSocket(onConnection: (connection: Socket) => void): Promise<Server> {
    const server = await createTLSServer(this, onConnection)
    const nameOf = ({ remoteAddress, remotePort }: Socket) => repr([remoteAddress, remotePort])
    server.on('connection', (connection: Socket) => {
      const name = nameOf(connection)
      this.#handshakes.set(name, connection)
      connection.on('close', () => this.#handshakes.delete(name))
    })
    server.on('secureConnection', (connection: Socket) =>
      this.#handshakes.delete(nameOf(connection)),
    )
    return server
  }

  /**
   * Close the server as any other, without waiting for handshakes that are not complete.
   *
   * @python socketserver.TCPServer.server_close
   */
  override async serverClose(): Promise<void> {
    const closed = super.serverClose()
    for (const connection of this.#handshakes.values()) {
      connection.destroy()
    }
    await closed
  }
}

/**
 * An HTTPS server that handles each connection as a task of its own.
 *
 * @added Python's is `ThreadingHTTPSServer`.
 */
export class AsyncHTTPSServer extends AsyncMixIn(HTTPSServer) {}

// -- The handshake ---------------------------------------------------------------------------

/** How long a client may take for the handshake, in seconds. */
const HANDSHAKE_SECONDS = 30

/**
 * Make a listening socket that speaks TLS, not bound yet.
 *
 * Differs: a handshake that fails or takes too long is logged. Python does not log it, and waits for
 * ever.
 *
 * @param onConnection - to be called after the handshake; the connection is paused
 * @param handshakeSeconds - how long the handshake may take
 * @throws an Error that says what is wrong with which file.
 */
export async function createTLSServer(
  {
    certfile,
    keyfile,
    password,
    alpnProtocols,
  }: Pick<HTTPSServer, 'certfile' | 'keyfile' | 'password' | 'alpnProtocols'>,
  onConnection: (connection: Socket) => void,
  handshakeSeconds = HANDSHAKE_SECONDS,
): Promise<Server> {
  const { createServer } = await import('node:tls')
  const cert = await readPEM('certificate', certfile)
  const certificate = await parseCertificate(cert, certfile)
  const key = await parseKey(await readPEM('private key', keyfile), keyfile, password)
  if (!certificate.checkPrivateKey(key)) {
    throw new Error(
      `Cannot use the private key ${repr(keyfile)}: it is not that of the certificate ` +
        repr(certfile),
    )
  }
  const options = {
    cert,
    key: key.export({ type: 'pkcs8', format: 'pem' }),
    ALPNProtocols: [...alpnProtocols],
    handshakeTimeout: handshakeSeconds * 1000,
    noDelay: true,
  }
  const server = createServer(options, (connection) => {
    // A client may close its side after its request, but not before the end of the handshake: with
    // `allowHalfOpen` from the start, one that leaves would be waited for until the timeout.
    connection.allowHalfOpen = true
    connection.pause()
    onConnection(connection)
  })
  const log = failureLog()
  server.on('tlsClientError', (error: HandshakeError, connection) => {
    log(error, connection)
    // After a failure, Node has already closed it; after a timeout, Node only reports it.
    connection.destroy()
  })
  return server
}

// -- Handshakes that fail --------------------------------------------------------------------

/** What Node makes of OpenSSL's errors. */
interface HandshakeError extends Error {
  readonly code?: string
  /** In OpenSSL's words: `no application protocol`. */
  readonly reason?: string
}

/** How many failures are logged in {@link LOG_SECONDS}. */
const MOST_LOGGED = 10
const LOG_SECONDS = 10

/**
 * Make a log for the failures of one server. A client that floods the server must not flood the log
 * as well.
 */
function failureLog(): (error: HandshakeError, connection: Socket) => void {
  let since = -Infinity
  let logged = 0
  return ({ code, reason, message }, { remoteAddress, remotePort }) => {
    // As elsewhere, a client that just leaves is not logged.
    if (code === 'ECONNRESET') {
      return
    }
    if (monotonic() >= since + LOG_SECONDS) {
      since = monotonic()
      logged = 0
    }
    logged++
    if (logged > MOST_LOGGED) {
      return
    }
    // After some failures, the system no longer knows the address.
    const who = remoteAddress === undefined ? '' : ` from ${repr([remoteAddress, remotePort])}`
    const why =
      code === 'ERR_SSL_HTTP_REQUEST'
        ? 'it speaks plain HTTP, and this is a port for HTTPS'
        : `the TLS handshake failed: ${reason ?? message}`
    const more = logged === MOST_LOGGED ? ', and there are further ones' : ''
    stderr.write(`Connection${who} closed: ${why}${more}\n`)
  }
}

// -- Files -----------------------------------------------------------------------------------

async function readPEM(what: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new Error(`Cannot read the ${what} ${repr(path)}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** Read the certificates of a chain; returns the first, the server's own. */
async function parseCertificate(pem: Buffer, path: string): Promise<X509Certificate> {
  const { X509Certificate } = await import('node:crypto')
  // OpenSSL accepts two more labels: an old one, and one for certificates with trust settings.
  const block = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^]*?-----END [A-Z0-9 ]+-----/g
  const blocks = pem.toString('latin1').match(block) ?? []
  const certificates = blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch (error) {
      const which = blocks.length === 1 ? 'it' : `number ${String(index + 1)} in it`
      throw new Error(`Cannot use the certificate ${repr(path)}: ${which} is broken`, {
        cause: error,
      })
    }
  })
  if (certificates[0] === undefined) {
    throw new Error(`Cannot use the certificate ${repr(path)}: ${holdsNone(pem)}`)
  }
  return certificates[0]
}

async function parseKey(
  pem: Buffer,
  path: string,
  password: string | undefined,
): Promise<KeyObject> {
  const { createPrivateKey } = await import('node:crypto')
  try {
    return createPrivateKey(
      password === undefined ? { key: pem } : { key: pem, passphrase: password },
    )
  } catch (error) {
    const encrypted = pem.includes('ENCRYPTED')
    const reason = !encrypted
      ? holdsNone(pem)
      : password === undefined
        ? 'it is encrypted, and there is no password'
        : 'the password does not fit'
    throw new Error(`Cannot use the private key ${repr(path)}: ${reason}`, { cause: error })
  }
}

/** Say that a file does not contain what it should, and what it contains instead. */
function holdsNone(pem: Buffer): string {
  const [, label] = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem.toString('latin1')) ?? []
  return `it holds none in PEM format${label === undefined ? '' : `, but a ${label}`}`
}
