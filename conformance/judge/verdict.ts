/**
 * From an outcome to a verdict.
 *
 * @module
 */

import { FLOOD, PATIENCE } from './exchange.ts'
import type { Line } from './conversation.ts'
import type { LineOutcome, Outcome } from './exchange.ts'
import { parseResponses } from './invariants.ts'
import type { Case } from './page.ts'
import { matchPattern } from './pattern.ts'
import type { Filling, Pattern } from './pattern.ts'
import { requestsOf } from './requests.ts'

/** One thing that is wrong with an outcome. */
export interface Finding {
  /** The line of the response or the log in which it shows; empty if it shows in none. */
  readonly line: string
  /** Where in that line; undefined for the line as a whole. */
  readonly column?: number
  /** How much of it is wrong, in characters; one, if left out. */
  readonly length?: number
  readonly flaw: string
  /** The rule of `invariants.ts` that is broken, if it is one of those. */
  readonly rule?: string
  /** Whether a busy machine may be to blame: what comes together may have been sent apart. */
  readonly doubtful?: true
}

/** What the case's patterns and the invariants have to say about an outcome. */
export function judge(one: Case, outcome: Outcome): Finding[] {
  const findings = judgeLine(one, outcome, one.waive)
  for (const [name, line] of one.beside) {
    for (const finding of judgeLine(line, outcome.beside.get(name) as LineOutcome, one.waive)) {
      findings.push({ ...finding, flaw: `over the connection "${name}": ${finding.flaw}` })
    }
  }
  for (const [index, text] of outcome.silences.entries()) {
    if (text !== '' && findings.length === 0) {
      const ms = silencesOf(one)[index]
      const flaw = `this came within the ${String(ms)} ms in which the server must be silent`
      findings.push({ line: (/^[^\n]*\n?/.exec(text) as RegExpExecArray)[0], flaw })
    }
  }
  return findings
}

/** What there is to say about one connection. */
function judgeLine(line: Line, outcome: LineOutcome, waive: Case['waive']): Finding[] {
  const { received, ends, closed, reset } = outcome
  if (outcome.flooded) {
    const flaw = `the response has no end: more than ${String(FLOOD / 1024 ** 2)} MiB came`
    return [{ line: '', flaw }]
  }
  const findings = judgeResponses(line.responses, outcome)
  if (outcome.slow) {
    const limit = seconds(PATIENCE.whole)
    return [{ line: '', flaw: `time-out: the response trickles, it is not whole after ${limit}` }]
  }
  // The beginning of a response does not tell which rules it breaks.
  if (outcome.late > 0) {
    return findings
  }
  if (findings.length === 0 && line.expectation.closes && !closed) {
    findings.push({ line: '', flaw: 'the server keeps the connection open; it must close it' })
  }
  if (findings.length === 0 && reset) {
    findings.push({
      line: '',
      flaw: 'the server reset the connection; it must close it, or bytes under way are lost',
    })
  }
  if (findings.length === 0 && !line.expectation.closes && closed) {
    findings.push({ line: '', flaw: 'the server closed the connection; it must keep it open' })
  }
  if (!received.startsWith('HTTP/')) {
    return findings
  }
  // Where a rule and the page find fault with the same line, the rule says more.
  const { requests, whole } = requestsOf(line.request.toString('latin1'))
  const fate = { closed, ends, unread: !whole }
  const broken = parseResponses(received, requests, fate).violations.filter(
    ({ rule }) => !(rule in waive),
  )
  const same = (finding: Finding) =>
    broken.some(({ rule, line }) => {
      return finding.line === '' ? rule === 'close' : finding.line.trimEnd() === line.trimEnd()
    })
  return [...broken, ...findings.filter((finding) => !same(finding))]
}

function silencesOf(one: Case): number[] {
  return one.actions.flatMap((action) => (action.do === 'silence' ? [action.ms] : []))
}

/** Compare an outcome with the responses that a case expects; one that is late is a time-out. */
export function judgeResponses(responses: readonly Pattern[], outcome: LineOutcome): Finding[] {
  const findings = judgeText(responses, outcome.received, outcome.clientPort)
  return outcome.late === 0
    ? findings
    : findings.map((finding) => ({ ...finding, flaw: `${timeout(outcome)}: ${finding.flaw}` }))
}

/** What there is to say about a response whose end did not come. */
export function timeout({ late }: Pick<Outcome, 'late'>): string {
  return `time-out, nothing more came for ${seconds(late)}`
}

function seconds(ms: number): string {
  return `${String(ms / 1000)} s`
}

/** Compare what was received with the responses that a case expects. */
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
      const missing = received === '' ? 'nothing was received' : 'the response ends here'
      return [pointAt(received, received.length, undefined, missing)]
    }
    filled.push(...match.filled)
    at = match.end
  }
  if (at < received.length) {
    return [pointAt(received, at, undefined, 'nothing more was expected')]
  }
  return judgeFillings(filled, { clientPort })
}

