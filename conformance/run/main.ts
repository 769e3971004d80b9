#!/usr/bin/env node
/**
 * `npm run conformance`: run the suite.
 *
 * Exit status: 0 nothing unexpected, 1 something unexpected, 2 wrong usage or no case selected,
 * 3 the target did not start or died, 4 a case page is broken.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runArticle } from './article.ts'
import { readFlags, USAGE } from './flags.ts'
import type { Flags } from './flags.ts'
import { deviationsOf } from '../judge/deviations.ts'
import { makeDocumentRoot } from '../recordings/document-root.ts'
import type { Result } from './lanes.ts'
import { report, tap } from './machine.ts'
import { PageError } from '../judge/fence.ts'
import { readPages } from '../judge/page.ts'
import type { Case } from '../judge/page.ts'
import { CASES, RECORDINGS } from '../paths.ts'
import { findPython, PYTHONS } from '../targets/python.ts'
import { readRecordings } from '../recordings/recording.ts'
import type { ReplayCase } from '../recordings/recording.ts'
import { describe, exitStatus, isLoud, skipped, table, totals, visible } from './report.ts'
import { judgeByRules } from './rfc.ts'
import { sentBytes, serveForRepro } from './repro.ts'
import { runPages, runRecordings } from './run.ts'
import { makeRoot } from '../targets/root.ts'
import { chooseTarget, TargetError } from '../targets/target.ts'
import type { Chosen } from '../targets/target.ts'

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  let flags
  try {
    flags = readFlags(args)
  } catch (error) {
    // Node explains at length; its first sentence says what is wrong.
    const [sentence = ''] = (error as Error).message.split('. ', 1)
    console.error(`${sentence}; --help lists the flags`)
    return 2
  }
  if (flags.help) {
    console.log(USAGE)
    return 0
  }
  try {
    return flags.target === 'cpython:all' ? await everyPython(flags) : await judge(flags)
  } catch (error) {
    if (error instanceof PageError || error instanceof TargetError) {
      console.error(error.message)
      return error instanceof PageError ? 4 : 2
    }
    throw error
  }
}

/** One run for each known version of Python, including those that this machine lacks. */
async function everyPython(flags: Flags): Promise<number> {
  let worst = 0
  for (const version of PYTHONS) {
    if (findPython(version) === undefined) {
      console.log(`conformance of cpython ${version}: skipped, this machine has no ${version}`)
    } else {
      worst = Math.max(worst, await judge({ ...flags, target: `cpython:${version}` }))
    }
  }
  return worst
}

/** One run. */
async function judge(flags: Flags): Promise<number> {
  if (flags['make-root'] !== undefined) {
    makeRoot(flags['make-root'])
    return 0
  }
  if (flags.profile === 'rfc') {
    const run = await judgeByRules(flags)
    if ('results' in run) {
      return tell(run, run.results, flags)
    }
    if (run.line !== undefined) {
      ;(run.status === 0 ? console.log : console.error)(run.line)
    }
    return run.status
  }
  const isSelected = ({ id }: { id: string }) => flags.only.some((prefix) => id.startsWith(prefix))
  const pages = readPages(CASES)
  const selected = pages.filter(isSelected)
  if (flags['list-apps']) {
    console.log(appsOf(pages))
    return 0
  }
  let chosen: Chosen
  try {
    chosen = await chooseTarget(flags.target, flags.app)
  } catch (error) {
    if (error instanceof TargetError) {
      throw error
    }
    console.error((error as Error).message)
    return 3
  }
  const recordings = readReplays(flags.recordings ?? chosen.recordings).filter(isSelected)
  if (selected.length + recordings.length === 0) {
    console.error(`No case selected: no id begins with ${flags.only.join(' or ')}; see --list`)
    return 2
  }
  if (flags.list) {
    console.log([...selected, ...recordings].map(({ id }) => id).join('\n'))
    return 0
  }

  const root = mkdtempSync(join(tmpdir(), 'basehttp-root-'))
  process.on('exit', () => {
    rmSync(root, { recursive: true, force: true })
  })
  makeDocumentRoot(root)
  if (flags.profile === 'article') {
    return runArticle(chosen.target, root, flags.file)
  }
  if (flags.repro) {
    return serveForRepro(chosen, selected, recordings, root, flags.port)
  }
  const results = [
    ...(await judgePages(chosen, selected, root, flags)),
    ...(await replay(chosen, recordings, root)),
  ]
  return tell(chosen, results, flags)
}

