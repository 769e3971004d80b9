/**
 * The folder `work/`, in which a student works: his files, and the points that they have got.
 *
 * @module
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { ASSIGNMENTS } from '../paths.ts'
import { readAssignment } from './assignment.ts'
import type { Entry } from './assignment.ts'
import type { Report } from './report.ts'

const POINTS = join('work', 'points.json')

/** The file in which an assignment is done. */
export function workFile({ name }: Entry): string {
  return join('work', `${name}.ts`)
}

/** The points that were reached last, by the name of the assignment. */
export function readPoints(): Readonly<Record<string, { points: number; of: number } | undefined>> {
  try {
    return JSON.parse(readFileSync(POINTS, 'utf8')) as ReturnType<typeof readPoints>
  } catch {
    return {}
  }
}

/** Remember the points of a report. */
export function keepPoints({ assignment, points, of }: Report): void {
  mkdirSync(dirname(POINTS), { recursive: true })
  const all = { ...readPoints(), [assignment]: { points, of } }
  writeFileSync(POINTS, `${JSON.stringify(all, null, 1)}\n`)
}

/** What to do with a file that has just been made. */
export function noteOf(entry: Entry): string {
  const sources = readAssignment(entry, 1).cases.map(({ source }) => source)
  const sections = [...new Set(sources.filter((source) => source.startsWith('rfc:')))].sort()
  const read = sections.map((source) => source.replace(/^rfc:(.*)#(.*)$/, 'RFC $1 §$2'))
  return [
    `your file  ${workFile(entry)}`,
    `the text   ${relative('.', join(ASSIGNMENTS, entry.name, 'README.md'))}`,
    `to read    ${read.join(', ')}`,
    `then       npm run grade -- ${entry.number}`,
  ].join('\n')
}
