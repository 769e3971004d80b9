/**
 * The first page: the exchange that stands there can be changed, and held anew.
 *
 * @module
 */

import type { Part } from '../browser/orders.ts'
import { wire } from '../wire.ts'
import { Host } from './host.ts'
import { element, need } from './show.ts'

const live = need('#live', HTMLElement)
const button = need('#live-send', HTMLButtonElement)
const response = need('#live section:last-of-type', HTMLElement)

/** How long the handler may keep its worker busy, in milliseconds. */
const SILENCE = 5000

let program: HTMLTextAreaElement | undefined
let request: HTMLTextAreaElement | undefined

/** Put a box for text in the place of what stands there. */
function editable(selector: string, label: string, text: string): HTMLTextAreaElement {
  const box = element('textarea', '')
  box.value = text
  box.rows = text.split('\n').length + 1
  box.spellcheck = false
  box.setAttribute('aria-label', label)
  need(selector, HTMLElement).replaceWith(box)
  return box
}

async function send(): Promise<void> {
  if (program === undefined || request === undefined) {
    program = editable(
      '#live > pre',
      'The handler',
      need('#live > pre > code', HTMLElement).innerText,
    )
    request = editable('#live section', 'The request', live.dataset.request ?? '')
    button.textContent = 'Send'
    return
  }
  button.disabled = true
  const host = new Host()
  const order = { do: 'program' as const, source: program.value, request: request.value }
  try {
    await host.give(
      order,
      (report) => {
        if (report.kind === 'explained') {
          // Escaped where it is written.
          response.innerHTML = report.parts
            .filter(({ title }) => title.includes('response'))
            .map(htmlOf)
            .join('')
        }
      },
      SILENCE,
    )
  } catch (error) {
    response.replaceChildren(
      element('p', 'verdict failed', error instanceof Error ? error.message : String(error)),
    )
  } finally {
    host.end()
    button.disabled = false
  }
}

/** The links of the labels are those of the playground, a folder further down. */
function htmlOf({ pieces }: Part): string {
  return wire(pieces.map((piece) => ({ ...piece, href: piece.href.replace(/^\.\.\//, '') })))
}

button.addEventListener('click', () => void send())
for (const hidden of document.querySelectorAll<HTMLElement>('.needs-script')) {
  hidden.hidden = false
}
