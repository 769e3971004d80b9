/**
 * The fence `answer`: what a response must be like, judged by field.
 *
 * ````text
 *   ```answer                      one of several answers to a request is enough
 *   206|200                        the code: one, a set, or a class such as 4xx
 *   Content-Range: bytes 0-4/13    some field of this name has this value, in any order and place
 *   !Transfer-Encoding             there is no field of this name
 *                                  an empty line, and then
 *   Hello                          the body, chunks taken apart; without the empty line, any
 *   {{eof}}                        the server must close; {{open}}: it must not; else: as it likes
 *   ```
 * ````
 *
 * `closed` as the only line is no response at all, and the end of the connection. `{{then}}` on
 * a line of its own begins the next response of the same fence: for requests in a pipeline. A fence
 * that is marked `answer allowed` is what the RFC leaves open. `values.ts` says what may stand for a value,
 * and for a body, and `{{apart:100:one:two}}` before the last line: that `one` must have come 100 ms
 * before `two`.
 *
 * A `response` fence says what every byte is, and so tells two implementations of one program apart.
 * This one says what RFC 9110 says, and holds for servers that have nothing in common.
 *
 * @module
 */

import type { Outcome } from './exchange.ts'
import type { Violation } from './head.ts'
import { firstLine } from './head.ts'
import { parseResponses } from './invariants.ts'
import type { ParsedResponse, ParsedStream } from './invariants.ts'
import { PageError, unescapeBytes } from './fence.ts'
import type { Fence, OwnHole } from './fence.ts'
import { matchPattern } from './pattern.ts'
import type { Pattern } from './pattern.ts'
import type { ParsedRequest } from './requests.ts'
import { Saved } from './saved.ts'
import type { Kept } from './saved.ts'
import { judgeBody, judgeField, parseBody, parseField } from './values.ts'
import type { ExpectedBody, ExpectedField } from './values.ts'
import { pointAt, quote, timeout } from './verdict.ts'
import type { Finding } from './verdict.ts'

/** What a fence says. */
export interface Answer {
  /** Whether the RFC leaves it open: then it is neither right nor wrong. */
  readonly allowed: boolean
  /** What must come, one after the other; nothing, if the server must close without a response. */
  readonly responses: readonly ExpectedResponse[]
  /** Whether the server must close, or must not; undefined if it may do either. */
  readonly closes: boolean | undefined
  /** What must come instead of a response: the bytes of another protocol, after a 101. */
  readonly bytes?: Pattern
  readonly apart?: readonly Apart[]
}

/** Two texts, of which the first must have come so many milliseconds before the second. */
interface Apart {
  readonly ms: number
  readonly texts: readonly [string, string]
}

/** What a response must be like. */
export interface ExpectedResponse {
  /** As it is written: `200|206`, `4xx`. */
  readonly codes: string
  readonly fields: readonly ExpectedField[]
  /** Undefined if any body is right. */
  readonly body: ExpectedBody | undefined
}

// -- Reading a fence -------------------------------------------------------------------------

/**
 * Read a fence.
 *
 * @param body - what `{{body}}` stands for
 * @param own - what else may stand between braces
 * @throws {@link PageError}
 */
export function parseAnswer(
  { kind, lines: all }: Fence,
  place: string,
  body = '',
  own?: OwnHole,
): Answer {
  const allowed = kind === 'answer allowed'
  const last = all.at(-1)
  const ends = last === '{{eof}}' || last === '{{open}}'
  const closes = ends ? last === '{{eof}}' : undefined
  const lines = ends ? all.slice(0, -1) : [...all]
  const apart: Apart[] = []
  while (lines.at(-1)?.startsWith('{{apart:') === true) {
    apart.unshift(parseApart(lines.pop() as string, place))
  }
  const parts = splitAt(lines, '{{then}}')
  if (parts.length === 1 && parts[0]?.join('\n') === 'closed') {
    if (closes === false) {
      throw new PageError(place, 'what is "closed" cannot be {{open}}')
    }
    return { allowed, responses: [], closes: true }
  }
  const responses = parts.map((part) => parsePart(part, place, body, own))
  return { allowed, closes, responses, ...(apart.length > 0 && { apart }) }
}

