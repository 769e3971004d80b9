/**
 * Run cases against a target.
 *
 * A server is asked one case at a time, so that what it logs meanwhile belongs to that case.
 * Several servers run side by side.
 *
 * @module
 */

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { play } from './exchange.ts'
import type { Exchange, Outcome } from './exchange.ts'
import type { Case } from './page.ts'
import { upTo } from './pattern.ts'
import { asDeclared, deviationFor, differences, normalise, normaliseLog } from './recording.ts'
import type { Deviation, ReplayCase } from './recording.ts'
import { askStrictly, plainRequest } from './strict-client.ts'
import type { RunningApp, Target } from './target.ts'
import { judge, judgeLog, judgeText } from './verdict.ts'
import type { Finding } from './verdict.ts'

/**
 * How a case went.
 *
 * - `pass`: as expected; `fail`: not so
 * - `warn`: not as expected, and the case's level is not `must`
 * - `deviation`: not as expected, and declared, with the answer that came
 * - `skip`: the target has no such app
 * - `error`: the target broke, or the suite did
 */
export type Verdict = 'pass' | 'fail' | 'warn' | 'deviation' | 'skip' | 'error'

/** A case that has been run. */
export interface Result {
  readonly id: string
  /** What the table counts it under. */
  readonly topic: string
  readonly verdict: Verdict
  readonly findings: readonly Finding[]
  readonly case: Case | ReplayCase
  /** What was sent and received, when there was a conversation. */
  readonly outcome?: Outcome
  /** Where the server listened. */
  readonly port?: number
}

/** Does one case on a server that runs. */
type Conduct<One> = (one: One, app: RunningApp) => Promise<Omit<Result, 'id' | 'topic' | 'case'>>

/** How many servers run side by side. */
const LANES = 4

// -- Pages -----------------------------------------------------------------------------------

/** Run the cases of pages, in order. */
export function runPages(target: Target, cases: readonly Case[]): Promise<Result[]> {
  return runAll(target, cases, {
    appOf: (one) => one.app,
    topicOf: (one) => one.id.slice(0, one.id.indexOf('/')),
    needsFresh: (one) => one.fresh,
    conduct: conductPage,
  })
}

const conductPage: Conduct<Case> = async (one, app) => {
  const { outcome, log } = await converse(one, app, one.log?.length ?? 0)
  const findings = judge(one, outcome)
  if (one.log !== undefined) {
    findings.push(...judgeLog(one.log, log, app.utcOffset))
  }
  const request = one.responses.length === 1 ? plainRequest(one.request) : undefined
  if (findings.length === 0 && request !== undefined) {
    findings.push(...(await judgeStrictly(one, outcome, request, app)))
  }
  const bad = one.level === 'must' || one.level === 'hardening' ? 'fail' : 'warn'
  return { verdict: findings.length === 0 ? 'pass' : bad, findings, outcome, port: app.port }
}

/** Let undici make the same request, and judge what it has read. */
async function judgeStrictly(
  one: Case,
  outcome: Outcome,
  request: NonNullable<ReturnType<typeof plainRequest>>,
  app: RunningApp,
): Promise<Finding[]> {
  const statusLine = outcome.received.slice(0, outcome.received.indexOf('\r\n'))
  try {
    const { received, clientPort } = await askStrictly(request, app, statusLine)
    const responses = one.echo ? one.responses.map((part) => upTo(part, '\r\n\r\n')) : one.responses
    const text = one.echo ? received.slice(0, received.indexOf('\r\n\r\n') + 4) : received
    return judgeText(responses, text, clientPort).map((finding) => ({
      ...finding,
      flaw: `undici reads another answer: ${finding.flaw}`,
    }))
  } catch (error) {
    return [{ line: '', flaw: `undici cannot read the answer: ${String(error)}` }]
  }
}

// -- Recordings ------------------------------------------------------------------------------

/**
 * Replay recorded requests.
 *
 * @param deviations - the answers that differ on purpose, by case or pattern
 * @param root - the document root of the recordings
 */
export function runRecordings(
  target: Target,
  cases: readonly ReplayCase[],
  deviations: ReadonlyMap<string, Deviation>,
  root: string,
): Promise<Result[]> {
  return runAll(target, cases, {
    root,
    appOf: (one) => one.server,
    topicOf: (one) => one.family,
    conduct: (one, app) => conductRecording(one, app, deviations),
  })
}

