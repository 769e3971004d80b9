/**
 * Rule pages: what RFC 9110 and RFC 9112 say of any server, as Markdown.
 *
 * ````text
 *   ## host/missing
 *   <!-- rule={"level":"MUST","source":"rfc:9112#3.2","control":"host/present"} -->
 *   Behind a proxy, nobody could tell which site it is for.
 *   ```request
 *   GET {{path}} HTTP/1.1
 *
 *   ```
 *   ```answer
 *   400
 *   ```
 * ````
 *
 * The pages are those of `page.ts`, with three differences. What must come back is an `answer`
 * (`answer.ts`). A request names what this server has: `{{path}}`, `{{post}}`, `{{authority}}`.
 * And each rule has a _control_, another rule: the same request without the flaw. A server that
 * refuses everything obeys no rule about refusal, so a rule counts only where its control is served.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { judgeTurns, parseAnswer } from './answer.ts'
import type { Answer, Turn } from './answer.ts'
import type { Action, Exchange } from './exchange.ts'
import { parseResponses } from './invariants.ts'
import { requestsOf } from './requests.ts'
import type { ParsedRequest } from './requests.ts'
import { PageError, parseRequest } from './fence.ts'
import type { Fence } from './fence.ts'
import { readComment, reasonOf, sections } from './page.ts'
import type { Section } from './page.ts'

/**
 * How much a rule weighs: the word of its section; or what no RFC words: `safe`, against an
 * attacker, and `sturdy`, against the accidents of a network.
 */
export type RuleLevel = (typeof LEVELS)[number]

/** What a rule may ask of a target, beside the resource `{{path}}`. */
export type Need = (typeof NEEDS)[number]

const LEVELS = ['MUST', 'SHOULD', 'MAY', 'safe', 'sturdy'] as const
const NEEDS = ['folder', 'post', 'path', 'tls'] as const
const KEYS: readonly string[] = ['level', 'source', 'control', 'needs', 'fresh']

/** A rule, as its page has it. */
export interface Rule {
  /** Stable, `topic/name`; a selection is the beginning of an id. */
  readonly id: string
  readonly level: RuleLevel
  /** The section that says so: `rfc:9112#3.2`; `none`, where no RFC does. */
  readonly source: string
  /** The rule whose conversation must succeed before and after this one; undefined for itself. */
  readonly control: string | undefined
  readonly needs: readonly Need[]
  /** Whether it needs a server that has not been talked to, where one can be had. */
  readonly fresh: boolean
  /** The prose, in one line. */
  readonly why: string
  /** Where the rule stands: `02-host.md:12`. */
  readonly place: string
  /** What is said to this server. */
  conversation(facts: Facts): Conversation
}

/** What a rule must know of the server that it is about. */
export interface Facts {
  /** `127.0.0.1:8080` */
  readonly authority: string
  /** The target of a GET that is served. */
  readonly path: string
  /** Its body, as ISO 8859-1 text. */
  readonly body: string
  /** The target of a POST that is served; undefined if none is known. */
  readonly post: string | undefined
}

/** A rule's conversation with one server. */
export interface Conversation extends Exchange {
  readonly turns: readonly Turn[]
}

/** What is said when a page is read, to see that it can be. */
const NOBODY: Facts = { authority: 'localhost', path: '/', body: '', post: '/' }

/** The control of a rule that names none. */
const CONTROL = 'control/get'

/**
 * Read the pages of a folder, in the order of their names.
 *
 * @throws {@link PageError}
 */
export function readRules(folder: string): Rule[] {
  const names = readdirSync(folder).filter((name) => /^[0-9].*\.md$/.test(name))
  const rules = names.sort().flatMap((name) => {
    return parseRules(readFileSync(join(folder, name), 'utf8'), name)
  })
  const known = new Map<string, Rule>()
  for (const rule of rules) {
    const other = known.get(rule.id)
    if (other !== undefined) {
      throw new PageError(rule.place, `the id "${rule.id}" is taken, at ${other.place}`)
    }
    known.set(rule.id, rule)
  }
  for (const { place, control } of rules) {
    const other = control === undefined ? undefined : known.get(control)
    if (control !== undefined && other === undefined) {
      throw new PageError(place, `its control is "${control}", and there is no such rule`)
    }
    const served = other?.conversation(NOBODY).turns.every(({ answers }) => {
      return answers.some(({ responses: [first] }) => /^(?:2|304$)/.test(first?.codes ?? ''))
    })
    if (served === false) {
      throw new PageError(
        place,
        `its control, "${String(control)}", is not served: no answer is 2xx, or 304`,
      )
    }
  }
  return rules
}

