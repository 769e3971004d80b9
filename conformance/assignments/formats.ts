/**
 * A report in the forms that platforms import: pure functions, one for each.
 *
 * Hidden cases are one row in all that a student may see, so that nobody learns what they are from a platform. CSV
 * and JSON are for a teacher's books, and name them.
 *
 * @module
 */

import { xml } from '../run/machine.ts'
import type { Report, ReportedCase } from './report.ts'
import { faultsOf, textOf } from './text.ts'

/** What makes a text of a report. */
export type Format = (report: Report) => string

/** A row of a form: a case, or all hidden ones together. */
interface Row {
  readonly name: string
  readonly points: number
  readonly of: number
  readonly text: string
  /** The case, unless it is a hidden one. */
  readonly shown?: ReportedCase
}

const WISHES = { all: true, hint: 0, reveal: false }

function rowsOf(report: Report): Row[] {
  const rows: Row[] = report.cases
    .filter(({ hidden }) => !hidden)
    .map((one, index) => ({
      name: one.id,
      points: one.points,
      of: one.of,
      text: textOfRow(report, one, index === 0),
      shown: one,
    }))
  const hidden = report.cases.filter((one) => one.hidden)
  if (hidden.length === 0) {
    return rows
  }
  const sum = (key: 'points' | 'of') => hidden.reduce((total, one) => total + one[key], 0)
  return [...rows, { name: 'hidden', points: sum('points'), of: sum('of'), text: '' }]
}

/** What is said of a case. Where nothing could be played, the compiler's words are said once, in the first row. */
function textOfRow(report: Report, one: ReportedCase, first: boolean): string {
  if (report.problem !== undefined) {
    return [...(first ? faultsOf(report) : []), report.problem].join('\n')
  }
  const [text = ''] = textOf({ ...report, faults: [], cases: [one] }, WISHES).split('\n\n')
  return one.passed ? '' : text
}

/** Gradescope's results.json: <https://gradescope-autograders.readthedocs.io/en/latest/specs/>. */
function gradescope(report: Report): string {
  return json({
    score: report.points,
    output: textOf(report, { ...WISHES, all: false }),
    output_format: 'text',
    stdout_visibility: 'hidden',
    tests: rowsOf(report).map(({ name, points, of, text }, index) => ({
      name,
      number: String(index + 1),
      score: points,
      max_score: of,
      status: points === of ? 'passed' : 'failed',
      output: text,
      output_format: 'text',
      visibility: name === 'hidden' ? 'after_due_date' : 'visible',
      tags: [report.assignment],
    })),
  })
}

/** Classroom 50's result.json; who and what it is about stands in the environment. */
function classroom50(report: Report, env: NodeJS.ProcessEnv = process.env): string {
  return json({
    schema: 'classroom50/result/v1',
    classroom: env.CLASSROOM ?? '',
    assignment: env.ASSIGNMENT ?? report.assignment,
    submission: env.SUBMISSION_TAG ?? '',
    commit: env.COMMIT_URL ?? '',
    release: env.RELEASE_URL ?? '',
    review: env.REVIEW_URL ?? '',
    datetime: env.SUBMISSION_DATETIME ?? new Date().toISOString(),
    score: report.points,
    'max-score': report.of,
    tests: rowsOf(report).map(({ name, points, of }) => ({
      'test-name': name,
      passed: points === of,
      score: points,
      'max-score': of,
    })),
  })
}

/**
 * What Autolab shows, and in the last line the scores: <https://docs.autolabproject.com/lab/>.
 *
 * There, a lab has problems, and each has its points. This is one problem, named as the assignment.
 */
function autolab(report: Report): string {
  const scores = { [report.assignment]: report.points }
  return `${textOf(report, WISHES)}\n\n${JSON.stringify({ scores })}\n`
}

/** PrairieLearn's results.json: <https://prairielearn.readthedocs.io/en/latest/externalGrading/>. */
function prairielearn(report: Report): string {
  if (report.problem !== undefined) {
    // What cannot be played does not use up an attempt.
    return json({ gradable: false, format_errors: textOf(report, WISHES) })
  }
  return json({
    gradable: true,
    score: partOf(report),
    output: textOf(report, { ...WISHES, all: false }),
    tests: rowsOf(report).map(({ name, points, of, text, shown }) => ({
      name,
      description: shown?.why ?? '',
      points,
      max_points: of,
      message: shown?.skipped ?? '',
      output: text,
    })),
  })
}

/**
 * A body to post to Codio: <https://docs.codio.com/instructors/authoring/assessments/auto-grade-scripts.html>.
 *
 * A script for a whole assignment reports a `grade`, and one for partial points of a code test reports
 * `points`. Both are percentages; Codio's own wrapper for Gradescope's autograders sends both, too.
 */
function codio(report: Report): string {
  const percent = String(Math.round(100 * partOf(report)))
  const feedback = textOf(report, WISHES)
  return String(new URLSearchParams({ grade: percent, points: percent, format: 'txt', feedback }))
}

/** How much of the points there is, from 0 to 1. */
function partOf({ points, of }: Report): number {
  return of === 0 ? 0 : points / of
}

