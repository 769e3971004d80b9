#!/usr/bin/env node
/**
 * `npm run assignment`: what a student, or an author, does with the assignments, besides grading.
 *
 * Exit status: 0 done, 1 a proof failed, 2 wrong usage, 3 the submission did not load, 4 a page is broken.
 *
 * @module
 */

import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { UsageError } from '../run/flags.ts'
import { ASSIGNMENTS, SOLUTIONS } from '../paths.ts'
import { assignments, findAssignment, readAssignment, titleOf } from './assignment.ts'
import type { Entry } from './assignment.ts'
import { attempt } from './attempt.ts'
import { serveFile } from './serve.ts'
import { noteOf, readPoints, workFile } from './work.ts'

const USAGE = `\
usage: npm run assignment [-- COMMAND]

  list                the assignments, and the points that you have; without a command, too
  start NN            make work/NN-name.ts; never overwrites
  serve NN [PORT]     serve your handler, with the files of the cases; 8080 if no port is given
  reset NN            begin again; what you have is kept as .bak
  solution NN         print a solution, once you have full points; --anyway for readers
  kit DIR             make a repository for a class: texts, starters, visible cases and the grader
  check [NN]          for authors: prove that the cases find what is wrong, and nothing else
`

const COMMANDS: Readonly<
  Record<string, (words: readonly string[], anyway: boolean) => number | Promise<number>>
> = {
  list,
  start: ([number]) => start(entryOf(number)),
  serve: ([number, port]) => serveFile(entryOf(number), port),
  reset: ([number]) => reset(entryOf(number)),
  solution: ([number], anyway) => solution(entryOf(number), anyway),
  async kit([folder]) {
    const { makeKit } = await forAuthors(import('./kit.ts'))
    return makeKit(folder)
  },
  check: ([number]) => check(number === undefined ? assignments() : [entryOf(number)]),
}

process.exitCode = await attempt(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      anyway: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [name = 'list', ...words] = positionals
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    throw new UsageError(
      `There is no command "${name}"; there are ${Object.keys(COMMANDS).join(', ')}`,
    )
  }
  return command(words, values.anyway)
})

function entryOf(text: string | undefined): Entry {
  const entry = text === undefined ? undefined : findAssignment(text)
  if (entry === undefined) {
    const known = assignments()
      .map(({ name }) => name)
      .join(', ')
    throw new UsageError(
      text === undefined
        ? `Say which assignment: ${known}`
        : `There is no assignment "${text}"; there are ${known}`,
    )
  }
  return entry
}

/** What a kit does without. */
async function forAuthors<Module>(loading: Promise<Module>): Promise<Module> {
  try {
    return await loading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') {
      throw new UsageError('That is for the repository of the course, and not in a kit')
    }
    throw error
  }
}

function list(): number {
  const points = readPoints()
  let next: Entry | undefined
  for (const entry of assignments()) {
    const has = points[entry.name]
    const begun = existsSync(workFile(entry))
    const full = has !== undefined && has.points === has.of
    next ??= full ? undefined : entry
    const state =
      has === undefined ? (begun ? 'begun' : '') : `${String(has.points)} of ${String(has.of)}`
    console.log(`${entry.number}  ${titleOf(entry).padEnd(40)} ${state}`.trimEnd())
  }
  if (next !== undefined) {
    const command = existsSync(workFile(next)) ? 'grade --' : 'assignment -- start'
    console.log(`\nnext: npm run ${command} ${next.number}`)
  }
  return 0
}

function start(entry: Entry): number {
  const file = workFile(entry)
  if (existsSync(file)) {
    throw new UsageError(
      `"${file}" is there already; npm run assignment -- reset ${entry.number} begins again`,
    )
  }
  hand(entry)
  console.log(noteOf(entry))
  return 0
}

function reset(entry: Entry): number {
  const file = workFile(entry)
  if (existsSync(file)) {
    let backup = `${file}.bak`
    for (let n = 2; existsSync(backup); n++) {
      backup = `${file}.bak${String(n)}`
    }
    copyFileSync(file, backup)
    console.log(`what you had is in ${backup}`)
  }
  hand(entry)
  console.log(noteOf(entry))
  return 0
}

function hand(entry: Entry): void {
  mkdirSync(dirname(workFile(entry)), { recursive: true })
  copyFileSync(join(ASSIGNMENTS, entry.name, 'starter.ts'), workFile(entry))
}

function solution(entry: Entry, anyway: boolean): number {
  const path = join(SOLUTIONS, entry.name, 'solution.ts')
  if (!existsSync(path)) {
    throw new UsageError('The solutions are in the repository of the course, and not in a kit')
  }
  const has = readPoints()[entry.name]
  if (!anyway && (has === undefined || has.points < has.of)) {
    throw new UsageError(`The solution is for those who have full points; --anyway shows it`)
  }
  console.log(`// ${relative('.', path)}\n${readFileSync(path, 'utf8')}`)
  return 0
}

async function check(entries: readonly Entry[]): Promise<number> {
  const { prove } = await forAuthors(import('./prove.ts'))
  let flawed = 0
  for (const entry of entries) {
    // What is wrong with a page is one line, and the others are still checked.
    readAssignment(entry, 1)
    const seeds = Array.from({ length: 20 }, (_, index) => index + 1)
    for await (const { what, flaws } of prove(entry, { seeds, variants: true })) {
      flawed += flaws.length === 0 ? 0 : 1
      console.log(
        [`${flaws.length === 0 ? 'ok    ' : 'not ok'} ${entry.number} ${what}`, ...flaws].join(
          '\n       ',
        ),
      )
    }
  }
  return flawed === 0 ? 0 : 1
}
