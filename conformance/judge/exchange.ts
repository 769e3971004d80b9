/**
 * One conversation over one connection: what is sent, and what must come back.
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
  /** Wait until this many of the expected responses are complete. */
  | { readonly do: 'wait-for-responses'; readonly count: number }
  /** Check that nothing comes for this many milliseconds, after the responses before it. */
  | { readonly do: 'silence'; readonly ms: number }
  /** Say that nothing more will be sent. */
  | { readonly do: 'half-close' }
  /** Wait until the server has closed the connection, then open another. */
  | { readonly do: 'connect-again' }

/** Judges what has come back, as it comes. */
export interface Expectation {
  /** Whether the server must close the connection, or keep it open. */
  readonly closes: boolean
  /**
   * Compare what has been received so far, as ISO 8859-1 text.
   *
   * @param count - how many responses to compare; all, if left out
   * @returns whether it is all that was expected, may still become so, or no longer can.
   */
  progress(received: string, count?: number): 'complete' | 'incomplete' | 'wrong'
}

/** A conversation: the client's part, and what is expected of the server's. */
export interface Exchange {
  readonly actions: readonly Action[]
  readonly expectation: Expectation
}

/** What happened in a conversation. */
export interface Outcome {
  /** All that the server sent, as ISO 8859-1 text. */
  readonly received: string
  /** Whether the server closed the connection; a reset counts. */
  readonly closed: boolean
  /** Whether it did so by a reset, which may lose bytes that were under way. */
  readonly reset: boolean
  /** For each `wait-for`, whether the bytes came. */
  readonly waits: readonly boolean[]
  /** For each `silence`, the bytes that came nevertheless. */
  readonly silences: readonly string[]
  /** Whether the response was given up because it came too slowly. */
  readonly slow: boolean
  /**
   * For how long nothing had come when the rest of the response was given up, in milliseconds; 0 if
   * the response is whole, or wrong, or the server has ended it.
   */
  readonly late: number
  /** The port of our side. */
  readonly clientPort: number
}

/** Where a server listens. */
export interface Address {
  readonly host: string
  readonly port: number
  /** Whether the conversation is held over TLS, with whoever is there. */
  readonly tls?: boolean
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
  whileOpen: () => Promise<void> = () => Promise.resolve(),
  patience: Patience = PATIENCE,
): Promise<Outcome> {
  let line = await Line.open(server, patience.coarse)
  const { expectation } = exchange
  const waits: boolean[] = []
  const silences: string[] = []
  try {
    for (const action of exchange.actions) {
      if (line.closed && action.do !== 'connect-again') {
        continue
      }
      switch (action.do) {
        case 'send':
          await line.send(action.bytes)
          break
        case 'pause':
          await sleep(action.ms)
          break
        case 'wait-for':
          waits.push(
            await line.until(
              (received) => received.includes(action.text),
              action.ms ?? patience.missing,
            ),
          )
          break
        case 'wait-for-responses':
          await line.until(
            (received) => expectation.progress(received, action.count) !== 'incomplete',
            patience.missing,
          )
          break
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
            line = await Line.open(server, patience.coarse, line.received)
          }
          break
      }
    }
    const deadline = Date.now() + patience.whole
    await line.until(
      (received) => expectation.progress(received) !== 'incomplete' || Date.now() > deadline,
      patience.missing,
    )
    // Then wait for the close. Where none must come, or the response is wrong anyway, even if only
    // now, a moment is enough to see what follows.
    const rest = expectation.progress(line.received) === 'incomplete' && !line.closed
    const late = rest && Date.now() <= deadline ? patience.missing : 0
    const right = () => expectation.progress(line.received) === 'complete' && Date.now() <= deadline
    if (expectation.closes) {
      await line.until(() => !right(), patience.missing)
    }
    await line.until(() => Date.now() > deadline, patience.quiet)
    const slow = Date.now() > deadline
    const { received, closed, reset, clientPort } = line
    if (!closed) {
      await whileOpen()
    }
    return { received, closed, reset, waits, silences, slow, late, clientPort }
  } finally {
    line.socket.destroy()
  }
}

// Reused for every read of every connection: what is in them is copied at once.
const ONE_BYTE = new Uint8Array(1)
const MANY_BYTES = new Uint8Array(64 * 1024)

/** The client's end of a connection. */
class Line {
  readonly socket: Socket
  #received = ''
  #closed = false
  #reset = false
  #changed: () => void = () => {}

  /** @param received - what an earlier connection of the conversation has received */
  static async open(server: Address, coarse = false, received = ''): Promise<Line> {
    const line = new Line(server, coarse)
    line.#received = received
    await new Promise<void>((resolve, reject) => {
      line.socket.once(server.tls === true ? 'secureConnect' : 'connect', resolve)
      line.socket.once('error', (error) => {
        const where = `${server.host}:${String(server.port)}`
        reject(new Error(`Cannot connect to ${where}`, { cause: error }))
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
      this.#changed()
    }
    if (tls === true) {
      // What is judged is what is said, not who says it.
      this.socket = connectTls({ host, port, rejectUnauthorized: false })
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

  /** Write, and wait until the kernel has it: what follows is then a separate packet. */
  async send(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve) => {
      this.socket.write(bytes, () => {
        resolve()
      })
    })
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
