/**
 * The report on a submission: all that is told about it, in every format, is made from this.
 *
 * @module
 */

import { FIRST_LINE } from '../judge/exchange.ts'
import { RULES } from '../judge/invariants.ts'
import type { Finding } from '../judge/verdict.ts'
import { sentBytes } from '../run/repro.ts'
import { linesOf, thrown } from '../run/said.ts'
import type { SaidLine } from '../run/said.ts'
import { titleOf } from './assignment.ts'
import type { Assignment, GradedCase } from './assignment.ts'
import { curlOf } from './curl.ts'
import type { Played } from './play.ts'
import type { Fault } from './submission.ts'

/** A report. */
export interface Report {
  readonly schema: 'basehttp-grade/1'
  /** `08-range` */
  readonly assignment: string
  readonly title: string
  readonly file: string
  readonly seed: number
  readonly points: number
  readonly of: number
  /** Why nothing could be played; undefined if it could. */
  readonly problem?: string
  /** What the compiler has found. */
  readonly faults: readonly Fault[]
  readonly cases: readonly ReportedCase[]
}

/** A case, and how it went. */
export interface ReportedCase {
  readonly id: string
  readonly passed: boolean
  readonly points: number
  readonly of: number
  readonly task?: number
  readonly hidden: boolean
  readonly source: string
  readonly why: string
  readonly place: string
  readonly findings: readonly Finding[]
  /** The first error that the submission threw, and where its author wrote that. */
  readonly threw?: { readonly error: string; readonly where: string }
  readonly printed: readonly SaidLine[]
  readonly hints: readonly string[]
  /** Whether it passes when it is played again, in a fresh process. */
  readonly again?: boolean
  readonly advice?: string
  /** Why it could not be played on this machine; then it has no points. */
  readonly skipped?: string
  /** A line that asks for the same, once `npm run assignment -- serve` runs. */
  readonly curl?: string
  /** The first line of what was asked, where there is no such line. */
  readonly asked?: string
  readonly sent: string
  readonly received: string
  readonly milliseconds: number
}

/** What a report is about. */
export interface About {
  readonly file: string
  readonly seed: number
  readonly faults: readonly Fault[]
  readonly problem?: string
}

/** Make a report: of what was played, or of why nothing was. */
export function makeReport(
  assignment: Pick<Assignment, 'number' | 'name' | 'cases'>,
  about: About,
  played: readonly Played[],
): Report {
  const { name, cases } = assignment
  const reported = cases.map((one) => {
    const how = played.find((other) => other.case.id === one.id)
    return how === undefined ? unplayed(one, about.problem ?? 'not played') : describe(how)
  })
  const { file, seed, problem, faults } = about
  return {
    schema: 'basehttp-grade/1',
    assignment: name,
    title: titleOf(assignment),
    file,
    seed,
    points: reported.reduce((sum, { points }) => sum + points, 0),
    of: reported.reduce((sum, { of }) => sum + of, 0),
    ...(problem !== undefined && { problem }),
    faults,
    cases: reported,
  }
}

/** What Node says of the box's permissions in a program that a submission has started, which inherits them. */
const OF_THE_BOX =
  /^\(node:[0-9]+\) (?:\[\w+\] )?(?:Security|Experimental)Warning: The flag --allow-|^\(Use `node --trace-warn/

function describe(played: Played): ReportedCase {
  const { passed, findings, said, outcome, exchange, again, advice, skipped, milliseconds } = played
  const request = requestOf(played)
  const curl = curlOf(request, '127.0.0.1:8080')
  const [asked = ''] = request.split('\r\n', 1)
  const [error, where] = thrown(said).map((line) => line.replace(/^\s*(?:threw\s+)?/, ''))
  return {
    ...headOf(played.case),
    passed,
    points: passed && skipped === undefined ? played.case.points : 0,
    ...(skipped !== undefined && { skipped, of: 0 }),
    // Where a rule and the page find the same, once is enough.
    findings,
    ...(error !== undefined && where !== undefined && { threw: { error, where } }),
    printed: linesOf(said).filter(({ line }) => line !== '' && !OF_THE_BOX.test(line)),
    ...(again === true && { again }),
    ...(advice !== undefined && { advice }),
    ...(curl === undefined ? asked !== '' && { asked } : { curl }),
    sent: exchange === undefined ? '' : sentBytes(exchange).toString('latin1'),
    received: outcome?.received ?? '',
    milliseconds,
  }
}

/**
 * The request that went wrong, as text: the last over the connection that is found fault with, up to where the
 * conversation was broken off. A rule may have been broken by any, so there it is the first.
 */
function requestOf({ exchange, outcome, findings: [finding] }: Played): string {
  const { actions } = exchange ?? { actions: [] }
  let name = FIRST_LINE
  const requests = actions.slice(0, (outcome?.brokenAt ?? actions.length) + 1).flatMap((action) => {
    name = action.do === 'line' ? action.name : name
    const text = action.do === 'send' ? action.bytes.toString('latin1') : ''
    return /^\S+ \S+ HTTP\//.test(text) ? [{ name, text }] : []
  })
  const [, about] = /^connection "(.*?)": /.exec(finding?.flaw ?? '') ?? []
  const there = requests.filter((one) => about === undefined || one.name === about)
  return (finding?.rule === undefined ? there.at(-1) : there[0])?.text ?? ''
}

function unplayed(one: GradedCase, flaw: string): ReportedCase {
  const nothing = { printed: [], sent: '', received: '', milliseconds: 0 }
  return { ...headOf(one), passed: false, points: 0, findings: [{ line: '', flaw }], ...nothing }
}

function headOf({ id, points, task, hidden, source, why, place, hints }: GradedCase) {
  return { id, of: points, ...(task !== undefined && { task }), hidden, source, why, place, hints }
}

/** What a finding teaches: the reason of the rule that is broken, or that of the case. */
export function lessonOf({ findings, why }: ReportedCase): string {
  const rule = findings[0]?.rule
  return rule === undefined ? why : String(RULES[rule])
}
