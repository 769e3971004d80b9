/**
 * One conversation with a server: what is sent, and what must come back.
 *
 * Most need one connection, or one after the other. Some need several side by side, each with a
 * name; the first is `a`:
 *
 * ```text
 *   a   GET /one HT ............ TP/1.1        what the server reads of the one
 *   b              GET /two HTTP/1.1           must not get into the other
 * ```
 *
 * All cases come to the replayer in this one shape, whether they were written as a page
 * (`page.ts`) or recorded from CPython (`recording.ts`).
 *
 * @module
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { patiently } from '../patience.ts'

/** Something that the client does. */
export type Action =
  /** Write bytes, in one piece. */
  | { readonly do: 'send'; readonly bytes: Buffer }
  /** Do nothing for so many milliseconds. */
  | { readonly do: 'pause'; readonly ms: number }
  /**
   * Wait until these bytes have come, as long as for a response. Whether they did is noted.
   *
   * @param ms - the longest to wait, where it is known that they do not come
   */
  | { readonly do: 'wait-for'; readonly text: string; readonly ms?: number }
  /** Wait until this many of the responses expected on this connection are complete. */
  | { readonly do: 'wait-for-responses'; readonly count: number }
  /** Check that nothing comes for this many milliseconds, after the responses before it. */
  | { readonly do: 'silence'; readonly ms: number }
  /** Say that nothing more will be sent. */
  | { readonly do: 'half-close' }
  /** Wait until the server has closed the connection, then open another. */
  | { readonly do: 'connect-again' }
  /** Go on over the connection of this name, which is opened if there is none. */
  | { readonly do: 'line'; readonly name: string }
  /** End the connection. What came over it after the last wait for responses is not judged. */
  | { readonly do: 'leave' }
  /** End the connection by a reset, as a client does that is killed. The same holds. */
  | { readonly do: 'reset' }
  /** Open another connection under the same name; end the one before, if it has not ended. */
  | { readonly do: 'new' }
  /** Go on as clients do: over another connection, if the server has ended this one, or said that it will. */
  | { readonly do: 'go-on' }
  /** Do something beside the conversation, such as to change a file that the server serves. */
  | { readonly do: 'act'; readonly act: () => void | Promise<void> }

/** The name of the connection with which every conversation begins. */
export const FIRST_LINE = 'a'

/** Judges what has come back, as it comes. */
export interface Expectation {
  /** Whether the server must close the connection, or keep it open. */
  readonly closes: boolean
  /**
   * Compare what has been received so far, as ISO 8859-1 text.
   *
   * @param count - how many responses to compare; all, if left out
   * @param ends - where in it one connection ended and the next began
   * @returns whether it is all that was expected, may still become so, or no longer can.
   */
  progress(
    received: string,
    count?: number,
    ends?: readonly number[],
  ): 'complete' | 'incomplete' | 'wrong'
  /** Whether the server has said that it ends the connection. */
  ending?(received: string): boolean
  /** Whether what has come is wrong by now, so that the conversation is broken off. */
  lost?(line: Pick<LineOutcome, 'received' | 'ends' | 'closed'>, count: number): boolean
}

/** A conversation: the client's part, and what is expected of the server's. */
export interface Exchange {
  readonly actions: readonly Action[]
  readonly expectation: Expectation
  /** What is expected on other connections than the first, by their names. */
  readonly beside?: ReadonlyMap<string, { readonly expectation: Expectation }>
}

/** What happened on a connection; or on several that had the same name, one after the other. */
export interface LineOutcome {
  /** All that the server sent, as ISO 8859-1 text. */
  readonly received: string
  /** Where in it one connection ended and the next began. */
  readonly ends: readonly number[]
  /** Whether the server closed the connection; a reset counts. */
  readonly closed: boolean
  /** Whether it did so by a reset, which may lose bytes that were under way. */
  readonly reset: boolean
  /** Whether the response was given up because it came too slowly. */
  readonly slow: boolean
  /** Whether it was given up because there was no end to it. */
  readonly flooded: boolean
  /**
   * For how long nothing had come when the rest of the response was given up, in milliseconds; 0 if
   * the response is whole, or wrong, or the server has ended it.
   */
  readonly late: number
  /** The port of our side. */
  readonly clientPort: number
  /** How much had been received at which time, by the clock of `performance`: a pair for each piece. */
  readonly arrivals: readonly (readonly [length: number, ms: number])[]
}

