/**
 * How several programs read the same bytes: this library, `node:http`, nginx, and the judge of this suite,
 * which shares no line with any of them.
 *
 * A program may refuse what another accepts, and end the connection. But as long as both go on, the requests
 * must be the same, with the same bodies: otherwise a request can be smuggled past the one to the other
 * (RFC 9112 §11.2).
 *
 * @module
 */

import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { AsyncHTTPServer, BaseHTTPRequestHandler } from 'basehttp'
import { MARK } from '../attacks/front-ends.ts'
import { readChunks } from '../judge/chunks.ts'

/** A request as somebody has read it, to the end of its body. */
export interface Reading {
  readonly method: string
  readonly target: string
  readonly body: string
  /** What a front end has put there. */
  readonly mark?: string
}

/** What is read differently by two programs; undefined if nothing is. */
export function difference(one: readonly Reading[], other: readonly Reading[]): string | undefined {
  for (let index = 0; index < Math.min(one.length, other.length); index++) {
    const [left, right] = [said(one[index] as Reading), said(other[index] as Reading)]
    if (left !== right) {
      return `request ${String(index + 1)} is ${left} to the one, ${right} to the other`
    }
  }
  return undefined
}

function said({ method, target, body }: Reading): string {
  // This library, as Python, takes several slashes in front for one.
  return JSON.stringify([method, target.replace(/^\/+/, '/'), body])
}

/** A request that the front end has not passed on, or not as it was read; undefined if there is none. */
export function unmarked(readings: readonly Reading[]): string | undefined {
  const marks = new Set<string>()
  for (const reading of readings) {
    const { mark = '', method, target } = reading
    const [number = '', ...words] = mark.split(' ')
    const same = words.join(' ').replace(/ \/+/, ' /') === `${method} ${target}`
    if (!same || marks.has(number)) {
      return `${said(reading)} has the mark ${JSON.stringify(mark)}`
    }
    marks.add(number)
  }
  return undefined
}

// -- The judge -------------------------------------------------------------------------------

/** Read requests as RFC 9112 has them, up to the first that is not written as it should be. */
export function readStrictly(sent: string): Reading[] {
  const readings: Reading[] = []
  let rest = sent
  for (;;) {
    const match = HEAD.exec(rest)
    if (match === null) {
      return readings
    }
    const [head, method = '', target = '', version = '', lines = ''] = match
    const values = (name: string) =>
      [...lines.matchAll(new RegExp(`^${name}:[ \\t]*([^\\r\\n]*?)[ \\t]*\\r?$`, 'gim'))].map(
        ([, value]) => (value as string).toLowerCase(),
      )
    const [codings, lengths] = [values('transfer-encoding'), values('content-length')]
    rest = rest.slice(head.length)
    let length
    let body
    if (codings.length > 0) {
      const chunks = readChunks(rest)
      const plain = codings.join() === 'chunked' && lengths.length === 0 && version === '1.1'
      if (!plain || chunks === undefined || chunks.flaws.length > 0) {
        return readings
      }
      ;({ length, text: body } = chunks)
    } else {
      const [digits = '0', ...others] = lengths
      if (others.length > 0 || !/^[0-9]+$/.test(digits)) {
        return readings
      }
      length = Number(digits)
      body = rest.slice(0, length)
      if (body.length < length) {
        return readings
      }
    }
    readings.push({ method, target, body })
    rest = rest.slice(length)
    const options = values('connection').join()
    if (/\bclose\b/.test(options) || (version === '1.0' && !options.includes('keep-alive'))) {
      return readings
    }
  }
}

const HEAD =
  /^(?:\r\n)?([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^\s]+) HTTP\/(1\.[01])\r?\n((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r?\n)*)\r?\n/

// -- This library ----------------------------------------------------------------------------

/** Reads every body to its end, and keeps what it has read. */
export class Reader extends BaseHTTPRequestHandler {
  static readonly module: string = import.meta.url
  static readings: Reading[] = []

  override protocolVersion = 'HTTP/1.1'

  async #read() {
    const pieces: Buffer[] = []
    for await (const piece of this.body) {
      pieces.push(piece)
    }
    const body = Buffer.concat(pieces).toString('latin1')
    const mark = this.headers.get(MARK)
    Reader.readings.push({
      method: this.command,
      target: this.path,
      body,
      ...(mark === null ? {} : { mark }),
    })
    this.sendResponse(200)
    this.sendHeader('Content-Length', 0)
    this.endHeaders()
  }

  do_GET() {
    return this.#read()
  }
  do_HEAD() {
    return this.#read()
  }
  do_PUT() {
    return this.#read()
  }
  do_POST() {
    return this.#read()
  }
  do_DELETE() {
    return this.#read()
  }

  override logMessage() {}
}

/** A server of such handlers. */
export function readingServer(): AsyncHTTPServer {
  const server = new AsyncHTTPServer(['127.0.0.1', 0], Reader)
  server.requestQueueSize = 100
  return server
}

// -- node:http -------------------------------------------------------------------------------

/** A server of Node's own that does the same. */
export function nodeServer(readings: Reading[]): Server {
  return createServer((request: IncomingMessage, response) => {
    let body = ''
    request.setEncoding('latin1')
    request.on('data', (text: string) => {
      body += text
    })
    request.on('error', () => {})
    request.on('end', () => {
      readings.push({ method: request.method as string, target: request.url as string, body })
      response.end()
    })
  })
}
