/**
 * The end of a connection: how the last bytes of a response reach a client that is still sending.
 *
 * ```text
 *   we:      response, FIN ------.        .--- close
 *   client:  ...still sending ----'-- FIN-'        or nothing for two seconds, then close
 *                (read and thrown away)
 * ```
 *
 * RFC 9112 §9.6 describes this. If a socket is closed while bytes still arrive, a line end after the
 * request or a body that nobody wanted, the kernel sends a reset and forgets what it has not yet sent
 * of the response; and a reset may overtake the rest.
 *
 * Used by `tcp-server.ts`.
 *
 * @module
 */

import { Condition } from '../stdlib/asyncio.ts'
import type { Connection } from './request-handler.ts'

/** How long a client may take to close its side of a connection after we have closed ours, in seconds. */
const LINGER_SECONDS = 2

/** How many connections may wait for that at the same time. */
const MOST_LINGERING = 100

/** What of its server decides how patiently connections are closed. */
interface Owner {
  readonly maxConnections: number | null
  readonly closing: boolean
}

/** The connections of a server that are being closed. */
export class LingeringConnections {
  readonly #owner: Owner
  /** In the order in which they were closed; some may be gone already. */
  #connections: Connection[] = []
  #count = 0
  /** Notified when there are none. */
  readonly #none = new Condition()

  constructor(owner: Owner) {
    this.#owner = owner
  }

  /**
   * Send what is still to be sent, and close the connection: our side at once, the rest when the
   * client has closed its own, or two seconds after it could have.
   */
  close(connection: Connection): void {
    this.#endOldest()
    this.#connections.push(connection)
    this.#count++
    // Measured, CPU of a connection with one request: 17 % more than to close at once, most of it
    // for the kernel and for Node's events. Node keeps timers of equal length in one list; to keep
    // the connections in a Set as well would cost another 8 %.
    const timer = setTimeout(() => {
      // A client that is slow to take the response is the business of the handler's timeout.
      if (connection.writableFinished || this.#owner.closing) {
        connection.destroy()
      } else {
        timer.refresh()
      }
    }, LINGER_SECONDS * 1000)
    connection.on('close', () => {
      clearTimeout(timer)
      this.#count--
      if (this.#count === 0) {
        this.#connections = []
        this.#none.notifyAll()
      }
    })
    connection.end(() => {
      if (!connection.destroyed) {
        timer.refresh()
      }
    })
    // A stream that has ended in both directions destroys itself.
    connection.resume()
  }

  /** Wait until all are closed: four seconds at most, once the server itself is being closed. */
  async allClosed(): Promise<void> {
    while (this.#count > 0) {
      await this.#none.wait()
    }
  }

  /**
   * Security: clients that never close must not use up the descriptors, or the connections of a
   * server with a limit. Where too many linger, the one that has had most time to take its response
   * makes room, and not the one that is closed now.
   */
  #endOldest(): void {
    const most = Math.min(MOST_LINGERING, (this.#owner.maxConnections ?? Infinity) / 2)
    if (this.#count >= most) {
      const sent = (one: Connection) => one.writableFinished && !one.destroyed
      this.#connections.find(sent)?.destroy()
    }
    if (this.#connections.length >= 2 * MOST_LINGERING) {
      this.#connections = this.#connections.filter((one) => !one.destroyed)
    }
  }
}
