/**
 * The fences of a rule, or of a case of an assignment, put together to a conversation with one server.
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
 * A case of an assignment has a {@link Stage}: what has come may be kept for later (`saved.ts`), a
 * `response` fence says what bytes come after a 101, and other fences may do something beside the
 * conversation. It goes on as clients do, over another connection if the server has ended the first, and
 * is broken off where it is lost.
 *
 * @module
 */

import { judgeTurns, parseAnswer } from './answer.ts'
import type { Answer, Judged, Turn } from './answer.ts'
import { FIRST_LINE } from './exchange.ts'
import type { Action, Exchange, LineOutcome, Outcome } from './exchange.ts'
import { parseResponses } from './invariants.ts'
import { requestsOf } from './requests.ts'
import type { ParsedRequest } from './requests.ts'
import { lineOf, noFiles, PageError, parseRequest, parseResponse } from './fence.ts'
import type { Fence } from './fence.ts'
import { tokens } from './head.ts'
import { Saved } from './saved.ts'
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

/** What else may happen in a conversation. */
export interface Stage {
  /**
   * Read a fence that is neither a request nor an answer.
   *
   * @returns what is done when all that was asked before it has been answered.
   * @throws {@link PageError} when there is no such fence.
   */
  act(fence: Fence, place: string): () => void | Promise<void>
  /** What `{{sigterm}}` does: it asks the process of the server to end, and waits until it takes no more connections. */
  sigterm(): () => Promise<void>
  /** What stands for the part of a file: `{{slice:FILE:A:B}}`, and what else is known beforehand. */
  text(name: string, place: string): string | undefined
}

/** A conversation with one server. */
export interface RuleExchange extends Exchange {
  /** What is asked and answered, by the name of the connection. */
  readonly turns: ReadonlyMap<string, readonly Turn[]>
  /** What is kept of the answers. */
  readonly saved: Saved
}

/** A turn whose fences are still being read. */
interface OpenTurn {
  sent: Buffer[]
  requests: ParsedRequest[]
  answers: Answer[]
  /** Set where the protocol has been switched before, on the same connection: then it is no request. */
  switched?: true
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
  stage?: Stage,
): RuleExchange {
  const saved = new Saved()
  const ownAt = (at: string) => {
    const hole = saved.holeAt(at)
    return (name: string) => {
      const literal = stage?.text(name, at)
      return literal === undefined ? hole(name) : { literal }
    }
  }
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
  const waitForAll = (at: string) => {
    const before = name
    for (const [line, turns] of lines) {
      if (turns.length > 0) {
        select(line)
        actions.push(...waitFor(turns, at, stage !== undefined))
      }
    }
    select(before)
  }
  for (const fence of fences) {
    const at = `${page}:${String(fence.line)}`
    if (fence.kind === 'request') {
      waitForAll(at)
      const request = parseRequest(
        fill(fence, facts),
        at,
        noFiles,
        ownAt(at),
        stage && (() => stage.sigterm()),
      )
      const open = new Map<string, OpenTurn>()
      const anew = new Set<string>()
      for (const action of request) {
        if (action.do === 'line') {
          select(action.name)
          continue
        }
        actions.push(action)
        if (action.do === 'leave' || action.do === 'reset' || action.do === 'new') {
          open.delete(name)
          anew.add(name)
        } else if (action.do === 'send') {
          const turn = open.get(name) ?? { sent: [], requests: [], answers: [] }
          turn.sent.push(action.bytes)
          open.set(name, turn)
        }
      }
      for (const [line, turn] of open) {
        const turns = lines.get(line)
        if (!anew.has(line) && switches(turns?.at(-1))) {
          turn.switched = true
        } else {
          turn.requests = requestsIn(turn.sent)
        }
        turns?.push(turn)
      }
    } else if (fence.kind === 'answer' || fence.kind === 'answer allowed') {
      const { line = name, rest } = lineOf(fence, at)
      const turn = lines.get(line)?.at(-1)
      if (turn === undefined) {
        throw new PageError(at, `nothing has been sent over connection "${line}" that is answered`)
      }
      turn.answers.push(parseAnswer(fill(rest, facts), at, facts.body, ownAt(at)))
    } else if (stage !== undefined && fence.kind === 'response') {
      const { line = name, pattern, closes } = parseResponse(fence, at, noFiles, ownAt(at))
      const turn = lines.get(line)?.at(-1)
      if (turn === undefined) {
        throw new PageError(at, `nothing has been sent over connection "${line}" that is answered`)
      }
      turn.answers.push({ allowed: false, responses: [], closes, bytes: pattern })
    } else if (stage !== undefined) {
      const act = stage.act(fence, at)
      waitForAll(at)
      actions.push({ do: 'act', act })
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
      line === FIRST_LINE ? [] : [[line, { expectation: expectationOf(list, saved, stage) }]],
    ),
  )
  const expectation = expectationOf(turns.get(FIRST_LINE) ?? [], saved, stage)
  return { actions, turns, expectation, beside, saved }
}