/**
 * Read the rules of a page's text.
 *
 * @param page - its name, for messages
 * @throws {@link PageError}
 */
export function parseRules(text: string, page: string): Rule[] {
  return [...sections(text, page, 'rule')].map((section) => parseRule(section, page))
}

function parseRule(section: Section, page: string): Rule {
  const { id, fences } = section
  const place = `${page}:${String(section.line)}`
  const why = reasonOf(section, place)
  const rule: Rule = {
    id,
    ...parseMeta(section, place),
    why,
    place,
    conversation: (facts) => converse(fences, page, place, facts),
  }
  // What is wrong with a page is said at once, and not when a server is running.
  rule.conversation(NOBODY)
  return rule
}

function parseMeta(section: Section, place: string) {
  const fields = readComment(section, place, 'rule={"level":"MUST",...}')
  const { level, source, control = CONTROL, needs = [], fresh = false } = fields
  if (!LEVELS.includes(level as RuleLevel)) {
    throw new PageError(place, `"level" is one of ${LEVELS.join(', ')}`)
  }
  const own = level === 'safe' || level === 'sturdy'
  if (typeof source !== 'string' || !/^rfc:[0-9]{4}#[0-9A-Z.]+$|^none$/.test(source)) {
    throw new PageError(place, '"source" is a section, as in "rfc:9112#3.2", or "none"')
  }
  if (source === 'none' && !own) {
    throw new PageError(place, `a ${String(level)} has a section that says so: "rfc:9112#3.2"`)
  }
  if (typeof control !== 'string') {
    throw new PageError(place, '"control" is the id of another rule')
  }
  if (!Array.isArray(needs) || needs.some((need) => !NEEDS.includes(need as Need))) {
    throw new PageError(place, `"needs" is a list of ${NEEDS.join(', ')}`)
  }
  if (typeof fresh !== 'boolean') {
    throw new PageError(place, '"fresh" is true or false')
  }
  const unknown = Object.keys(fields).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) {
    throw new PageError(place, `"${unknown}" is not a known key; there are ${KEYS.join(', ')}`)
  }
  return {
    level: level as RuleLevel,
    source,
    control: control === section.id ? undefined : control,
    needs: needs as Need[],
    fresh,
  }
}

// -- A conversation --------------------------------------------------------------------------

interface OpenTurn {
  requests: ParsedRequest[]
  answers: Answer[]
}

/** Fill a rule in for one server. */
function converse(
  fences: readonly Fence[],
  page: string,
  place: string,
  facts: Facts,
): Conversation {
  const actions: Action[] = []
  const turns: OpenTurn[] = []
  for (const fence of fences) {
    const at = `${page}:${String(fence.line)}`
    const last = turns.at(-1)
    if (fence.kind === 'request') {
      if (last !== undefined) {
        actions.push(between(turns, at))
      }
      const request = parseRequest(fill(fence, facts, at), at, noFiles)
      actions.push(...request)
      turns.push({ requests: requestsIn(request), answers: [] })
    } else if (fence.kind === 'answer' || fence.kind === 'answer allowed') {
      if (last === undefined) {
        throw new PageError(at, 'there is an answer before any request')
      }
      last.answers.push(parseAnswer(fence, at, facts.body))
    } else {
      const kinds = 'request, answer or answer allowed'
      throw new PageError(at, `a fence of a rule is ${kinds}, and not "${fence.kind}"`)
    }
  }
  if (turns.length === 0 || turns.some(({ answers }) => answers.length === 0)) {
    throw new PageError(place, 'a rule needs a request, and an answer to each')
  }
  return { actions, turns, expectation: expectationOf(turns) }
}

