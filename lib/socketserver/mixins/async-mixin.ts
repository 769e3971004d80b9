/**
 * The mix-in that Python has no need for: every connection is a task on the event loop.
 *
 * ```text
 *   loop:  getRequest -> verifyRequest -> processRequest -.       getRequest -> ...
 *                                                          '-> task: finishRequest -> shutdownRequest
 * ```
 *
 * The loop does not wait for the task, and that is all. While one handler waits, for a client or
 * for a file, the others go on; it is how most programs for Node work. They all share one thread,
 * however: a handler that computes for a second stops the others for a second. Where that
 * matters, read `threading-mixin.ts`.
 *
 * @module
 */

import type { Address, BaseServer, Constructor } from '../base-server.ts'
import type { Connection } from '../request-handler.ts'
import { Tasks } from './tasks.ts'

/** What {@link AsyncMixIn} adds to a server. */
export interface AsyncMixIn {
  /**
   * Whether `serverClose()` waits until the connections that are being handled have ended. A handler
   * may call it, and must not await it: it would wait for itself.
   *
   * Differs: Python's thread is told that it cannot join itself. To know who asks, every promise
   * would have to carry the name of its connection (`AsyncLocalStorage`), and on Node 20 that is a
   * quarter of the CPU of a request.
   *
   * @python socketserver.ThreadingMixIn.block_on_close
   */
  blockOnClose: boolean
}

/**
 * Let a server handle every connection as a task of its own:
 * `class AsyncTCPServer extends AsyncMixIn(TCPServer) {}`.
 *
 * @param Base - the class of the server
 * @added Python's way are threads; `asyncio` is another library there.
 */
export function AsyncMixIn<Base extends Constructor<BaseServer>>(
  Base: Base,
): Constructor<AsyncMixIn> & Base {
  return class extends Base implements AsyncMixIn {
    blockOnClose = true

    readonly #tasks = new Tasks()

    override processRequest(request: Connection, clientAddress: Address): void {
      this.#tasks.add(this.#processTask(request, clientAddress))
    }

    async #processTask(request: Connection, clientAddress: Address): Promise<void> {
      try {
        await this.finishRequest(request, clientAddress)
      } catch (error) {
        await this.reportError(request, clientAddress, error)
      } finally {
        await this.endRequest(request, clientAddress)
      }
    }

    override async serverClose(): Promise<void> {
      await super.serverClose()
      if (this.blockOnClose) {
        await this.#tasks.join()
        // Once more, for the connections that have been closed only now.
        await super.serverClose()
      }
    }
  }
}
