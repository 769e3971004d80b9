/**
 * Which cases run through which lines of `lib/`: each case alone, in this process, and V8 asked after each
 * what has run. What it finds is read by the plugin, and never committed.
 *
 * ```text
 *   node dist/scripts/site/coverage.js        writes dist/scripts/site/coverage.json
 * ```
 *
 * A line counts as run when its first word has. What runs in threads and child processes is not seen, and
 * neither is the command line.
 *
 * @module
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import type { Profiler } from 'node:inspector'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PATIENCE } from '../../conformance/judge/exchange.ts'
import { readPages } from '../../conformance/judge/page.ts'
import { judge } from '../../conformance/judge/verdict.ts'
import { CASES } from '../../conformance/paths.ts'
import { makeDocumentRoot } from '../../conformance/recordings/document-root.ts'
import { converse } from '../../conformance/run/converse.ts'
import { runAll } from '../../conformance/run/lanes.ts'
import { InProcessTarget } from '../../conformance/targets/in-process.ts'
import { TOP } from '../checks/sources.ts'
import { LineMap } from './line-map.ts'

/** Where the result is. */
export const COVERAGE = join(TOP, 'dist/scripts/site/coverage.json')

/** What has been found. */
export interface Coverage {
  /** What it has cost, in seconds of CPU. */
  readonly seconds: number
  /** The cases that have passed. */
  readonly cases: readonly string[]
  /** For each file and each line, counted from 1, which of the cases have run it. */
  readonly lines: Readonly<Record<string, Readonly<Record<number, readonly number[]>>>>
}

/** Cases that spend their time elsewhere. */
const ELSEWHERE: readonly string[] = ['forks', 'threads']

class Recorder {
  readonly #session = new Session()
  readonly #maps = new Map<string, LineMap>()
  readonly lines: Record<string, Record<number, number[]>> = {}

  async start(): Promise<void> {
    this.#session.connect()
    await this.#session.post('Profiler.enable')
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** What has run since the last call. */
  async take(): Promise<Profiler.ScriptCoverage[]> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage')
    return result.filter(({ url }) => url.includes('/dist/lib/'))
  }

  /** Note that a case has run all that. */
  note(index: number, scripts: readonly Profiler.ScriptCoverage[]): void {
    for (const { url, functions } of scripts) {
      const map = this.#maps.get(url) ?? LineMap.read(fileURLToPath(url))
      this.#maps.set(url, map)
      const file = (this.lines[map.source] ??= {})
      for (const line of map.linesOf(functions.flatMap(({ ranges }) => ranges))) {
        ;(file[line] ??= []).push(index)
      }
    }
  }
}

/** How many processes share the cases: most of a case is waiting. */
const LANES = 4

/** Run every fourth case or so. */
async function record(lane: number): Promise<Coverage> {
  const root = mkdtempSync(join(tmpdir(), 'basehttp-coverage-'))
  try {
    makeDocumentRoot(root)
    const recorder = new Recorder()
    await recorder.start()
    const passed: string[] = []
    const cases = readPages(CASES).filter(
      ({ app, resources }, index) =>
        index % LANES === lane && !resources && !ELSEWHERE.includes(app),
    )
    await runAll(new InProcessTarget(), cases, {
      root,
      appOf: ({ app }) => app,
      topicOf: () => '',
      needsFresh: ({ fresh }) => fresh,
      conduct: async (one, app) => {
        await recorder.take()
        const patience = { ...PATIENCE, quiet: 20, coarse: true }
        const { outcome } = await converse(one, app, one.log?.length ?? 0, { patience })
        const scripts = await recorder.take()
        const findings = judge(one, outcome)
        if (findings.length === 0) {
          recorder.note(passed.push(one.id) - 1, scripts)
        }
        return { verdict: findings.length === 0 ? 'pass' : 'fail', findings }
      },
    })
    const { user, system } = process.cpuUsage()
    return { seconds: (user + system) / 1e6, cases: passed, lines: recorder.lines }
  } finally {
    rmSync(root, { recursive: true })
  }
}

/** Read what was found. */
export function readCoverage(): Coverage {
  return JSON.parse(readFileSync(COVERAGE, 'utf8')) as Coverage
}

/** Let every lane run, and put together what they find. */
async function gather(): Promise<Coverage> {
  const found = await Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      const child = fork(import.meta.filename, [String(lane)])
      let coverage: Coverage | undefined
      child.once('message', (found) => {
        coverage = found as unknown as Coverage
      })
      const [[status]] = (await Promise.all([once(child, 'exit'), once(child, 'disconnect')])) as [
        [number | null],
        unknown,
      ]
      if (status !== 0 || coverage === undefined) {
        throw new Error(`Cannot trace the cases: a process ended with ${String(status)}`)
      }
      return coverage
    }),
  )
  const lines: Record<string, Record<number, number[]>> = {}
  let before = 0
  for (const part of found) {
    for (const [path, ran] of Object.entries(part.lines)) {
      const file = (lines[path] ??= {})
      for (const [line, cases] of Object.entries(ran)) {
        const all = (file[Number(line)] ??= [])
        all.push(...cases.map((one) => one + before))
      }
    }
    before += part.cases.length
  }
  return {
    seconds: found.reduce((sum, { seconds }) => sum + seconds, 0),
    cases: found.flatMap(({ cases }) => cases),
    lines,
  }
}

if (process.argv[1] === import.meta.filename) {
  const [, , lane] = process.argv
  if (lane === undefined) {
    const found = await gather()
    writeFileSync(COVERAGE, JSON.stringify(found))
    console.log(
      `${String(found.cases.length)} cases traced, ${String(Math.round(found.seconds))} s of CPU`,
    )
  } else {
    const found = await record(Number(lane))
    process.send?.(found, () => {
      process.exit()
    })
  }
}
