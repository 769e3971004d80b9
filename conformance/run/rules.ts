/**
 * Run rules against a server, each between two conversations that show that the server serves.
 *
 * ```text
 *   the control ---- the rule ---- the control again ---- the next rule ...
 *    not served:      lost:         not served:
 *    untold           once more     dead: dies; else untold
 * ```
 *
 * A control that follows one rule precedes the next, if that has the same.
 *
 * @module
 */

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Judged } from '../judge/answer.ts'
import { play } from '../judge/exchange.ts'
import type { Outcome, Patience } from '../judge/exchange.ts'
import type { Need, Rule } from '../judge/rule.ts'
import { judgeRuleExchange } from '../judge/turns.ts'
import type { Facts } from '../judge/turns.ts'
import type { Finding } from '../judge/verdict.ts'
import { patiently } from '../patience.ts'
import { takesConnections } from '../targets/child.ts'
import type { AppOptions, RunningApp, Target } from '../targets/target.ts'
import type { Conducted, Result } from './lanes.ts'

/** What a run of rules needs to know besides the rules. */
export interface RuleSettings extends AppOptions {
  /** The app that the target is asked for. */
  readonly app: string
  /** What is known of the resources of this server, once it runs. */
  readonly facts: Omit<Facts, 'authority'>
  /** What the target has, beside `{{path}}`. */
  readonly has: ReadonlySet<Need>
  /** The version of its responses; HTTP/1.1, if left out. */
  readonly version?: string | undefined
  /** Whether the server is ours to start; else it runs already, and there is one. */
  readonly ours: boolean
  /** How long to wait for a response to a rule; {@link PATIENCE}, if left out. */
  readonly patience?: Patience
  /** When the time of the run is over, by the clock of `performance`. */
  readonly until?: number
  /** Is told of each result as it comes. */
  readonly told?: (result: Result) => void
}

/** A right response to a small request comes at once, so a missing one is not waited for as long. */
const PATIENCE: Patience = {
  missing: patiently(3000),
  quiet: 100,
  whole: patiently(15_000),
  coarse: true,
}

/** A control is over when its response is whole. */
const CONTROL_PATIENCE: Patience = { ...PATIENCE, missing: patiently(5000), quiet: 0 }

/** How long a server that is not ours to start may take to come back, in milliseconds. */
const RETURN_LIMIT = patiently(5000)

/** How much is shown of what a server said before it died. */
const LAST_LINES = 5

/** How many servers run side by side. */
const LANES = 4

/** What `needs` asks for, as it is told to the user. */
const LACKING: Readonly<Record<Need, string>> = {
  folder: 'the files of --make-root',
  post: 'a resource that takes a body: --post /x',
  path: 'a resource of its own: --path /x',
  plain: 'a server without TLS: url:http://...',
  tls: 'TLS: url:https://...',
}

/** Run rules, and give the results in their order. */
export async function runRules(
  target: Target,
  rules: readonly Rule[],
  all: readonly Rule[],
  settings: RuleSettings,
): Promise<Result[]> {
  const byId = new Map(all.map((rule) => [rule.id, rule]))
  const results = new Map<string, Result>()
  // Most rules have the control of the one before, and a server that is slow with one holds up only
  // its own lane.
  const queue = [...rules]
  const lane = async () => {
    const server = new Server(target, settings)
    try {
      for (let rule = queue.shift(); rule !== undefined; rule = queue.shift()) {
        const started = performance.now()
        const conducted = await conduct(rule, byId.get(rule.control ?? ''), server, settings)
        const result: Result = {
          id: rule.id,
          topic: rule.id.slice(0, rule.id.indexOf('/')),
          case: { ...rule, ...rule.exchange(server.facts()) },
          ...conducted,
          milliseconds: Math.round(performance.now() - started),
        }
        results.set(rule.id, result)
        settings.told?.(result)
      }
    } finally {
      await server.stop()
    }
  }
  const lanes = Math.min(settings.ours ? (target.lanes ?? LANES) : 1, rules.length)
  await Promise.all(Array.from({ length: lanes }, lane))
  return rules.map(({ id }) => results.get(id) as Result)
}

