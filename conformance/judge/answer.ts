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
 * that is marked `answer allowed` is what the RFC leaves open.
 *
 * A `response` fence says what every byte is, and so tells two implementations of one program apart.
 * This one says what RFC 9110 says, and holds for servers that have nothing in common.
 *
 * @module
 */

import type { Outcome } from './exchange.ts'
import type { Violation } from './head.ts'
import { parseResponses } from './invariants.ts'
import type { ParsedResponse, ParsedStream } from './invariants.ts'
import { onTheWire, PageError, parsePattern } from './fence.ts'
import type { Fence } from './fence.ts'
import type { Pattern } from './pattern.ts'
import type { ParsedRequest } from './requests.ts'
import { flawOfDate, quote, timeout } from './verdict.ts'
import type { Finding } from './verdict.ts'

/** What a fence says. */
export interface Answer {
  /** Whether the RFC leaves it open: then it is neither right nor wrong. */
  readonly allowed: boolean
  /** What must come, one after the other; nothing, if the server must close without a response. */
  readonly responses: readonly ExpectedResponse[]
  /** Whether the server must close, or must not; undefined if it may do either. */
  readonly closes: boolean | undefined
}

/** What a response must be like. */
export interface ExpectedResponse {
  /** As it is written: `200|206`, `4xx`. */
  readonly codes: string
  readonly fields: readonly ExpectedField[]
  /** Undefined if any body is right. */
  readonly body: Pattern | undefined
}

interface ExpectedField {
  readonly name: string
  /** The value; undefined if there must be no such field. */
  readonly value: { readonly pattern: Pattern; readonly text: string } | undefined
}

// -- Reading a fence -------------------------------------------------------------------------

/**
 * Read a fence.
 *
 * @param body - what `{{body}}` stands for
 * @throws {@link PageError}
 */