async function conductRecording(
  one: ReplayCase,
  app: RunningApp,
  deviations: ReadonlyMap<string, Deviation>,
): Promise<Omit<Result, 'id' | 'topic' | 'case'>> {
  const { outcome, log } = await converse(one, app, one.recording.log.length)
  const seen = {
    response: normalise(outcome.received, one.server),
    closed: outcome.closed,
    waits: outcome.waits,
    log: normaliseLog(log),
  }
  const different = differences(one.recording, seen)
  const name = deviationFor(one.recording.id, deviations.keys())
  const declared = name === undefined ? undefined : deviations.get(name)
  if (name !== undefined && declared !== undefined) {
    if (different.length === 0) {
      const flaw = `agrees with the recording, and "${name}" declares that it does not: take it out`
      return { verdict: 'fail', findings: [{ line: '', flaw }], outcome, port: app.port }
    }
    if (asDeclared(declared, one.recording, seen)) {
      return { verdict: 'deviation', findings: [], outcome, port: app.port }
    }
  }
  if (different.length === 0) {
    return { verdict: 'pass', findings: [], outcome, port: app.port }
  }
  return {
    verdict: 'fail',
    findings: different.map((what) => ({ line: '', flaw: `${what} differs from the recording` })),
    outcome,
    port: app.port,
  }
}

// -- Both ------------------------------------------------------------------------------------

interface Plan<One> {
  readonly root?: string
  appOf(one: One): string
  topicOf(one: One): string
  /** Whether a case needs a server that has not been talked to. Default: none does. */
  needsFresh?(one: One): boolean
  readonly conduct: Conduct<One>
}

async function runAll<One extends Case | ReplayCase>(
  target: Target,
  cases: readonly One[],
  plan: Plan<One>,
): Promise<Result[]> {
  const results = new Map<string, Result>()
  const record = (one: One, result: Omit<Result, 'id' | 'topic' | 'case'>) => {
    results.set(one.id, { id: one.id, topic: plan.topicOf(one), case: one, ...result })
  }

  // Each lane takes a stretch of the cases, sorted by app, so that it starts few servers.
  const queue = [...cases].sort((a, b) => compare(plan.appOf(a), plan.appOf(b)))
  const lanes = Math.min(LANES, queue.length)
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const from = Math.floor((lane * queue.length) / lanes)
      const to = Math.floor(((lane + 1) * queue.length) / lanes)
      let app: RunningApp | undefined
      let appName: string | undefined
      try {
        for (const one of queue.slice(from, to)) {
          if (!target.apps.has(plan.appOf(one))) {
            record(one, { verdict: 'skip', findings: [] })
            continue
          }
          try {
            const reusable = appName === plan.appOf(one) && plan.needsFresh?.(one) !== true
            if (app === undefined || !reusable || !app.alive()) {
              await app?.stop()
              app = undefined
              appName = plan.appOf(one)
              app = await target.start(appName, plan.root === undefined ? {} : { root: plan.root })
            }
            const result = await plan.conduct(one, app)
            const state = await settled(app)
            if (state === 'gone') {
              throw new Error(`the server is gone\n${app.log()}`.trimEnd())
            }
            record(one, result)
            if (state === 'busy') {
              // The next case shall not wait for a server that still chews on this one.
              await app.stop()
            }
          } catch (error) {
            const flaw = error instanceof Error ? error.message : String(error)
            record(one, { verdict: 'error', findings: [{ line: '', flaw }] })
            // Whatever it was, the next case shall have a server that is well.
            await app?.stop()
            app = undefined
          }
        }
      } finally {
        await app?.stop()
      }
    }),
  )
  return cases.map((one) => results.get(one.id) as Result)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Hold a conversation, and read what the server logs meanwhile. */
async function converse(
  exchange: Exchange,
  app: RunningApp,
  lines: number,
): Promise<{ outcome: Outcome; log: string }> {
  const start = app.log().length
  let log: string | undefined
  const outcome = await play(exchange, app, async () => {
    log = await logSince(app, start, lines)
  })
  if (log === undefined) {
    // After the close there may be more to log. A server that takes the next connection is done.
    await settled(app)
    log = await logSince(app, start, lines)
  }
  return { outcome, log }
}

/** What has been logged since; waits a second for lines that are still missing. */
async function logSince(app: RunningApp, start: number, lines: number): Promise<string> {
  const deadline = Date.now() + 1000
  while (normaliseLog(app.log().slice(start)).length < lines && Date.now() < deadline) {
    await sleep(10)
  }
  // A moment for a line too many.
  await sleep(20)
  return app.log().slice(start)
}

/**
 * Wait until a server is done with the connections so far: one that takes them in order answers
 * an empty one, with its end, only after them.
 *
 * @returns whether it is done, or still busy after three seconds, or takes no connection any more.
 */
async function settled(app: RunningApp): Promise<'idle' | 'busy' | 'gone'> {
  return new Promise((resolve) => {
    const probe = connect({ host: app.host, port: app.port })
    const timer = setTimeout(() => {
      resolve('busy')
      probe.destroy()
    }, 3000)
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