function parseApart(line: string, place: string): Apart {
  const [, ms, one, two] = /^\{\{apart:([1-9][0-9]*):([^:]+):([^:]+)\}\}$/.exec(line) ?? []
  if (one === undefined || two === undefined) {
    throw new PageError(place, `"${line}" is not {{apart:MILLISECONDS:ONE:OTHER}}`)
  }
  return { ms: Number(ms), texts: [unescapeBytes(one, place), unescapeBytes(two, place)] }
}

function splitAt(lines: readonly string[], separator: string): string[][] {
  const parts: string[][] = [[]]
  for (const line of lines) {
    if (line === separator) {
      parts.push([])
    } else {
      parts.at(-1)?.push(line)
    }
  }
  return parts
}

function parsePart(
  lines: readonly string[],
  place: string,
  body: string,
  own: OwnHole | undefined,
): ExpectedResponse {
  const [codes = '', ...rest] = lines
  if (!/^(?:[1-5](?:xx|[0-9]{2})\|?\b)+$/.test(codes)) {
    const forms = 'a code (404), a set (200|206), a class (4xx), or "closed" alone'
    throw new PageError(place, `an answer begins with ${forms}, and not with "${codes}"`)
  }
  const empty = rest.indexOf('')
  if (codes === '101' && empty !== -1) {
    const where = 'what comes after it stands in a fence "response", below a request'
    throw new PageError(place, `a 101 has no body; ${where}`)
  }
  const fields = empty === -1 ? rest : rest.slice(0, empty)
  return {
    codes,
    fields: fields.map((line) => parseField(line, place, own)),
    body: empty === -1 ? undefined : parseBody(rest.slice(empty + 1), place, body, own),
  }
}

// -- Judging by field ------------------------------------------------------------------------

/** What a server was asked, and what it may answer: one of these. */
export interface Turn {
  readonly requests: readonly ParsedRequest[]
  readonly answers: readonly Answer[]
}

/** What {@link judgeTurns} finds. */
export interface Judged {
  readonly verdict: 'passed' | 'allowed' | 'lost'
  /** What is wrong; empty unless it is lost. */
  readonly findings: readonly Finding[]
  /** Whether it is lost only because something has not come yet. */
  readonly open?: boolean
}

/** What became of a connection. */
export type Fate = Pick<Outcome, 'received' | 'closed' | 'reset' | 'late'> &
  Partial<Pick<Outcome, 'ends' | 'arrivals'>>

/** A conversation's responses, and what is left to be judged of them. */
interface Rest {
  readonly stream: ParsedStream
  /** The next response. */
  readonly at: number
  /** Where in all that was received the next thing begins. */
  readonly from: number
  readonly outcome: Fate
  readonly saved: Saved
}

/**
 * Judge a conversation: each request must get one of its answers.
 *
 * @param saved - takes what is to be kept of right answers
 */
export function judgeTurns(turns: readonly Turn[], outcome: Fate, saved = new Saved()): Judged {
  const requests = turns.flatMap((turn) => turn.requests)
  const { closed, ends = [] } = outcome
  const stream = parseResponses(outcome.received, requests, { closed, ends })
  const judged = judgeFrom(turns, { stream, at: 0, from: 0, outcome, saved })
  const { verdict, findings, open = false } = judged
  return { verdict, findings, open }
}

/** A verdict, and how many turns were right before the one that was not. */
type Reached = Judged & { readonly depth: number }

function judgeFrom(turns: readonly Turn[], rest: Rest): Reached {
  const [turn, ...others] = turns
  if (turn === undefined) {
    const findings = excess(rest)
    return { verdict: findings.length === 0 ? 'passed' : 'lost', findings, depth: 0 }
  }
  const judged: Reached[] = []
  // Those that win a point come first.
  for (const answer of [...turn.answers].sort((a, b) => Number(a.allowed) - Number(b.allowed))) {
    const { findings, open = false, ...next } = judgeAnswer(answer, rest, others.length === 0)
    if (findings.length > 0) {
      judged.push({ verdict: 'lost', findings, open, depth: 0 })
      continue
    }
    const later = judgeFrom(others, { ...rest, ...next })
    if (later.verdict !== 'lost') {
      return answer.allowed ? { ...later, verdict: 'allowed' } : later
    }
    judged.push({ ...later, depth: later.depth + 1 })
  }
  return nearest(turn, judged)
}

