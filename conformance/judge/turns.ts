/**
 * The fences of a rule, put together to a conversation with one server.
 *
 * ```text
 *   request   GET {{path}} ...      send 'GET /hello.txt ...'
 *             {{line:b}} GET ...    over b: send
 *   answer    200                   a's first turn: 200
 *   answer    404                                   or 404
 *   answer    {{line:b}} 200        b's first turn: 200
 *   request   ...                   a, b: wait for the first turn; then send
 * ```
 *
 * An answer without a name is about the connection over which something was sent last. What a client
 * that has left would have got is not judged, and needs no answer.
 *
 * @module
 */

import { judgeTurns, parseAnswer } from './answer.ts'
import type { Answer, Judged, Turn } from './answer.ts'
import { FIRST_LINE } from './exchange.ts'
import type { Action, Exchange, Outcome } from './exchange.ts'
import { parseResponses } from './invariants.ts'
import { requestsOf } from './requests.ts'
import type { ParsedRequest } from './requests.ts'
import { lineOf, PageError, parseRequest } from './fence.ts'
import type { Fence } from './fence.ts'
import { quote } from './verdict.ts'

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
  /** The scheme of its URLs; `http`, if left out. */
  readonly scheme?: 'http' | 'https'
}

/** A rule's conversation with one server. */
export interface RuleExchange extends Exchange {
  /** What is asked and answered, by the name of the connection. */
  readonly turns: ReadonlyMap<string, readonly Turn[]>
}

/** A turn whose fences are still being read. */
interface OpenTurn {
  sent: Buffer[]
  requests: ParsedRequest[]
  answers: Answer[]
}

/**
 * Fill a rule in for one server.
 *
 * @param page - the name of its page, and `place` where the rule begins: for messages
 * @throws {@link PageError}
 */
export function parseTurns(
  fences: readonly Fence[],
  page: string,
  place: string,
  facts: Facts,
): RuleExchange {
  const actions: Action[] = []
  const lines = new Map<string, OpenTurn[]>([[FIRST_LINE, []]])
  let name = FIRST_LINE
  const select = (next: string) => {
    if (next !== name) {
      actions.push({ do: 'line', name: next })
    }
    name = next
    lines.set(name, lines.get(name) ?? [])
  }
  for (const fence of fences) {
    const at = `${page}:${String(fence.line)}`
    if (fence.kind === 'request') {
      const before = name
      for (const [line, turns] of lines) {
        if (turns.length > 0) {
          select(line)
          actions.push(waitFor(turns, at))
        }
      }
      select(before)
      const request = parseRequest(fill(fence, facts), at, noFiles)
      const open = new Map<string, OpenTurn>()
      for (const action of request) {
        if (action.do === 'line') {
          select(action.name)
          continue
        }
        actions.push(action)
        if (action.do === 'leave' || action.do === 'reset' || action.do === 'new') {
          open.delete(name)
        } else if (action.do === 'send') {
          const turn = open.get(name) ?? { sent: [], requests: [], answers: [] }
          turn.sent.push(action.bytes)
          open.set(name, turn)
        }
      }
      for (const [line, turn] of open) {
        turn.requests = requestsIn(turn.sent)
        lines.get(line)?.push(turn)
      }
    } else if (fence.kind === 'answer' || fence.kind === 'answer allowed') {
      const { line = name, rest } = lineOf(fence, at)
      const turn = lines.get(line)?.at(-1)
      if (turn === undefined) {
        throw new PageError(at, `nothing has been sent over connection "${line}" that is answered`)
      }
      turn.answers.push(parseAnswer(rest, at, facts.body))
    } else {
      const kinds = 'request, answer or answer allowed'
      throw new PageError(at, `a fence of a rule is ${kinds}, and not "${fence.kind}"`)
    }
  }
  const turns = new Map([...lines].filter(([, list]) => list.length > 0))
  if (turns.size === 0 || [...turns.values()].flat().some(({ answers }) => answers.length === 0)) {
    throw new PageError(place, 'a rule needs a request, and an answer to each')
  }
  const beside = new Map(
    [...turns].flatMap(([line, list]) =>
      line === FIRST_LINE ? [] : [[line, { expectation: expectationOf(list) }]],
    ),
  )
  return { actions, turns, expectation: expectationOf(turns.get(FIRST_LINE) ?? []), beside }
}

/** What the client waits for before its next request. */
function waitFor(turns: readonly OpenTurn[], place: string): Action {
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

/** Put in what the server is called, and what it has. */
function fill(fence: Fence, { path, authority, post = '', scheme = 'http' }: Facts): Fence {
  const words: Record<string, string> = { path, authority, post, scheme }
  const lines = fence.lines.map((line) =>
    line.replace(/\{\{(path|authority|post|scheme)\}\}/g, (_, word: string) => {
      return (words[word] ?? '').replaceAll('\\', '\\\\')
    }),
  )
  return { ...fence, lines }
}

function noFiles(name: string): never {
  throw new Error(`there is no file "${name}" here`)
}

/** What is asked. Of a request that cannot be read, the first word is its method nevertheless. */
function requestsIn(sent: readonly Buffer[]): ParsedRequest[] {
  const text = Buffer.concat(sent).toString('latin1')
  const { requests } = requestsOf(text)
  const [method = ''] = text.trimStart().split(' ', 1)
  return requests.length > 0 ? requests : [{ method, version: 'HTTP/1.1' }]
}

// -- Waiting, and judging --------------------------------------------------------------------

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

/**
 * Judge a conversation: all that came over all its connections.
 *
 * A client that waits for something in vain is not the client that the rule is about: what it gets
 * when it has given up is too late.
 */
export function judgeRuleExchange({ turns, actions }: RuleExchange, outcome: Outcome): Judged {
  if (outcome.waits.includes(false)) {
    const text = actions.flatMap((action) => (action.do === 'wait-for' ? [action.text] : []))
    const flaw = `the client waited for ${text.map(quote).join(', ')} in vain`
    return { verdict: 'lost', findings: [{ line: '', flaw }] }
  }
  const judged = [...turns].map(([line, list]) => {
    const here = line === FIRST_LINE ? outcome : outcome.beside.get(line)
    const { verdict, findings } = judgeTurns(list, here ?? outcome)
    const about = turns.size === 1 ? '' : `connection "${line}": `
    return { verdict, findings: findings.map((one) => ({ ...one, flaw: about + one.flaw })) }
  })
  const worst = (verdict: Judged['verdict']) => judged.find((one) => one.verdict === verdict)
  return worst('lost') ?? worst('allowed') ?? { verdict: 'passed', findings: [] }
}