function judgePages({ target }: Chosen, cases: Case[], root: string, { scan }: Flags) {
  return runPages(target, cases, { root, deviations: deviationsOf(target), scan })
}

function replay({ recorded }: Chosen, cases: ReplayCase[], root: string) {
  const deviations = deviationsOf(recorded)
  const others = [...deviations.values()].flat().flatMap(({ as }) => (as === undefined ? [] : [as]))
  const byId = new Map(
    [...new Set(others)].flatMap((name) => {
      return readRecordings(RECORDINGS, name).map((one) => [one.id, one] as const)
    }),
  )
  return runRecordings(recorded, cases, { root, deviations }, byId)
}

function readReplays(which: string): ReplayCase[] {
  return which === 'none' ? [] : readRecordings(RECORDINGS, `cpython-${which}`)
}

/** The apps that pages need. */
function appsOf(pages: readonly Case[]): string {
  const counts = new Map<string, number>()
  for (const { app } of pages) {
    counts.set(app, (counts.get(app) ?? 0) + 1)
  }
  return [...counts].map(([app, cases]) => `${app.padEnd(12)} ${String(cases)}`).join('\n')
}

/** Print failures, table and totals, and choose the exit status. */
function tell(
  { target }: Pick<Chosen, 'target'>,
  results: readonly Result[],
  flags: Flags,
): number {
  const given = flags.app.map((app) => ` --app ${app}`).join('')
  const quoted = /[^\w./:@=-]/.test(flags.target) ? `'${flags.target}'` : flags.target
  const foreign = /^(?:url|cmd):/.test(flags.target)
  const profile = flags.profile === 'rfc' && !foreign ? ' --profile rfc' : ''
  const named = (flags.target === 'basehttp' ? '' : ` --target ${quoted}${given}`) + profile
  const command = `npm run conformance --${named}`
  if (flags.json !== undefined) {
    writeFileSync(flags.json, JSON.stringify(report(target.name, results), null, 1) + '\n')
  }
  if (flags.tap) {
    console.log(tap(results, command))
    return exitStatus(results)
  }
  if (flags.verbose) {
    console.log(results.map(wire).join('\n'))
  }
  for (const result of results) {
    if (isLoud(result)) {
      console.log(`${describe(result, command)}\n`)
    }
  }
  console.log(table(results))
  const left = flags.profile === 'rfc' ? [] : notReplayed(target, results, flags)
  for (const line of [...skipped(results), ...left]) {
    console.log(line)
  }
  console.log(`\n${totals(target.name, results)}`)
  return exitStatus(results)
}

/** Say so when the recordings are left out without a flag that asks for it. */
function notReplayed(
  { version }: { version?: string },
  results: readonly Result[],
  { recordings, only }: Flags,
): string[] {
  const asked = recordings !== undefined || only.some((prefix) => prefix !== '')
  if (asked || results.some(({ id }) => id.startsWith('cpython-'))) {
    return []
  }
  return version === undefined
    ? ['skipped: the recordings of CPython; --recordings 3.13 replays them']
    : [`skipped: the recordings, of which there are none from Python ${version}`]
}

/** What went over the wire; of a long line, its beginning. */
function wire({ id, outcome, case: one }: Result): string {
  const line = (text: string) => {
    const more = text.length - 100_000
    return more > 0
      ? `${visible(text.slice(0, -more))}... and ${String(more)} bytes`
      : visible(text)
  }
  const lines = (text: string, mark: string) =>
    text
      .split(/(?<=\n)/)
      .map((part) => `${mark} ${line(part)}`)
      .join('\n')
  const sent = sentBytes(one).toString('latin1')
  const beside = Array.from(
    outcome?.beside ?? [],
    ([name, { received }]) => `${lines(received, `<${name}`)}\n`,
  )
  return `# ${id}\n${lines(sent, '>')}\n${lines(outcome?.received ?? '', '<')}\n${beside.join('')}`
}
