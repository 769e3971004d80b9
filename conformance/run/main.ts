#!/usr/bin/env node
/**
 * `npm run conformance`, or the command `basehttp-conformance`: run the suite.
 *
 * Exit status: 0 nothing unexpected, 1 something unexpected, 2 wrong usage or nothing judged,
 * 3 the target did not start or died, 4 a case page is broken.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runArticle } from './article.ts'
import { exportAll } from './export.ts'
import { readFlags, USAGE, UsageError } from './flags.ts'
import type { Flags } from './flags.ts'
import { deviationsOf, parseDeviations } from '../judge/deviations.ts'
import type { Deviations } from '../judge/deviations.ts'
import { makeDocumentRoot } from '../recordings/document-root.ts'
import type { Result } from './lanes.ts'
import { junit, report, tap } from './machine.ts'
import type { Run } from './machine.ts'
import { PageError } from '../judge/fence.ts'
import type { Case } from '../judge/page.ts'
import { COMMAND, RECORDINGS } from '../paths.ts'
import { Progress } from './progress.ts'
import { findPython, PYTHONS } from '../targets/python.ts'
import { readRecordings } from '../recordings/recording.ts'
import { withAgain } from '../recordings/with-field.ts'
import type { ReplayCase } from '../recordings/recording.ts'
import {
  describe,
  exitStatus,
  grouped,
  isFailure,
  skipped,
  table,
  totals,
  visible,
} from './report.ts'
import { judgeByRules } from './rfc.ts'
import { sentBytes, serveForRepro } from './repro.ts'
import { runPages, runRecordings } from './run.ts'
import type { Settings } from './run.ts'
import { appsOf, checkApps, notJudged, readCases, readReplays, select } from './select.ts'
import { unknownApp } from './select.ts'
import { makeRoot } from '../targets/root.ts'
import { chooseTarget, TargetError } from '../targets/target.ts'
import type { Chosen, Target } from '../targets/target.ts'

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
    if (error instanceof PageError || error instanceof TargetError || error instanceof UsageError) {
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
  if (flags.export !== undefined) {
    console.log(exportAll(flags.export, flags))
    return 0
  }
  if (flags.profile === 'rfc') {
    refuseForRules(flags)
    const start = performance.now()
    const run = await judgeByRules(flags)
    if ('results' in run) {
      const { target, results, late } = run
      const notes = late ? [`The time of the run is over: ${String(flags.timeout)} s`] : []
      return tell(target, results, flags, { start, notes, least: late ? 1 : 0 })
    }
    if (run.line !== undefined) {
      ;(run.status === 0 ? console.log : console.error)(run.line)
    }
    return run.status
  }
  // All that the run is judged by is read before anything of the target runs: it could write.
  const pages = readCases(flags)
  const selected = select(pages, flags)
  const own = flags.deviations === undefined ? undefined : readOwn(flags.deviations)
  const asked = flags.recordings === undefined ? undefined : readReplays(flags.recordings)
  if (flags['list-apps']) {
    console.log([...appsOf(pages)].map(([app, n]) => `${app.padEnd(12)} ${String(n)}`).join('\n'))
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
  const { target } = chosen
  if (own !== undefined && target.deviations !== undefined) {
    throw new UsageError(`The deviations of ${target.name} are its own: leave --deviations out`)
  }
  // Pages of somebody's own have no recordings.
  const usual = flags.cases.length > 0 ? 'none' : chosen.recordings
  const replays = asked ?? readReplays(usual)
  const recordings = select(withAgain(replays, own?.rows ?? deviationsOf(chosen.recorded)), flags)
  if (selected.length + recordings.length === 0) {
    console.error(`No case selected: no id begins with ${flags.only.join(' or ')}; see --list`)
    return 2
  }
  if (flags.list) {
    console.log([...selected, ...recordings].map(({ id }) => id).join('\n'))
    return 0
  }
  const known = new Set(appsOf([...pages, ...(asked ?? [])]).keys())
  if (flags.profile !== 'article') {
    checkApps(target, [...selected, ...recordings], known, flags)
  }

  const root = mkdtempSync(join(tmpdir(), 'basehttp-root-'))
  process.on('exit', () => {
    rmSync(root, { recursive: true, force: true })
  })
  makeDocumentRoot(root)
  if (flags.profile === 'article') {
    return runArticle(target, root, flags.file)
  }
  if (flags.repro) {
    return serveForRepro(chosen, selected, recordings, root, flags.port)
  }
  return run(chosen, selected, recordings, flags, { root, own, known })
}

/** A flag that would do nothing must not look as if it did. */
function refuseForRules({ cases, require, deviations, shard, timeout, bail, seed }: Flags): void {
  const given = {
    cases: cases.length > 0,
    require: require.length > 0,
    deviations: deviations !== undefined,
    shard: shard.of > 1,
    timeout: timeout !== undefined,
    bail,
    seed: seed !== 1,
  }
  for (const [flag, isGiven] of Object.entries(given)) {
    if (isGiven) {
      throw new UsageError(`--${flag} is not for the profile rfc`)
    }
  }
}

/** Somebody's own deviations, and what tells that file from any other. */
type Own = Readonly<{ file: string; sha256: string; rows: Deviations }>

function readOwn(file: string): Own {
  try {
    const text = readFileSync(file, 'utf8')
    const sha256 = createHash('sha256').update(text).digest('hex')
    return { file, sha256, rows: parseDeviations(text, file) }
  } catch (error) {
    throw new UsageError(`--deviations: ${(error as Error).message}`)
  }
}

