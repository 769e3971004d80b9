/**
 * The second opinion: undici, a strict HTTP/1.1 client, makes the same request and must be able
 * to read the response.
 *
 * Bytes are judged on a raw socket; but every byte may be where the page has it, and a real client
 * still choke. undici parses with llhttp, and reports what it read: that, put together again, must
 * satisfy the same page.
 *
 * @module
 */

import { buildConnector, Client } from 'undici'
import { PATIENCE } from './exchange.ts'

/** A request that a real client would make. */
export interface PlainRequest {
  readonly method: string
  readonly path: string
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** What undici refuses to send twice. */
const ONLY_ONCE: readonly string[] = ['host', 'content-length']

/**
 * Read a client's bytes as one plain request.
 *
 * @returns undefined if a strict client could not, or would not, send the same: then there is no
 * second opinion.
 */
export function plainRequest(sent: Buffer): PlainRequest | undefined {
  const text = sent.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) {
    return undefined
  }
  const [line, ...fields] = text.slice(0, end).split('\r\n') as [string, ...string[]]
  const match = /^([A-Z]+) (\/[\x21-\x7e]*) HTTP\/1\.1$/.exec(line)
  if (match === null) {
    return undefined
  }
  const headers: string[] = []
  const names = new Set<string>()
  let length = 0
  for (const field of fields) {
    const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([\x21-\x7e][\x20-\x7e]*)$/.exec(
      field,
    ) ?? [undefined, undefined, undefined]
    if (name === undefined || value === undefined) {
      return undefined
    }
    const key = name.toLowerCase()
    if (ONLY_ONCE.includes(key) && names.has(key)) {
      return undefined
    }
    names.add(key)
    switch (key) {
      case 'content-length':
        if (!/^[0-9]+$/.test(value)) {
          return undefined
        }
        length = Number(value)
        break
      case 'transfer-encoding':
      case 'connection':
      case 'keep-alive':
      case 'upgrade':
      case 'expect':
        // undici handles these itself.
        return undefined
    }
    headers.push(name, value)
  }
  const body = sent.subarray(end + 4)
  return body.length === length
    ? { method: match[1] as string, path: match[2] as string, headers, body }
    : undefined
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
        clientPort = result[1]?.localPort ?? 0
        callback(...result)
      })
    },
  })
  try {
    const response = await client.request({
      method: request.method,
      path: request.path,
      headers: [...request.headers],
      body: request.body.length === 0 ? null : request.body,
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
