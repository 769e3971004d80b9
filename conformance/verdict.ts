/**
 * From an outcome to a verdict.
 *
 * @module
 */

import type { Outcome } from './exchange.ts'
import { methodsOf, parseResponses } from './invariants.ts'
import type { Case } from './page.ts'
import { matchPattern } from './pattern.ts'
import type { Filling, Pattern } from './pattern.ts'

/** One thing that is wrong with an outcome. */
export interface Finding {
  /** The line of the answer or the log in which it shows; empty if it shows in none. */
  readonly line: string
  /** Where in that line; undefined for the line as a whole. */
  readonly column?: number
  readonly flaw: string
}

/** What the case's patterns and the invariants have to say about an outcome. */
export function judge(one: Case, outcome: Outcome): Finding[] {
  const { received, closed } = outcome
  const findings = judgeText(one.responses, received, outcome.clientPort)
  if (findings.length === 0 && one.expectation.closes && !closed) {
    findings.push({ line: '', flaw: 'the server keeps the connection open; it must close it' })
  }
  if (findings.length === 0 && !one.expectation.closes && closed) {
    findings.push({ line: '', flaw: 'the server closed the connection; it must keep it open' })
  }
  if (received.startsWith('HTTP/')) {
    const methods = methodsOf(one.request.toString('latin1'))
    findings.push(...parseResponses(received, methods, closed).violations)
  }
  return findings
}

/** Compare what was received with the answers that a case expects. */
export function judgeText(
  responses: readonly Pattern[],
  received: string,
  clientPort: number,
): Finding[] {
  const filled: Filling[] = []
  let at = 0
  for (const response of responses) {
    const match = matchPattern(response, received, at)
    if (match.kind === 'mismatch') {
      return [pointAt(received, match.at, match.expected)]
    }
    if (match.kind === 'incomplete') {
      const missing = received === '' ? 'nothing was received' : 'the answer ends here'
      return [pointAt(received, received.length, undefined, missing)]
    }
    filled.push(...match.filled)
    at = match.end
  }
  if (at < received.length) {
    return [pointAt(received, at, undefined, 'nothing more was expected')]
  }
  return filled.flatMap(({ hole, text }) =>
    hole === 'client-port' && text !== String(clientPort)
      ? [{ line: text, column: 0, flaw: `the client's port is ${String(clientPort)}` }]
      : [],
  )
}

/** Compare the lines of a log with those that a case expects. */
export function judgeLog(expected: readonly Pattern[], log: string): Finding[] {
  const lines = log.split('\n').filter((line) => line !== '')
  for (const [index, pattern] of expected.entries()) {
    const line = lines[index]
    if (line === undefined) {
      return [{ line: '', flaw: `the log lacks its line ${String(index + 1)}` }]
    }
    // A line feed behind it, because a hole needs a whole line to be found wrong.
    const match = matchPattern([...pattern, { literal: '\n' }], line + '\n')
    if (match.kind === 'mismatch') {
      const expectedHere = match.expected.split('\n', 1)[0] as string
      return [{ line, column: match.at, flaw: `the log must have ${quote(expectedHere)} here` }]
    }
  }
  const excess = lines[expected.length]
  return excess === undefined ? [] : [{ line: excess, flaw: 'the log has this line, and must not' }]
}

/** Show the line that holds an offset, and what is wrong there. */
function pointAt(text: string, at: number, expected: string | undefined, flaw?: string): Finding {
  const start = text.lastIndexOf('\n', at - 1) + 1
  const next = text.indexOf('\n', at)
  const line = text.slice(start, next === -1 ? text.length : next + 1)
  const wanted = expected === undefined ? '' : (/^[^\n]*\n?/.exec(expected) as RegExpExecArray)[0]
  const got = at < text.length ? quote(text[at] as string) : 'the end'
  return {
    line,
    column: at - start,
    flaw: flaw ?? `byte ${String(at)} is ${got}; expected here: ${quote(wanted)}`,
  }
}

/** A text as JavaScript would write it, cut short when it is long. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? text.slice(0, 60) + '...' : text)
}
