/**
 * Run cases on servers: in which order, on how many at a time, and what happens when one breaks.
 *
 * A server gets one case at a time, so that whatever it logs meanwhile belongs to that case.
 * Several servers run side by side, each in a lane.
 *
 * @module
 */

import { attend } from './attend.ts'
import type { Outcome } from '../judge/exchange.ts'
import type { Case } from '../judge/page.ts'
import type { ReplayCase } from '../recordings/recording.ts'
import type { Rule } from '../judge/rule.ts'
import type { RuleExchange } from '../judge/turns.ts'
import type { RunningApp, Said, Target } from '../targets/target.ts'
import type { Finding } from '../judge/verdict.ts'

/**
 * How a case went.
 *
 * - `pass`: as expected; `fail`: not as expected
 * - `unsteady`: not as expected, but otherwise when it was played again
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
  /** What the target said meanwhile. */
  readonly said?: readonly Said[]
  /** How long it took. */
  readonly milliseconds?: number
  /** How it went when it was played again, alone, if that was otherwise. */
  readonly alone?: Conducted
}

/** What is known about a case once it has been run. */
export type Conducted = Omit<Result, 'id' | 'topic' | 'case'>

/** How a kind of cases is run. */
export interface Plan<One> {
  readonly root: string
  /** How many servers run side by side, if the target allows it. */
  readonly lanes?: number
  /** Aborted when the run is over early; the reason says why. */
  readonly over?: AbortSignal | undefined
  appOf(one: One): string
  topicOf(one: One): string
  /** Whether a case needs a server that has not been talked to. Default: none does. */
  needsFresh?(one: One): boolean
  /** @param again - whether it has been played before, and was not as expected */
  conduct(one: One, app: RunningApp, again: boolean): Promise<Conducted>
  /** Is told of each result as it comes; of those that are corrected later, twice. */
  told?: ((result: Result) => void) | undefined
}

/** How many servers run side by side. */
const LANES = 16

/** How many cases a lane must have left before another starts a server to help it. */
const WORTH_A_SERVER = 4

/** How often an app may hang before no more cases are run on it. */
const PATIENCE_WITH_HANGING = 3

/** Run cases, and give the results in the order of the cases. */
export async function runAll<One extends Case | ReplayCase>(
  target: Target,
  cases: readonly One[],
  plan: Plan<One>,
): Promise<Result[]> {
  const results = new Map<string, Result>()
  const record = (one: One, conducted: Conducted) => {
    const result = { id: one.id, topic: plan.topicOf(one), case: one, ...conducted }
    results.set(one.id, result)
    plan.told?.(result)
  }
  const breakdown = (one: One, error: unknown) => {
    const flaw = error instanceof Error ? error.message : String(error)
    record(one, { verdict: 'error', findings: [{ line: '', flaw }] })
  }
  // An app that did not start will not start for the next case; one that hangs will hang again.
  const broken = new Map<string, unknown>()
  const hangs = new Map<string, number>()

  const lane = async (next: () => One | undefined) => {
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
    for (let one = next(); one !== undefined; one = next()) {
      const name = plan.appOf(one)
      if (!target.apps.has(name)) {
        record(one, { verdict: 'skip', findings: [] })
        continue
      }
      const reusable = appName === name && plan.needsFresh?.(one) !== true
      if (app !== undefined && !(reusable && app.alive())) {
        await stop()
      }
      const reason = reasonNotToRun(name, plan.over, hangs)
      if (reason !== undefined) {
        record(one, { verdict: 'dependent', findings: [{ line: '', flaw: `not run: ${reason}` }] })
        continue
      }
      if (broken.has(name)) {
        breakdown(one, broken.get(name))
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
      const { state, conducted } = await attend(target, one, app, plan)
      record(one, conducted)
      if (state === 'broken') {
        broken.set(name, new Error(conducted.findings[0]?.flaw))
      }
      if (state === 'silent' || state === 'busy') {
        hangs.set(name, (hangs.get(name) ?? 0) + 1)
      }
      // The next case must have a healthy server, and must not wait for one that is still busy.
      if (state !== 'idle' && state !== 'silent') {
        await stop()
      }
    }
    await stop()
  }

  // Each lane takes a range of the cases, sorted by app, so that it starts few servers; and when it
  // is through, half of what the slowest has left.
  const queue = [...cases].sort((a, b) => compare(plan.appOf(a), plan.appOf(b)))
  const lanes = Math.min(target.lanes ?? plan.lanes ?? LANES, queue.length)
  const stretches = Array.from({ length: lanes }, (_, index) => {
    const from = Math.floor((index * queue.length) / lanes)
    return queue.slice(from, Math.floor(((index + 1) * queue.length) / lanes))
  })
  await Promise.all(
    stretches.map((own) =>
      lane(() => {
        const longest = stretches.reduce((a, b) => (b.length > a.length ? b : a))
        if (own.length === 0 && longest.length >= WORTH_A_SERVER) {
          own.push(...longest.splice(Math.ceil(longest.length / 2)))
        }
        return own.shift()
      }),
    ),
  )
  return cases.map((one) => results.get(one.id) as Result)
}

function reasonNotToRun(
  app: string,
  over: AbortSignal | undefined,
  hangs: ReadonlyMap<string, number>,
): string | undefined {
  if (over?.aborted === true) {
    return (over.reason as Error).message
  }
  return (hangs.get(app) ?? 0) >= PATIENCE_WITH_HANGING
    ? `"${app}" has hung ${String(PATIENCE_WITH_HANGING)} times`
    : undefined
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
