/**
 * A second look at whatever was not as expected: alone, on a server that has just been started.
 *
 * Before it accuses, a judge makes sure. A first look, with many servers side by side on a
 * busy machine, may have been unlucky; and what depends on luck is no verdict in either direction.
 *
 * @module
 */

import { attend } from './attend.ts'
import { PATIENCE } from '../judge/exchange.ts'
import type { Conducted, Plan, Result, Verdict } from './lanes.ts'
import type { Case } from '../judge/page.ts'
import type { ReplayCase } from '../recordings/recording.ts'
import type { Target } from '../targets/target.ts'

/**
 * How many time-outs of an app must happen again before the rest are believed: each costs ten seconds,
 * and one after the other, those of a server that hangs in every case would cost an hour.
 */
const ENOUGH = 3

const DOUBTED: readonly Verdict[] = ['fail', 'warn', 'unexpected pass', 'error']

/**
 * Play again what was not as expected, one case after the other.
 *
 * @returns the results, in their order: what happened twice as it happened the second time; what
 * happened once as `unsteady`, with both.
 */
export async function playAgain<One extends Case | ReplayCase>(
  target: Target,
  results: readonly Result[],
  plan: Plan<One>,
): Promise<Result[]> {
  const sure: Result[] = []
  const timeouts = new Map<string, number>()
  for (const first of results) {
    // Without a port, it was the server that did not even start.
    const doubted = DOUBTED.includes(first.verdict) && first.port !== undefined
    const app = plan.appOf(first.case as One)
    const slow = (first.milliseconds ?? 0) >= PATIENCE.missing
    const believed = slow && (timeouts.get(app) ?? 0) >= ENOUGH
    if (!doubted || believed || plan.over?.aborted === true) {
      sure.push(first)
      continue
    }
    const second = await playAlone(target, first.case as One, plan)
    const same = second.verdict === first.verdict
    if (same && slow) {
      timeouts.set(app, (timeouts.get(app) ?? 0) + 1)
    }
    const result: Result = same
      ? { ...first, ...second }
      : { ...first, verdict: 'unsteady', alone: second }
    plan.told?.(result)
    sure.push(result)
  }
  return sure
}

async function playAlone<One extends Case | ReplayCase>(
  target: Target,
  one: One,
  plan: Plan<One>,
): Promise<Conducted> {
  try {
    const app = await target.start(plan.appOf(one), { root: plan.root })
    const { conducted } = await attend(target, one, app, plan, true)
    await app.stop()
    return conducted
  } catch (error) {
    return { verdict: 'error', findings: [{ line: '', flaw: (error as Error).message }] }
  }
}
