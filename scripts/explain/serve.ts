/**
 * An exchange with a real server, over a real socket, explained.
 *
 * @module
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { HTTPServer, HTTPSServer } from 'basehttp'
import type { Address, HandlerOptions, InternetAddress } from 'basehttp'
import { patiently } from '../../conformance/patience.ts'
import { explain } from './label.ts'
import type { Explained } from './label.ts'
import { placeOf } from './places.ts'
import { record, Tape } from './tape.ts'
import type { HandlerClass, Line } from './tape.ts'

/** How long a handler may take, in milliseconds. */
const LIMIT = patiently(10_000)

/** How an exchange is made. */
export interface Settings {
  /** The server's `handlerOptions`. */
  readonly options?: HandlerOptions
  readonly Server?: typeof HTTPServer
  /** What the handler takes the client's address for. */
  readonly clientAddress?: Address
  /** What the clock says, in milliseconds; the time it is, if left out. */
  readonly time?: number
}

/** All that happened on a connection. */
export interface Explanation {
  readonly exchanges: readonly Explained[]
  readonly log: readonly string[]
  /** What the handler has thrown. */
  readonly error: unknown
  /** Whether the server ended the connection, or waited for more until the client did. */
  readonly isEndedByServer: boolean
}

/** A server without reports: what is thrown is a part of the explanation. */
export function quiet(Server: typeof HTTPServer): typeof HTTPServer {
  return class extends Server {
    override handleError(): void {}
  }
}

/**
 * Send a client's bytes to a handler, and explain them and those that come back.
 *
 * When the handler wants more than there is, the client says that it has no more.
 *
 * @throws NotTiled, see {@link explain}; an Error when the handler does not come to an end.
 */
export async function explainExchange(
  Handler: HandlerClass,
  sent: Uint8Array,
  { options = {}, Server = HTTPServer, clientAddress, time }: Settings = {},
): Promise<Explanation> {
  const tape = new Tape()
  tape.clientAddress = clientAddress
  tape.isQuiet = true
  const Quiet = quiet(Server)
  const address: InternetAddress = ['127.0.0.1', 0]
  const server = new Quiet(address, record(Handler, tape))
  server.handlerOptions = options
  await server.bindAndActivate()
  const serving = server.serveForever()
  const { now } = Date
  if (time !== undefined) {
    Date.now = () => time
  }
  try {
    const isTls = Server.prototype instanceof HTTPSServer
    const { line, received, isEndedByServer } = await talk(tape, server.serverPort, sent, isTls)
    const exchanges = explain(line, sent, received, placeOf)
    return { exchanges, log: line.log, error: line.error, isEndedByServer }
  } finally {
    Date.now = now
    await server.shutdown()
    await serving
    await server.serverClose()
  }
}

/** The client's part. */
async function talk(tape: Tape, port: number, sent: Uint8Array, isTls: boolean) {
  const where = { host: '127.0.0.1', port, allowHalfOpen: true }
  const received: Buffer[] = []
  let isEndedByServer = true
  const socket = isTls ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where)
  const begun = new Promise<Line>((resolve) => {
    tape.begin = (line) => {
      line.waiting = (count) => {
        if (count >= sent.length && !socket.writableEnded) {
          isEndedByServer = false
          socket.end()
        }
      }
      resolve(line)
    }
  })
  socket.on('data', (piece: Buffer) => received.push(piece))
  socket.write(sent)
  const over = (async () => {
    const [line] = await Promise.all([begun, once(socket, 'end')])
    socket.end()
    await line.done
    return line
  })()
  try {
    const line = await inTime(over)
    return { line, received: Buffer.concat(received), isEndedByServer }
  } finally {
    socket.destroy()
  }
}

async function inTime<Value>(value: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`Cannot explain it: the handler takes more than ${String(LIMIT)} ms`))
    }, LIMIT)
  })
  try {
    return await Promise.race([value, late])
  } finally {
    clearTimeout(timer)
    value.catch(() => {})
  }
}
