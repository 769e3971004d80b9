/**
 * A report as text, for a terminal.
 *
 * The first failure comes first, in full, because it is what to do next; then a line for each case,
 * the hidden ones as one line, and the points.
 *
 * @module
 */

import { show, visible } from '../run/report.ts'
import { heardLines } from '../run/said.ts'
import type { Report, ReportedCase } from './report.ts'
import { lessonOf } from './report.ts'
import type { Fault } from './submission.ts'

/** What to show, besides the usual. */
export interface Wishes {
  /** Every failure in full, and not only the first. */
  readonly all: boolean
  /** How many hints of a case are shown. */
  readonly hint: number
  /** Whether the hidden cases are shown like the others. */
  readonly reveal: boolean
}

/** How many of the compiler's faults are shown. */
const MOST_FAULTS = 5

/** A report as text. */
export function textOf(report: Report, wishes: Wishes): string {
  const visible = report.cases.filter(({ hidden }) => wishes.reveal || !hidden)
  const hidden = report.cases.filter((one) => !visible.includes(one))
  const failed = visible.filter(({ passed }) => !passed)
  const inFull = report.problem === undefined ? (wishes.all ? failed : failed.slice(0, 1)) : []
  const width = Math.max(...report.cases.map(({ id }) => id.length))
  return [
    ...faultsOf(report),
    ...(report.problem === undefined ? [] : [report.problem, '']),
    ...inFull.flatMap((one) => [...inDetail(one, wishes), '']),
    ...visible.map((one) => lineOf(one, width)),
    ...hiddenLine(hidden, width),
    '',
    `${report.assignment}: ${String(report.points)} of ${String(report.of)} points${seedOf(report)}`,
  ].join('\n')
}

function seedOf({ seed }: Report): string {
  return seed === 1 ? '' : `, with the seed ${String(seed)}`
}

/** What the compiler has found, and an empty line; nothing if it has found nothing. */
export function faultsOf({ faults }: Report): string[] {
  const lines = faults.slice(0, MOST_FAULTS).map(faultLine)
  const more = faults.length - lines.length
  return [
    ...lines,
    ...(more > 0 ? [`and ${String(more)} more`] : []),
    ...(lines.length > 0 ? [''] : []),
  ]
}

/** A fault, and where it is. */
export function faultLine({ file, line, column, code, message }: Fault): string {
  return `${file}:${String(line)}:${String(column)}  ${code === '' ? '' : `${code}  `}${message}`
}

function lineOf(one: ReportedCase, width: number): string {
  const { id, passed, points, of, findings, threw, skipped } = one
  if (skipped !== undefined) {
    return `skip   ${id.padEnd(width)}  -     ${skipped}`
  }
  const [first] = (threw?.error ?? findings[0]?.flaw ?? '').split('\n', 1)
  const why = passed ? '' : `   ${String(first).slice(0, 120)}`
  const mark = passed ? 'ok    ' : 'not ok'
  return `${mark} ${id.padEnd(width)}  ${String(points)}/${String(of)}${why}`.trimEnd()
}

function hiddenLine(hidden: readonly ReportedCase[], width: number): string[] {
  if (hidden.length === 0) {
    return []
  }
  const [points, of] = [sum(hidden, 'points'), sum(hidden, 'of')]
  const mark = points === of ? 'ok    ' : 'not ok'
  const name = `${String(hidden.length)} hidden ${hidden.length === 1 ? 'case' : 'cases'}`
  return [`${mark} ${name.padEnd(width)}  ${String(points)}/${String(of)}`]
}

function sum(cases: readonly ReportedCase[], key: 'points' | 'of'): number {
  return cases.reduce((total, one) => total + one[key], 0)
}

function inDetail(one: ReportedCase, { hint }: Wishes): string[] {
  const { id, of, source, findings, threw, printed, again, advice, curl, asked, hints } = one
  const shown = hints.slice(0, hint)
  return [
    `not ok ${id}   ${of === 1 ? '1 point' : `${String(of)} points`}, ${source}`,
    ...(threw === undefined ? [] : [`    threw  ${threw.error}`, `           ${threw.where}`]),
    ...findings.flatMap(show),
    ...(again === true
      ? ['    again  in another process, it passes: an earlier case has left something behind']
      : []),
    ...(advice === undefined ? [] : [`    so     ${advice}`]),
    `    why    ${lessonOf(one)}`,
    ...heardLines(printed),
    ...(curl === undefined ? [] : [`    curl   ${curl}`]),
    ...(asked === undefined ? [] : [`    asked  ${visible(asked)}`]),
    ...shown.map(
      (text, index) => `    hint ${String(index + 1)} ${text.replaceAll('\n', '\n           ')}`,
    ),
    ...(hints.length > shown.length
      ? [
          `    ${String(hints.length - shown.length)} more ${hints.length - shown.length === 1 ? 'hint' : 'hints'}: --hint ${String(shown.length + 1)}`,
        ]
      : []),
  ]
}