/** Where a server listens. */
export interface Address {
  readonly host: string
  readonly port: number
  /** Whether the conversation is held over TLS, with whoever is there. */
  readonly tls?: boolean
}

/** What happened in a conversation: on its first connection, and beside it. */
export interface Outcome extends LineOutcome {
  /** For each `wait-for`, whether the bytes came. */
  readonly waits: readonly boolean[]
  /** The action at which the conversation was broken off, by its index; undefined if it was not. */
  readonly brokenAt?: number
  /** For each `silence`, the bytes that came nevertheless. */
  readonly silences: readonly string[]
  /** What happened on the other connections on which something is expected. */
  readonly beside: ReadonlyMap<string, LineOutcome>
}

/** How long to wait without a byte, in milliseconds. */
export interface Patience {
  /** For a response, or a close, that is still missing. */
  readonly missing: number
  /** After the response, to see that the connection stays open and nothing follows. */
  readonly quiet: number
  /** For the whole response, however steadily it trickles. */
  readonly whole: number
  /** Whether a reset need not be told from an end. Telling them apart costs a callback per byte. */
  readonly coarse?: boolean
}

/**
 * Long enough for a slow machine, since a right response does not wait for it; and short enough
 * that fifty cases on connections that stay open do not take a minute.
 */
export const PATIENCE: Patience = {
  missing: patiently(10_000),
  quiet: 250,
  whole: patiently(20_000),
}

/**
 * Hold a conversation with a server.
 *
 * @param whileOpen - is called at the end, if the server has not closed: what it says about a
 * client that leaves is no longer part of the conversation
 */
export async function play(
  exchange: Exchange,
  server: Address,
  whileOpen: (received: string) => Promise<void> = () => Promise.resolve(),
  patience: Patience = PATIENCE,
): Promise<Outcome> {
  const { coarse } = patience
  const lines = new Map<string, Line>()
  const open = async (name: string, before?: Line) => {
    const line = await Line.open(server, coarse, before)
    lines.set(name, line)
    return line
  }
  const expectationOf = (name: string) =>
    name === FIRST_LINE ? exchange.expectation : exchange.beside?.get(name)?.expectation
  const waits: boolean[] = []
  const silences: string[] = []
  try {
    let name = FIRST_LINE
    let line = await open(name)
    let missed = 0
    let broken = false
    let brokenAt: number | undefined
    for (const [at, action] of exchange.actions.entries()) {
      // A server that has missed so many responses gives no more of them, or not the right ones.
      if (missed > 2 || broken) {
        brokenAt = at - 1
        break
      }
      if (line.closed && !IN_ANY_CASE.includes(action.do)) {
        continue
      }
      switch (action.do) {
        case 'send':
          await line.send(action.bytes, patience.missing)
          break
        case 'pause':
          await sleep(action.ms)
          break
        case 'wait-for': {
          const there = await line.until(
            (received) => received.includes(action.text),
            action.ms ?? patience.missing,
          )
          waits.push(there)
          broken = !there && exchange.expectation.lost !== undefined
          break
        }
        case 'wait-for-responses': {
          const expectation = expectationOf(name)
          const there = await line.until(
            (received) => expectation?.progress(received, action.count, line.ends) !== 'incomplete',
            missed === 0 ? patience.missing : patience.quiet,
          )
          // A body may end with the connection, and has then not been missed.
          missed += there || line.closed ? 0 : 1
          line.settled = line.received.length
          broken = expectation?.lost?.(line, action.count) === true
          break
        }
        case 'silence': {
          const before = line.received.length
          await line.until((received) => received.length > before, action.ms)
          silences.push(line.received.slice(before))
          break
        }
        case 'half-close':
          line.socket.end()
          break
        case 'connect-again':
          await line.until(() => false, patience.missing)
          if (line.closed && !line.reset) {
            line = await open(name, line)
          }
          break
        case 'go-on':
          // What another connection before it has said of its own end is not about this one.
          if (expectationOf(name)?.ending?.(line.received.slice(line.ends.at(-1) ?? 0)) === true) {
            await line.until(() => false, patience.missing)
          }
          if (line.closed) {
            line = await open(name, line)
          }
          break
        case 'act':
          await action.act()
          break
        case 'line':
          name = action.name
          line = lines.get(name) ?? (await open(name))
          break
        case 'reset':
          // Together with the bytes before it, a reset looks like an end to many a server. What it
          // sends meanwhile is not taken, so that it is in the middle of it.
          line.socket.pause()
          await sleep(UNDER_WAY)
          line.abandon('reset')
          break
        case 'leave':
          line.abandon('leave')
          break
        case 'new':
          line.abandon('leave')
          line = await open(name, line)
          break
      }
    }
    const beside = new Map<string, LineOutcome>()
    for (const [name, { expectation }] of exchange.beside ?? []) {
      const line = lines.get(name) ?? (await open(name))
      beside.set(name, await finish(line, expectation, patience, broken))
    }
    const first = lines.get(FIRST_LINE) as Line
    const outcome = await finish(first, exchange.expectation, patience, broken)
    if ([...lines.values()].some(({ closed }) => !closed)) {
      await whileOpen(outcome.received)
    }
    return { ...outcome, waits, silences, beside, ...(brokenAt !== undefined && { brokenAt }) }
  } finally {
    for (const line of lines.values()) {
      line.socket.destroy()
    }
  }
}

