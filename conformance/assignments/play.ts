/**
 * Play the cases of an assignment on a submission.
 *
 * ```text
 *   one process --- case --- case --- case ...      the files are made anew for each
 *                     |
 *                   lost: once more, alone, in a fresh process; what is otherwise then, is told
 *                   hung, or ended: the next case gets a fresh process
 * ```
 *
 * No verdict depends on how fast anything is: the limits bound what hangs, and `GRADE_PATIENCE=3` makes
 * each of them three times as long.
 *
 * @module
 */

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
import type { Assignment, GradedCase } from './assignment.ts'
import { empty } from './stage.ts'

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

/** How a case went. */
export interface Played {
  readonly case: GradedCase
  readonly passed: boolean
  readonly findings: readonly Finding[]
  readonly outcome?: Outcome
  readonly exchange?: RuleExchange
  /** What the submission printed meanwhile. */
  readonly said: readonly Said[]
  /** How it went alone, if that was otherwise. */
  readonly alone?: boolean
  readonly milliseconds: number
}

/** What is played on: a way to start it, and the folder that it serves. */
export interface Subject {
  readonly root: string
  start(): Promise<RunningApp>
}

/** Play cases, one after the other. */
export async function playCases(
  { cases }: Pick<Assignment, 'cases'>,
  subject: Subject,
  told: (played: Played) => void = () => {},
): Promise<Played[]> {
  const until = performance.now() + ASSIGNMENT_LIMIT
  const server = new Server(subject)
  const results: Played[] = []
  let timeouts = 0
  try {
    for (const one of cases) {
      if (performance.now() > until) {
        const flaw = `not played: all cases together may take ${String(ASSIGNMENT_LIMIT / 1000)} s`
        results.push(lost(one, flaw))
        continue
      }
      const first = await server.play(one, one.fresh)
      let result = first
      const hung = (first.outcome?.late ?? 0) > 0
      if (!first.passed && !(hung && timeouts >= DOUBTED_TIMEOUTS)) {
        const second = await server.play(one, true)
        timeouts += hung && !second.passed ? 1 : 0
        result = second.passed ? { ...first, alone: true } : second
      }
      told(result)
      results.push(result)
    }
  } finally {
    await server.stop()
  }
  return results
}

function lost(one: GradedCase, flaw: string): Played {
  return { case: one, passed: false, findings: [{ line: '', flaw }], said: [], milliseconds: 0 }
}

/** The process of a submission, started when it is needed, and again when it has ended or hangs. */
class Server {
  readonly #subject: Subject
  #app: RunningApp | undefined

  constructor(subject: Subject) {
    this.#subject = subject
  }

  async stop(): Promise<void> {
    const app = this.#app
    this.#app = undefined
    await app?.stop()
  }

  async play(one: GradedCase, fresh: boolean): Promise<Played> {
    const begun = performance.now()
    if (fresh || this.#app?.alive() === false) {
      await this.stop()
    }
    const { root } = this.#subject
    empty(root)
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
    let more = {}
    try {
      const { exchange, stage } = one.play({ authority: authorityOf(app), root })
      const outcome = await play(exchange, app, undefined, PATIENCE)
      findings = [...judge(one, exchange, outcome), ...stage.findings]
      more = { outcome, exchange }
    } catch (error) {
      findings = [{ line: '', flaw: (error as Error).message }]
    }
    const ended = await this.#lookAfter(app)
    if (ended !== undefined) {
      const flaw = `your program ended while this case was played: ${ended}`
      findings = [{ line: '', flaw }, ...findings]
    }
    return { ...about(), ...more, passed: findings.length === 0, findings }
  }

  /** Tell how it has ended, if it has; what is still busy is ended, too. */
  async #lookAfter(app: RunningApp): Promise<string | undefined> {
    const state = await settled(app)
    if (state === 'idle') {
      return undefined
    }
    const ending = state === 'gone' ? await app.ending() : undefined
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
      broken.push(...violations.filter(({ rule }) => !(rule in one.waive)))
    }
  }
  if (verdict !== 'lost') {
    return broken
  }
  const known = new Set(findings.map(({ line, flaw }) => `${line}\n${flaw}`))
  return [...findings, ...broken.filter(({ line, flaw }) => !known.has(`${line}\n${flaw}`))]
}