/** What the client does before its next request. */
function between(turns: readonly OpenTurn[], place: string): Action {
  const answers = turns.at(-1)?.answers ?? []
  const ended = answers.filter(({ closes }) => closes === true)
  if (ended.length > 0 && ended.length < answers.length) {
    const flaw = 'where a request follows, all answers must close the connection, or none'
    throw new PageError(place, flaw)
  }
  return ended.length > 0
    ? { do: 'connect-again' }
    : { do: 'wait-for-responses', count: turns.length }
}

/** The longest text that a page may ask for. */
const LONGEST = 16 * 1024 * 1024

/** Put in what the server is called, and what it has. */
function fill(fence: Fence, facts: Facts, place: string): Fence {
  const { path, authority, post = '' } = facts
  const words: Record<string, string> = { path, authority, post }
  const lines = fence.lines.map((line) =>
    line
      .replace(/\{\{(path|authority|post)\}\}/g, (_, word: string) => escape(words[word] ?? ''))
      .replace(/\{\{repeat:([0-9]+):(.*?)\}\}(?!\})/g, (_, times: string, text: string) => {
        if (Number(times) * text.length > LONGEST) {
          throw new PageError(place, `"{{repeat:${times}:...}}" is longer than ${String(LONGEST)}`)
        }
        return text.repeat(Number(times))
      }),
  )
  return { ...fence, lines }
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\')
}

function noFiles(name: string): never {
  throw new Error(`there is no file "${name}" here`)
}

/** What is asked. Of a request that cannot be read, the first word is its method nevertheless. */
function requestsIn(actions: readonly Action[]): ParsedRequest[] {
  const sent = actions.flatMap((action) => (action.do === 'send' ? [action.bytes] : []))
  const text = Buffer.concat(sent).toString('latin1')
  const { requests } = requestsOf(text)
  const [method = ''] = text.trimStart().split(' ', 1)
  return requests.length > 0 ? requests : [{ method, version: 'HTTP/1.1' }]
}

/** How much a server may send in a conversation, in bytes; no answer is nearly as long. */
const FLOOD = 4 * 1024 * 1024

/** What a response is worth; more may come, or the end of the connection, that is worth more. */
const WORTH = { lost: 0, allowed: 1, passed: 2 } as const

/**
 * Wait until nothing that may still come could make it better.
 *
 * Where no answer fits yet, that is known by the number of whole responses. An interim response counts
 * where an answer has one, but is not waited for when the final one is there.
 */
function expectationOf(turns: readonly Turn[]): Exchange['expectation'] {
  const most = (count: (answer: Answer) => number) => {
    return turns.map(({ answers }) => Math.max(...answers.map(count)))
  }
  const all = most(({ responses }) => responses.length)
  const finals = most(({ responses }) => responses.filter(({ codes }) => !isInterim(codes)).length)
  const interims = most(({ responses }) => {
    return responses.filter(({ codes }) => isInterim(codes)).length
  })
  const requests = turns.flatMap((turn) => turn.requests)
  const worth = (received: string, closed: boolean, count = turns.length) => {
    const outcome = { received, closed, reset: false, late: 0 }
    return WORTH[judgeTurns(turns.slice(0, count), outcome).verdict]
  }
  let latest = ''
  return {
    // Whether it would be better if the server closed now.
    get closes() {
      return worth(latest, true) > worth(latest, false)
    },
    progress(received, count = turns.length) {
      latest = received
      if (worth(received, false, count) === WORTH.passed) {
        return 'complete'
      }
      const sum = (counts: number[]) =>
        counts.slice(0, count).reduce((total, one) => total + one, 0)
      const { responses, rest } = parseResponses(received, requests, { closed: false })
      const whole = responses.filter((response) => response.whole)
      const final = whole.filter(({ code }) => !isInterim(String(code))).length
      const interim = Math.min(whole.length - final, sum(interims))
      const garbage = rest !== '' && !rest.startsWith('HTTP/') && !'HTTP/'.startsWith(rest)
      if (final > sum(finals) || garbage || received.length > FLOOD) {
        return 'wrong'
      }
      const enough = final + interim >= sum(all) || (final > 0 && final === sum(finals))
      return enough && rest === '' ? 'complete' : 'incomplete'
    },
  }
}

/** Whether a code is that of a response that another follows; after a 101, none does. */
function isInterim(codes: string): boolean {
  return codes.startsWith('1') && codes !== '101'
}