/** Whether what is sent next, after this turn, is no longer HTTP. */
function switches(turn: OpenTurn | undefined): boolean {
  const { switched = false, answers = [] } = turn ?? {}
  const to101 = answers.some(({ responses }) => responses.at(-1)?.codes.includes('101') === true)
  return (switched || to101) && !answers.some(({ closes }) => closes === true)
}

/** What the client waits for before its next request, and whether it goes on over the same connection. */
function waitFor(turns: readonly OpenTurn[], place: string, staged: boolean): Action[] {
  const answers = turns.at(-1)?.answers ?? []
  const ended = answers.filter(({ closes }) => closes === true)
  if (ended.length > 0 && ended.length < answers.length) {
    const flaw = 'where a request follows, all answers must close the connection, or none'
    throw new PageError(place, flaw)
  }
  const wait: Action = { do: 'wait-for-responses', count: turns.length }
  if (ended.length > 0) {
    return staged ? [wait, { do: 'connect-again' }] : [{ do: 'connect-again' }]
  }
  const open = answers.some(({ closes, bytes }) => closes === false || bytes !== undefined)
  return staged && !open && !switches(turns.at(-1)) ? [wait, { do: 'go-on' }] : [wait]
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

/** Wait until nothing that may still come could make it better. */
function expectationOf(
  turns: readonly Turn[],
  saved: Saved,
  stage: Stage | undefined,
): Exchange['expectation'] {
  const judged = (
    { received, ends, closed }: Pick<LineOutcome, 'received' | 'ends' | 'closed'>,
    count = turns.length,
  ) => {
    const fate = { received, ends, closed, reset: false, late: 0 }
    return judgeTurns(turns.slice(0, count), fate, saved)
  }
  let latest: Pick<LineOutcome, 'received' | 'ends'> = { received: '', ends: [] }
  const worth = (closed: boolean) => WORTH[judged({ ...latest, closed }).verdict]
  return {
    // Whether it would be better if the server closed now.
    get closes() {
      return worth(true) > worth(false)
    },
    progress(received, count, ends = []) {
      latest = { received, ends }
      const { open = false } = judged({ ...latest, closed: false }, count)
      return received.length > FLOOD ? 'wrong' : open ? 'incomplete' : 'complete'
    },
    // The end that must come after a response may still be under way.
    ...(stage && {
      lost: ({ received, ends, closed }, count) =>
        [closed, true].every(
          (end) => judged({ received, ends, closed: end }, count).verdict === 'lost',
        ),
      ending,
    }),
  }
}

/** Whether the last response says that the server closes the connection: RFC 9112 §9.3, §9.6. */
function ending(received: string): boolean {
  const last = parseResponses(received, [], { closed: true }).responses.at(-1)
  if (last === undefined) {
    return false
  }
  const says = tokens(last.fields.flatMap(([key, value]) => (key === 'connection' ? [value] : [])))
  return says.includes('close') || (last.version === 'HTTP/1.0' && !says.includes('keep-alive'))
}

/**
 * Judge a conversation: all that came over all its connections.
 *
 * A client that waits for something in vain is not the client that the rule is about: what it gets
 * when it has given up is too late.
 */
export function judgeRuleExchange(
  { turns, actions, saved }: RuleExchange,
  outcome: Outcome,
): Judged {
  const about = (name: string) => (turns.size === 1 ? '' : `connection "${name}": `)
  const lineOutcome = (name: string) =>
    (name === FIRST_LINE ? undefined : outcome.beside.get(name)) ?? outcome
  if (outcome.waits.includes(false)) {
    let name = FIRST_LINE
    const waits = actions.flatMap((action) => {
      name = action.do === 'line' ? action.name : name
      return action.do === 'wait-for' ? [{ name, text: action.text }] : []
    })
    const findings = waits
      .filter((_, index) => outcome.waits[index] === false)
      .map(({ name, text }) => {
        const flaw = `${about(name)}the client waited for ${quote(text)} in vain`
        const { received } = lineOutcome(name)
        return { line: received.trimEnd().split(/\r?\n/).at(-1) ?? '', flaw }
      })
    return { verdict: 'lost', findings }
  }
  const judged = [...turns].map(([line, list]) => {
    const { verdict, findings } = judgeTurns(list, lineOutcome(line), saved)
    return { verdict, findings: findings.map((one) => ({ ...one, flaw: about(line) + one.flaw })) }
  })
  const worst = (verdict: Judged['verdict']) => judged.find((one) => one.verdict === verdict)
  return worst('lost') ?? worst('allowed') ?? { verdict: 'passed', findings: [] }
}
