/**
 * `--class DIR`: grade all submissions of a class.
 *
 * ```text
 *   DIR/ada.ts                                a file for each; its name is who it is from
 *   DIR/lovelaceada_123_456_08-range-1.ts     as Canvas writes it: lovelaceada
 *   DIR/Ada Lovelace_123_assignsubmission_file/08-range.ts      as Moodle does: Ada Lovelace
 *   DIR/08-range-ada/work/08-range.ts         a repository for each: the file is searched in it
 *
 *   OUT/grades.csv, grades.json, summary.md, NAME.md for each
 * ```
 *
 * Only the file is taken: whatever else somebody has handed in, such as cases, is not looked at. A
 * submission that has not changed since the last time, by cases that have not, is not graded again.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { UsageError } from '../run/flags.ts'
import type { Assignment, Entry } from './assignment.ts'
import { csvOf, FORMATS } from './formats.ts'
import { makeReport } from './report.ts'
import type { Report } from './report.ts'
import { gradeFile } from './submit.ts'

/** How a class is graded. */
export interface ClassManner {
  readonly entry: Entry
  /** Reads the assignment, for a seed. */
  readonly read: (seed: number) => Assignment
  readonly roster: string | undefined
  readonly out: string
  readonly jobs: number
  /** From it and a name comes the seed of each. */
  readonly seed: number
  readonly thorough: boolean
}

/** A submission, graded. */
interface Graded {
  readonly who: string
  readonly report: Report
  readonly note: string
  /** What the grade depends on. */
  readonly key: string
  /** What the program is, without its formatting. */
  readonly program: string
  /** Whether it is what it was the last time, and was not graded again. */
  readonly again?: boolean
}

/** Grade a class; tell of each as it is done. */
export async function gradeClass(folder: string, manner: ClassManner): Promise<number> {
  const { entry, out, jobs, roster } = manner
  const submissions = submissionsIn(folder, entry)
  if (submissions.size === 0) {
    throw new UsageError(
      `There is no submission in "${folder}": a file NAME.ts, or a folder with ${entry.name}.ts`,
    )
  }
  mkdirSync(out, { recursive: true })
  const before = readBefore(out)
  const graded = new Map<string, Graded>()
  const queue = [...submissions]
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [who, file] = next
      const one = await gradeOne(who, file, manner, before.get(who))
      graded.set(who, one)
      // So that a run that is broken off can be continued.
      keep(out, [...new Map([...before, ...graded]).values()])
      const { points, of } = one.report
      console.log(
        `${who}: ${String(points)} of ${String(of)}${one.note === '' ? '' : `, ${one.note}`}${one.again === true ? ', as before' : ''}`,
      )
      writeFileSync(
        join(out, `${fileName(who)}.md`),
        (FORMATS.markdown as (report: Report) => string)(one.report),
      )
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  const all = [...submissions.keys()].map((who) => graded.get(who) as Graded)
  const problem = 'nothing handed in'
  const about = { file: '', seed: manner.seed, faults: [], problem }
  const absentReport = makeReport(manner.read(manner.seed), about, [])
  const missing =
    roster === undefined ? [] : readRoster(roster).filter((who) => !submissions.has(who))
  const absent = missing.map((who) => ({ who, report: absentReport, note: problem }))
  writeFileSync(join(out, 'grades.csv'), csvOf([...all, ...absent]))
  keep(out, all)
  writeFileSync(join(out, 'summary.md'), summary(entry, all, missing))
  console.log(
    `${String(all.length)} graded; ${join(out, 'grades.csv')}, ${join(out, 'summary.md')}`,
  )
  return 0
}

/** The submissions in a folder: who, and the file. */
export function submissionsIn(folder: string, { name }: Entry): Map<string, string> {
  const found = new Map<string, string>()
  for (const one of readdirSync(folder).sort()) {
    const path = join(folder, one)
    if (statSync(path).isDirectory()) {
      const file = fileIn(path, name)
      if (file !== undefined) {
        found.set(one.replace(/_[0-9]+_assignsubmission_.*$/, '').replace(`${name}-`, ''), file)
      }
    } else if (/\.[mc]?[jt]s$/.test(one)) {
      const stem = one.replace(/\.[^.]*$/, '')
      found.set(/^(.+?)(?:_LATE)?_[0-9]+_[0-9]+_/.exec(stem)?.[1] ?? stem, path)
    }
  }
  return found
}

