/**
 * One case on one server: how it went, how long it took, what the server said meanwhile, and
 * whether it has survived.
 *
 * @module
 */

import type { Conducted, Plan } from './lanes.ts'
import { settled } from './converse.ts'
import type { RunningApp, Target } from '../targets/target.ts'

/**
 * A server after a case.
 *
 * - `idle`: done with it; `silent`: done, but not a byte came; `busy`: still at it
 * - `gone`: ended, or of no use any more
 * - `broken`: ended, and whatever starts in its place will end, too
 */
export type State = 'idle' | 'silent' | 'busy' | 'gone' | 'broken'

/** Play a case on a server, and look after the server. */
export async function attend<One>(
  target: Target,
  one: One,
  app: RunningApp,
  plan: Plan<One>,
  again = false,
): Promise<{ conducted: Conducted; state: State }> {
  const heard = app.said().length
  const start = performance.now()
  let seen: Conducted | undefined
  let flaw = ''
  let state: State
  try {
    seen = await inTime(plan.conduct(one, app, again), plan.over)
    state = await settled(app)
    if (state === 'idle' && isSilent(seen)) {
      state = 'silent'
    }
  } catch (error) {
    flaw = error instanceof Error ? error.message : String(error)
    state = 'gone'
  }
  if (state === 'gone' && plan.over?.aborted !== true) {
    const ending = await app.ending()
    if (ending !== undefined) {
      const cause = await fatalTouch(target, plan.appOf(one), plan.root)
      const when = seen === undefined ? 'while this case was played' : 'after this case'
      flaw = `the server is gone (${ending}): ${cause ?? `it ended ${when}`}`
      state = cause === undefined ? state : 'broken'
    } else if (flaw === '') {
      flaw = 'the server is gone: it takes no more connections'
    }
  }
  const about = {
    ...(state === 'broken' ? {} : { port: app.port }),
    ...(seen?.outcome && { outcome: seen.outcome }),
    said: app.said().slice(heard),
    milliseconds: Math.round(performance.now() - start),
  }
  if (seen !== undefined && flaw === '') {
    return { conducted: { ...seen, ...about }, state }
  }
  const verdict = plan.over?.aborted === true ? 'dependent' : 'error'
  return { conducted: { verdict, findings: [{ line: '', flaw }], ...about }, state }
}

/** Give up on a case when the run is over. */
async function inTime<Value>(value: Promise<Value>, over: AbortSignal | undefined): Promise<Value> {
  if (over === undefined) {
    return value
  }
  let end = () => {}
  const ended = new Promise<never>((_, reject) => {
    end = () => {
      reject(new Error(`not judged: ${(over.reason as Error).message}`))
    }
  })
  over.addEventListener('abort', end)
  try {
    return await Promise.race([value, ended])
  } finally {
    over.removeEventListener('abort', end)
    value.catch(() => {})
  }
}

/** Whether a server was waited for, and said nothing at all, or not all of it in a very long time. */
function isSilent({ verdict, outcome }: Conducted): boolean {
  const wrong = verdict === 'fail' || verdict === 'warn'
  if (!wrong || outcome === undefined) {
    return false
  }
  return outcome.slow || (outcome.late > 0 && outcome.received === '')
}

const touches = new WeakMap<Target, Map<string, Promise<string | undefined>>>()

/**
 * Whether a server dies of a connection that is opened and closed again, without a request: the
 * suite makes some between the cases. Each app is asked once.
 *
 * @returns what the report says of it; undefined if it survives.
 */
function fatalTouch(target: Target, name: string, root: string): Promise<string | undefined> {
  const known = touches.get(target) ?? new Map<string, Promise<string | undefined>>()
  touches.set(target, known)
  const touch = async () => {
    try {
      const app = await target.start(name, { root })
      await settled(app)
      const ending = await app.ending()
      await app.stop()
      return ending === undefined
        ? undefined
        : 'a connection that is opened and closed again, without a request, ends it'
    } catch {
      return undefined
    }
  }
  const answer = known.get(name) ?? touch()
  known.set(name, answer)
  return answer
}
