/**
 * The server under the fuzzer: real sockets, in this process, so that nothing it does stays unseen.
 *
 * @module
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { AsyncHTTPServer, BaseHTTPRequestHandler, SimpleHTTPRequestHandler } from 'basehttp'
import type { Address, Connection } from 'basehttp'
import { parseResponses } from '../invariants.ts'
import type { ParsedRequest } from '../invariants.ts'
import { SMUGGLED } from './conversations.ts'
import type { Conversation } from './conversations.ts'

/** How long a conversation may take whose client has ended its side, in milliseconds. */
const LIMIT = 5000

/** What has been seen of the conversation that is going on. */
class Observation {
  /** The request to which each answer was given. */
  readonly answered: ParsedRequest[] = []
  /** What the server has done that it must not do. */
  readonly misdeeds: string[] = []
}

let seen = new Observation()

/** Answers each method with a line; PUT reads the body, the others leave it. */
export class PlainHandler extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    this.#reply('got')
  }

  do_HEAD() {
    this.#reply('got')
  }

  async do_PUT() {
    const body = await this.rfile.read(Number(this.headers.get('Content-Length', '0')))
    this.#reply(`put ${String(body.length)}`)
  }

  do_DELETE() {
    this.sendResponse(204)
    this.endHeaders()
  }

  #reply(text: string) {
    this.sendResponse(200)
    this.sendHeader('Content-Length', text.length)
    this.endHeaders()
    if (this.command !== 'HEAD') {
      void this.wfile.write(Buffer.from(text))
    }
  }

  override sendResponseOnly(code: number, message?: string) {
    note(this, code)
    super.sendResponseOnly(code, message)
  }
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
    // Its answers have no head, and nothing could be said of them: here they have one.
    handler.requestVersion = 'HTTP/1.0'
  }
  if (code >= 200) {
    seen.answered.push({
      method: handler.command,
      version: handler.requestVersion,
      connection: handler.headers.get('Connection', ''),
    })
  }
  if (handler.path.startsWith(SMUGGLED)) {
    seen.misdeeds.push(`it takes the body for a request: ${handler.requestline}`)
  }
}

/** A server that tells what goes wrong. */
export class Subject extends AsyncHTTPServer {
  override requestQueueSize = 100

  override handleError(request: Connection, clientAddress: Address, error: unknown): void {
    seen.misdeeds.push(
      `an exception: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
    )
  }

  /**
   * Hold a conversation.
   *
   * @throws an Error that says what the server did wrong.
   */
  async converse({ text, cuts, answers }: Conversation): Promise<void> {
    seen = new Observation()
    const log: string[] = []
    const write = process.stderr.write.bind(process.stderr)
    process.stderr.write = (line: string | Uint8Array) => {
      log.push(String(line))
      return true
    }
    let received
    try {
      received = await exchange(this.serverPort, text, cuts)
    } finally {
      process.stderr.write = write
    }

    const problems = [...seen.misdeeds]
    for (const line of log) {
      if (!/^[^\x00-\x1f\x7f-\x9f]*\n$/.test(line)) {
        problems.push(`a line of the log that is none: ${JSON.stringify(line)}`)
      }
    }
    const { responses, violations } = parseResponses(received, seen.answered, {
      closed: true,
      halfClosed: true,
    })
    problems.push(...violations.map(({ line, flaw }) => `${flaw}: ${JSON.stringify(line)}`))
    const hundreds = responses.flatMap(({ code }) => (code < 200 ? [] : code < 300 ? [2] : [4]))
    if (answers !== undefined && hundreds.join() !== answers.join()) {
      problems.push(
        `answers of ${hundreds.join(', ') || 'no'} hundred, expected ${answers.join(', ')}`,
      )
    }
    if (problems.length > 0) {
      throw new Error(
        `${problems.join('\n')}\nreceived: ${JSON.stringify(received.slice(0, 2000))}`,
      )
    }
  }
}

/** Send a text in pieces, end our side, and read what comes until the server ends its own. */
async function exchange(port: number, text: string, cuts: readonly number[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const received = receive(socket)
  let from = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    if (cut > from && cut < text.length) {
      socket.write(text.slice(from, cut), 'latin1')
      from = cut
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  socket.end(text.slice(from), 'latin1')
  return received
}

function receive(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`The connection still lives after ${String(LIMIT / 1000)} s`))
    }, LIMIT)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
    })
    // A server may close before it has read all: that is its right, and resets us.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(received)
    })
  })
}