/** Exercism's results.json: <https://exercism.org/docs/building/tooling/test-runners/interface>. */
function exercism(report: Report): string {
  if (report.problem !== undefined) {
    return json({ version: 3, status: 'error', message: textOf(report, WISHES), tests: [] })
  }
  return json({
    version: 3,
    status: report.points === report.of ? 'pass' : 'fail',
    message: null,
    tests: rowsOf(report).map(({ name, points, of, text, shown }) => ({
      name,
      status: points === of ? 'pass' : shown?.threw === undefined ? 'fail' : 'error',
      message: text === '' ? (shown?.skipped ?? null) : text,
      ...(shown && {
        output: printedOf(shown),
        test_code: Buffer.from(shown.sent, 'latin1').toString().replaceAll('\r\n', '\n'),
        ...(shown.task !== undefined && { task_id: shown.task }),
      }),
    })),
  })
}

/** What Exercism takes of what a submission has printed: 500 characters, and nothing of a log. */
function printedOf({ printed }: ReportedCase): string | null {
  const lines = printed.filter(({ stream }) => stream === 'stdout').map(({ line }) => line)
  const text = lines.join('\n')
  const note = '\nOutput was truncated. Please limit to 500 chars'
  const whole = text.length <= 500 ? text : `${text.slice(0, 500 - note.length)}${note}`
  return whole === '' ? null : whole
}

/** JUnit: a suite for the assignment. */
function junit(report: Report): string {
  const rows = rowsOf(report)
  const failed = rows.filter(({ points, of }) => points < of)
  const skipped = rows.filter(({ shown }) => shown?.skipped !== undefined)
  const counts = `tests="${String(rows.length)}" failures="${String(failed.length)}" errors="0" skipped="${String(skipped.length)}"`
  const cases = rows.map(({ name, points, of, text, shown }) => {
    const opening = `    <testcase classname="${xml(report.assignment)}" name="${xml(name)}"`
    const message = `${String(points)} of ${String(of)} points`
    if (shown?.skipped !== undefined) {
      return `${opening}><skipped message="${xml(shown.skipped)}"/></testcase>`
    }
    return points === of
      ? `${opening}/>`
      : `${opening}><failure message="${message}">${xml(text)}</failure></testcase>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${xml(report.assignment)}" ${counts}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>\n',
  ].join('\n')
}

/** TAP 14: <https://testanything.org/tap-version-14-specification.html>. */
function tap(report: Report): string {
  const rows = rowsOf(report)
  const points = rows.map(({ name, points, of, text, shown }, index) => {
    const number = String(index + 1)
    const mark = points === of ? 'ok' : 'not ok'
    const skipped = shown?.skipped === undefined ? '' : ` # SKIP ${shown.skipped}`
    const lines = [`${mark} ${number} - ${name.replace(/[\\#]/g, '\\$&')}${skipped}`]
    return points === of
      ? lines
      : [
          ...lines,
          ...['  ---', `  points: ${String(points)}`, `  of: ${String(of)}`],
          // A string of JSON is one of YAML, too, once these are escaped.
          `  message: ${JSON.stringify(text).replace(/[\x7F-\x9F]/g, escaped)}`,
          '  ...',
        ]
  })
  return ['TAP version 14', `1..${String(rows.length)}`, ...points.flat(), ''].join('\n')
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** What spreadsheets and gradebooks take: a row for each submission. */
export function csvOf(
  rows: readonly { readonly who: string; readonly report: Report; readonly note: string }[],
): string {
  const ids = [...new Set(rows.flatMap(({ report }) => report.cases.map(({ id }) => id)))]
  const head = ['who', ...ids, 'points', 'of', 'seconds', 'note']
  const lines = rows.map(({ who, report, note }) => {
    const pointsOf = (id: string) => report.cases.find((one) => one.id === id)?.points ?? 0
    const seconds = report.cases.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000
    return [who, ...ids.map(pointsOf), report.points, report.of, seconds.toFixed(1), note]
  })
  return [head, ...lines].map((line) => `${line.map(cell).join(',')}\n`).join('')
}

function cell(value: string | number): string {
  // A spreadsheet would take some of them for a formula.
  const text = /^[=+@-]/.test(String(value)) ? `'${String(value)}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** For people, on the web or in a mail. */
function markdown(report: Report): string {
  const rows = rowsOf(report).map(
    ({ name, points, of }) => `| ${name} | ${String(points)} | ${String(of)} |`,
  )
  return [
    `# ${report.assignment}: ${String(report.points)} of ${String(report.of)} points`,
    '',
    '| case | points | of |',
    '| ---- | -----: | -: |',
    ...rows,
    '',
    '```text',
    textOf(report, WISHES).replaceAll('```', "'''"),
    '```\n',
  ].join('\n')
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 1)}\n`
}

/** The forms, by name. */
export const FORMATS: Readonly<Record<string, Format>> = {
  gradescope,
  classroom50: (report) => classroom50(report),
  autolab,
  prairielearn,
  codio,
  exercism,
  csv: (report) => csvOf([{ who: report.file, report, note: report.problem ?? '' }]),
  junit,
  tap,
  markdown,
  json,
}
