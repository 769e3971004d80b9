/**
 * The TLS of `HTTPSServer`: two files become a listening socket. Python's `ssl.SSLContext`.
 *
 * Node would take the files as they are and, where something is wrong with them, say what OpenSSL
 * says: `error:0480006C:PEM routines::no start line`. So they are looked at first.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:tls'
import { repr } from '../stdlib/format.ts'

/** How long a client may take to agree on keys, in seconds. */
const HANDSHAKE_SECONDS = 30

/** What a server is made from. */
interface Credentials {
  readonly certfile: string
  readonly keyfile: string
  readonly password: string | undefined
  readonly alpnProtocols: readonly string[]
}

/**
 * Make a listening socket that speaks TLS, not bound yet.
 *
 * @param onConnection - to be called when a client and we have agreed on keys; the connection is
 * paused
 * @throws an Error that says what is wrong with which file.
 */
export async function createTLSServer(
  { certfile, keyfile, password, alpnProtocols }: Credentials,
  onConnection: (connection: Socket) => void,
): Promise<Server> {
  const cert = await readPEM('certificate', certfile)
  const certificate = parseCertificate(cert, certfile)
  const key = parseKey(await readPEM('private key', keyfile), keyfile, password)
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
    handshakeTimeout: HANDSHAKE_SECONDS * 1000,
    allowHalfOpen: true,
    noDelay: true,
  }
  return createServer(options, (connection) => {
    connection.pause()
    onConnection(connection)
  })
}

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
function parseCertificate(pem: Buffer, path: string): X509Certificate {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERT[^]*?-----END CERT[A-Z]*-----/g) ?? []
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
    throw new Error(`Cannot use the certificate ${repr(path)}: it holds none in PEM format`)
  }
  return certificates[0]
}

function parseKey(pem: Buffer, path: string, password: string | undefined): KeyObject {
  try {
    return createPrivateKey(
      password === undefined ? { key: pem } : { key: pem, passphrase: password },
    )
  } catch (error) {
    const encrypted = pem.includes('ENCRYPTED')
    const reason = !encrypted
      ? 'it holds none in PEM format'
      : password === undefined
        ? 'it is encrypted, and there is no password'
        : 'the password does not fit'
    throw new Error(`Cannot use the private key ${repr(path)}: ${reason}`, { cause: error })
  }
}
