/**
 * Run cases against a target, and reach a verdict on each.
 *
 * @module
 */

import { playAgain } from './again.ts'
import { asDeclared, deviationFor } from '../judge/deviations.ts'
import type { Deviations, Observed } from '../judge/deviations.ts'
import type { Action, Expectation, Outcome } from '../judge/exchange.ts'
import { converse, LOG_LIMIT_IF_WRONG } from './converse.ts'
import { runAll } from './lanes.ts'
import type { Conducted, Plan, Result } from './lanes.ts'
import type { Case } from '../judge/page.ts'
import { upTo } from '../judge/pattern.ts'
import { differences, nameOf, normalise, normaliseLog } from '../recordings/recording.ts'
import type { Observation, ReplayCase } from '../recordings/recording.ts'
import { judgeResources } from './resources.ts'
import { scan } from '../judge/scan.ts'
import type { Harmless } from '../judge/scan.ts'
import { askStrictly, plainRequest } from '../judge/strict-client.ts'
import type { RunningApp, Target } from '../targets/target.ts'
import { judge, judgeLog, judgeText, timeout } from '../judge/verdict.ts'
import type { Finding } from '../judge/verdict.ts'

/** What a run needs to know besides its cases. */
export interface Settings {
  /** The document root, for the apps that serve files. */
  readonly root: string
  readonly deviations: Deviations
  /** Whether each request is sent again, cut in two at every byte. */
  readonly scan?: boolean
  /** Aborted when the run is over early; the reason says why. */
  readonly over?: AbortSignal
  /** Is told of each result as it comes. */
  readonly told?: (result: Result) => void
}

// -- Pages -----------------------------------------------------------------------------------

/** Run the cases of pages. */
export async function runPages(
  target: Target,
  cases: readonly Case[],
  settings: Settings,
): Promise<Result[]> {
  const harmless: Harmless = new Set()
  const plan: Plan<Case> = {
    root: settings.root,
    over: settings.over,
    told: settings.told,
    appOf: (one) => one.app,
    topicOf: (one) => one.id.slice(0, one.id.indexOf('/')),
    needsFresh: (one) => one.fresh,
    // The second time, no cut is left out: it may be the sum of them that is too much.
    conduct: (one, app, again) => conductPage(one, app, settings, again ? new Set() : harmless),
  }
  const results = await playAgain(target, await runAll(target, cases, plan), plan)
  return results.map((result) => dependent(result, results))
}

async function conductPage(
  one: Case,
  app: RunningApp,
  settings: Settings,
  harmless: Harmless,
): Promise<Conducted> {
  const bad = one.level === 'must' || one.level === 'hardening' ? 'fail' : 'warn'
  if (one.resources) {
    const findings = await judgeResources(one, app)
    const flaw = 'nobody can count what its process keeps'
    return findings === undefined
      ? { verdict: 'skip', findings: [{ line: '', flaw }] }
      : { verdict: findings.length === 0 ? 'pass' : bad, findings, port: app.port }
  }
  const { outcome, log } = await converse(one, app, one.log?.length ?? 0, {
    ...(deviationFor(one.id, settings.deviations) && { logLimit: LOG_LIMIT_IF_WRONG }),
  })
  const findings = judge(one, outcome)
  if (one.log !== undefined && log !== undefined) {
    findings.push(...judgeLog(one.log, log, app.utcOffset))
  }
  // undici reads one final response.
  const [, ...others] = one.responses
  const final = /^HTTP\/1\.[01] [2-9]/.test(outcome.received)
  const plain = final && app.tls !== true && others.length === 0 && one.beside.size === 0
  const request = plain ? plainRequest(one.request) : undefined
  if (findings.length === 0 && request !== undefined) {
    findings.push(...(await judgeStrictly(one, outcome, request, app)))
  }
  // A case about the time between its pieces would no longer be the same if they were cut, nor would
  // one about the order in which several connections send them.
  const timed = one.actions.some(({ do: what }) => TIMED.includes(what))
  if (findings.length === 0 && settings.scan !== false && one.noscan === undefined && !timed) {
    findings.push(...(await scan(one, app, outcome, harmless)))
  }
  const seen = {
    response: normalise(outcome.received, one.app),
    closed: outcome.closed,
    findings,
  }
  const about = { findings, outcome, port: app.port }
  return withDeviations(one.id, seen, one.expectation.closes, settings.deviations, {
    ...about,
    verdict: findings.length === 0 ? 'pass' : bad,
  })
}

/** What a conversation does that is about time. */
const TIMED: readonly Action['do'][] = ['pause', 'silence', 'line', 'leave', 'reset', 'new']