/** Of all that came, what is wrong by this answer, and where the next one begins. */
function judgeAnswer(answer: Answer, rest: Rest, last: boolean): Step {
  const { stream, outcome, saved } = rest
  let { at, from } = rest
  const kept = saved.begin()
  if (answer.bytes !== undefined) {
    const match = matchPattern(answer.bytes, outcome.received, from)
    if (match.kind !== 'complete') {
      return { at, from, ...missedBytes(match, from, outcome) }
    }
    from = match.end
    at = stream.responses.findIndex(({ begin }) => begin >= from)
    at = at === -1 ? stream.responses.length : at
  }
  for (const [index, expected] of answer.responses.entries()) {
    // Interim responses may come before any other, unless the request forbids them.
    while (isInterim(stream.responses[at]) && !hasCode(stream.responses[at], expected.codes)) {
      at++
    }
    const which = answer.responses.length === 1 ? '' : `response ${String(index + 1)}: `
    const response = stream.responses[at]
    const findings =
      response === undefined
        ? [missing(expected, stream, outcome)]
        : judgeResponse(expected, response, stream, outcome, kept)
    if (findings.length > 0) {
      const open = response === undefined ? stream.rest === '' : isOpen(expected, response)
      return {
        findings: findings.map((one) => ({ ...one, flaw: which + one.flaw })),
        open,
        at,
        from,
      }
    }
    from = response?.end ?? from
    at++
  }
  const findings = [
    ...(answer.apart ?? []).flatMap((one) => judgeApart(one, outcome, rest.from)),
    ...(last
      ? judgeFate(answer, stream, at, outcome)
      : answer.closes === true
        ? judgeEnd({ ...rest, at, from })
        : []),
  ]
  if (findings.length === 0) {
    saved.keep()
  }
  return { findings, at, from }
}

/** What comes of an answer: what is wrong, or where to go on. */
interface Step {
  readonly findings: readonly Finding[]
  readonly open?: boolean
  readonly at: number
  readonly from: number
}

/** Whether only the end of this response is missing, and what has come of it may be right. */
function isOpen({ codes }: ExpectedResponse, response: ParsedResponse): boolean {
  return !response.whole && hasCode(response, codes)
}

function missedBytes(match: ReturnType<typeof matchPattern>, from: number, outcome: Fate) {
  const { received, closed } = outcome
  if (match.kind === 'mismatch') {
    return { findings: [pointAt(received, match.at, match.expected)] }
  }
  const nothing = received.length === from ? 'nothing more came' : 'the rest has not come'
  const why = closed ? 'the server closed the connection' : timeout(outcome)
  return { findings: [{ line: '', flaw: `${nothing}: ${why}` }], open: true }
}

function judgeApart({ ms, texts }: Apart, { received, arrivals }: Fate, from: number): Finding[] {
  const [one, two] = texts
  const [before, after] = [received.indexOf(one, from), received.indexOf(two, from)]
  if (before === -1 || after === -1) {
    const flaw = `the body has no ${quote(before === -1 ? one : two)}`
    return [{ line: '', flaw }]
  }
  const whenThere = (length: number) =>
    arrivals?.find(([there]) => there >= length)?.[1] ?? Infinity
  const apart = whenThere(after + 1) - whenThere(before + one.length)
  const flaw = `${quote(two)} came sooner than ${String(ms)} ms after ${quote(one)}: what is written must be sent at once, and not all at the end`
  return arrivals === undefined || apart >= ms ? [] : [{ line: '', flaw, doubtful: true }]
}

function judgeFate(answer: Answer, stream: ParsedStream, at: number, outcome: Fate): Finding[] {
  if (answer.responses.length === 0 && stream.responses[at] !== undefined) {
    return [wrongStatus(stream.responses[at], expectedCodes(undefined))]
  }
  if (answer.closes === true && !outcome.closed) {
    return [STAYS_OPEN]
  }
  return answer.closes === false && outcome.closed
    ? [{ line: '', flaw: 'the server closed the connection; it must keep it open' }]
    : []
}

const STAYS_OPEN: Finding = {
  line: '',
  flaw: 'the connection stays open; the server must close it',
}

/** What is wrong where a connection must end, and the conversation goes on over another one. */
function judgeEnd(rest: Rest): Finding[] {
  const { stream, at, from, outcome } = rest
  const next = outcome.ends?.some((end) => end >= from) === true
  // If the conversation has been broken off here, there is no other connection.
  const ended = next || (outcome.closed && stream.responses[at] === undefined)
  return ended ? surplus(rest) : [STAYS_OPEN]
}

function isInterim(response: ParsedResponse | undefined): boolean {
  return response !== undefined && response.code < 200 && response.code !== 101
}

