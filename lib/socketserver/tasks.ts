/**
 * The connections that a server handles side by side, to be waited for at its end; Python's
 * `_Threads`.
 *
 * @module
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { stderr } from '../stdlib/sys.ts'
import { formatException } from '../stdlib/traceback.ts'

/** The task on whose behalf a piece of code runs. It cannot wait for its own end. */
const currentTask = new AsyncLocalStorage<object>()

/** Jobs that have been started, and have not ended yet. */
export class Tasks {
  readonly #running = new Map<object, Promise<void>>()

  /** Start a job. Nobody needs to wait for it, and what it throws is told to standard error. */
  start(job: () => Promise<void>): void {
    const task = {}
    const done = currentTask
      .run(task, job)
      .catch((error: unknown) => {
        // A hook that is there to report errors has thrown one itself.
        const report = formatException(error)
        stderr.write(`Exception ignored in a task of the server: ${report}\n`)
      })
      .finally(() => this.#running.delete(task))
    this.#running.set(task, done)
  }

  /** Wait for all that are running now, but for the one that asks. */
  async others(): Promise<void> {
    const self = currentTask.getStore()
    const others = [...this.#running].filter(([task]) => task !== self)
    await Promise.all(others.map(([, done]) => done))
  }
}
