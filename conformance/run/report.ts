/**
 * What people read about a run: a table by topic, and each failure with what is wrong, why it
 * matters and how to reproduce it.
 *
 * @module
 */

import { RULES } from '../judge/invariants.ts'
import { COMMAND } from '../paths.ts'
import type { Result, Verdict } from './lanes.ts'
import { repro } from './repro.ts'
import { heard, thrown } from './said.ts'
import type { Finding } from '../judge/verdict.ts'

const COLUMNS: readonly Verdict[] = [
  ...(['pass', 'allowed', 'expected failure', 'warn', 'dependent', 'untold'] as const),
  ...(['unsteady', 'fail', 'unexpected pass', 'dies', 'error', 'skip'] as const),
]

/** What makes a run fail. */
const FAILED: readonly Verdict[] = ['fail', 'unexpected pass', 'unsteady', 'dies', 'error']

/** What says nothing about a server. */
export const NOT_JUDGED: readonly Verdict[] = ['skip', 'dependent', 'untold']

/** What must be shown in full and, except for warnings, makes a run fail. */
const LOUD: readonly Verdict[] = [...FAILED, 'warn', 'untold']

/** How many results have each verdict. */
export function count(results: readonly Result[]): Record<Verdict, number> {
  const counts = Object.fromEntries(COLUMNS.map((verdict) => [verdict, 0]))
  for (const { verdict } of results) {
    counts[verdict] = (counts[verdict] ?? 0) + 1
  }
  return counts as Record<Verdict, number>
}

/** Whether a result must be shown in full. */
export function isLoud({ verdict }: Result): boolean {
  return LOUD.includes(verdict)
}

/** Whether a result makes a run fail. */
export function isFailure({ verdict }: Result): boolean {
  return FAILED.includes(verdict)
}

/** 0 nothing unexpected, 1 something unexpected, 2 nothing judged, 3 the target broke. */
export function exitStatus(results: readonly Result[]): number {
  const counts = count(results)
  if (results.every(({ verdict }) => NOT_JUDGED.includes(verdict))) {
    return 2
  }
  return counts.error > 0 ? 3 : FAILED.some((verdict) => counts[verdict] > 0) ? 1 : 0
}

/** The last line. */
export function totals(target: string, results: readonly Result[]): string {
  const counts = count(results)
  const failed = FAILED.reduce((sum, verdict) => sum + counts[verdict], 0) - counts.unsteady
  const parts = [
    `conformance of ${target}: ${String(counts.pass)} passed`,
    `${String(failed)} failed`,
  ]
  const more = {
    unsteady: 'unsteady',
    'expected failure': 'failed as declared',
    ...{ allowed: 'left open', warn: 'warnings', untold: 'untold', dependent: 'not judged' },
    skip: 'skipped',
  } as const
  for (const [verdict, word] of Object.entries(more) as [keyof typeof more, string][]) {
    if (counts[verdict] > 0) {
      parts.push(`${String(counts[verdict])} ${word}`)
    }
  }
  return parts.join(', ')
}

/** Say what the target lacks; nothing if it has all. */
export function skipped(results: readonly Result[]): string[] {
  const lacking = new Map<string, number>()
  for (const result of results) {
    if (result.verdict === 'skip') {
      const what = `${'turns' in result.case ? 'rules' : 'cases'}, ${whySkipped(result)}`
      lacking.set(what, (lacking.get(what) ?? 0) + 1)
    }
  }
  return [...lacking].map(([what, number]) => `skipped: ${String(number)} ${what}`)
}

/** What the target lacks for a case or a rule. */
export function whySkipped({ case: one, findings }: Result): string {
  const app = 'app' in one ? one.app : 'server' in one ? one.server : undefined
  return findings[0]?.flaw ?? `the target has no app "${String(app)}"`
}

/** A table: a row for each topic, a column for each verdict that occurs. */
export function table(results: readonly Result[]): string {
  const topics = [...new Set(results.map(({ topic }) => topic))]
  const totals = count(results)
  const columns = COLUMNS.filter((verdict) => verdict === 'pass' || totals[verdict] > 0)
  const width = Math.max('topic'.length, ...topics.map((topic) => topic.length))
  const row = (name: string, cells: readonly string[]) =>
    `${name.padEnd(width)}${cells.map((cell, at) => cell.padStart(Math.max(8, (columns[at] as string).length + 3))).join('')}`
  const cells = (of: readonly Result[]) => {
    const counts = count(of)
    return columns.map((verdict) => (counts[verdict] === 0 ? '.' : String(counts[verdict])))
  }
  return [
    row('topic', columns),
    ...topics.map((topic) => row(topic, cells(results.filter((one) => one.topic === topic)))),
    row('all', cells(results)),
  ].join('\n')
}

