/**
 * What must be true of an assignment before a student sees it.
 *
 * 1. It has 20 points, 5 of them hidden, and cites sections that there are.
 * 2. The starter compiles, serves, and passes the cases that it says, and no others.
 * 3. The solution compiles without a fault, and has full points, whatever the seed.
 * 4. Each wrong variant loses the case that it names, and compiles, unless it says otherwise.
 * 5. Each case is lost by one of them.
 * 6. Each right variant has full points.
 *
 * @module
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ASSIGNMENTS, SOLUTIONS, TOP } from '../paths.ts'
import { readAssignment } from './assignment.ts'
import type { Assignment, Entry } from './assignment.ts'
import type { Report } from './report.ts'
import { gradeFile } from './submit.ts'
import { vary } from './variants.ts'
import type { Variants } from './variants.ts'

/** What a proof takes in. */
export interface Extent {
  /** The seeds that the solution is graded with. */
  readonly seeds: readonly number[]
  /** Whether the variants are graded, too. */
  readonly variants: boolean
}

/** Prove an assignment: a line for each thing that was shown, with what is wrong with it, if anything. */
export async function* prove(
  entry: Entry,
  { seeds, variants }: Extent,
): AsyncGenerator<{ readonly what: string; readonly flaws: readonly string[] }> {
  const assignment = readAssignment(entry, 1)
  const solution = readFileSync(join(SOLUTIONS, entry.name, 'solution.ts'), 'utf8')
  yield { what: 'points and sources', flaws: flawsOfPages(assignment) }
  const starter = await graded(assignment, read(join(ASSIGNMENTS, entry.name, 'starter.ts')))
  yield { what: 'the starter', flaws: flawsOfStarter(assignment, starter) }
  for (const seed of seeds) {
    const report = await graded(readAssignment(entry, seed), solution, seed)
    yield { what: `the solution, seed ${String(seed)}`, flaws: missing(report) }
  }
  if (!variants) {
    return
  }
  const { wrong, right } = await variantsOf(entry)
  const lost = new Set(wrong.map(({ killedBy }) => killedBy))
  const unlost = assignment.cases.filter(({ id }) => !lost.has(id))
  yield { what: 'every case is lost by one', flaws: unlost.map(({ id }) => `none loses ${id}`) }
  for (const variant of wrong) {
    const cases = assignment.cases.filter(({ id }) => id === variant.killedBy)
    const report = await graded({ ...assignment, cases }, vary(solution, variant))
    const flaws = [
      ...(cases.length === 0 ? [`there is no case ${variant.killedBy}`] : []),
      ...(report.cases.some(({ passed }) => passed) ? [`it passes ${variant.killedBy}`] : []),
      ...(report.problem === undefined ? [] : [report.problem]),
      ...(variant.types === false ? [] : faultsOf(report)),
    ]
    yield { what: `wrong: ${variant.id}`, flaws }
  }
  for (const variant of right) {
    const report = await graded(assignment, vary(solution, variant))
    yield { what: `right: ${variant.id}`, flaws: missing(report) }
  }
}

/** The variants of an assignment's solution. */
export async function variantsOf({ name }: Entry): Promise<Variants> {
  const path = join(TOP, 'dist', 'conformance', 'assignments', name, 'variants.js')
  return ((await import(pathToFileURL(path).href)) as { variants: Variants }).variants
}

function read(path: string): string {
  return readFileSync(path, 'utf8')
}

/** Where programs are that are being graded. */
const folders = new Set<string>()

process.on('exit', () => {
  folders.forEach(remove)
})

function remove(folder: string): void {
  folders.delete(folder)
  rmSync(folder, { recursive: true, force: true })
}

/** Grade a program that is given as text. */
async function graded(assignment: Assignment, source: string, seed = 1): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'variant-'))
  folders.add(folder)
  try {
    const file = join(folder, `${assignment.name}.ts`)
    writeFileSync(file, source)
    return await gradeFile(assignment, file, { seed, name: assignment.name })
  } finally {
    remove(folder)
  }
}

// -- What is wrong ---------------------------------------------------------------------------

/** The points of an assignment, and those of its hidden cases. */
const POINTS = { all: 20, hidden: 5 }

function flawsOfPages({ name, cases }: Assignment): string[] {
  const sum = (of: Assignment['cases']) => of.reduce((total, { points }) => total + points, 0)
  const all = sum(cases)
  const hidden = sum(cases.filter((one) => one.hidden))
  const flaws: string[] = []
  if (all !== POINTS.all || hidden !== POINTS.hidden) {
    flaws.push(`${name} has ${String(all)} points, ${String(hidden)} of them hidden`)
  }
  for (const { id, source } of cases) {
    if (!isSource(source)) {
      flaws.push(`${id} cites ${source}, and there is no such section`)
    }
  }
  return flaws
}

/** The sections that RFCs have, where the repository is at hand. */
const SECTIONS = join(TOP, 'scripts', 'checks', 'rfc-sections.json')

/** Whether there is such a section; of RFCs that nobody has listed, the form must do. */
function isSource(source: string): boolean {
  const [, rfc, section] = /^rfc:([0-9]{4})#([0-9A-Z.]+)$/.exec(source) ?? []
  if (rfc === undefined || section === undefined) {
    return /^[a-z]/.test(source) && !source.startsWith('rfc:')
  }
  const known = existsSync(SECTIONS)
    ? (JSON.parse(read(SECTIONS)) as Readonly<Record<string, readonly string[]>>)[rfc]
    : undefined
  return known === undefined || known.some((line) => line.split(' ').includes(section))
}

function flawsOfStarter({ starter, cases }: Assignment, report: Report): string[] {
  const passes = report.cases.flatMap(({ id, passed }) => (passed ? [id] : []))
  return [
    ...(report.problem === undefined ? [] : [report.problem]),
    ...faultsOf(report),
    ...passes.filter((id) => !starter.includes(id)).map((id) => `it passes ${id}`),
    ...starter.filter((id) => !passes.includes(id)).map((id) => `it fails ${id}`),
    ...(passes.length === cases.length ? ['it passes everything'] : []),
  ]
}

function missing(report: Report): string[] {
  const failed = report.cases.filter(({ passed }) => !passed)
  return [
    ...(report.problem === undefined ? [] : [report.problem]),
    ...faultsOf(report),
    ...failed.map(({ id, findings, threw }) => {
      return `it fails ${id}: ${String(threw?.error ?? findings[0]?.flaw)}`
    }),
  ]
}

function faultsOf({ faults }: Report): string[] {
  return faults.map(({ line, column, code, message }) => {
    return `${String(line)}:${String(column)} ${code} ${message}`
  })
}