/** The file of a repository, or of a folder, that is meant. */
function fileIn(folder: string, name: string): string | undefined {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (path) =>
        /\.[mc]?[jt]s$/.test(path) && !/(?:^|[/\\])(?:node_modules|dist|\.git)[/\\]/.test(path),
    )
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  const named = all.find((path) => basename(path).replace(/\.[^.]*$/, '') === name)
  const chosen = named ?? (all.length === 1 ? all[0] : undefined)
  return chosen === undefined ? undefined : join(folder, chosen)
}

async function gradeOne(
  who: string,
  file: string,
  manner: ClassManner,
  before: Graded | undefined,
): Promise<Graded> {
  const seed = seedOf(`${String(manner.seed)} ${who}`)
  const assignment = manner.read(seed)
  const source = readFileSync(file, 'utf8')
  const key = digest(JSON.stringify([source, seed, assignment.version, manner.thorough]))
  if (before?.key === key) {
    return { ...before, again: true }
  }
  const { thorough } = manner
  const report = await gradeFile(assignment, file, { seed, thorough, name: basename(file) })
  const note = report.problem === undefined ? '' : (report.problem.split('\n')[0] as string)
  return {
    who,
    report,
    note,
    key,
    program: digest(source.replace(/\/\/.*|\/\*[^]*?\*\/|\s+/g, '')),
  }
}

/** A seed for somebody, always the same. */
export function seedOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE()
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Write the grades down; whoever ends this half-way finds those from before. */
function keep(out: string, all: readonly Graded[]): void {
  const file = join(out, 'grades.json')
  writeFileSync(`${file}.new`, `${JSON.stringify(all, null, 1)}\n`)
  renameSync(`${file}.new`, file)
}

function readBefore(out: string): Map<string, Graded> {
  try {
    const all = JSON.parse(readFileSync(join(out, 'grades.json'), 'utf8')) as Graded[]
    return new Map(all.map((one) => [one.who, one]))
  } catch {
    return new Map()
  }
}

function readRoster(path: string): string[] {
  if (!existsSync(path)) {
    throw new UsageError(`There is no roster "${path}"`)
  }
  const rows = readFileSync(path, 'utf8')
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
  const names = rows.map((row) =>
    (/^"((?:[^"]|"")*)"|^[^,;]*/.exec(row)?.[1] ?? row.split(/[,;]/)[0] ?? '').trim(),
  )
  return names.filter(
    (name, index) =>
      name !== '' && !(index === 0 && /^(?:who|name|student|id|login|email)$/i.test(name)),
  )
}

/** Names as files may have them. */
function fileName(who: string): string {
  return who.replace(/[^\p{L}\p{N} ._@-]/gu, '_')
}

/** What a teacher wants to know of all of them: which case was lost by how many, and which programs are the same. */
function summary({ name }: Entry, all: readonly Graded[], missing: readonly string[]): string {
  const ids = all[0]?.report.cases.map(({ id }) => id) ?? []
  const lost = ids.map((id) => {
    const count = all.filter(({ report }) =>
      report.cases.some((one) => one.id === id && !one.passed),
    ).length
    return { id, count }
  })
  const same = new Map<string, string[]>()
  for (const { program, who } of all) {
    same.set(program, [...(same.get(program) ?? []), who])
  }
  const groups = [...same.values()].filter((group) => group.length > 1)
  const total = all.reduce((sum, { report }) => sum + report.points, 0)
  return [
    `# ${name}: ${String(all.length)} submissions`,
    '',
    `Average: ${(total / all.length).toFixed(1)} of ${String(all[0]?.report.of ?? 0)} points.`,
    '',
    '| case | lost by |',
    '| ---- | ------: |',
    ...lost
      .sort((a, b) => b.count - a.count)
      .map(({ id, count }) => `| ${id} | ${String(count)} |`),
    '',
    ...(missing.length === 0 ? [] : [`Nothing from: ${missing.join(', ')}.`, '']),
    ...(groups.length === 0
      ? []
      : [
          'The same program, comments and spaces aside:',
          '',
          ...groups.map((group) => `- ${group.join(', ')}`),
          '',
        ]),
  ].join('\n')
}
