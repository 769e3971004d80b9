/**
 * Connections that are idle: the client has just connected, is between requests, or has sent a part of
 * a head. Nothing is lost if such a connection ends.
 *
 * Used by `base-server.ts`.
 *
 * @module
 */

import { milliseconds } from '../stdlib/dates.ts'
import type { Connection } from './request-handler.ts'

/**
 * The idle connections of a server.
 *
 * @added See `idleConnections` of the server.
 */
export class IdleConnections extends Set<Connection> {
  /**
   * End the connections that are idle now, and still are when a request that is on its way has had the
   * time to arrive. One that becomes idle meanwhile may bring a request, and its handler looks at
   * `closing` after that.
   *
   * @param grace - that time, in seconds
   * @param stillClosing - whether they are still to be ended then
   * @added See `idleConnections` of the server.
   */
  async end(grace: number, stillClosing: () => boolean): Promise<void> {
    const idle = [...this]
    // Node polls for input between timers and immediates: bytes that arrived before this timer have
    // reached their handler when the immediate runs.
    await new Promise((resolve) => setTimeout(resolve, milliseconds(idle.length > 0 ? grace : 0)))
    await new Promise(setImmediate)
    for (const connection of idle) {
      if (stillClosing() && this.has(connection)) {
        // To its handler, this looks as if the client had closed its side.
        connection.push(null)
      }
    }
  }
}
