/**
 * The server under the fuzzer: real sockets, in this process, so that nothing it does goes unseen.
 *
 * @module
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import {
  AsyncHTTPServer,
  BaseHTTPRequestHandler,
  FieldStorage,
  HTTPServer,
  SimpleHTTPRequestHandler,
  ThreadingHTTPServer,
} from 'basehttp'
import type { Address, Connection } from 'basehttp'
import { parseResponses } from '../judge/invariants.ts'
import type { ParsedResponse } from '../judge/invariants.ts'
import type { ParsedRequest } from '../judge/requests.ts'
import { patiently } from '../patience.ts'
import { LARGE, LIMITS, SMUGGLED, SPOOL_THRESHOLD, told, toldForm } from './conversations.ts'
import type { ExpectedResponse, Conversation } from './conversations.ts'

/** How long a conversation may take if neither side waits for long, in milliseconds. */
const LIMIT = patiently(60_000)

/** What has been seen of the current conversation. */
class Observation {
  /** The requests that got a response, in order. */
  readonly handled: ParsedRequest[] = []
  /** What the server has done that it must not do. */
  readonly misdeeds: string[] = []
}

let seen = new Observation()

/** A conversation that did not end in time. Nothing more can be learned from this server. */
export class Stuck extends Error {
  override readonly name = 'Stuck'
}

/** Tells what it has understood; PUT reads the body, the others leave it. */
export class PlainHandler extends BaseHTTPRequestHandler {
  static readonly module: string = import.meta.url

  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    this.#reply('')
  }

  do_HEAD() {
    this.#reply('')
  }

  async do_PUT() {
    // To the end, of a body in chunks.
    const chunked = this.headers.has('Transfer-Encoding')
    const length = chunked ? -1 : Number(this.headers.get('Content-Length', '0'))
    const body = await this.rfile.read(length)
    this.#reply(body.toString('latin1'))
  }

  do_DELETE() {
    this.sendResponse(204)
    this.endHeaders()
  }

  do_LARGE() {
    this.#reply('', LARGE)
  }

  async do_POST() {
    const form = await FieldStorage.parse({
      ...LIMITS,
      fp: this.rfile,
      headers: this.headers,
      spoolThreshold: SPOOL_THRESHOLD,
    })
    const fields = form.list.map((field) => ({
      name: field.name ?? '',
      filename: field.filename,
      content: field.value.toString('latin1'),
    }))
    this.#send(toldForm(fields))
  }

  #reply(content: string, length = 0) {
    this.#send(
      told(this.path, this.headers.items(), content, this.trailers.items()).padEnd(length, '.'),
    )
  }

  #send(text: string) {
    const body = Buffer.from(text, 'latin1')
    this.sendResponse(200)
    this.sendHeader('Content-Length', body.length)
    this.endHeaders()
    if (this.command !== 'HEAD') {
      void this.wfile.write(body)
    }
  }

  override sendResponseOnly(code: number, message?: string) {
    note(this, code)
    super.sendResponseOnly(code, message)
  }
}

/** The same in a thread, of which only the responses are seen. */
export class ThreadHandler extends PlainHandler {
  static override readonly module = import.meta.url

  override logMessage() {}
}

/** The file server, as it is. */
export class FileHandler extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override sendResponseOnly(code: number, message?: string) {
    note(this, code)
    super.sendResponseOnly(code, message)
  }
}

function note(handler: BaseHTTPRequestHandler, code: number): void {
  if (handler.requestVersion === 'HTTP/0.9') {
    // Responses to it have no head, and could not be checked: here they have one.
    handler.requestVersion = 'HTTP/1.0'
  }
  if (code >= 200) {
    seen.handled.push({
      method: handler.command,
      version: handler.requestVersion,
    })
  }
  if (handler.path.startsWith(SMUGGLED)) {
    seen.misdeeds.push(`it takes the body for a request: ${handler.requestline}`)
  }
}

/** A server that tells what goes wrong. */
export class Subject extends AsyncHTTPServer {
  override requestQueueSize = 100
  /** How many connections have a handler. */
  handlers = 0

  override async finishRequest(request: Connection, clientAddress: Address): Promise<void> {
    this.handlers++
    try {
      await super.finishRequest(request, clientAddress)
    } finally {
      this.handlers--
    }
  }

  override handleError(request: Connection, clientAddress: Address, error: unknown): void {
    noteException(error)
  }
}

/** The same, one connection at a time: who waits without end stops everybody. */
export class PlainSubject extends HTTPServer {
  override requestQueueSize = 100

  override handleError(request: Connection, clientAddress: Address, error: unknown): void {
    noteException(error)
  }
}

/** The same with threads. */
export class ThreadingSubject extends ThreadingHTTPServer {
  override requestQueueSize = 100

  override handleError(request: Connection, clientAddress: Address, error: unknown): void {
    noteException(error)
  }
}

