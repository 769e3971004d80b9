/**
 * Play the cases of an assignment on a submission.
 *
 * ```text
 *   one process     --- case --- case --- case ...      the files are made anew for each
 *   a fresh one     --- what was lost, once more; what is otherwise then, is told
 *   then            --- the hidden cases, in the same way
 *
 *   hung, or ended: the next case gets a fresh process
 * ```
 *
 * No verdict depends on how fast anything is: the limits bound what hangs, and `GRADE_PATIENCE=3` makes
 * each of them three times as long.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE as FACTOR } from '../patience.ts'
import { settled } from '../run/converse.ts'
import { FIRST_LINE, play } from '../judge/exchange.ts'
import type { Outcome, Patience } from '../judge/exchange.ts'
import { parseResponses } from '../judge/invariants.ts'
import { judgeRuleExchange } from '../judge/turns.ts'
import type { RuleExchange } from '../judge/turns.ts'
import type { Finding } from '../judge/verdict.ts'
import { authorityOf } from '../run/rules.ts'
import type { RunningApp, Said } from '../targets/target.ts'
import { adviceOn, waitsForMore } from './advice.ts'
import type { GradedCase } from './assignment.ts'
import { inPieces, otherClient } from './thorough.ts'
import { CannotMake, empty } from './stage.ts'
import type { Upstream } from './upstream.ts'

/** A limit in milliseconds, times the patience that is asked for. */
function bounded(ms: number): number {
  return ms * FACTOR * Number(process.env.GRADE_PATIENCE ?? 1)
}

const PATIENCE: Patience = {
  missing: bounded(3000),
  quiet: 50,
  whole: bounded(10_000),
  coarse: true,
}

/** How long all cases of an assignment may take, in milliseconds. */
export const ASSIGNMENT_LIMIT = bounded(120_000)

/** How many time-outs are played again; the rest are believed. */
const DOUBTED_TIMEOUTS = 2

/** How long a submission is listened to after a case, in milliseconds: longer, if it has said nothing. */
const AFTERWARDS = { right: 0, wrong: 100, silent: bounded(500) }

/** How long one may take to end that has been asked to, in milliseconds: less, if its responses were wrong. */
const END_LIMIT = { right: bounded(5000), wrong: bounded(1000) }

/** How a case went. */
export interface Played {
  readonly case: GradedCase
  readonly passed: boolean
  readonly findings: readonly Finding[]
  readonly outcome?: Outcome
  readonly exchange?: RuleExchange
  /** What the submission printed meanwhile. */
  readonly said: readonly Said[]
  /** Whether it passes when it is played again, in another process. */
  readonly again?: boolean
  /** Why it cannot be played on this machine; then it counts for nothing. */
  readonly skipped?: string
  /** What to do about it, where that is known. */
  readonly advice?: string | undefined
  readonly milliseconds: number
}

/** How often a case is played again that a busy machine may have lost. */
const DOUBTED = 10

function isDoubtful({ findings }: Played): boolean {
  return findings.length > 0 && findings.every(({ doubtful }) => doubtful === true)
}

/** What is played on: a way to start it, and the folder that it serves. */
export interface Subject {
  readonly root: string
  /** The server behind it, if it is a proxy. */
  readonly upstream?: Upstream
  start(): Promise<RunningApp>
}

/**
 * Play cases, one after the other: hidden ones when the others have been played for the last time. What a program
 * prints is shown with those, and it may remember what it has been asked.
 */
export async function playCases(
  cases: readonly GradedCase[],
  subject: Subject,
  thorough = false,
): Promise<Played[]> {
  const until = performance.now() + ASSIGNMENT_LIMIT
  const server = new Server(subject, thorough)
  try {
    const shown = cases.filter(({ hidden }) => !hidden)
    const hidden = cases.filter((one) => one.hidden)
    return [...(await playTwice(shown, server, until)), ...(await playTwice(hidden, server, until))]
  } finally {
    await server.stop()
  }
}

/** Play cases, and those that are lost once more. */
async function playTwice(
  cases: readonly GradedCase[],
  server: Server,
  until: number,
): Promise<Played[]> {
  const hung = ({ outcome }: Played) => (outcome?.late ?? 0) > 0
  const results: Played[] = []
  for (const one of cases) {
    const flaw = `not played: all cases together may take ${String(ASSIGNMENT_LIMIT / 1000)} s`
    results.push(performance.now() > until ? lost(one, flaw) : await server.play(one, one.fresh))
  }
  if (results.every(({ passed }) => passed)) {
    return results
  }
  await server.stop()
  for (const [at, first] of results.entries()) {
    const believed = hung(first) && server.timeouts >= DOUBTED_TIMEOUTS
    if (first.passed || believed || performance.now() > until) {
      continue
    }
    const second = await server.play(first.case, first.case.fresh)
    server.timeouts += hung(second) ? 1 : 0
    results[at] = second.passed ? { ...first, again: true } : second
  }
  for (const [at, result] of results.entries()) {
    const silent = result.outcome?.received === '' && hung(result)
    const advice = result.passed
      ? undefined
      : silent && performance.now() < until
        ? await server.asks(result.case)
        : adviceOn(result)
    results[at] = { ...result, ...(advice !== undefined && { advice }) }
  }
  await server.stop()
  return results
}

function lost(one: GradedCase, flaw: string): Played {
  return { case: one, passed: false, findings: [{ line: '', flaw }], said: [], milliseconds: 0 }
}

/** The process of a submission, started when it is needed, and again when it has ended or hangs. */
class Server {
  /** How many cases have been played again, and have timed out again. */
  timeouts = 0
  readonly #subject: Subject
  readonly #thorough: boolean
  #app: RunningApp | undefined

