/**
 * How far a run is: one line on a terminal, written over and over; not a byte into a file.
 *
 * @module
 */

import type { Result } from './lanes.ts'
import { isLoud } from './report.ts'

/** Where progress is shown: standard error, as a rule. */
export interface Screen {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** How often the line is written, in milliseconds. */
const PERIOD = 100

/** Shows how many cases are done, how many of them are failing so far, and how long it may take. */
export class Progress {
  readonly #results = new Map<string, boolean>()
  readonly #start = performance.now()
  readonly #screen: Screen
  readonly #total: number
  #shown = -Infinity

  /** @param total - how many cases there are */
  constructor(screen: Screen, total: number) {
    this.#screen = screen
    this.#total = total
  }

  /** Take note of a result; a second one of the same case replaces the first. */
  told(result: Result): void {
    this.#results.set(result.id, isLoud(result))
    const now = performance.now()
    if (this.#screen.isTTY === true && now - this.#shown > PERIOD) {
      this.#shown = now
      const done = this.#results.size
      const failing = [...this.#results.values()].filter(Boolean).length
      const left = Math.ceil((((now - this.#start) / done) * (this.#total - done)) / 1000)
      const rest = done === this.#total ? 'looking again' : `${String(left)} s left`
      this.#screen.write(
        `\r${String(done)} of ${String(this.#total)} cases, ${String(failing)} failing, ${rest}\x1b[K`,
      )
    }
  }

  /** Take the line away again. */
  end(): void {
    if (this.#shown > -Infinity) {
      this.#screen.write('\r\x1b[K')
    }
  }
}
