/**
 * The second opinion: undici, a strict HTTP/1.1 client, must be able to read the response, too.
 *
 * Bytes are judged on a raw socket; but every byte may be where the page has it, and a real client
 * still choke. undici parses with llhttp, and reports what it read: that, put together again, must
 * satisfy the same page.
 *
 * It sends what the page sends, to the byte. Left to itself it says `connection: close`, and a right
 * server's response to that is another one.
 *
 * @module
 */

import type { Socket } from 'node:net'
import { buildConnector, Client } from 'undici'
import { PATIENCE } from './exchange.ts'
import { requestsOf } from './requests.ts'

/** One request to which one response is due. */
export interface PlainRequest {
  readonly method: string
  readonly bytes: Buffer
}

/**
 * Read a client's bytes as one request.
 *
 * @returns undefined if they are not one, or if more than a response is due, which undici does not
 * read: an interim response, or another protocol.
 */
export function plainRequest(sent: Buffer): PlainRequest | undefined {
  const text = sent.toString('latin1')
  const { requests, whole } = requestsOf(text)
  const [request, ...others] = requests
  if (request === undefined || others.length > 0 || !whole) {
    return undefined
  }
  const { method, version } = request
  const odd = /^(?:expect|upgrade):/im.test(text) || method === 'CONNECT'
  const known = version.startsWith('HTTP/1.') && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method)
  return known && !odd ? { method, bytes: sent } : undefined
}

/**
 * Make a request with undici.
 *
 * @param statusLine - of the response on the raw socket: undici reports its code and nothing else
 * @returns the response as undici read it, written as it would be on the wire.
 * @throws what undici throws when it cannot read the response.
 */
export async function askStrictly(
  request: PlainRequest,
  server: { host: string; port: number },
  statusLine: string,
): Promise<{ received: string; clientPort: number }> {
  let clientPort = 0
  const connector = buildConnector({})
  const client = new Client(`http://${server.host}:${String(server.port)}`, {
    pipelining: 0,
    bodyTimeout: PATIENCE.whole,
    headersTimeout: PATIENCE.whole,
    connect(options, callback) {
      connector(options, (...result) => {
        const [error, socket] = result
        // When there is an error, undici leaves the socket undefined, whatever its types say.
        if (error === null) {
          clientPort = socket.localPort ?? 0
          sendInstead(socket, request.bytes)
        }
        callback(...result)
      })
    },
  })
  try {
    const response = await client.request({
      method: request.method,
      path: '/',
      responseHeaders: 'raw',
    })
    const body = Buffer.from(await response.body.arrayBuffer()).toString('latin1')
    // With 'raw', undici gives names and values alternately, as the server spelled them.
    const raw = response.headers as unknown as readonly string[]
    const [, code = ''] = statusLine.split(' ')
    if (response.statusCode !== Number(code)) {
      throw new Error(`it reads the status ${String(response.statusCode)}, not ${code}`)
    }
    let head = `${statusLine}\r\n`
    for (let at = 0; at < raw.length; at += 2) {
      head += `${String(raw[at])}: ${String(raw[at + 1])}\r\n`
    }
    return { received: `${head}\r\n${body}`, clientPort }
  } finally {
    // A kept-alive connection would hold a server that handles one at a time.
    await client.destroy()
  }
}

/** Whatever is written to a socket, send these bytes, once. */
function sendInstead(socket: Socket, bytes: Buffer): void {
  const write = socket.write.bind(socket)
  let sent = false
  socket.write = () => {
    const drained = sent || write(bytes)
    sent = true
    return drained
  }
}