/** How long bytes are under way that a server must have read before what follows, in milliseconds. */
const UNDER_WAY = 50

/** What is done even if the connection has ended. */
const IN_ANY_CASE: readonly string[] = ['connect-again', 'line', 'new', 'pause', 'go-on', 'act']

/**
 * Wait for the rest of the responses on a connection, and for its end.
 *
 * @param broken - whether the conversation was broken off: then only what has come counts
 */
async function finish(
  line: Line,
  expectation: Expectation,
  patience: Patience,
  broken: boolean,
): Promise<LineOutcome> {
  const { missing } = broken ? { missing: 0 } : patience
  const deadline = Date.now() + patience.whole
  const progress = () => expectation.progress(line.received, undefined, line.ends)
  await line.until(() => progress() !== 'incomplete' || Date.now() > deadline, missing)
  // Then wait for the close. Where none must come, or the response is wrong anyway, even if only
  // now, a moment is enough to see what follows.
  const rest = progress() === 'incomplete' && !line.closed
  const late = rest && Date.now() <= deadline ? patience.missing : 0
  const right = () => progress() === 'complete' && Date.now() <= deadline
  if (expectation.closes) {
    await line.until(() => !right(), missing)
  }
  await line.until(() => Date.now() > deadline, patience.quiet)
  const { received, ends, closed, reset, flooded, clientPort, arrivals } = line
  const slow = Date.now() > deadline
  return { received, ends, closed, reset, slow, flooded, late, clientPort, arrivals }
}

// Reused for every read of every connection: what is in them is copied at once.
const ONE_BYTE = new Uint8Array(1)
const MANY_BYTES = new Uint8Array(64 * 1024)

/** How long the system may take to make a connection, in milliseconds. */
const CONNECT_LIMIT = patiently(5000)

/** How much is written at once: more than any head, and a small part of a large body. */
const BLOCK = 256 * 1024

/** How much may come over a connection, in bytes, before the client leaves: it has no end. */
export const FLOOD = 64 * 1024 * 1024

/** The client's end of a connection. */
class Line {
  readonly socket: Socket
  /** Where in what was received each connection before this one ended. */
  ends: readonly number[] = []
  arrivals: (readonly [number, number])[] = []
  #received = ''
  #closed = false
  #reset = false
  #flooded = false
  /** Whether the server has taken nothing for too long. */
  #stuck = false
  #changed: () => void = () => {}
  /** How much had come when responses were last waited for. */
  settled = 0

