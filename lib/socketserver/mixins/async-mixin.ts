/**
 * A mix-in that Python does not need: every connection is a task on the event loop.
 *
 * ```text
 *   loop:  getRequest -> verifyRequest -> processRequest -.       getRequest -> ...
 *                                                          '-> task: handleConnection -> shutdownRequest
 * ```
 *
 * All it does is not to wait for the task. While one handler waits for a client or a file, the
 * others run, which is how most programs for Node work. They share one thread, however: a handler
 * that computes for a second stops the others for a second. Where that matters, read
 * `threading-mixin.ts`.
 *
 * `ThreadingMixIn` and `ForkingMixIn` extend this one: their tasks hand the connection to a thread
 * or to a child process, and wait there.
 *
 * @module
 */

import { Condition } from '../../stdlib/asyncio.ts'
import type { BaseServer } from '../base-server.ts'
import { endRequest, reportError, writeIgnored } from '../error-report.ts'
import type { Address, Connection } from '../request-handler.ts'

/** The type of a class, by the type of its instances; for mix-ins. */
// TypeScript asks for `any[]` here, and for nothing else, in a class that can be extended so.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Constructor<Instance> = new (...args: any[]) => Instance

/** What {@link AsyncMixIn} adds to a server. */
export interface AsyncMixIn {
  /**
   * Whether `serverClose()` waits until the connections that are being handled have ended. A handler
   * may call it, but must not await it: it would wait for itself.
   *
   * Differs: Python refuses to let a thread join itself. Here nothing tells which handler has
   * called: that would need an `AsyncLocalStorage` for each connection.
   *
   * @python socketserver.ThreadingMixIn.block_on_close
   */
  blockOnClose: boolean
  /**
   * Handle a connection, in its task. To be overridden by a mix-in whose handlers run elsewhere.
   * Afterwards the task reports what was thrown, and closes the connection.
   *
   * @internal
   */
  handleConnection(request: Connection, clientAddress: Address): Promise<void>
  /**
   * Wait until the connections that are being handled have ended, if {@link blockOnClose} says so.
   *
   * @internal
   */
  joinTasks(): Promise<void>
}

/**
 * Let a server handle every connection as a task of its own:
 * `class AsyncTCPServer extends AsyncMixIn(TCPServer) {}`.
 *
 * @param Base - the class of the server
 * @added Python uses threads for this; its `asyncio` is a separate library.
 */
export function AsyncMixIn<Base extends Constructor<BaseServer>>(
  Base: Base,
): Constructor<AsyncMixIn> & Base {
  return class extends Base implements AsyncMixIn {
    blockOnClose = true

    /** How many connections are being handled; Python's `_Threads`. */
    #tasks = 0
    /** Notified when there are none. */
    readonly #none = new Condition()

    override processRequest(request: Connection, clientAddress: Address): void {
      this.#tasks++
      void this.#processTask(request, clientAddress)
    }

    async #processTask(request: Connection, clientAddress: Address): Promise<void> {
      try {
        try {
          await this.handleConnection(request, clientAddress)
        } catch (error) {
          await reportError(this, request, clientAddress, error)
        } finally {
          await endRequest(this, request, clientAddress)
        }
      } catch (error) {
        // The last resort, for a connection that a subclass has made and that cannot be destroyed.
        writeIgnored('in a task of the server', error)
      }
      this.#tasks--
      if (this.#tasks === 0) {
        this.#none.notifyAll()
      }
    }

    handleConnection(request: Connection, clientAddress: Address): Promise<void> {
      return this.finishRequest(request, clientAddress)
    }

    override async serverClose(): Promise<void> {
      await super.serverClose()
      await this.joinTasks()
    }

    async joinTasks(): Promise<void> {
      if (this.blockOnClose) {
        while (this.#tasks > 0) {
          await this.#none.wait()
        }
        // Once more, for the connections that those tasks have closed.
        await super.serverClose()
      }
    }
  }
}