function hasCode(response: ParsedResponse | undefined, codes: string): boolean {
  const code = String(response?.code)
  return codes.split('|').some((one) => one === code || one === `${String(code[0])}xx`)
}

function judgeResponse(
  expected: ExpectedResponse,
  response: ParsedResponse,
  { violations }: ParsedStream,
  outcome: Fate,
  kept: Kept,
): Finding[] {
  const { codes, fields, body } = expected
  if (!hasCode(response, codes)) {
    return [wrongStatus(response, expectedCodes(expected))]
  }
  const findings = fields.flatMap((field) => judgeField(field, response, kept))
  if (!response.whole) {
    const why = violations.find(({ rule }) => rule === 'content-length' || rule === 'chunks')
    const end = outcome.closed ? 'the server closed the connection' : timeout(outcome)
    findings.push(why ?? { line: '', flaw: `the end of the body is missing: ${end}` })
  } else if (body !== undefined) {
    findings.push(...judgeBody(body, response.body, kept))
  }
  return findings
}

function wrongStatus({ version, code, reason }: ParsedResponse, expected: string): Finding {
  const status = `${String(code)} ${reason}`.trim()
  return {
    line: `${version} ${status}`,
    column: version.length + 1,
    length: 3,
    flaw: `the status is ${status}; expected ${expected}`,
  }
}

function missing(expected: ExpectedResponse, stream: ParsedStream, outcome: Fate): Finding {
  if (stream.rest !== '') {
    return unreadable(stream)
  }
  const nothing =
    stream.responses.length === 0 ? 'there is no response' : 'there is no further response'
  const why = outcome.reset
    ? 'the server reset the connection'
    : outcome.closed
      ? 'the server closed the connection'
      : timeout(outcome)
  return { line: '', flaw: `${nothing}: ${why}; expected ${expectedCodes(expected)}` }
}

/** Why what came is not a response. */
function unreadable({ violations, rest }: ParsedStream): Finding {
  const reasons = [
    'head',
    'line-end',
    'status-line',
    'bodiless',
    'excess',
    'content-length',
    'chunks',
  ]
  const found = violations.findLast(({ rule }: Violation) => reasons.includes(rule))
  return found ?? { line: firstLine(rest), flaw: 'bytes after the end of the response' }
}

/** What came of another protocol, after a 101, that nobody expected on that connection. */
function surplus({ stream, at, from, outcome }: Rest): Finding[] {
  const { received, ends = [] } = outcome
  const end = ends.find((one) => one >= from) ?? received.length
  return stream.responses[at - 1]?.code === 101 && end > from
    ? [pointAt(received, from, undefined, 'nothing more was expected')]
    : []
}

/** What came after all that was expected. */
function excess(rest: Rest): Finding[] {
  const { stream, at } = rest
  const beyond = surplus(rest)
  if (beyond.length > 0) {
    return beyond
  }
  const response = stream.responses[at]
  if (response !== undefined) {
    const status = `${String(response.code)} ${response.reason}`.trim()
    const flaw = `there is one response more than expected: ${status}`
    return [{ line: `${response.version} ${status}`, flaw }]
  }
  return stream.rest === '' ? [] : [unreadable(stream)]
}

/** Where no answer fits, what is wrong by the one that fits best. */
function nearest({ answers }: Turn, judged: readonly Reached[]): Reached {
  const open = judged.some((one) => one.open === true)
  const deepest = Math.max(...judged.map(({ depth }) => depth))
  const candidates = judged.filter(({ depth }) => depth === deepest)
  const isStatus = ({ findings: [first] }: Judged) =>
    /^(?:the status is|there is no response)/.test(first?.flaw ?? '')
  const [first] = candidates as [Reached]
  const near = candidates.find((one) => !isStatus(one)) ?? first
  const [finding] = near.findings
  if (deepest > 0 || !isStatus(near) || finding === undefined) {
    return { ...near, open }
  }
  const all = new Set(answers.map(({ responses: [one] }) => expectedCodes(one)))
  const flaw = finding.flaw.replace(/(; expected ).*$/, `$1${[...all].join(', or ')}`)
  return { ...near, open, findings: [{ ...finding, flaw }] }
}

function expectedCodes(response: ExpectedResponse | undefined): string {
  return response === undefined
    ? 'no response, and the end of the connection'
    : response.codes.split('|').join(' or ')
}