async function conduct(
  rule: Rule,
  control: Rule | undefined,
  server: Server,
  { has, patience, version, until = Infinity }: RuleSettings,
): Promise<Conducted> {
  if (performance.now() > until) {
    return { verdict: 'dependent', findings: note('not run: the time of the run is over') }
  }
  const lacking = [...rule.needs, ...(control?.needs ?? [])].find((need) => !has.has(need))
  if (lacking !== undefined) {
    return { verdict: 'skip', findings: note(`it needs ${LACKING[lacking]}`) }
  }
  try {
    const before = await server.ready(control, rule.fresh)
    if (before !== undefined) {
      return { verdict: 'untold', findings: note(before) }
    }
    const bound = version !== 'HTTP/1.0' || !isAboutVersion(rule)
    const first = await tryOnce(rule, control, server, bound, patience)
    if (first.verdict === 'pass' || first.verdict === 'allowed') {
      return first
    }
    // What is held against a server happens twice.
    const again = await server.ready(control, rule.fresh)
    if (again !== undefined) {
      return first.verdict === 'dies'
        ? first
        : { ...first, verdict: 'untold', findings: note(again) }
    }
    const second = await tryOnce(rule, control, server, bound, patience)
    return second.verdict === first.verdict ? second : unsteady(first, second)
  } catch (error) {
    await server.stop()
    return { verdict: 'error', findings: note((error as Error).message) }
  }
}

function unsteady(first: Conducted, second: Conducted): Conducted {
  const [flaw] = [...first.findings, ...second.findings]
  const text = `it is ${first.verdict} once and ${second.verdict} once: ${String(flaw?.flaw)}`
  return { ...first, verdict: 'unsteady', findings: note(text) }
}

/**
 * Whether a rule binds servers of HTTP/1.1 alone: RFC 9110 is about all versions, and RFC 9112 about
 * that one. What is safe and sturdy is so in any.
 */
export function isAboutVersion({ source, level }: Rule): boolean {
  return source.startsWith('rfc:9112#') && level !== 'safe' && level !== 'sturdy'
}

/** The rule, and then its control. */
async function tryOnce(
  rule: Rule,
  control: Rule | undefined,
  server: Server,
  bound: boolean,
  patience: Patience = PATIENCE,
): Promise<Conducted> {
  const { judged, ...seen } = await server.hold(rule, patience)
  const port = server.plainPort
  const after = await server.after(control)
  if (after !== undefined) {
    const { verdict, flaw } = after
    return {
      verdict,
      findings: [...note(flaw), ...judged.findings],
      ...seen,
      ...(port && { port }),
    }
  }
  const { level } = rule
  const bad = !bound ? 'allowed' : level === 'SHOULD' || level === 'MAY' ? 'warn' : 'fail'
  const verdict = { passed: 'pass', allowed: 'allowed', lost: bad } as const
  return {
    verdict: verdict[judged.verdict],
    findings: bound ? judged.findings : [],
    ...seen,
    ...(port && { port }),
  }
}

function note(flaw: string): Finding[] {
  return [{ line: '', flaw }]
}

/** What a client calls a server, in Host. */
export function authorityOf({ host, port }: RunningApp): string {
  return `${host.includes(':') ? `[${host}]` : host}:${String(port)}`
}

/** Whether nobody listens at an address, for certain. */
function refuses({ host, port }: RunningApp): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ host, port, timeout: 1000 })
    probe.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ECONNREFUSED')
    })
    for (const event of ['connect', 'timeout']) {
      probe.on(event, () => {
        resolve(false)
        probe.destroy()
      })
    }
  })
}

// -- The server ------------------------------------------------------------------------------

/** A server of the target's, started when it is needed, and again when it has died. */
class Server {
  readonly #target: Target
  readonly #settings: RuleSettings
  #app: RunningApp | undefined
  #authority = '127.0.0.1'
  /** The control that was served last, with nothing after it. */
  #served: string | undefined
  /** The controls that a fresh server has not served, and why. */
  readonly #broken = new Map<string, string>()
  #gone: string | undefined

