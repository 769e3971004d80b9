/**
 * The server behind a proxy: what it responds, and what it must have been asked.
 *
 * ````text
 *   ```upstream                         what it sends for the next request; the fences come in turn
 *   HTTP/1.1 200 OK                     as bytes, with {{pause:MS}}, {{half-close}}, {{leave}} and {{reset}}
 *   Content-Length: 5
 *
 *   Hello\
 *   ```
 *   ```request
 *   GET http://{{upstream}}/x HTTP/1.1   where it listens; a submission finds it in UPSTREAM as well
 *   ```
 *   ```forwarded                        what the proxy has made of it, judged by field
 *   GET /x                               method and target
 *   Via: 1.1 {{any}}                     a field
 *   !Connection                          there is none
 *                                        after an empty line: the body
 *   ```
 *   ```forwarded
 *   nothing                              it has not been asked again
 *   ```
 * ````
 *
 * @module
 */

import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Action } from '../judge/exchange.ts'
import { noFiles, PageError, parsePattern, parseRequest } from '../judge/fence.ts'
import type { Fence, OwnHole } from '../judge/fence.ts'
import { readChunks } from '../judge/chunks.ts'
import { FIELD_LINE, firstLine } from '../judge/head.ts'
import { requestsOf } from '../judge/requests.ts'
import { onlyText } from '../judge/saved.ts'
import { flawOf, judgeBody, judgeField, parseBody, parseField } from '../judge/values.ts'
import type { Finding } from '../judge/verdict.ts'

/** A server that says what it is told to. */
export class Upstream {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** What is sent for the next requests. */
  #responses: (readonly Action[])[] = []
  /** What has been asked, and not yet been looked at. */
  #asked: string[] = []

  static async start(): Promise<Upstream> {
    const upstream = new Upstream()
    upstream.#server.listen(0, '127.0.0.1')
    await once(upstream.#server, 'listening')
    return upstream
  }

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => {})
      this.#serve(socket)
    })
  }

  get authority(): string {
    return `127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`
  }

  /** Forget the case before, and whoever is still connected. */
  reset(): void {
    this.#responses = []
    this.#asked = []
    for (const socket of this.#sockets) {
      socket.destroy()
    }
  }

  stop(): void {
    this.reset()
    this.#server.close()
  }

  /** Send this for the next request. */
  prepare(actions: readonly Action[]): void {
    this.#responses.push(actions)
  }

  /** The next request that has come, and has not been looked at. */
  next(): string | undefined {
    return this.#asked.shift()
  }

  #serve(socket: Socket): void {
    let received = ''
    socket.on('data', (data) => {
      received += data.toString('latin1')
      const { requests, whole } = requestsOf(received)
      if (whole && requests.length > 0) {
        this.#asked.push(received)
        received = ''
        void this.#respond(socket)
      }
    })
  }

  async #respond(socket: Socket): Promise<void> {
    const actions = this.#responses.shift()
    if (actions === undefined) {
      socket.end('HTTP/1.1 500 Not Expected\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      return
    }
    for (const action of actions) {
      if (action.do === 'send') {
        socket.write(action.bytes)
      } else if (action.do === 'pause') {
        await sleep(action.ms)
      } else if (action.do === 'half-close') {
        socket.end()
      } else if (action.do === 'leave') {
        socket.destroy()
      } else if (action.do === 'reset') {
        socket.resetAndDestroy()
      }
    }
  }
}

/** Read an `upstream` fence. */
export function parseUpstream(fence: Fence, place: string, own: OwnHole): readonly Action[] {
  const actions = parseRequest(fence, place, noFiles, own)
  const known = ['send', 'pause', 'half-close', 'leave', 'reset']
  const odd = actions.find(({ do: what }) => !known.includes(what))
  if (odd !== undefined) {
    throw new PageError(place, `{{${odd.do}}} is not for an upstream`)
  }
  return actions
}

/**
 * Read a `forwarded` fence.
 *
 * @returns what is wrong with what has been asked, which may be nothing.
 */
export function parseForwarded(
  { lines }: Fence,
  place: string,
  own: OwnHole,
): (request: string | undefined) => Finding[] {
  const [line = '', ...rest] = lines
  const flaw = (text: string): Finding[] => [{ line: '', flaw: text }]
  if (line === 'nothing' && rest.length === 0) {
    return (request) =>
      request === undefined
        ? []
        : flaw(`upstream was asked for ${firstLine(request)}; it must not be`)
  }
  if (!/^\S+ \S/.test(line)) {
    throw new PageError(place, `"${line}" is not a method and a target, and not "nothing"`)
  }
  const target = parsePattern(line, place, own)
  const empty = rest.indexOf('')
  const fields = (empty === -1 ? rest : rest.slice(0, empty)).map((one) =>
    parseField(one, place, own),
  )
  const body = empty === -1 ? undefined : parseBody(rest.slice(empty + 1), place, '', own)
  return (request) => {
    if (request === undefined) {
      return flaw(`upstream was not asked; expected ${line}`)
    }
    const asked = firstLine(request)
    const kept = new Map<string, string>()
    if (flawOf(target, asked.replace(/ HTTP\/\S*$/, ''), 's', kept) !== undefined) {
      return [
        { line: asked, flaw: `upstream was asked for this; expected ${onlyText(target) ?? line}` },
      ]
    }
    const there = parseRequestText(request)
    const findings = fields.flatMap((one) => judgeField(one, there, kept))
    findings.push(...(body === undefined ? [] : judgeBody(body, there.body, kept)))
    return findings.map((one) => ({ ...one, flaw: `in what upstream was asked: ${one.flaw}` }))
  }
}

function parseRequestText(request: string) {
  const end = request.indexOf('\r\n\r\n')
  const fields = request
    .slice(0, end)
    .split('\r\n')
    .slice(1)
    .map((line) => FIELD_LINE.exec(line))
    .map((match) => [String(match?.[1]).toLowerCase(), String(match?.[2])] as const)
  const raw = request.slice(end + 4)
  const chunked = fields.some(
    ([name, value]) => name === 'transfer-encoding' && /chunked/i.test(value),
  )
  return { fields, body: chunked ? (readChunks(raw)?.text ?? raw) : raw }
}
