/**
 * The playground: a handler, a request, and what the one makes of the other.
 *
 * @module
 */

import type { Part } from '../browser/orders.ts'
import { wire } from '../wire.ts'
import { BASE, Host, HungError } from './host.ts'
import type { Fault } from './link.ts'
import { bytes, element, need } from './show.ts'

const program = need('#program', HTMLTextAreaElement)
const request = need('#request', HTMLTextAreaElement)
const chosen = need('#chosen', HTMLSelectElement)
const fault = need('#fault', HTMLSelectElement)
const send = need('#send', HTMLButtonElement)
const response = need('#response', HTMLElement)
const log = need('#log', HTMLElement)
const labels = need('#labels', HTMLElement)

/** How long the handler may keep its worker busy, in milliseconds. */
const SILENCE = 5000

let host: Host | undefined

async function run(): Promise<void> {
  host?.end()
  send.disabled = true
  const seen = { response: false }
  response.replaceChildren('running …')
  log.replaceChildren()
  labels.replaceChildren()
  try {
    const all = fault.value === '' ? [] : await load<Fault[]>('faults.json')
    const mine = new Host(all.find(({ id }) => id === fault.value))
    host = mine
    const order = { do: 'program' as const, source: program.value, request: request.value }
    await mine.give(
      order,
      (report) => {
        if (report.kind === 'log') {
          log.replaceChildren(bytes(report.text.replaceAll('\n', '\r\n')))
        } else if (report.kind === 'response') {
          const end = report.closed
            ? 'Then the server closed the connection.'
            : 'The connection stays open.'
          response.replaceChildren(bytes(report.received), element('p', 'facts', end))
          seen.response = true
          send.disabled = false
        } else if (report.kind === 'explained') {
          labels.replaceChildren(...report.parts.flatMap(partOf))
        }
      },
      SILENCE,
    )
    mine.end()
  } catch (error) {
    // What a handler does after its response may go on for ever.
    if (!seen.response) {
      const why =
        error instanceof HungError
          ? 'The program has not come back for five seconds, so it was ended. An endless loop?'
          : error instanceof Error
            ? error.message
            : String(error)
      response.replaceChildren(element('p', 'verdict failed', why))
    }
  } finally {
    send.disabled = false
  }
}

/** A request or a response, each byte with its label. */
function partOf({ title, pieces }: Part): HTMLElement[] {
  const box = element('div', 'exchange')
  // Escaped where it is written.
  box.innerHTML = wire(pieces)
  return [element('h3', '', title), box]
}

async function load<Value>(name: string): Promise<Value> {
  return (await fetch(BASE + name)).json() as Promise<Value>
}

/** A program of the list, and a request for it. */
interface Program {
  readonly name: string
  readonly source: string
  readonly request: string
}

async function choose(name: string): Promise<void> {
  const found = (await load<Program[]>('programs.json')).find((one) => one.name === name)
  if (found !== undefined) {
    chosen.value = name
    program.value = found.source
    request.value = found.request
    response.replaceChildren()
    log.replaceChildren()
    labels.replaceChildren()
  }
}

send.addEventListener('click', () => void run())
chosen.addEventListener('change', () => void choose(chosen.value))
for (const area of [program, request]) {
  area.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      void run()
    }
  })
}
for (const hidden of document.querySelectorAll<HTMLElement>('.needs-script')) {
  hidden.hidden = false
}
const asked = new URLSearchParams(location.search).get('program')
if (asked !== null) {
  void choose(asked)
}
