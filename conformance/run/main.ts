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
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { runArticle } from './article.ts'
import { deviationsOf } from '../judge/deviations.ts'
import { makeDocumentRoot } from '../recordings/document-root.ts'
import type { Result } from './lanes.ts'
import { report, tap } from './machine.ts'
import { PageError, readPages } from '../judge/page.ts'
import type { Case } from '../judge/page.ts'
import { CASES, RECORDINGS } from '../paths.ts'
import { findPython, PYTHONS } from '../targets/python.ts'
import { readRecordings } from '../recordings/recording.ts'
import type { ReplayCase } from '../recordings/recording.ts'
import {
  describe,
  exitStatus,
  isLoud,
  repro,
  sentBytes,
  skipped,
  table,
  totals,
  visible,
} from './report.ts'
import { runPages, runRecordings } from './run.ts'
import { chooseTarget, TargetError } from '../targets/target.ts'
import type { Chosen } from '../targets/target.ts'

const USAGE = `\
usage: npm run conformance -- [flags]

  --target TARGET     what to judge: basehttp, the default; basehttp:in-process; cpython, or
                      cpython:WHICH with a path, a program or a version; cpython:all;
                      ./module.ts; url:http://HOST:PORT; cmd:'java Server {app} {port}'
  --app NAME          what url: or cmd: serves; may be given several times
  --list              print the ids of the cases, and run nothing
  --list-apps         print the names of the apps, each with the number of its cases
  --only PREFIX       only the cases whose id begins with it; may be given several times
  --recordings WHICH  replay the responses of this Python: 3.13, 3.6 or none
  --no-scan           send each request once, without cutting it in two at every byte
  --json FILE         write the results to a file
  --tap               print TAP
  --verbose           show what was sent and received
  --repro             start the app of the cases, and print a line that sends the same bytes
  --port PORT         the port for --repro
  --article [FILE]    show the article's transcripts beside the live responses; FILE is a
                      copy of the article, from which they are read
  --help              print this
`

const RECORDINGS_OF = ['3.13', '3.6', 'none']

process.exitCode = await main(process.argv.slice(2))

type Flags = NonNullable<ReturnType<typeof readFlags>>

function readFlags(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    allowNegative: true,
    options: {
      target: { type: 'string', default: 'basehttp' },
      app: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      'list-apps': { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [''] },
      recordings: { type: 'string' },
      scan: { type: 'boolean', default: true },
      json: { type: 'string' },
      tap: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      repro: { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      article: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [file, ...more] = positionals
  if (more.length > 0 || (file !== undefined && !values.article)) {
    throw new Error(`Unexpected argument '${String(more[0] ?? file)}'`)
  }
  const { recordings, port } = values
  if (recordings !== undefined && !RECORDINGS_OF.includes(recordings)) {
    throw new Error(
      `There are no recordings "${recordings}"; there are ${RECORDINGS_OF.join(', ')}`,
    )
  }
  if (!/^[0-9]{1,5}$/.test(port)) {
    throw new Error(`"${port}" is not a valid port`)
  }
  return { ...values, port: Number(port), file }
}

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
  if (flags.article) {
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

/** Keep an app running, so that the bytes of its cases can be sent by hand. */
async function serveForRepro(
  { target, recorded }: Chosen,
  pages: readonly Case[],
  recordings: readonly ReplayCase[],
  root: string,
  port: number,
): Promise<number> {
  const cases = [...pages, ...recordings]
  const apps = new Set(cases.map((one) => ('app' in one ? one.app : one.server)))
  const [app] = apps
  if (app === undefined || apps.size > 1) {
    console.error(`These cases need the apps ${[...apps].join(', ')}; choose cases of one: --only`)
    return 2
  }
  let running
  try {
    running = await (pages.length > 0 ? target : recorded).start(app, { root, port })
  } catch (error) {
    console.error((error as Error).message)
    return 3
  }
  for (const one of cases) {
    console.log(`# ${one.id}\n${repro(one, running.port, running.host)}`)
  }
  console.log('# until Ctrl-C')
  while (running.alive()) {
    await sleep(100)
  }
  console.error(`The app has ended\n${running.log() ?? ''}`.trimEnd())
  return 3
}

/** Print failures, table and totals, and choose the exit status. */
function tell({ target }: Chosen, results: readonly Result[], flags: Flags): number {
  const given = flags.app.map((app) => ` --app ${app}`).join('')
  const quoted = /[^\w./:@=-]/.test(flags.target) ? `'${flags.target}'` : flags.target
  const named = flags.target === 'basehttp' ? '' : ` --target ${quoted}${given}`
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
  for (const line of [...skipped(results), ...notReplayed(target, results, flags)]) {
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