/**
 * An unexpected result, in full.
 *
 * @param command - what runs the suite on this target, for the line that shows how to reproduce it
 */
export function describe(result: Result, command = COMMAND): string {
  const { id, verdict, findings, alone, case: one } = result
  const mark = verdict === 'fail' ? '' : `${verdict === 'warn' ? 'warning' : verdict}, `
  const about = 'why' in one ? `${one.level}, ${one.source}` : one.title
  const lines = [`not ok ${id}   ${mark}${about}`, ...thrown(result.said)]
  lines.push(...findings.flatMap(show))
  if (alone !== undefined) {
    lines.push(`    again  alone, on a fresh server: ${alone.verdict}`)
    lines.push(...thrown(alone.said), ...alone.findings.flatMap(show))
  }
  if ('why' in one) {
    const rule = findings[0]?.rule
    lines.push(`    why    ${rule === undefined ? one.why : String(RULES[rule])}`)
  } else if ('recording' in one && result.outcome !== undefined) {
    lines.push(...compareWithRecording(one.recording.response, result.outcome.received))
  }
  lines.push(...heard(result.said))
  if (result.port !== undefined) {
    const line = repro(one, result.port)
    if (line.length <= LONG) {
      lines.push(`    repro  ${line}`)
    }
    lines.push(`    serve  ${command} --only ${id} --repro --port ${String(result.port)}`)
  }
  return lines.join('\n')
}

/** How much of a line is shown, in characters. */
const MOST_SHOWN = 400

/** All that must be shown in full. What an app that is broken says is shown once, with a count. */
export function grouped(
  results: readonly Result[],
  describe: (result: Result) => string,
): string[] {
  const texts: string[] = []
  const repeated = new Map<string, { line: string; times: number }>()
  for (const result of results.filter(isLoud)) {
    const [line = ''] = (result.findings[0]?.flaw ?? '').split('\n', 1)
    // Each attempt to start it had a port of its own.
    const reason = line.replace(/\d+/g, '')
    const known = repeated.get(reason)
    if (result.verdict !== 'error' || result.port !== undefined) {
      texts.push(describe(result))
    } else if (known === undefined) {
      repeated.set(reason, { line, times: 0 })
      texts.push(describe(result))
    } else {
      known.times++
    }
  }
  for (const { line, times } of repeated.values()) {
    if (times > 0) {
      texts.push(`and ${String(times)} cases more for the same reason: ${line}`)
    }
  }
  return texts
}

/** The longest line that can still be copied. */
const LONG = 2000

/** A finding, with the line that shows it. */
export function show({ line: whole, column: at, length = 1, flaw }: Finding): string[] {
  if (whole === '') {
    return [`    ${flaw}`]
  }
  // Of a line that is very long, the piece around the flaw.
  const from = whole.length <= MOST_SHOWN ? 0 : Math.max(0, (at ?? 0) - MOST_SHOWN / 2)
  const line = whole.slice(from, from + MOST_SHOWN)
  const column = at === undefined ? undefined : at - from
  const before = column === undefined ? '' : visible(line.slice(0, column))
  const mark =
    column === undefined ? '^'.repeat(Math.min(visible(line).length, 40)) : '^'.repeat(length)
  return [`    ${visible(line)}`, `    ${' '.repeat(before.length)}${mark} ${flaw}`]
}

/** Text as it can be shown on one line: all but printable ASCII is escaped. */
export function visible(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => {
    const short: Record<string, string> = { '\r': '\\r', '\n': '\\n', '\t': '\\t' }
    const code = character.charCodeAt(0)
    return short[character] ?? `\\x${code.toString(16).padStart(2, '0')}`
  })
}

/** The first lines in which two responses differ. */
function compareWithRecording(recorded: string, received: string): string[] {
  const expected = recorded.split('\n')
  const actual = received.split('\n')
  const at = expected.findIndex((line, index) => {
    return line !== actual[index] && !line.includes('@')
  })
  return [
    `    recorded  ${visible(expected[at] ?? '(the end)').slice(0, 200)}`,
    `    received  ${visible(actual[at] ?? '(the end)').slice(0, 200)}`,
  ]
}