  constructor(subject: Subject, thorough: boolean) {
    this.#subject = subject
    this.#thorough = thorough
  }

  async stop(): Promise<void> {
    const app = this.#app
    this.#app = undefined
    await app?.stop()
  }

  /** Play a case; what a busy machine may have brought about must happen each time. */
  async play(one: GradedCase, fresh: boolean): Promise<Played> {
    let played = await this.#play(one, fresh)
    for (let chances = DOUBTED; chances > 0 && isDoubtful(played); chances--) {
      played = await this.#play(one, one.fresh)
    }
    return played
  }

  async #play(one: GradedCase, fresh: boolean): Promise<Played> {
    const begun = performance.now()
    if (fresh || this.#app?.alive() === false) {
      await this.stop()
    }
    const { root, upstream } = this.#subject
    empty(root)
    upstream?.reset()
    let app: RunningApp
    try {
      app = this.#app ??= await this.#subject.start()
    } catch (error) {
      return lost(one, (error as Error).message)
    }
    const heard = app.said().length
    const about = () => ({
      case: one,
      said: app.said().slice(heard),
      milliseconds: Math.round(performance.now() - begun),
    })
    let findings: readonly Finding[]
    let more: { outcome?: Outcome; exchange?: RuleExchange } = {}
    let ends = false
    try {
      const { exchange, stage } = one.play({ authority: authorityOf(app), root, upstream, app })
      const outcome = await play(exchange, app, undefined, PATIENCE)
      findings = [...judge(one, exchange, outcome), ...stage.findings]
      ends = stage.ends
      more = { outcome, exchange }
      if (findings.length === 0 && this.#thorough && !one.once) {
        findings = [
          ...(await inPieces(one, app, root, PATIENCE)),
          ...(await otherClient(exchange, outcome, app)),
        ]
      }
    } catch (error) {
      if (error instanceof CannotMake) {
        return { ...about(), passed: true, findings: [], skipped: error.message }
      }
      findings = [{ line: '', flaw: (error as Error).message }]
    }
    if (ends) {
      findings = [...findings, ...(await this.#lookAtEnd(app, findings.length === 0))]
      return { ...about(), ...more, passed: findings.length === 0, findings }
    }
    const silent = more.outcome?.received === ''
    const ended = await this.#lookAfter(
      app,
      findings.length > 0 ? (silent ? 'silent' : 'wrong') : 'right',
    )
    if (ended !== undefined) {
      const flaw = `your program ended while this case was played: ${ended}`
      findings = [{ line: '', flaw }, ...findings]
    }
    return { ...about(), ...more, passed: findings.length === 0, findings }
  }

  /** What a server waits for that says nothing. */
  async asks(one: GradedCase): Promise<string | undefined> {
    await this.stop()
    const { root, upstream } = this.#subject
    empty(root)
    upstream?.reset()
    try {
      const app = (this.#app = await this.#subject.start())
      const { exchange } = one.play({ authority: authorityOf(app), root, upstream, app })
      return await waitsForMore(exchange, app, PATIENCE)
    } catch {
      return undefined
    } finally {
      await this.stop()
    }
  }

  /** What is wrong with the end of a program that has been asked to end. */
  async #lookAtEnd(app: RunningApp, right: boolean): Promise<Finding[]> {
    const until = performance.now() + END_LIMIT[right ? 'right' : 'wrong']
    while (app.alive() && performance.now() < until) {
      await sleep(20)
    }
    const ending = app.alive() ? undefined : await app.ending()
    await this.stop()
    if (ending === 'status 0' || (ending === undefined && !right)) {
      return []
    }
    const how = ending === undefined ? 'does not end' : `ends with ${ending}`
    return [{ line: '', flaw: `after SIGTERM, your program ${how}; expected: status 0` }]
  }

  /** Tell how it has ended, if it has; what is still busy is ended, too. */
  async #lookAfter(
    app: RunningApp,
    was: 'right' | 'wrong' | 'silent',
  ): Promise<string | undefined> {
    const state = await settled(app)
    // What nobody awaited may fail a moment later, and its error says what was wrong.
    const until = performance.now() + AFTERWARDS[was]
    while (state === 'idle' && app.alive() && performance.now() < until) {
      await sleep(20)
    }
    const idle = state === 'idle' && app.alive()
    if (idle && was !== 'silent') {
      return undefined
    }
    const ending = state === 'busy' || idle ? undefined : await app.ending()
    // It may be in any state; the next case must not suffer for it.
    await this.stop()
    return ending ?? (state === 'gone' ? 'it takes no more connections' : undefined)
  }
}

/** What is wrong with what came: by the page first, and then by what holds for every response. */
function judge(one: GradedCase, exchange: RuleExchange, outcome: Outcome): Finding[] {
  const { verdict, findings } = judgeRuleExchange(exchange, outcome)
  const broken: Finding[] = []
  for (const [name, turns] of exchange.turns) {
    const line = name === FIRST_LINE ? outcome : (outcome.beside.get(name) ?? outcome)
    // The beginning of a response does not tell which rules it breaks.
    if (line.late === 0 && line.received.startsWith('HTTP/')) {
      const requests = turns.flatMap((turn) => turn.requests)
      const { closed, ends } = line
      const { violations } = parseResponses(line.received, requests, { closed, ends })
      const about = exchange.turns.size === 1 ? '' : `connection "${name}": `
      const kept = violations.filter(({ rule }) => !(rule in one.waive))
      broken.push(...kept.map((violation) => ({ ...violation, flaw: about + violation.flaw })))
    }
  }
  if (verdict !== 'lost') {
    return broken
  }
  const known = new Set(findings.map(({ line, flaw }) => `${line}\n${flaw}`))
  return [...findings, ...broken.filter(({ line, flaw }) => !known.has(`${line}\n${flaw}`))]
}
