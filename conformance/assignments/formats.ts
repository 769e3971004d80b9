/**
 * A report in the forms that platforms import: pure functions, one for each.
 *
 * Hidden cases are one row everywhere, so that nobody learns what they are from a platform.
 *
 * @module
 */

import { xml } from '../run/machine.ts'
import type { Report } from './report.ts'
import { textOf } from './text.ts'

/** What makes a text of a report. */
export type Format = (report: Report) => string

/** A row of a form: a case, or all hidden ones together. */
interface Row {
  readonly name: string
  readonly points: number
  readonly of: number
  readonly text: string
}

const WISHES = { all: true, hint: 0, reveal: false }

function rowsOf(report: Report): Row[] {
  const rows: Row[] = report.cases
    .filter(({ hidden }) => !hidden)
    .map((one) => ({
      name: one.id,
      points: one.points,
      of: one.of,
      text:
        report.problem ??
        (one.passed
          ? ''
          : (textOf({ ...report, faults: [], cases: [one] }, WISHES).split('\n\n')[0] ?? '')),
    }))
  const hidden = report.cases.filter((one) => one.hidden)
  if (hidden.length === 0) {
    return rows
  }
  const sum = (key: 'points' | 'of') => hidden.reduce((total, one) => total + one[key], 0)
  return [...rows, { name: 'hidden', points: sum('points'), of: sum('of'), text: '' }]
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

/** JUnit: a suite for the assignment. */
function junit(report: Report): string {
  const rows = rowsOf(report)
  const failed = rows.filter(({ points, of }) => points < of)
  const counts = `tests="${String(rows.length)}" failures="${String(failed.length)}" errors="0" skipped="0"`
  const cases = rows.map(({ name, points, of, text }) => {
    const opening = `    <testcase classname="${xml(report.assignment)}" name="${xml(name)}"`
    const message = `${String(points)} of ${String(of)} points`
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
  csv: (report) => csvOf([{ who: report.file, report, note: report.problem ?? '' }]),
  junit,
  markdown,
  json,
}