/** What is known about the case, besides the text. */
interface Facts {
  readonly clientPort?: number
  /** How far the server's local time is ahead of UTC, in minutes. */
  readonly utcOffset?: number | undefined
}

/** Whether what fills the holes is true, and not only in the right form. */
function judgeFillings(filled: readonly Filling[], facts: Facts): Finding[] {
  const runtime = filled.find(({ hole }) => hole === 'runtime')?.text
  return filled.flatMap(({ hole, text }, index) => {
    let flaw: string | undefined
    switch (hole) {
      case 'process-id':
        if (filled.findIndex((other) => other.hole === hole && other.text === text) < index) {
          flaw = 'this process has already responded'
        }
        break
      case 'client-port':
        if (text !== String(facts.clientPort)) {
          flaw = `the client's port is ${String(facts.clientPort)}`
        }
        break
      case 'http-date':
        flaw = flawOfDate(text)
        break
      case 'log-date':
        flaw = flawOfLogDate(text, facts.utcOffset)
        break
      case 'runtime':
        if (text !== runtime) {
          flaw = `earlier in this response it was ${String(runtime)}`
        }
        break
    }
    return flaw === undefined ? [] : [{ line: text, column: 0, flaw }]
  })
}

/** How far a clock may be off, in milliseconds. */
const TOLERANCE = 2 * 60_000

/**
 * Why a text is not a date.
 *
 * @param now - whether it must be the present time, too
 */
export function flawOfDate(text: string, now = true): string | undefined {
  const time = Date.parse(text)
  // Date.parse() takes a 31st of June, and any day of the week.
  if (Number.isNaN(time) || new Date(time).toUTCString() !== text) {
    return 'there is no such date'
  }
  return now && Math.abs(time - Date.now()) > TOLERANCE
    ? 'this is not the time of the response'
    : undefined
}

function flawOfLogDate(text: string, utcOffset: number | undefined): string | undefined {
  const [day, month, year, time] = text.split(/[/ ]/)
  const utc = new Date(`${String(day)} ${String(month)} ${String(year)} ${String(time)} GMT`)
  if (Number.isNaN(utc.getTime()) || utc.getUTCDate() !== Number(day)) {
    return 'there is no such date'
  }
  const quarter = 15 * 60_000
  const ahead = utc.getTime() - Date.now()
  // Every time zone is some quarters of an hour away from UTC.
  const offset =
    utcOffset === undefined ? Math.round(ahead / quarter) * quarter : utcOffset * 60_000
  return Math.abs(ahead - offset) > TOLERANCE ? 'this is not the local time' : undefined
}

/**
 * Compare the lines of a log with those that a case expects.
 *
 * @param utcOffset - how far the server's local time is ahead of UTC, in minutes, if known
 */
export function judgeLog(expected: readonly Pattern[], log: string, utcOffset?: number): Finding[] {
  const filled: Filling[] = []
  const lines = log.split('\n').filter((line) => line !== '')
  for (const [index, pattern] of expected.entries()) {
    const line = lines[index]
    if (line === undefined) {
      return [{ line: '', flaw: `the log lacks its line ${String(index + 1)}` }]
    }
    // With a line feed after it, because a hole can only be found wrong in a whole line.
    const match = matchPattern([...pattern, { literal: '\n' }], line + '\n')
    if (match.kind === 'mismatch') {
      const expectedHere = match.expected.split('\n', 1)[0] as string
      return [{ line, column: match.at, flaw: `the log must have ${quote(expectedHere)} here` }]
    }
    if (match.kind === 'complete') {
      filled.push(...match.filled)
    }
  }
  const excess = lines[expected.length]
  return excess === undefined
    ? judgeFillings(filled, { utcOffset })
    : [{ line: excess, flaw: 'the log must not have this line' }]
}

/** Show the line that contains an offset, and what is wrong there. */
export function pointAt(
  text: string,
  at: number,
  expected: string | undefined,
  flaw?: string,
): Finding {
  const start = text.lastIndexOf('\n', at - 1) + 1
  const next = text.indexOf('\n', at)
  const line = text.slice(start, next === -1 ? text.length : next + 1)
  const wanted = expected === undefined ? '' : (/^[^\n]*\n?/.exec(expected) as RegExpExecArray)[0]
  const got = at < text.length ? quote(text[at] as string) : 'the end'
  return {
    line,
    column: at - start,
    flaw: flaw ?? `byte ${String(at)} is ${got}; expected here: ${quote(wanted)}${elsewhere()}`,
  }

  /** The right line in the wrong place is a flaw of its own. */
  function elsewhere(): string {
    const whole = text.slice(start, at) + wanted
    const head = text.slice(0, text.indexOf('\r\n\r\n') + 2)
    return whole.length > 2 && whole.endsWith('\n') && head.includes(`\n${whole}`)
      ? `; the line ${quote(whole)} is elsewhere, and the order counts`
      : ''
  }
}

/** A text as JavaScript would write it, cut short when it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? text.slice(0, 60) + '...' : text)
}
