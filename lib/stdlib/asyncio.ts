/**
 * What is needed of Python's `asyncio`: a pause of no length, and waiting for one another.
 *
 * @module
 */

import { milliseconds, monotonic } from './dates.ts'

/**
 * Let everything else that is ready run first: other connections, timers, signals. Awaiting resolved
 * promises does not: the event loop moves on only after the last pending microtask.
 *
 * @python asyncio.sleep
 */
export function sleep0(): Promise<void> {
  return new Promise(setImmediate)
}

/**
 * A place to wait for something to happen.
 *
 * @python asyncio.Condition
 */
export class Condition {
  readonly #waiting = new Set<() => void>()

  /** Wait until {@link notifyAll} is called. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
    })
  }

  /**
   * Wait as {@link wait}, and up to that many seconds. The others are woken with this one: whoever
   * waits looks again at what it waits for.
   *
   * @added Python's `asyncio.wait_for()` does it for any promise.
   */
  async waitUpTo(seconds: number): Promise<void> {
    const timer = setTimeout(() => {
      this.notifyAll()
    }, milliseconds(seconds))
    await this.wait()
    clearTimeout(timer)
  }

  /** Wake all that wait. */
  notifyAll(): void {
    for (const resolve of this.#waiting) {
      resolve()
    }
    this.#waiting.clear()
  }
}

/** How long one may go on while others wait, in seconds. */
const TURN = 0.005

/** The turn of somebody who has more to do at once, while others wait for theirs. */
export class Turn {
  #count = 0
  #since = 0

  /** Whether it is over; if so, let the others run, with {@link sleep0}, and the next turn begins. */
  isOver(hasMore: boolean): boolean {
    if (!hasMore) {
      this.#count = 0
      return false
    }
    // Reading the clock takes a fiftieth of the time of a small request, so it is done for one in four.
    if (this.#count++ % 4 !== 0) {
      return false
    }
    const time = monotonic()
    if (this.#count === 1) {
      this.#since = time
      return false
    }
    const over = time - this.#since > TURN
    this.#count = over ? 0 : this.#count
    return over
  }
}
