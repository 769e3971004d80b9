/**
 * The connections that a server handles side by side, to be waited for at its end; Python's
 * `_Threads`.
 *
 * @module
 */

import { stderr } from '../../stdlib/sys.ts'
import { formatException } from '../../stdlib/traceback.ts'

/** Jobs that have been started, and have not ended yet. */
export class Tasks {
  #running = 0
  /** Those who wait until none is running. */
  readonly #joining: (() => void)[] = []

  /**
   * Take a job that has been started. Nobody needs to wait for it, and what it throws is told to
   * standard error.
   */
  add(job: Promise<void>): void {
    this.#running++
    job.then(this.#ended, this.#failed)
  }

  /** Wait until none is running. */
  async join(): Promise<void> {
    if (this.#running > 0) {
      await new Promise<void>((resolve) => this.#joining.push(resolve))
    }
  }

  readonly #ended = (): void => {
    this.#running--
    if (this.#running === 0) {
      for (const resolve of this.#joining.splice(0)) {
        resolve()
      }
    }
  }

  readonly #failed = (error: unknown): void => {
    // The last resort: a mix-in reports what a handler or a hook throws.
    stderr.write(`Exception ignored in a task of the server: ${formatException(error)}\n`)
    this.#ended()
  }
}
