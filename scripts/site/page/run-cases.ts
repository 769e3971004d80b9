/**
 * Cases in several workers side by side, since most of a case is waiting.
 *
 * @module
 */

import type { Report } from '../browser/orders.ts'
import { Host, HungError } from './host.ts'
import type { Fault } from './link.ts'

/** How many workers there are. */
const LANES = 4

type Judged = Extract<Report, { kind: 'judged' | 'skipped' }>

/** What to run, and whom to tell. */
export interface Run {
  readonly pages: readonly string[]
  readonly only?: readonly string[]
  readonly without?: readonly string[]
  readonly fault?: Fault | undefined
  readonly told: (report: Judged) => void
}

/** Run the cases of some pages. */
export async function runCases({ pages, only, without = [], fault, told }: Run): Promise<void> {
  const queue = [...pages]
  const lane = async () => {
    const host = new Host(fault)
    try {
      for (let page = queue.shift(); page !== undefined; page = queue.shift()) {
        await runPage(host, page)
      }
    } finally {
      host.end()
    }
  }
  await Promise.all(Array.from({ length: Math.min(LANES, pages.length) }, lane))

  async function runPage(host: Host, page: string): Promise<void> {
    const done = [...without]
    for (;;) {
      let current: string | undefined
      try {
        const order = { do: 'cases' as const, pages: [page], without: done, ...(only && { only }) }
        await host.give(order, (report) => {
          if (report.kind === 'begun') {
            current = report.id
          } else if (report.kind === 'judged' || report.kind === 'skipped') {
            done.push(report.id)
            told(report)
          }
        })
        return
      } catch (error) {
        if (!(error instanceof HungError) || current === undefined) {
          throw error
        }
        // The server loops for ever. Its worker has been ended; the next cases get another.
        const findings = [{ line: '', flaw: 'the server does not come back: it hangs' }]
        told({ kind: 'judged', id: current, passed: false, findings, received: '' })
        done.push(current)
      }
    }
  }
}
