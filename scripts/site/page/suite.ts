/**
 * The page of all cases, and of all faults: run the one with the other in it, and see what turns red.
 *
 * @module
 */

import { BASE } from './host.ts'
import type { Fault } from './link.ts'
import { runCases } from './run-cases.ts'
import { element, need, verdictOf } from './show.ts'

const cells = new Map(
  [...document.querySelectorAll<HTMLAnchorElement>('[data-case]')].map((cell) => [
    cell.dataset.case ?? '',
    cell,
  ]),
)
const pages = [...new Set([...cells.values()].map((cell) => cell.dataset.page ?? ''))]
const status = need('#status', HTMLElement)
const found = need('#found', HTMLElement)
const faults = fetch(`${BASE}faults.json`).then((response) => response.json() as Promise<Fault[]>)

let running: object | undefined

async function run(fault?: Fault): Promise<void> {
  const run = {}
  running = run
  const [start, counts] = [performance.now(), { passed: 0, failed: 0, skipped: 0 }]
  found.replaceChildren()
  for (const cell of cells.values()) {
    cell.className = ''
  }
  const say = (state: string) => {
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    const { passed, failed, skipped } = counts
    status.dataset.state = state
    status.textContent =
      `${fault === undefined ? 'The library as it is' : `With the fault ${fault.id}`}: ` +
      `${String(passed)} pass, ${String(failed)} fail, ${String(skipped)} need Node; ${seconds} s`
  }
  const told = (report: Parameters<Parameters<typeof runCases>[0]['told']>[0]) => {
    if (running !== run) {
      return
    }
    const verdict = report.kind === 'skipped' ? 'skipped' : report.passed ? 'passed' : 'failed'
    counts[verdict]++
    const cell = cells.get(report.id)
    if (cell !== undefined) {
      cell.className = verdict
    }
    if (verdict === 'failed') {
      const link = element('a', '', report.id)
      link.href = cell?.href ?? ''
      found.append(element('li', '', link, verdictOf(report)))
    }
    say('running')
  }
  say('running')
  try {
    // The case that is there to find the fault first.
    const first = fault === undefined ? undefined : cells.get(fault.killedBy)
    const only = first === undefined ? [] : [first.dataset.case ?? '']
    if (first !== undefined) {
      await runCases({ pages: [first.dataset.page ?? ''], only, fault, told })
    }
    if (running === run) {
      await runCases({ pages, without: only, fault, told })
    }
    if (running === run) {
      say('over')
    }
  } catch (error) {
    status.dataset.state = 'over'
    status.textContent = error instanceof Error ? error.message : String(error)
  }
}

need('#run-all', HTMLButtonElement).addEventListener('click', () => void run())
for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-fault]')) {
  button.addEventListener('click', () => {
    status.scrollIntoView({ block: 'center' })
    void faults.then((all) => run(all.find(({ id }) => id === button.dataset.fault)))
  })
}
for (const hidden of document.querySelectorAll<HTMLElement>('.needs-script')) {
  hidden.hidden = false
}
