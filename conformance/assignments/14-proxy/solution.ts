import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { BaseHTTPRequestHandler, HTTPMessage } from 'basehttp'
import type { Field } from 'basehttp'

/** Where the server behind this one listens. */
const UPSTREAM = new URL(process.env.UPSTREAM ?? 'http://127.0.0.1:8000')

/** What this gateway is called in `Via`. */
const NAME = 'basehttp'

/** Fields of one connection, whatever `Connection` says, and the length, which is set anew. */
const ONE_HOP = [
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'content-length'],
]

/** Fields of a request that this gateway rewrites; it has responded to `Expect` already. */
const REWRITTEN = ['host', 'x-forwarded-host', 'x-forwarded-for', 'via', 'expect']

/** A response that others may have, too. */
interface Kept {
  readonly fields: readonly Field[]
  readonly body: Buffer
  /** When it was made, in seconds. */
  readonly made: number
  /** For how many seconds it is fresh. */
  readonly lifetime: number
}

const cache = new Map<string, Kept>()

/** The most responses that are kept, and the most bytes of each. */
const LIMITS = { responses: 100, bytes: 1_000_000 }

export class Gateway extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    return this.forward()
  }

  do_HEAD() {
    return this.forward()
  }

  do_POST() {
    return this.forward()
  }

  do_PUT() {
    return this.forward()
  }

  do_DELETE() {
    return this.forward()
  }

  async forward() {
    const kept = this.lookUp()
    if (kept !== undefined) {
      this.sendHead(200, 'OK', [...kept.fields, ['Age', String(ageOf(kept))]])
      this.sendHeader('Content-Length', kept.body.length)
      this.endHeaders()
      this.wfile.write(kept.body)
      return
    }
    let response
    try {
      response = await this.ask()
    } catch {
      this.sendError(502)
      return
    }
    await this.pass(response)
  }

  // -- The request ---------------------------------------------------------------------------

  /** Ask the server behind, and wait for the head of its response. */
  async ask(): Promise<IncomingMessage> {
    const { hostname, port } = UPSTREAM
    const { command: method, path, signal } = this
    const headers = this.fieldsForUpstream().flat()
    const asked = request({ hostname, port, method, path, headers, signal, agent: false })
    // It may fail at any time: before the response, which is a 502, and within it, which pass() sees.
    asked.on('error', () => {})
    const responded = once(asked, 'response') as Promise<[IncomingMessage]>
    pipeline(this.body, asked).catch(() => {})
    const [response] = await responded
    return response
  }

  fieldsForUpstream(): Field[] {
    const { headers } = this
    const length = headers.get('Content-Length')
    const framing: Field[] = headers.has('Transfer-Encoding')
      ? [['Transfer-Encoding', 'chunked']]
      : length === null
        ? []
        : [['Content-Length', length]]
    return [
      ['Host', UPSTREAM.host],
      ...endToEnd(headers, REWRITTEN),
      ['X-Forwarded-Host', headers.get('Host', '')],
      // Lists: the members of the client's come first.
      ['X-Forwarded-For', [...headers.getAll('X-Forwarded-For'), this.addressString()].join(', ')],
      ['Via', [...headers.getAll('Via'), `${this.requestVersion.slice(5)} ${NAME}`].join(', ')],
      ...framing,
    ]
  }

  // -- The response --------------------------------------------------------------------------

  /** Pass a response on, piece by piece, and keep it if others may have it. */
  async pass(response: IncomingMessage) {
    const { statusCode: status = 502, statusMessage: reason = '' } = response
    const received = new HTTPMessage(pairsOf(response.rawHeaders))
    const fields: Field[] = [
      ...endToEnd(received, ['age']),
      ['Via', `${response.httpVersion} ${NAME}`],
    ]
    // RFC 9110 §6.6.1: who has a clock says when it came.
    if (!received.has('Date')) {
      fields.push(['Date', this.dateTimeString()])
    }
    this.sendHead(status, reason, fields)
    const age = Number(received.get('Age', 0))
    if (age > 0) {
      this.sendHeader('Age', age)
    }
    const length = received.get('Content-Length')
    if (length !== null) {
      this.sendHeader('Content-Length', length)
    }
    if (length !== null || status === 204 || status === 304) {
      this.endHeaders()
    } else {
      this.endHeadersChunked()
    }

    const lifetime = this.lifetimeOf(status, received)
    const pieces: Buffer[] = []
    let size = 0
    for await (const piece of response as AsyncIterable<Buffer>) {
      size += piece.length
      if (lifetime > 0 && size <= LIMITS.bytes) {
        pieces.push(piece)
      }
      await this.wfile.write(piece)
    }
    if (!['GET', 'HEAD'].includes(this.command) && status < 400) {
      cache.delete(this.path)
    } else if (lifetime > age && size <= LIMITS.bytes) {
      if (cache.size >= LIMITS.responses) {
        cache.clear()
      }
      const body = Buffer.concat(pieces)
      cache.set(this.path, { fields, body, made: seconds() - age, lifetime })
    }
  }

  sendHead(status: number, reason: string, fields: readonly Field[]) {
    this.logRequest(status)
    this.sendResponseOnly(status, reason)
    for (const [name, value] of fields) {
      this.sendHeader(name, value)
    }
  }

  // -- The cache -----------------------------------------------------------------------------

  /** A response that need not be asked for. */
  lookUp(): Kept | undefined {
    const kept = this.command === 'GET' ? cache.get(this.path) : undefined
    const asked = directivesOf(this.headers)
    const wanted = !asked.has('no-cache') && !asked.has('no-store')
    return kept !== undefined && wanted && ageOf(kept) < kept.lifetime ? kept : undefined
  }

  /** For how many seconds others may have a response: RFC 9111 §3 and §4.2.1, for a shared cache. */
  lifetimeOf(status: number, received: HTTPMessage): number {
    const said = directivesOf(received)
    const forbidden =
      this.command !== 'GET' ||
      status !== 200 ||
      ['no-store', 'no-cache', 'private'].some((word) => said.has(word)) ||
      directivesOf(this.headers).has('no-store') ||
      this.headers.has('Authorization') ||
      received.has('Vary')
    return forbidden ? 0 : Number(said.get('s-maxage') ?? said.get('max-age') ?? 0)
  }
}

function seconds(): number {
  return Math.floor(performance.now() / 1000)
}

function ageOf({ made }: Kept): number {
  return seconds() - made
}

/** The directives of `Cache-Control`, and their values. */
function directivesOf(fields: HTTPMessage): Map<string, string> {
  const words = fields.getAll('Cache-Control').join(',').toLowerCase().split(',')
  return new Map(
    words.map((word) => {
      const [name = '', value = ''] = word.trim().split('=')
      return [name, value]
    }),
  )
}

/** The fields that are not for one connection alone: RFC 9110 §7.6.1. */
function endToEnd(fields: HTTPMessage, dropped: readonly string[]): Field[] {
  const named = fields.getAll('Connection').join(',').toLowerCase().split(',')
  const all = [...ONE_HOP, ...dropped, ...named.map((name) => name.trim())]
  return fields.items().filter(([name]) => !all.includes(name.toLowerCase()))
}

/** Pairs of what Node has as a flat list. */
function pairsOf(raw: readonly string[]): Field[] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as const] : []))
}

export default { proxy: Gateway }
