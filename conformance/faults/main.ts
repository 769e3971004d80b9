#!/usr/bin/env node
/**
 * `npm run conformance:faults`: does the suite find what it must?
 *
 * First the right server, which must pass all the cases that the faults name: a case that always
 * fails finds nothing. Then each fault, in a copy of the library, against its case.
 *
 * Arguments: beginnings of ids of faults; without any, all are tried. Exit status: 0 all found,
 * 1 one survived, 2 there is no such fault, 3 the right server fails.
 *
 * @module
 */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readPage } from '../judge/page.ts'
import { CASES } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { Copy } from './copy.ts'
import { FAULTS } from './faults.ts'
import type { Fault } from './faults.ts'

/** How many faults are tried side by side. */
const LANES = 2

/** How long a run of one case may take, in milliseconds. A server that hangs counts as found. */
const LIMIT = HANG_LIMIT

process.exitCode = await main(process.argv.slice(2))

async function main(prefixes: string[]): Promise<number> {
  const faults = FAULTS.filter(
    ({ id }) => prefixes.length === 0 || prefixes.some((prefix) => id.startsWith(prefix)),
  )
  if (faults.length === 0) {
    console.error(`There is no fault whose id begins with ${prefixes.join(' or ')}`)
    return 2
  }
  const unguarded = articleCases().filter((id) => !FAULTS.some(({ killedBy }) => killedBy === id))
  if (unguarded.length > 0) {
    console.error(`No fault shows that these cases find anything: ${unguarded.join(', ')}`)
    return 1
  }

  const copies = Array.from({ length: LANES }, () => new Copy())
  try {
    const named = [...new Set(faults.map(({ killedBy }) => killedBy))]
    const [right] = copies as [Copy]
    // All of them at once, and with recordings.
    const baseline = await right.run(named, 10 * LIMIT)
    const missing = named.filter((id) => !baseline.cases.includes(id))
    if (baseline.status !== 0 || baseline.failed.length > 0 || missing.length > 0) {
      console.error(baseline.output)
      console.error(
        `The right server does not pass: ${[...baseline.failed, ...missing].join(', ')}`,
      )
      return 3
    }

    const verdicts = new Map<Fault, string>()
    const queue = [...faults]
    await Promise.all(
      copies.map(async (copy) => {
        for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
          verdicts.set(fault, await attempt(fault, copy))
        }
      }),
    )
    return summary(faults, verdicts)
  } finally {
    for (const copy of copies) {
      copy.remove()
    }
  }
}

/** The cases of the article that must pass: each must find a fault. */
function articleCases(): string[] {
  const pages = readdirSync(CASES).filter((name) => name.endsWith('.md'))
  return pages
    .flatMap((name) => readPage(join(CASES, name)))
    .filter(({ level, source }) => level === 'must' && source.startsWith('article:'))
    .map(({ id }) => id)
}

/** Run the case of a fault on a library that has it. */
async function attempt(fault: Fault, copy: Copy): Promise<string> {
  copy.replace(fault.file, fault.from, fault.to)
  try {
    const run = await copy.run([fault.killedBy], LIMIT)
    if (run.hung || run.failed.includes(fault.killedBy)) {
      return 'killed'
    }
    console.error(`${fault.id} survived:\n${run.output}`)
    return 'survived'
  } finally {
    copy.restore(fault.file)
  }
}

/** Print which fault was found by which case. */
function summary(faults: readonly Fault[], verdicts: ReadonlyMap<Fault, string>): number {
  const width = (texts: readonly string[]) => Math.max(...texts.map(({ length }) => length))
  const first = width(faults.map(({ id }) => id))
  const second = width(faults.map(({ killedBy }) => killedBy))
  console.log(`${'fault'.padEnd(first)}  ${'case'.padEnd(second)}  verdict`)
  for (const fault of faults) {
    const verdict = verdicts.get(fault) as string
    console.log(`${fault.id.padEnd(first)}  ${fault.killedBy.padEnd(second)}  ${verdict}`)
  }
  const killed = faults.filter((fault) => verdicts.get(fault) === 'killed').length
  console.log(`\n${String(killed)} of ${String(faults.length)} faults found`)
  return killed === faults.length ? 0 : 1
}
