/**
 * How bytes and verdicts look on a page.
 *
 * @module
 */

import type { Flaw, Report } from '../browser/orders.ts'

/** Make an element. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...content: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  made.className = className
  made.append(...content)
  return made
}

/** Bytes as the case pages write them: CR LF at the end of a line, all else that is no letter escaped. */
export function readable(received: string): string {
  return received
    .replace(/\\/g, '\\\\')
    .replace(/\r\n/g, '\n')
    .replace(/[^\n\x20-\x7e]/g, (byte) =>
      byte === '\r'
        ? '\\r'
        : byte === '\t'
          ? '\\t'
          : `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
}

/** What came of a case. */
export function verdictOf(report: Extract<Report, { kind: 'judged' | 'skipped' }>): HTMLElement {
  if (report.kind === 'skipped') {
    return element(
      'div',
      'verdict skipped',
      element('b', '', 'not here'),
      ` ${report.why}. With Node: `,
      element('code', '', `npm run conformance -- --only ${report.id}`),
    )
  }
  const { passed, findings, received } = report
  return element(
    'div',
    `verdict ${passed ? 'passed' : 'failed'}`,
    element('b', '', passed ? 'passes' : 'fails'),
    ...findings.map(flawOf),
    element('details', '', element('summary', '', 'what came'), bytes(received)),
  )
}

function flawOf({ line, flaw }: Flaw): HTMLElement {
  return element('p', '', ...(line === '' ? [] : [element('code', '', line), ' ']), flaw)
}

/** Bytes, in a box that can be scrolled without a mouse. */
export function bytes(received: string): HTMLElement {
  const box = element('pre', 'bytes', received === '' ? '(nothing)' : readable(received))
  box.tabIndex = 0
  return box
}

/** The element that is known to be there. */
export function need<Kind extends HTMLElement>(selector: string, kind: new () => Kind): Kind {
  const found = document.querySelector(selector)
  if (!(found instanceof kind)) {
    throw new Error(`This page has no ${selector}`)
  }
  return found
}
