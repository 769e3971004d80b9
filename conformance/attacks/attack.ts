/**
 * Attack a server with the cases and the probes of some rows, and note what it did.
 *
 * @module
 */

import type { Exchange, Patience } from '../judge/exchange.ts'
import { converse } from '../run/converse.ts'
import { runAll } from '../run/lanes.ts'
import { readPages } from '../judge/page.ts'
import type { Case } from '../judge/page.ts'
import { CASES } from '../paths.ts'
import { ask, controlLike, CONTROLS } from './controls.ts'
import type { Control } from './controls.ts'
import { PROBES } from './probes.ts'
import type { Finding, Probe, ProbeName } from './probes.ts'
import type { Row } from './rows.ts'
import { brief, RULES, see } from './rules.ts'
import type { Seen } from './rules.ts'
import type { Server } from './servers.ts'
import type { RunningApp } from '../targets/target.ts'

/** What a server did, by the id of the case or the name of the probe. */
export type Findings = Map<string, Finding>

/** The pages, by the ids of their cases. */
export function readCases(): ReadonlyMap<string, Case> {
  return new Map(readPages(CASES).map((one) => [one.id, one]))
}

/** How long an open connection is watched: a server that closes at all closes at once. */
const PATIENCE: Patience = { missing: 1500, quiet: 250, whole: 10_000 }

/**
 * Send the cases of some rows.
 *
 * @returns nothing for a case that needs an app, or a handler, which the server does not have.
 */
export async function attackWithCases(
  { target, runsHandlers }: Server,
  rows: readonly Row[],
  root: string,
  cases = readCases(),
): Promise<Findings> {
  const rowOf = new Map(rows.flatMap((row) => (row.cases ?? []).map((id) => [id, row] as const)))
  const chosen = [...rowOf].flatMap(([id, row]) => {
    const one = cases.get(id)
    return one === undefined || (row.needsHandler === true && !runsHandlers) ? [] : [one]
  })
  const seen = new Map<string, Seen>()
  const controlled = new Map<string, Finding>()
  const results = await runAll(target, chosen, {
    root,
    appOf: (one) => one.app,
    topicOf: () => '',
    conduct: async (one, app) => {
      const control = CONTROLS[rowOf.get(one.id)?.control ?? controlLike(one)]
      const before = await untold(control, app)
      if (before !== undefined) {
        controlled.set(one.id, before)
        return { verdict: 'pass', findings: [] }
      }
      const { outcome, log } = await converse(patiently(one), app, one.log?.length ?? 0, {
        patience: PATIENCE,
      })
      const what = see(outcome, one.request, log)
      seen.set(one.id, what)
      if ((await untold(control, app)) !== undefined) {
        const text = `${brief(what)}, and then the server no longer serves ${control.sends}`
        controlled.set(one.id, { text, holds: false })
      }
      return { verdict: 'pass', findings: [], outcome }
    },
  })
  return new Map(
    results.flatMap(({ id, verdict, findings }): [string, Finding][] => {
      const what = seen.get(id)
      if (verdict === 'skip') {
        return []
      }
      const instead = controlled.get(id)
      if (verdict === 'pass' && instead !== undefined) {
        return [[id, instead]]
      }
      // A server that has hung, or is gone, or could not be asked any more.
      if (verdict !== 'pass' || what === undefined) {
        return [[id, { text: findings[0]?.flaw.split('\n', 1)[0] ?? verdict, holds: false }]]
      }
      const rule = rowOf.get(id)?.rule
      const text = brief(what)
      const holds = rule === undefined ? undefined : RULES[rule].holds(what)
      return [[id, holds === undefined ? { text } : { text, holds }]]
    }),
  )
}

/** Why nothing can be told of an attack; undefined if the request without its flaw is served. */
async function untold(control: Control, app: RunningApp): Promise<Finding | undefined> {
  const seen = await ask(control, app, PATIENCE)
  if (seen !== undefined && control.served(seen)) {
    return undefined
  }
  const what = seen === undefined ? 'no connection' : brief(seen)
  return { text: `cannot be told: ${control.sends} gets ${what}`, untold: true }
}

/** The same conversation with a server that has its own wording: any response is accepted. */
function patiently(one: Case): Exchange {
  const { closes } = one.expectation
  return {
    actions: one.actions,
    expectation: {
      closes,
      progress(received, answers = Infinity) {
        const progress = one.expectation.progress(received, answers)
        if (progress !== 'wrong') {
          return progress
        }
        return see({ received, closed: false }, one.request).codes.length >= answers
          ? 'complete'
          : 'incomplete'
      },
    },
  }
}

/** Try a probe; undefined if the target has none of the apps that it needs. */
export async function attackWithProbe(
  { target }: Server,
  name: ProbeName,
  root: string,
): Promise<Finding | undefined> {
  const probe: Probe = PROBES[name]
  const app = probe.apps.find((one) => target.apps.has(one))
  if (app === undefined) {
    return undefined
  }
  const running = await target.start(app, { root })
  try {
    return (await untold(CONTROLS[probe.control], running)) ?? (await probe.run(running))
  } finally {
    await running.stop()
  }
}