function noteException(error: unknown): void {
  seen.misdeeds.push(
    `an exception: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
  )
}

/**
 * Hold a conversation.
 *
 * @throws an Error that says what the server did wrong; {@link Stuck} when it stops responding.
 */
export async function converse(server: HTTPServer, conversation: Conversation): Promise<void> {
  const { expected } = conversation
  seen = new Observation()
  const log: string[] = []
  const write = process.stderr.write.bind(process.stderr)
  process.stderr.write = (line: string | Uint8Array) => {
    log.push(String(line))
    return true
  }
  let received
  try {
    received = await exchange(server.serverPort, conversation)
    await handlersGone(server)
  } finally {
    process.stderr.write = write
  }

  const problems = [...seen.misdeeds]
  for (const line of log) {
    if (!/^[^\x00-\x1f\x7f-\x9f]*\n$/.test(line)) {
      problems.push(`not a valid line of the log: ${JSON.stringify(line)}`)
    }
  }
  if (conversation.ends !== 'reset') {
    problems.push(...flaws(received, expected, conversation.text))
  }
  if (problems.length > 0) {
    throw new Error(`${problems.join('\n')}\nreceived: ${JSON.stringify(received.slice(0, 2000))}`)
  }
}

/** What is wrong with the responses. */
function flaws(
  received: string,
  expected: readonly ExpectedResponse[] | undefined,
  text: string,
): string[] {
  // A server with threads does not show us its requests: then take those that were sent.
  const hidden = seen.handled.length === 0
  const requests = hidden ? (expected ?? []).filter(({ hundred }) => hundred !== 1) : seen.handled
  const { responses, violations } = parseResponses(received, requests, {
    closed: true,
    unread: hidden,
  })
  const found = violations.map(({ line, flaw }) => `${flaw}: ${JSON.stringify(line)}`)
  found.push(...responses.flatMap((response) => strayRedirect(response, text)))
  if (expected === undefined) {
    return found
  }
  const hundreds = responses.map(({ code }, index) => {
    const any = expected[index]?.hundred === 0
    return any ? 0 : code < 200 ? 1 : code < 300 ? 2 : 4
  })
  const wanted = expected.map(({ hundred }) => hundred).join(', ')
  if (hundreds.join(', ') !== wanted) {
    found.push(`responses of ${hundreds.join(', ') || 'no'} hundred, expected ${wanted}`)
    return found
  }
  for (const [index, { body }] of expected.entries()) {
    const told = responses[index]?.body
    if (body !== undefined && told !== body) {
      found.push(
        `it understood ${JSON.stringify(told?.slice(0, 500))}, ` +
          `but was told ${JSON.stringify(body.slice(0, 500))}`,
      )
    }
  }
  return found
}

/** A redirect to another host, unless the client named that host itself. */
function strayRedirect({ fields }: ParsedResponse, text: string): string[] {
  const [, location] = fields.find(([name]) => name === 'location') ?? []
  const here = 'http://here.example/'
  if (location === undefined || / [\0-\x20]*[a-z]+:\/\/[^/?#]/i.test(text)) {
    return []
  }
  const stays = URL.canParse(location, here) && new URL(location, here).host === 'here.example'
  return stays ? [] : [`it sends the client to another host: ${JSON.stringify(location)}`]
}

/** Wait until no connection has a handler: mistakes after the client has gone count, too. */
async function handlersGone(server: HTTPServer): Promise<void> {
  const end = performance.now() + LIMIT
  while (server instanceof Subject && server.handlers > 0) {
    if (performance.now() > end) {
      throw new Stuck(`A handler still runs ${String(LIMIT / 1000)} s after its client has gone`)
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Send a text in pieces, end our side, and read what comes until the server ends its own. */
export async function exchange(port: number, conversation: Conversation): Promise<string> {
  const { text, cuts, ends, late = '', deaf = 0 } = conversation
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const received = receive(socket)
  if (deaf > 0) {
    socket.pause()
    setTimeout(() => socket.resume(), deaf)
  }
  let from = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    if (cut > from && cut < text.length) {
      socket.write(text.slice(from, cut), 'latin1')
      from = cut
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  if (ends === 'reset') {
    socket.write(text.slice(from), 'latin1', () => socket.resetAndDestroy())
    return received
  }
  socket.write(text.slice(from), 'latin1')
  if (late !== '') {
    await new Promise((resolve) => setTimeout(resolve, 2))
    socket.write(late, 'latin1')
  }
  if (ends === 'after-the-server' && !socket.readableEnded) {
    socket.on('end', () => socket.end())
  } else {
    socket.end()
  }
  return received
}

function receive(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Stuck(`The connection still lives after ${String(LIMIT / 1000)} s`))
    }, LIMIT)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
    })
    // A server may close before it has read everything, which resets our connection.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(received)
    })
  })
}
