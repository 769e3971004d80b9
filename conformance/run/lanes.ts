/**
 * Run cases on servers: in which order, on how many at a time, and what happens when one breaks.
 *
 * A server gets one case at a time, so that whatever it logs meanwhile belongs to that case.
 * Several servers run side by side, each in a lane.
 *
 * @module
 */

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE, play } from '../judge/exchange.ts'
import type { Exchange, Outcome, Patience } from '../judge/exchange.ts'
import type { Case } from '../judge/page.ts'
import { patiently } from '../patience.ts'
import { normaliseLog } from '../recordings/recording.ts'
import type { ReplayCase } from '../recordings/recording.ts'
import type { Rule } from '../judge/rule.ts'
import type { RuleExchange } from '../judge/turns.ts'
import type { RunningApp, Target } from '../targets/target.ts'
import type { Finding } from '../judge/verdict.ts'

/**
 * How a case went.
 *
 * - `pass`: as expected; `fail`: not as expected
 * - `warn`: not as expected, and the case's level is `should` or `may`
 * - `expected failure`: not as expected, but declared, with the response that came
 * - `unexpected pass`: as expected, but declared not to be
 * - `skip`: the target has no such app
 * - `dependent`: a case that it needs has failed, or the app has hung too often
 * - `error`: the target broke, or the suite did
 *
 * And of rules alone:
 *
 * - `allowed`: as the RFC leaves it open
 * - `untold`: the control was not served, so nothing can be told
 * - `dies`: the server was dead afterwards
 * - `unsteady`: twice the same, and two verdicts
 */
export type Verdict =
  | ('pass' | 'fail' | 'warn' | 'expected failure' | 'unexpected pass' | 'skip' | 'dependent')
  | ('error' | 'allowed' | 'untold' | 'dies' | 'unsteady')

/** A case that has been run. */
export interface Result {
  readonly id: string
  /** What the table counts it under. */
  readonly topic: string
  readonly verdict: Verdict
  readonly findings: readonly Finding[]
  readonly case: Case | ReplayCase | (Rule & RuleExchange)
  /** What was sent and received, when there was a conversation. */
  readonly outcome?: Outcome
  /** Where the server listened. */
  readonly port?: number
  /** How long it took. */
  readonly milliseconds?: number
}

/** What is known about a case once it has been run. */
export type Conducted = Omit<Result, 'id' | 'topic' | 'case'>

/** How a kind of cases is run. */
export interface Plan<One> {
  readonly root: string
  /** How many servers run side by side, if the target allows it. */
  readonly lanes?: number
  appOf(one: One): string
  topicOf(one: One): string
  /** Whether a case needs a server that has not been talked to. Default: none does. */
  needsFresh?(one: One): boolean
  conduct(one: One, app: RunningApp): Promise<Conducted>
}

/** How many servers run side by side. */
const LANES = 4

/** How long a server may take to come back from a case, in milliseconds. */
const BUSY_LIMIT = patiently(5000)

/** How often an app may hang before no more cases are run on it. */
const PATIENCE_WITH_HANGING = 3

