#!/usr/bin/env node
/**
 * `npm run grade -- NN [FILE]`: grade a submission, or a class.
 *
 * Exit status: 0 all points, 1 some are missing, 2 wrong usage or nothing judged, 3 the submission
 * did not load, 4 a page is broken. With `--format`, and of a class, it is 0 whenever a report was written.
 *
 * @module
 */

import { existsSync, statSync, watch, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { UsageError } from '../run/flags.ts'
import { attempt } from './attempt.ts'
import { assignments, findAssignment, readAssignment } from './assignment.ts'
import type { Assignment } from './assignment.ts'
import { gradeClass } from './class.ts'
import { FORMATS } from './formats.ts'
import type { Report } from './report.ts'
import { gradeFile, gradeTarget } from './submit.ts'
import { textOf } from './text.ts'
import { keepPoints, workFile } from './work.ts'

const USAGE = `\
usage: npm run grade -- NN [FILE] [flags]

NN is the number of an assignment; FILE is yours, work/NN-name.ts if left out.

  --hint N            show so many hints of the first failure: 1, 2 or 3
  --all               show every failure in full
  --only PREFIX       only the cases whose id begins with it; may be given several times
  --watch             grade again whenever the file changes
  --repeat N          grade so many times, and say whether it was always the same
  --thorough          send each request again, in two pieces, and by another client
  --seed N            choose other words and contents, so that nobody can have learned them
  --cases DIR         cases of your own, besides; may be given several times
  --reveal            show the hidden cases, too
  --target TARGET     grade a server in any language: cmd:'python3 server.py {port} {root}', url:http://...
  --format FORMAT     ${Object.keys(FORMATS).join(', ')}; the exit status is then 0
  --output FILE       where that goes; standard output if left out

  --class DIR         grade all submissions in a folder, each with a seed of its own
  --roster FILE       a CSV whose first column names who must hand in
  --jobs N            how many at a time; 2 if left out
  --out DIR           where the grades go; grades/ if left out
  --help              print this
`

process.exitCode = await attempt(() => grade(process.argv.slice(2)))

async function grade(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      hint: { type: 'string', default: '0' },
      all: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [''] },
      watch: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '1' },
      thorough: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      cases: { type: 'string', multiple: true, default: [] },
      reveal: { type: 'boolean', default: false },
      target: { type: 'string' },
      format: { type: 'string' },
      output: { type: 'string' },
      class: { type: 'string' },
      roster: { type: 'string' },
      jobs: { type: 'string', default: '2' },
      out: { type: 'string', default: 'grades' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const [number, given, ...more] = positionals
  const entry = number === undefined ? undefined : findAssignment(number)
  if (entry === undefined || more.length > 0) {
    const known = assignments()
      .map(({ name }) => name)
      .join(', ')
    throw new UsageError(
      number === undefined
        ? `Say which assignment: ${known}`
        : entry === undefined
          ? `There is no assignment "${number}"; there are ${known}`
          : `Unexpected argument '${String(more[0])}'`,
    )
  }
  const seed = readNumber('seed', values.seed, 0, 2 ** 32)
  const hint = readNumber('hint', values.hint, 0, 3)
  const repeat = readNumber('repeat', values.repeat, 1, 1000)
  const jobs = readNumber('jobs', values.jobs, 1, 64)
  const format = values.format === undefined ? undefined : FORMATS[values.format]
  if (values.format !== undefined && format === undefined) {
    throw new UsageError(
      `There is no format "${values.format}"; there are ${Object.keys(FORMATS).join(', ')}`,
    )
  }
  for (const folder of [...values.cases, ...(values.class === undefined ? [] : [values.class])]) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new UsageError(`There is no folder "${folder}"`)
    }
  }
  const read = (withSeed: number): Assignment => {
    const whole = readAssignment(entry, withSeed, values.cases)
    const cases = whole.cases.filter(({ id }) =>
      values.only.some((prefix) => id.startsWith(prefix)),
    )
    if (cases.length === 0) {
      const prefixes = values.only.join(' or ')
      throw new UsageError(`No case of ${entry.name} has an id that begins with ${prefixes}`)
    }
    return { ...whole, cases }
  }
  const assignment = read(seed)
  const { thorough } = values
  if (values.class !== undefined) {
    const { class: folder, roster, out } = values
    return gradeClass(folder, { entry, read, roster, out, jobs, seed, thorough })
  }
  const file = given ?? workFile(entry)
  if (values.target !== undefined && given !== undefined) {
    throw new UsageError(
      `There are two submissions, "${values.target}" and "${given}"; name one of them`,
    )
  }
  if (values.target === undefined && !existsSync(file) && format === undefined) {
    const how = given === undefined ? `; npm run assignment -- start ${entry.number} makes it` : ''
    throw new UsageError(`There is no file "${file}"${how}`)
  }
  const once = () =>
    values.target === undefined
      ? gradeFile(assignment, file, { seed, thorough })
      : gradeTarget(assignment, values.target, { seed, thorough })
  let report = await once()
  for (let n = 1; n < repeat; n++) {
    const again = await once()
    const different = again.cases.find(({ passed }, at) => passed !== report.cases[at]?.passed)
    if (different !== undefined) {
      const what = different.hidden && !values.reveal ? 'A hidden case' : different.id
      console.log(
        `${what} is not always the same: it was ${different.passed ? 'lost, and then passed' : 'passed, and then lost'}\n`,
      )
      report = again
      break
    }
  }
  if (given === undefined && values.target === undefined && values.only.join() === '') {
    keepPoints(report)
  }
  if (format !== undefined) {
    tell(format(report), values.output)
    return 0
  }
  const show = (one: Report) => {
    console.log(textOf(one, { all: values.all, hint, reveal: values.reveal }))
  }
  show(report)
  if (values.watch) {
    await watching(file, async () => {
      show(await once())
    })
  }
  return report.problem !== undefined ? 3 : report.points === report.of ? 0 : 1
}

function tell(text: string, output: string | undefined): void {
  if (output === undefined) {
    process.stdout.write(text)
    return
  }
  try {
    writeFileSync(output, text)
  } catch (error) {
    throw new UsageError(`Cannot write the report: ${(error as Error).message}`)
  }
}

/** Do something whenever a file has been written, until the process is ended. */
async function watching(file: string, again: () => Promise<void>): Promise<never> {
  for (;;) {
    await new Promise<void>((resolve) => {
      // Editors replace files; so it is the folder that is watched.
      const watcher = watch(dirname(file), (_, name) => {
        if (name === basename(file)) {
          watcher.close()
          // Some write in two steps.
          setTimeout(resolve, 100)
        }
      })
    })
    if (existsSync(file)) {
      console.log('')
      await again()
    }
  }
}

function readNumber(flag: string, text: string, least: number, most: number): number {
  if (!/^[0-9]+$/.test(text) || Number(text) > most || Number(text) < least) {
    throw new UsageError(
      `--${flag} "${text}" is not a number from ${String(least)} to ${String(most)}`,
    )
  }
  return Number(text)
}
