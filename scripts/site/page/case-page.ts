/**
 * A page of cases, each with a button to run it in this very browser.
 *
 * @module
 */

import { runCases } from './run-cases.ts'
import { element, verdictOf } from './show.ts'

const page = /([^/]+)\.html$/.exec(location.pathname)?.[1] ?? ''
const places = [...document.querySelectorAll<HTMLElement>('[data-case]')]

async function run(chosen: readonly HTMLElement[]): Promise<void> {
  const byId = new Map(chosen.map((place) => [place.dataset.case ?? '', place]))
  for (const place of chosen) {
    place.querySelector('.verdict')?.remove()
    place.append(element('div', 'verdict', 'running …'))
  }
  const show = (place: HTMLElement | undefined, verdict: HTMLElement) => {
    place?.querySelector('.verdict')?.replaceWith(verdict)
  }
  try {
    await runCases({
      pages: [page],
      only: [...byId.keys()],
      told: (report) => {
        show(byId.get(report.id), verdictOf(report))
      },
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    for (const place of chosen) {
      show(place, element('div', 'verdict failed', why))
    }
  }
}

for (const place of places) {
  const button = element('button', '', 'Run this case')
  button.type = 'button'
  button.addEventListener('click', () => void run([place]))
  place.prepend(button)
  place.hidden = false
}
const all = document.querySelector<HTMLElement>('[data-cases]')
if (all !== null) {
  const button = element('button', '', `Run all ${String(places.length)} cases of this page`)
  button.type = 'button'
  button.addEventListener('click', () => void run(places))
  all.prepend(button)
  document.querySelector('h1')?.after(all)
  all.hidden = false
}