/** Run the cases, in the time there is, and tell how they went. */
async function run(
  chosen: Chosen,
  pages: readonly Case[],
  recordings: readonly ReplayCase[],
  flags: Flags,
  about: { root: string; own: Own | undefined; known: ReadonlySet<string> },
): Promise<number> {
  const { own } = about
  const start = performance.now()
  const over = new AbortController()
  // Each case listens while it is played.
  setMaxListeners(0, over.signal)
  const timer = setTimeout(
    () => {
      over.abort(new Error(`the time of the run is over: ${String(flags.timeout)} s`))
    },
    (flags.timeout ?? 2 ** 31 / 1000 - 1) * 1000,
  )
  const progress = new Progress(process.stderr, pages.length + recordings.length)
  const settings = {
    root: about.root,
    scan: flags.scan,
    over: over.signal,
    told: (result: Result) => {
      progress.told(result)
      if (flags.bail && isFailure(result)) {
        over.abort(new Error('the run ends with the first failure'))
      }
    },
  }
  const { target, recorded } = chosen
  const deviations = own?.rows ?? deviationsOf(target)
  const results = [
    ...(await runPages(target, pages, { ...settings, deviations })),
    ...(await replay(chosen, recordings, {
      ...settings,
      deviations: own?.rows ?? deviationsOf(recorded),
    })),
  ]
  clearTimeout(timer)
  progress.end()
  const late = over.signal.aborted
  const missing = notJudged(results, flags)
  const exit = tell(target, results, flags, {
    start,
    own,
    // What is not judged is not passed.
    least: missing !== undefined ? 2 : late ? 1 : 0,
    notes: [
      ...notReplayed(target, results, flags),
      ...[...target.apps]
        .filter((app) => target.deviations === undefined && !about.known.has(app))
        .map((app) => unknownApp(app, about.known)),
      ...(late ? [sentence((over.signal.reason as Error).message)] : []),
      ...(missing === undefined ? [] : [missing]),
    ],
  })
  if (late) {
    // What was under way with a server that is not ours to end must not keep the process.
    process.stdout.write('', () => process.exit(exit))
  }
  return exit
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function replay({ recorded }: Chosen, cases: readonly ReplayCase[], settings: Settings) {
  const rows = [...settings.deviations.values()].flat()
  const names = rows.flatMap(({ as }) => (as === undefined ? [] : [as]))
  const byId = new Map(
    [...new Set(names)].flatMap((name) => {
      const others = withAgain(readRecordings(RECORDINGS, name), settings.deviations)
      return others.map((one) => [one.id, one] as const)
    }),
  )
  return runRecordings(recorded, cases, settings, byId)
}

/** The command that makes the same run, for lines that are to be copied. */
function commandOf(flags: Flags): string {
  const quoted = (text: string) => (/[^\w./:@=-]/.test(text) ? `'${text}'` : text)
  const foreign = /^(?:url|cmd):/.test(flags.target)
  const parts = [
    ...(flags.target === 'basehttp' ? [] : [`--target ${quoted(flags.target)}`]),
    ...flags.app.map((app) => `--app ${app}`),
    ...(flags.profile === 'rfc' && !foreign ? ['--profile rfc'] : []),
    ...flags.cases.map((folder) => `--cases ${quoted(folder)}`),
    ...(flags.seed === 1 ? [] : [`--seed ${String(flags.seed)}`]),
  ]
  return [COMMAND, ...parts].join(' ')
}

/** What there is to tell about a run, besides its results. */
interface About {
  /** When it began. */
  readonly start: number
  readonly own?: Own | undefined
  /** The least that the exit status may be. */
  readonly least?: number
  readonly notes: readonly string[]
}

/** Print failures, table and totals, write what programs read, and choose the exit status. */
function tell(
  target: Target,
  results: readonly Result[],
  flags: Flags,
  { start, own, least = 0, notes }: About,
): number {
  const run: Run = {
    target: target.name,
    profile: flags.profile,
    seed: flags.seed,
    shard: `${String(flags.shard.part)}/${String(flags.shard.of)}`,
    command: commandOf(flags),
    milliseconds: Math.round(performance.now() - start),
    exit: Math.max(least, exitStatus(results)),
    ...(own && { deviations: { file: own.file, sha256: own.sha256 } }),
    notes,
  }
  if (flags.json !== undefined) {
    write(flags.json, JSON.stringify(report(results, run), null, 1) + '\n')
  }
  if (flags.junit !== undefined) {
    write(flags.junit, junit(results, run))
  }
  if (flags.tap) {
    console.log(tap(results, run.command))
    if (run.exit > 0) {
      console.error(notes.join('\n'))
    }
    return run.exit
  }
  if (flags.verbose) {
    console.log(results.map(wire).join('\n'))
  }
  for (const text of grouped(results, (result) => describe(result, run.command))) {
    console.log(`${text}\n`)
  }
  console.log(table(results))
  for (const line of [
    ...skipped(results),
    ...(own ? [`deviations: ${own.file}, sha256 ${own.sha256}`] : []),
    ...(flags.seed === 1 ? [] : [`seed: ${String(flags.seed)}`]),
    ...notes,
  ]) {
    console.log(line)
  }
  console.log(`\n${totals(target.name, results)}`)
  return run.exit
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new UsageError(`Cannot write the results: ${(error as Error).message}`)
  }
}

/** Say so when the recordings are left out without a flag that asks for it. */
function notReplayed(
  { version }: { version?: string },
  results: readonly Result[],
  { recordings, only, cases, shard }: Flags,
): string[] {
  const asked =
    recordings !== undefined ||
    only.some((prefix) => prefix !== '') ||
    cases.length > 0 ||
    shard.of > 1
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