  constructor(target: Target, settings: RuleSettings) {
    this.#target = target
    this.#settings = settings
  }

  /** Where the line goes that shows how to reproduce a failure; nowhere, where nc(1) is no use. */
  get plainPort(): number | undefined {
    return this.#app?.tls === true ? undefined : this.#app?.port
  }

  /** What rules must know of the server, or of the last one. */
  facts(): Facts {
    if (this.#app !== undefined) {
      this.#authority = authorityOf(this.#app)
    }
    return { ...this.#settings.facts, authority: this.#authority }
  }

  async stop(): Promise<void> {
    const app = this.#app
    this.#app = undefined
    this.#served = undefined
    await app?.stop()
  }

  /** Have a server that serves the control; tell why there is none. */
  async ready(control: Rule | undefined, fresh: boolean): Promise<string | undefined> {
    if (this.#gone !== undefined) {
      return this.#gone
    }
    if (fresh && this.#settings.ours) {
      await this.stop()
    }
    const started = this.#app === undefined
    try {
      this.#app ??= await this.#target.start(this.#settings.app, this.#settings)
    } catch (error) {
      this.#gone = (error as Error).message
      return this.#gone
    }
    if (control === undefined || this.#served === control.id) {
      return undefined
    }
    const known = this.#broken.get(control.id)
    if (known !== undefined) {
      return known
    }
    const flaw = await this.#ask(control)
    if (flaw === undefined) {
      return undefined
    }
    if (!started) {
      // It may be what an earlier rule has left behind.
      await this.stop()
      return this.ready(control, false)
    }
    this.#broken.set(control.id, flaw)
    return flaw
  }

  /** Hold a rule's conversation. */
  async hold(rule: Rule, patience: Patience): Promise<{ judged: Judged; outcome?: Outcome }> {
    this.#served = undefined
    const exchange = rule.exchange(this.facts())
    try {
      const outcome = await play(exchange, this.#app as RunningApp, undefined, patience)
      return { judged: judgeRuleExchange(exchange, outcome), outcome }
    } catch (error) {
      // A server that takes no connection has no response either.
      return { judged: { verdict: 'lost', findings: note((error as Error).message) } }
    }
  }

  /** What is wrong with the server after a rule; undefined if its control is still served. */
  async after(
    control: Rule | undefined,
  ): Promise<{ verdict: 'dies' | 'untold'; flaw: string } | undefined> {
    const app = this.#app as RunningApp
    const flaw = control === undefined ? undefined : await this.#ask(control)
    if (flaw === undefined && app.alive()) {
      return undefined
    }
    // A server that is only busy, or has a full queue, is not dead.
    const ending = await app.ending()
    const dead = ending !== undefined || !app.alive() || (await refuses(app))
    const said = app.said().map(({ text }) => text)
    await this.stop()
    if (!dead) {
      return { verdict: 'untold', flaw: `afterwards, ${String(flaw)}` }
    }
    await this.#comeBack(app)
    const last = said.join('').trimEnd().split('\n').slice(-LAST_LINES).join('\n')
    const how = ending === undefined ? '' : ` (${ending})`
    const words = last === '' ? '' : `; its last words:\n${last}`
    return { verdict: 'dies', flaw: `the server is dead afterwards${how}${words}` }
  }

  /** Wait for a server that somebody else must start again. */
  async #comeBack({ host, port }: RunningApp): Promise<void> {
    const deadline = Date.now() + RETURN_LIMIT
    while (!this.#settings.ours && !(await takesConnections(port, host))) {
      if (Date.now() > deadline) {
        this.#gone = 'the server died of an earlier rule, and did not come back'
        return
      }
      await sleep(100)
    }
  }

  /** Why a control is not served; undefined if it is. */
  async #ask(control: Rule): Promise<string | undefined> {
    const { judged } = await this.hold(control, CONTROL_PATIENCE)
    if (judged.verdict === 'passed') {
      this.#served = control.id
      return undefined
    }
    const why = judged.findings[0]?.flaw ?? 'it is refused, as the RFC allows'
    return `its control, ${control.id}, is not served: ${why}`
  }
}