export function parseAnswer({ kind, lines }: Fence, place: string, body = ''): Answer {
  const allowed = kind === 'answer allowed'
  const last = lines.at(-1)
  const ends = last === '{{eof}}' || last === '{{open}}'
  const closes = ends ? last === '{{eof}}' : undefined
  const parts = splitAt(ends ? lines.slice(0, -1) : lines, '{{then}}')
  if (parts.length === 1 && parts[0]?.join('\n') === 'closed') {
    if (closes === false) {
      throw new PageError(place, 'what is "closed" cannot be {{open}}')
    }
    return { allowed, responses: [], closes: true }
  }
  return { allowed, closes, responses: parts.map((part) => parsePart(part, place, body)) }
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

function parsePart(lines: readonly string[], place: string, body: string): ExpectedResponse {
  const [codes = '', ...rest] = lines
  if (!/^(?:[1-5](?:xx|[0-9]{2})\|?\b)+$/.test(codes)) {
    const forms = 'a code (404), a set (200|206), a class (4xx), or "closed" alone'
    throw new PageError(place, `an answer begins with ${forms}, and not with "${codes}"`)
  }
  const empty = rest.indexOf('')
  const fields = empty === -1 ? rest : rest.slice(0, empty)
  return {
    codes,
    fields: fields.map((line) => parseField(line, place)),
    body: empty === -1 ? undefined : parseBody(rest.slice(empty + 1), place, body),
  }
}

function parseField(line: string, place: string): ExpectedField {
  const [, not, name = '', value] = /^(!?)([\w!#$%&'*+.^`|~-]+)(?:: *(.*))?$/.exec(line) ?? []
  if (name === '' || (not === '!') !== (value === undefined)) {
    throw new PageError(place, `"${line}" is not "Name: value", and not "!Name"`)
  }
  if (value === undefined) {
    return { name, value }
  }
  return { name, value: { pattern: parsePattern(value, place), text: value } }
}

function parseBody(lines: readonly string[], place: string, body: string): Pattern {
  return onTheWire(lines)
    .split('{{body}}')
    .flatMap((text, index) => [
      ...(index === 0 ? [] : [{ literal: body }]),
      ...parsePattern(text, place),
    ])
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
}

/** What became of a connection. */
export type Fate = Pick<Outcome, 'received' | 'closed' | 'reset' | 'late'> &
  Partial<Pick<Outcome, 'ends'>>

/** A conversation's responses, and what is left to be judged of them. */
interface Rest {
  readonly stream: ParsedStream
  readonly at: number
  readonly outcome: Fate
}

/** Judge a conversation: each request must get one of its answers. */
export function judgeTurns(turns: readonly Turn[], outcome: Fate): Judged {
  const requests = turns.flatMap((turn) => turn.requests)
  const { closed, ends = [] } = outcome
  const stream = parseResponses(outcome.received, requests, { closed, ends })
  const { verdict, findings } = judgeFrom(turns, { stream, at: 0, outcome })
  return { verdict, findings }
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
    const { findings, at } = judgeAnswer(answer, rest, others.length === 0)
    if (findings.length > 0) {
      judged.push({ verdict: 'lost', findings, depth: 0 })
      continue
    }
    const later = judgeFrom(others, { ...rest, at })
    if (later.verdict !== 'lost') {
      return answer.allowed ? { ...later, verdict: 'allowed' } : later
    }
    judged.push({ ...later, depth: later.depth + 1 })
  }
  return nearest(turn, judged)
}

/** Of all that came, what is wrong by this answer, and where the next one begins. */
function judgeAnswer(
  answer: Answer,
  { stream, at, outcome }: Rest,
  last: boolean,
): { findings: Finding[]; at: number } {
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
        : judgeResponse(expected, response, stream, outcome)
    if (findings.length > 0) {
      return { findings: findings.map((one) => ({ ...one, flaw: which + one.flaw })), at }
    }
    at++
  }
  const fate = last ? judgeFate(answer, stream, at, outcome) : []
  return { findings: fate, at }
}

function judgeFate(answer: Answer, stream: ParsedStream, at: number, outcome: Fate): Finding[] {
  const flaw = (text: string): Finding[] => [{ line: '', flaw: text }]
  if (answer.responses.length === 0 && stream.responses[at] !== undefined) {
    return [wrongStatus(stream.responses[at], expectedCodes(undefined))]
  }
  if (answer.closes === true && !outcome.closed) {
    return flaw('the connection stays open; the server must close it')
  }
  return answer.closes === false && outcome.closed
    ? flaw('the server closed the connection; it must keep it open')
    : []
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
): Finding[] {
  const { codes, fields, body } = expected
  if (!hasCode(response, codes)) {
    return [wrongStatus(response, expectedCodes(expected))]
  }
  const findings = fields.flatMap((field) => judgeField(field, response))
  if (!response.whole) {
    const why = violations.find(({ rule }) => rule === 'content-length' || rule === 'chunks')
    const end = outcome.closed ? 'the server closed the connection' : timeout(outcome)
    findings.push(why ?? { line: '', flaw: `the end of the body is missing: ${end}` })
  } else if (body !== undefined) {
    findings.push(...judgeBody(body, response.body))
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

/** What came after all that was expected. */
function excess({ stream, at }: Rest): Finding[] {
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
  const deepest = Math.max(...judged.map(({ depth }) => depth))
  const candidates = judged.filter(({ depth }) => depth === deepest)
  const isStatus = ({ findings: [first] }: Judged) =>
    /^(?:the status is|there is no response)/.test(first?.flaw ?? '')
  const [first] = candidates as [Reached]
  const near = candidates.find((one) => !isStatus(one)) ?? first
  const [finding] = near.findings
  if (deepest > 0 || !isStatus(near) || finding === undefined) {
    return near
  }
  const all = new Set(answers.map(({ responses: [one] }) => expectedCodes(one)))
  const flaw = finding.flaw.replace(/(; expected ).*$/, `$1${[...all].join(', or ')}`)
  return { ...near, findings: [{ ...finding, flaw }] }
}

function expectedCodes(response: ExpectedResponse | undefined): string {
  return response === undefined
    ? 'no response, and the end of the connection'
    : response.codes.split('|').join(' or ')
}

// -- Fields and bodies -----------------------------------------------------------------------

/** The fields whose value is a list of tokens; one of them is enough, and case is not told apart. */
export const LISTS: readonly string[] = [
  ...['accept-ranges', 'allow', 'connection', 'transfer-encoding', 'upgrade', 'vary'],
]

function judgeField({ name, value }: ExpectedField, { fields }: ParsedResponse): Finding[] {
  const lower = name.toLowerCase()
  const there = fields.flatMap(([key, text]) => (key === lower ? [text] : []))
  const [first] = there
  if (value === undefined) {
    return first === undefined
      ? []
      : [{ line: `${name}: ${first}`, flaw: `there must be no ${name}` }]
  }
  if (first === undefined) {
    return [{ line: '', flaw: `there is no ${name}; expected "${name}: ${value.text}"` }]
  }
  const list = LISTS.includes(lower)
  const candidates = list
    ? [...there, ...there.flatMap((text) => text.split(',').map((one) => one.trim()))]
    : there
  const flaws = candidates.map((text) => flawOf(value.pattern, text, list ? 'is' : 's'))
  if (flaws.includes(undefined)) {
    return []
  }
  const flaw = flaws[0] === '' ? `expected "${value.text}"` : flaws[0]
  const about = `${name} is ${quote(first)}: ${String(flaw)}`
  return [{ line: `${name}: ${first}`, column: name.length + 2, length: first.length, flaw: about }]
}

function judgeBody(pattern: Pattern, body: string): Finding[] {
  const flaw = flawOf(pattern, body, 's')
  if (flaw === undefined) {
    return []
  }
  const [only, ...more] = pattern
  const text =
    only === undefined ? '' : more.length === 0 && 'literal' in only ? only.literal : undefined
  if (text === undefined) {
    return [{ line: firstLine(body), flaw: `the body is not as expected${flaw && `: ${flaw}`}` }]
  }
  const has = `the body has ${bytes(body)}`
  if (text.length !== body.length) {
    const expected = text === '' ? 'none' : bytes(text)
    return [{ line: firstLine(body), flaw: `${has}; expected ${expected}` }]
  }
  let at = 0
  while (text[at] === body[at]) {
    at++
  }
  const [got, wanted] = [body.charAt(at), text.charAt(at)].map(quote)
  return [
    {
      line: '',
      flaw: `byte ${String(at)} of the body is ${String(got)}; expected ${String(wanted)}`,
    },
  ]
}

function bytes(text: string): string {
  return text.length === 1 ? '1 byte' : `${String(text.length)} bytes`
}

/** Why a text as a whole is not what a pattern says: undefined if it is, empty if its form is wrong. */
function flawOf(pattern: Pattern, text: string, flags: string): string | undefined {
  if (pattern.every((token) => 'literal' in token) && !flags.includes('i')) {
    return pattern.map((token) => ('literal' in token ? token.literal : '')).join('') === text
      ? undefined
      : ''
  }
  const source = pattern.map((token, index) =>
    'literal' in token
      ? token.literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
      : `(?<hole${String(index)}>${token.regex.source})`,
  )
  const match = new RegExp(`^${source.join('')}$`, flags).exec(text)
  if (match === null) {
    return ''
  }
  for (const [index, token] of pattern.entries()) {
    const filled = match.groups?.[`hole${String(index)}`] ?? ''
    if ('hole' in token && (token.hole === 'date' || token.hole === 'http-date')) {
      const flaw = flawOfDate(filled, token.hole === 'http-date')
      if (flaw !== undefined) {
        return flaw
      }
    }
  }
  return undefined
}

function firstLine(text: string): string {
  return (text.split(/\r?\n/, 1)[0] as string).slice(0, 80)
}
