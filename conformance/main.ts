#!/usr/bin/env node
/**
 * `npm run conformance`: run the suite.
 *
 * Exit status: 0 nothing unexpected, 1 something unexpected, 2 wrong use or no case selected,
 * 3 the target did not start or died, 4 a case page is broken.
 *
 * @module
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDocumentRoot } from './document-root.ts'
import { PageError, readPage } from './page.ts'
import type { Case } from './page.ts'
import { CASES, DEVIATIONS, RECORDINGS } from './paths.ts'
import { readDeviations, readRecordings } from './recording.ts'
import type { ReplayCase } from './recording.ts'
import { count, describe, sentBytes, table, visible } from './report.ts'
import { runPages, runRecordings } from './run.ts'
import type { Result } from './run.ts'
import { BasehttpTarget } from './target.ts'
import type { Target } from './target.ts'

const USAGE = `\
usage: npm run conformance -- [flags]

  --list              print the ids of the cases, and run nothing
  --only PREFIX       only the cases whose id begins so; may be given several times
  --recordings WHICH  replay what this Python answered: 3.13, the default, or none
  --verbose           show what was sent and received
  --help              print this
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  let flags
  try {
    flags = parseArgs({
      args,
      options: {
        list: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [''] },
        recordings: { type: 'string', default: '3.13' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  if (flags.help) {
    console.log(USAGE)
    return 0
  }

  if (!['3.13', 'none'].includes(flags.recordings)) {
    console.error(`There are no recordings "${flags.recordings}"; there are 3.13 and none`)
    return 2
  }

  let pages: Case[]
  let recordings: ReplayCase[]
  const isSelected = ({ id }: { id: string }) => flags.only.some((prefix) => id.startsWith(prefix))
  try {
    pages = readAllPages().filter(isSelected)
    recordings =
      flags.recordings === 'none'
        ? []
        : readRecordings(RECORDINGS, `cpython-${flags.recordings}`).filter(isSelected)
  } catch (error) {
    if (error instanceof PageError) {
      console.error(error.message)
      return 4
    }
    throw error
  }
  if (pages.length + recordings.length === 0) {
    console.error(`No case selected: no id begins with ${flags.only.join(' or ')}; see --list`)
    return 2
  }
  if (flags.list) {
    console.log([...pages, ...recordings].map(({ id }) => id).join('\n'))
    return 0
  }

  const target = new BasehttpTarget()
  const results = await run(target, pages, recordings)
  if (flags.verbose) {
    console.log(results.map(wire).join('\n'))
  }
  return summary(target.name, results)
}

/** Run pages, and recordings with the servers as they were recorded, in one document root. */
async function run(
  target: Target,
  pages: readonly Case[],
  recordings: readonly ReplayCase[],
): Promise<Result[]> {
  const deviations = readDeviations(join(DEVIATIONS, 'recordings.json'))
  const recorded = new BasehttpTarget('oracle.js')
  const root = mkdtempSync(join(tmpdir(), 'basehttp-root-'))
  try {
    makeDocumentRoot(root)
    return [
      ...(await runPages(target, pages, root)),
      ...(await runRecordings(recorded, recordings, deviations, root)),
    ]
  } finally {
    rmSync(root, { recursive: true })
  }
}

/** All pages, in the order of their names. */
function readAllPages(): Case[] {
  const pages = readdirSync(CASES).filter((name) => name.endsWith('.md'))
  return pages.sort().flatMap((name) => readPage(join(CASES, name)))
}

/** Print failures, table and totals, and choose the exit status. */
function summary(target: string, results: readonly Result[]): number {
  const counts = count(results)
  for (const result of results) {
    if (['fail', 'error', 'warn'].includes(result.verdict)) {
      console.log(`${describe(result)}\n`)
    }
  }
  console.log(table(results))
  const failed = counts.fail + counts.error
  console.log(
    `\nconformance of ${target}: ${String(counts.pass + counts.deviation)} passed, ` +
      `${String(failed)} failed` +
      (counts.warn > 0 ? `, ${String(counts.warn)} warnings` : '') +
      (counts.skip > 0 ? `, ${String(counts.skip)} skipped` : ''),
  )
  return counts.error > 0 ? 3 : counts.fail > 0 ? 1 : 0
}

/** What went over the wire. */
function wire({ id, outcome, case: one }: Result): string {
  const lines = (text: string, mark: string) =>
    text
      .split(/(?<=\n)/)
      .map((line) => `${mark} ${visible(line)}`)
      .join('\n')
  const sent = sentBytes(one).toString('latin1')
  return `# ${id}\n${lines(sent, '>')}\n${lines(outcome?.received ?? '', '<')}\n`
}