  /** @param before - the connection that this one comes after, under the same name */
  static async open(server: Address, coarse = false, before?: Line): Promise<Line> {
    const line = new Line(server, coarse)
    if (before !== undefined) {
      line.#received = before.received
      line.settled = before.received.length
      line.arrivals = before.arrivals
      line.ends = [...before.ends, before.received.length]
    }
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: unknown) => {
        line.socket.destroy()
        reject(new Error(`Cannot connect to ${server.host}:${String(server.port)}`, { cause }))
      }
      // A server whose queue is full does not even refuse: the system would try for two minutes.
      const timer = setTimeout(fail, CONNECT_LIMIT, new Error('time-out'))
      line.socket.once(server.tls === true ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer)
        resolve()
      })
      line.socket.once('error', (error) => {
        clearTimeout(timer)
        fail(error)
      })
    })
    return line
  }

  private constructor({ host, port, tls }: Address, coarse: boolean) {
    const onread = {
      // When data and a reset arrive together, libuv reads the data, sees that the buffer is
      // not full, and reports the end: the reset is lost. A buffer of one byte is always full.
      buffer: () => (coarse || this.#received.length >= 4096 ? MANY_BYTES : ONE_BYTE),
      callback: (length: number, bytes: Uint8Array) => {
        take(Buffer.from(bytes.buffer, 0, length))
        return true
      },
    }
    const take = (bytes: Buffer) => {
      this.#received += bytes.toString('latin1')
      this.arrivals.push([this.#received.length, performance.now()])
      // A server that sends without end would fill the memory.
      if (this.#received.length > FLOOD) {
        this.#flooded = true
        this.socket.destroy()
      }
      this.#changed()
    }
    if (tls === true) {
      // What is judged is what is said, not who says it.
      this.socket = connectTls({ host, port, rejectUnauthorized: false })
      this.socket.allowHalfOpen = true
      this.socket.on('data', take)
    } else {
      this.socket = connect({ host, port, noDelay: true, allowHalfOpen: true, onread })
    }
    const { socket } = this
    const close = () => {
      this.#closed = true
      this.#changed()
    }
    socket.on('end', close)
    socket.on('close', close)
    // Without an end before it, an error is a reset; after one it is our own late write.
    socket.on('error', () => {
      this.#reset ||= !this.#closed
      close()
    })
  }

  get clientPort(): number {
    return this.socket.localPort ?? 0
  }

  get received(): string {
    return this.#received
  }

  get closed(): boolean {
    return this.#closed
  }

  get reset(): boolean {
    return this.#reset
  }

  get flooded(): boolean {
    return this.#flooded
  }

  /**
   * Write, and wait until the kernel has it: what follows is then a separate packet.
   *
   * @param ms - how long the server may take none of it, in milliseconds
   */
  async send(bytes: Buffer, ms: number): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#closed && !this.#stuck; at += BLOCK) {
      await new Promise<void>((resolve) => {
        // A server that reads nothing more must not keep us here for ever.
        const timer = setTimeout(() => {
          this.#stuck = true
          resolve()
        }, ms)
        this.socket.write(bytes.subarray(at, at + BLOCK), () => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  /** End the connection without waiting for the server, and forget what nobody waited for. */
  abandon(how: 'leave' | 'reset'): void {
    this.#received = this.#received.slice(0, this.settled)
    this.#closed = true
    this.#changed = () => {}
    // A socket of TLS can only be destroyed; with what has not been read, that is a reset, too.
    if (how === 'reset' && !('encrypted' in this.socket)) {
      this.socket.resetAndDestroy()
    } else {
      this.socket.destroy()
    }
  }

  /**
   * Wait until a condition holds, or the server has closed, or nothing has come for so many
   * milliseconds; tell whether the condition holds.
   */
  until(condition: (received: string) => boolean, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      let turn: NodeJS.Immediate | undefined
      const finish = () => {
        clearTimeout(timer)
        clearImmediate(turn)
        this.#changed = () => {}
        resolve(condition(this.#received))
      }
      // A process that has been kept waiting runs its due timers before it looks at its sockets:
      // what came in time may still be in the kernel. So it looks once more, and gives up if that
      // brings nothing.
      const timer = setTimeout(() => {
        turn = setImmediate(finish)
      }, ms)
      this.#changed = () => {
        clearImmediate(turn)
        timer.refresh()
        if (this.#closed || condition(this.#received)) {
          finish()
        }
      }
      this.#changed()
    })
  }
}