/** Run cases, and give the results in the order of the cases. */
export async function runAll<One extends Case | ReplayCase>(
  target: Target,
  cases: readonly One[],
  plan: Plan<One>,
): Promise<Result[]> {
  const results = new Map<string, Result>()
  const record = (one: One, result: Conducted) => {
    results.set(one.id, { id: one.id, topic: plan.topicOf(one), case: one, ...result })
  }
  const breakdown = (one: One, error: unknown) => {
    const flaw = error instanceof Error ? error.message : String(error)
    record(one, { ...results.get(one.id), verdict: 'error', findings: [{ line: '', flaw }] })
  }
  // An app that did not start will not start for the next case; one that hangs will hang again.
  const broken = new Map<string, unknown>()
  const hangs = new Map<string, number>()

  const lane = async (stretch: readonly One[]) => {
    let app: RunningApp | undefined
    let appName = ''
    // The cases this server has handled: worth nothing if it turns out to be somebody else's.
    let handled: One[] = []
    const stop = async () => {
      try {
        await app?.stop()
      } catch (error) {
        // It was another server that responded.
        broken.set(appName, error)
        for (const one of handled) {
          breakdown(one, error)
        }
      }
      app = undefined
      handled = []
    }
    for (const one of stretch) {
      const name = plan.appOf(one)
      if (!target.apps.has(name)) {
        record(one, { verdict: 'skip', findings: [] })
        continue
      }
      const reusable = appName === name && plan.needsFresh?.(one) !== true
      if (app !== undefined && !(reusable && app.alive())) {
        await stop()
      }
      if (broken.has(name)) {
        breakdown(one, broken.get(name))
        continue
      }
      if ((hangs.get(name) ?? 0) >= PATIENCE_WITH_HANGING) {
        const flaw = `not run: "${name}" has hung ${String(PATIENCE_WITH_HANGING)} times`
        record(one, { verdict: 'dependent', findings: [{ line: '', flaw }] })
        continue
      }
      appName = name
      try {
        app ??= await target.start(name, { root: plan.root })
      } catch (error) {
        broken.set(name, error)
        breakdown(one, error)
        continue
      }
      handled.push(one)
      try {
        record(one, await plan.conduct(one, app))
        const state = await settled(app)
        if (state === 'gone') {
          throw new Error(`the server is gone\n${app.log() ?? ''}`.trimEnd())
        }
        if (state === 'busy') {
          // The next case must not wait for a server that is still busy with this one.
          hangs.set(name, (hangs.get(name) ?? 0) + 1)
          await stop()
        }
      } catch (error) {
        breakdown(one, error)
        // Whatever it was, the next case must have a healthy server.
        await stop()
      }
    }
    await stop()
  }

  // Each lane takes a range of the cases, sorted by app, so that it starts few servers.
  const queue = [...cases].sort((a, b) => compare(plan.appOf(a), plan.appOf(b)))
  const lanes = Math.min(target.lanes ?? plan.lanes ?? LANES, queue.length)
  await Promise.all(
    Array.from({ length: lanes }, (_, index) => {
      const from = Math.floor((index * queue.length) / lanes)
      const to = Math.floor(((index + 1) * queue.length) / lanes)
      return lane(queue.slice(from, to))
    }),
  )
  return cases.map((one) => results.get(one.id) as Result)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * How long to wait for a line that is missing from the log, in milliseconds, where a difference is
 * declared: it may be this line, which then never comes.
 */
export const LOG_LIMIT_IF_DECLARED = 1000

/**
 * Hold a conversation, and read what the server logs meanwhile, if that can be read.
 *
 * @param logLimit - how long to wait for a missing line, in milliseconds
 */
export async function converse(
  exchange: Exchange,
  app: RunningApp,
  lines: number,
  {
    patience = PATIENCE,
    logLimit = PATIENCE.missing,
  }: { patience?: Patience; logLimit?: number } = {},
): Promise<{ outcome: Outcome; log: string | undefined }> {
  const start = app.log()?.length ?? 0
  let log: string | undefined
  const whileOpen = async () => {
    log = await logSince(app, start, lines, logLimit)
  }
  const outcome = await play(exchange, app, whileOpen, patience)
  if (log === undefined) {
    // After the close there may be more to log. A server that takes the next connection is done.
    await settled(app)
    log = await logSince(app, start, lines, logLimit)
  }
  return { outcome, log }
}

/** What has been logged since; waits for lines that are still missing. */
async function logSince(app: RunningApp, start: number, lines: number, limit: number) {
  const deadline = Date.now() + limit
  const soFar = () => app.log()?.slice(start)
  while (normaliseLog(soFar() ?? '').length < lines && Date.now() < deadline) {
    if (soFar() === undefined) {
      return undefined
    }
    await sleep(10)
  }
  // Wait a moment for an unexpected line.
  await sleep(20)
  return soFar()
}

/**
 * Wait until a server is done with the connections so far: one that takes them in order closes
 * an empty one only after them.
 *
 * @returns whether it is done, or still busy after a while, or no longer takes connections.
 */
export async function settled(app: RunningApp): Promise<'idle' | 'busy' | 'gone'> {
  return new Promise((resolve) => {
    const probe = connect({ host: app.host, port: app.port })
    const timer = setTimeout(() => {
      resolve('busy')
      probe.destroy()
    }, BUSY_LIMIT)
    let connected = false
    probe.on('connect', () => {
      connected = true
    })
    probe.on('error', () => {})
    probe.on('close', () => {
      clearTimeout(timer)
      resolve(connected ? 'idle' : 'gone')
    })
    probe.resume()
    probe.end()
  })
}
