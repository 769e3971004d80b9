/**
 * The connections that a server handles side by side, to be waited for at its end; Python's
 * `_Threads`.
 *
 * @module
 */

import { stderr } from '../stdlib/sys.ts'
import { formatException } from '../stdlib/traceback.ts'

/** Jobs that have been started, and have not ended yet. */
export class Tasks {
  readonly #running = new Set<Promise<void>>()

  /** Start a job. Nobody needs to wait for it, and what it throws is told to standard error. */
  start(job: () => Promise<void>): void {
    const task = this.#run(job).then(() => {
      this.#running.delete(task)
    })
    this.#running.add(task)
  }

  async #run(job: () => Promise<void>): Promise<void> {
    try {
      await job()
    } catch (error) {
      // A hook that is there to report errors has thrown one itself.
      stderr.write(`Exception ignored in a task of the server: ${formatException(error)}\n`)
    }
  }

  /** Wait for all that are running now. */
  async join(): Promise<void> {
    await Promise.all(this.#running)
  }
}
