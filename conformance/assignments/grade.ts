#!/usr/bin/env node
/**
 * `npm run grade -- NN [FILE]`: grade a submission.
 *
 * Exit status: 0 all points, 1 some are missing, 2 wrong usage or nothing judged, 3 the submission
 * did not load, 4 a page is broken.
 *
 * @module
 */

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PageError } from '../judge/fence.ts'
import { UsageError } from '../run/flags.ts'
import { assignments, findAssignment, readAssignment } from './assignment.ts'
import { gradeFile } from './submit.ts'
import { textOf } from './text.ts'

const USAGE = `\
usage: npm run grade -- NN [FILE] [flags]

NN is the number of an assignment; FILE is yours, work/NN-name.ts if left out.

  --hint N            show so many hints of the first failure: 1, 2 or 3
  --all               show every failure in full
  --only PREFIX       only the cases whose id begins with it; may be given several times
  --seed N            choose other words and contents, so that nobody can have learned them
  --cases DIR         cases of your own, besides; may be given several times
  --reveal            show the hidden cases, too
  --json FILE         write the report to a file
  --help              print this
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  try {
    return await grade(args)
  } catch (error) {
    if (error instanceof PageError) {
      console.error(error.message)
      return 4
    }
    const usage =
      error instanceof UsageError ||
      (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
    if (usage === true) {
      const [sentence = ''] = (error as Error).message.split('. ', 1)
      console.error(`${sentence}; --help lists the flags`)
      return 2
    }
    throw error
  }
}

async function grade(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      hint: { type: 'string', default: '0' },
      all: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [''] },
      seed: { type: 'string', default: '1' },
      cases: { type: 'string', multiple: true, default: [] },
      reveal: { type: 'boolean', default: false },
      json: { type: 'string' },
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
  const seed = readNumber('seed', values.seed, 2 ** 32)
  const hint = readNumber('hint', values.hint, 3)
  const whole = readAssignment(entry, seed, values.cases)
  const cases = whole.cases.filter(({ id }) => values.only.some((prefix) => id.startsWith(prefix)))
  if (cases.length === 0) {
    throw new UsageError(
      `No case of ${entry.name} has an id that begins with ${values.only.join(' or ')}`,
    )
  }
  const file = given ?? join('work', `${entry.name}.ts`)
  if (!existsSync(file)) {
    throw new UsageError(
      `There is no file "${file}"${given === undefined ? `; npm run assignment -- start ${entry.number} makes it` : ''}`,
    )
  }
  const report = await gradeFile({ ...whole, cases }, file, seed)
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`)
  }
  console.log(textOf(report, { all: values.all, hint, reveal: values.reveal }))
  return report.problem !== undefined ? 3 : report.points === report.of ? 0 : 1
}

function readNumber(flag: string, text: string, most: number): number {
  if (!/^[0-9]+$/.test(text) || Number(text) > most) {
    throw new UsageError(`--${flag} "${text}" is not a number from 0 to ${String(most)}`)
  }
  return Number(text)
}