/** Let undici make the same request, and judge what it read. */
async function judgeStrictly(
  one: Case,
  outcome: Outcome,
  request: NonNullable<ReturnType<typeof plainRequest>>,
  app: RunningApp,
): Promise<Finding[]> {
  const statusLine = outcome.received.slice(0, outcome.received.indexOf('\r\n'))
  try {
    const { received, clientPort } = await askStrictly(request, app, statusLine)
    const end = received.indexOf('\r\n\r\n') + 4
    // Of chunks, it reports their content.
    const headOnly = /^transfer-encoding:/im.test(received.slice(0, end))
    const responses = headOnly ? one.responses.map((part) => upTo(part, '\r\n\r\n')) : one.responses
    const text = headOnly ? received.slice(0, end) : received
    return judgeText(responses, text, clientPort).map((finding) => ({
      ...finding,
      flaw: `undici reads a different response: ${finding.flaw}`,
    }))
  } catch (error) {
    return [{ line: '', flaw: `undici cannot read the response: ${String(error)}` }]
  }
}

/** A case whose foundation is broken tells nothing. */
function dependent(result: Result, results: readonly Result[]): Result {
  const needs = 'needs' in result.case ? result.case.needs : []
  const broken = needs.find((id) => {
    const needed = results.find((other) => other.id === id)
    return (
      needed !== undefined && ['fail', 'unsteady', 'error', 'dependent'].includes(needed.verdict)
    )
  })
  if (broken === undefined || ['skip', 'error'].includes(result.verdict)) {
    return result
  }
  const flaw = `it needs ${broken}, which failed`
  return { ...result, verdict: 'dependent', findings: [{ line: '', flaw }] }
}

// -- Recordings ------------------------------------------------------------------------------

/**
 * Replay recorded requests.
 *
 * @param others - other recordings of the same requests, by their id: what a deviation may name
 * as the response instead
 */
export async function runRecordings(
  target: Target,
  cases: readonly ReplayCase[],
  settings: Settings,
  others: ReadonlyMap<string, ReplayCase> = new Map(),
): Promise<Result[]> {
  const plan: Plan<ReplayCase> = {
    root: settings.root,
    over: settings.over,
    told: settings.told,
    appOf: (one) => one.server,
    topicOf: (one) => one.family,
    conduct: (one, app) => conductRecording(one, app, settings, others),
  }
  return playAgain(target, await runAll(target, cases, plan), plan)
}

async function conductRecording(
  one: ReplayCase,
  app: RunningApp,
  { root, deviations }: Settings,
  others: ReadonlyMap<string, ReplayCase>,
): Promise<Conducted> {
  const declared = deviationFor(one.id, deviations) ?? deviationFor(nameOf(one.id), deviations)
  const instead = declared?.rows.flatMap(({ response }) => response ?? []) ?? []
  // A whole response that is declared is not waited for to become the recorded one.
  const expectation: Expectation = {
    closes: one.expectation.closes,
    progress: (received, count) =>
      instead.includes(normalise(received, one.server, root))
        ? 'complete'
        : one.expectation.progress(received, count),
  }
  const { outcome, log } = await converse(
    { ...one, expectation },
    app,
    one.recording.log.length,
    declared && { logLimit: LOG_LIMIT_IF_WRONG },
  )
  const seen: Observation = {
    response: normalise(outcome.received, one.server, root),
    closed: outcome.closed,
    waits: outcome.waits,
    log: log === undefined ? undefined : normaliseLog(log),
  }
  const verdictOn = ({ id, recording }: ReplayCase): Conducted => {
    // Dates and ports aside, a beginning of the right response is one whose end did not come.
    const late = outcome.late > 0 && recording.response.startsWith(seen.response)
    const findings = differences(recording, seen).map((what) => ({
      line: '',
      flaw: late ? timeout(outcome) : `${what} differs from the recording`,
    }))
    const judged = { findings, outcome, port: app.port }
    // A file of deviations is about the newest recordings, and may leave out their name.
    const name = deviationFor(id, deviations) ? id : nameOf(id)
    return withDeviations(name, { ...seen, findings }, recording.closed, deviations, {
      ...judged,
      verdict: findings.length === 0 ? 'pass' : 'fail',
    })
  }

  const set = deviationFor(one.id, deviations)?.rows.find((row) => row.as !== undefined)?.as
  if (set === undefined) {
    return verdictOn(one)
  }
  // A whole set of recordings that the target does not follow, except where its own agree with it.
  const different = differences(one.recording, seen).length > 0
  const other = others.get(`${set}/${nameOf(one.id)}`)
  if (!different || other === undefined) {
    return { verdict: 'pass', findings: [], outcome, port: app.port }
  }
  const judged = verdictOn(other)
  return judged.verdict === 'pass' ? { ...judged, verdict: 'expected failure' } : judged
}

// -- Both ------------------------------------------------------------------------------------

/** Look a case up among the declared deviations, and correct its verdict. */
export function withDeviations(
  id: string,
  seen: Observed,
  closes: boolean,
  deviations: Deviations,
  judged: Conducted,
): Conducted {
  const declared = deviationFor(id, deviations)
  if (declared === undefined) {
    return judged
  }
  if (judged.verdict === 'pass') {
    const flaw = `it passes, but "${declared.name}" declares that it does not: remove the row`
    return { ...judged, verdict: 'unexpected pass', findings: [{ line: '', flaw }] }
  }
  return declared.rows.some((row) => asDeclared(row, seen, closes))
    ? { ...judged, verdict: 'expected failure', findings: [] }
    : judged
}
