/**
 * What holds for every response of every server, whatever the case is about.
 *
 * Each rule has a name, by which a case can waive it and say why. The rules are RFC 9110's and
 * RFC 9112's; a response to an HTTP/0.9 request has no head, and no rules.
 *
 * `head.ts`, `chunks.ts` and `requests.ts` take apart what was sent and received, `fields.ts` judges
 * the fields of a head.
 *
 * @module
 */

import { readChunks } from './chunks.ts'
import { judgeFields, opensTunnel } from './fields.ts'
import { firstLine, lineOf, parseHead, tokens, values } from './head.ts'
import type { Head, Violation } from './head.ts'
import type { ParsedRequest } from './requests.ts'

/** The rules by name, each with what goes wrong for a client where it is broken. */
export const RULES: Readonly<Record<string, string>> = {
  'line-end': 'a client that looks for CR LF does not see where this line ends',
  head: 'a client waits for the empty line that ends the head, and takes the body for fields',
  'status-line': 'a client that cannot read the first line has no response at all',
  'field-line': 'clients differ in what they make of such a line, and attackers live on that',
  'content-length':
    'a client on a kept-alive connection waits for bytes that never come, or takes the last ' +
    'bytes of this body for the next response (RFC 9112 §6.3)',
  framing: 'a client cannot know when it has read all of the body',
  chunks: 'a client cannot know when it has read all of the body',
  bodiless: 'a client takes these bytes for the next response',
  close: 'a client waits for an end that does not come, or keeps a useless connection',
  excess: 'a client takes these bytes for the response to its next request',
  unasked: 'a client takes it for the response to its next request',
  interim: 'a client of HTTP/1.0 takes it for the final response',
  'transfer-encoding': 'a client that does not expect it there cannot tell where the body ends',
  'required-field': 'a client is told to do something, and not what it needs for that',
  date: 'a cache cannot tell how old the response is, and keeps it too long, or not at all',
}

/** A response, taken apart. */
export interface ParsedResponse {
  readonly version: string
  readonly code: number
  readonly reason: string
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** Whether the body ends where the head, or the connection, says. */
  readonly whole: boolean
  /** On which connection it came, if there were several, one after the other; the first is 0. */
  readonly connection: number
  /** Where in all that was received it begins, and ends; what opens a tunnel ends with its head. */
  readonly begin: number
  readonly end: number
}

/** What {@link parseResponses} finds. */
export interface ParsedStream {
  readonly responses: readonly ParsedResponse[]
  readonly violations: readonly Violation[]
  /** What comes after them, and is not a response. */
  readonly rest: string
}

/** How a conversation ended. */
export interface Fate {
  /** Whether the server closed the connection, the last one if there were several. */
  readonly closed: boolean
  /** Where in what was received each connection before the last one ended. */
  readonly ends?: readonly number[]
  /** Whether more was sent than `requests` says: then nobody knows how many responses are due. */
  readonly unread?: boolean
}

/**
 * Check a whole conversation.
 *
 * @param received - all that the server sent, over one connection or several, one after the other
 * @param requests - what was asked, in order
 */
export function parseResponses(
  received: string,
  requests: readonly ParsedRequest[],
  fate: Fate,
): ParsedStream {
  const responses: ParsedResponse[] = []
  const violations: Violation[] = []
  let begin = 0
  for (const [connection, end] of [...(fate.ends ?? []), undefined].entries()) {
    const answered = responses.filter(({ code }) => code >= 200 || code === 101).length
    const part = parseConnection(received.slice(begin, end), requests.slice(answered), {
      ...fate,
      closed: end !== undefined || fate.closed,
    })
    for (const one of part.responses) {
      responses.push({ ...one, connection, begin: one.begin + begin, end: one.end + begin })
    }
    violations.push(...part.violations)
    if (part.rest !== '' || end === undefined) {
      return { responses, violations, rest: part.rest + received.slice(end ?? received.length) }
    }
    begin = end
  }
  return { responses, violations, rest: '' }
}

/** Check what came over one connection. */
function parseConnection(
  received: string,
  requests: readonly ParsedRequest[],
  fate: Fate,
): ParsedStream {
  const responses: ParsedResponse[] = []
  const violations: Violation[] = []
  let rest = received
  let finished = 0
  const connection = 0
  while (rest !== '') {
    const begin = received.length - rest.length
    const head = parseHead(rest)
    violations.push(...head.violations)
    if (head.end === undefined) {
      return { responses, violations, rest }
    }
    rest = rest.slice(head.end)
    const request = requests[finished]
    if (request === undefined && fate.unread !== true) {
      const flaw = 'a response to no request (RFC 9112 §9.2)'
      violations.push({ rule: 'unasked', line: head.statusLine, flaw })
    }
    violations.push(...judgeFields(head, request))
    // What follows is another protocol's, and so is the end of the connection.
    if (head.code === 101 || opensTunnel(head, request)) {
      violations.push(...judgeLength(head, request))
      const end = received.length - rest.length
      responses.push({ ...head, body: rest, whole: true, connection, begin, end })
      return { responses, violations, rest: '' }
    }
    const body = parseBody(head, rest, request, fate.closed)
    violations.push(...body.violations)
    rest = rest.slice(body.length)
    const end = received.length - rest.length
    responses.push({ ...head, body: body.text, whole: body.whole, connection, begin, end })
    violations.push(...judgeFate(head, rest !== '', fate.closed))
    // An interim response is followed by another to the same request.
    if (head.code >= 200) {
      finished++
    }
    if (rest !== '' && !rest.startsWith('HTTP/')) {
      if (body.violations.length === 0) {
        const [rule, flaw] = body.forbidden
          ? ['bodiless', `a body where there must be none (RFC 9112 §6.3): ${body.forbidden}`]
          : ['excess', 'bytes after the end of the response']
        violations.push({ rule, line: firstLine(rest), flaw })
      }
      break
    }
  }
  return { responses, violations, rest }
}

// -- The body --------------------------------------------------------------------------------

interface Body {
  readonly text: string
  /** How much of the stream it takes. */
  readonly length: number
  /** Whether its end has come. */
  readonly whole: boolean
  /** Why there must be none; empty if there may be one. */
  readonly forbidden: string
  readonly violations: readonly Violation[]
}

/** Find the body, by the rules of RFC 9112 §6.3. */
function parseBody(
  head: Head,
  rest: string,
  request: ParsedRequest | undefined,
  closed: boolean,
): Body {
  const violations = judgeLength(head, request)
  const found = (rule: string, flaw: string, line: string) => {
    violations.push({ rule, line, flaw })
  }
  const body = (text: string, more: Partial<Body> = {}): Body => ({
    text,
    length: text.length,
    whole: true,
    forbidden: '',
    violations,
    ...more,
  })
  const untilClose = () => {
    if (!closed) {
      const flaw =
        'neither a length, nor chunks, nor the end of the connection says where the body ends ' +
        '(RFC 9112 §6.3)'
      found('framing', flaw, head.statusLine)
    }
    return body(rest, { whole: closed })
  }

  const forbidden = request?.method === 'HEAD' ? 'it responds to HEAD' : withoutBody(head.code)
  if (forbidden !== '') {
    return body('', { forbidden })
  }
  const codings = values(head, 'transfer-encoding')
  if (codings.length > 0) {
    if (tokens(codings).at(-1) !== 'chunked') {
      return untilClose()
    }
    const chunks = readChunks(rest)
    if (chunks === undefined) {
      found('chunks', 'the chunks are broken, or not ended (RFC 9112 §7.1)', firstLine(rest))
      return body(rest, { whole: false })
    }
    violations.push(...chunks.flaws.map((flaw) => ({ rule: 'chunks', ...flaw })))
    return body(chunks.text, { length: chunks.length })
  }
  const [value] = values(head, 'content-length')
  if (value === undefined) {
    return untilClose()
  }
  if (!/^[0-9]+$/.test(value)) {
    return body(rest, { whole: closed })
  }
  const length = Number(value)
  const text = rest.slice(0, length)
  if (text.length < length) {
    violations.push(wrongLength(head, `has ${String(text.length)} bytes`))
  } else if (rest.length > length && !rest.startsWith('HTTP/', length)) {
    // Only another response can follow, so this body is longer than the header says.
    const next = rest.indexOf('\r\nHTTP/', length)
    const whole = next === -1 ? rest.length : next + 2
    violations.push(wrongLength(head, `has ${String(whole)} bytes`))
    return body(rest.slice(0, whole), { whole: false })
  }
  return body(text, { whole: text.length === length })
}

/** What is wrong with Content-Length, whatever the body is. */
function judgeLength(head: Head, request: ParsedRequest | undefined): Violation[] {
  const [value, ...others] = values(head, 'content-length')
  if (value === undefined) {
    return []
  }
  const flaws: string[] = []
  if (others.length > 0) {
    flaws.push('more than one Content-Length (RFC 9112 §6.3)')
  }
  if (head.code < 200 || head.code === 204 || opensTunnel(head, request)) {
    const what = opensTunnel(head, request) ? 'tunnel' : String(head.code)
    flaws.push(`a ${what} has no Content-Length (RFC 9110 §8.6)`)
  } else if (values(head, 'transfer-encoding').length > 0) {
    flaws.push('Content-Length beside Transfer-Encoding (RFC 9112 §6.2)')
  } else if (!/^[0-9]+$/.test(value)) {
    flaws.push('not a valid number of bytes (RFC 9110 §8.6)')
  }
  return flaws.map((flaw) => atLength(head, flaw))
}

function wrongLength(head: Head, has: string): Violation {
  const [value = ''] = values(head, 'content-length')
  return atLength(head, `the header says ${value}, the body ${has}`)
}

function atLength(head: Head, flaw: string): Violation {
  const line = lineOf(head, 'content-length')
  const value = /(?<=:\s*)\S.*/.exec(line)
  const where = value === null ? {} : { column: value.index, length: value[0].length }
  return { rule: 'content-length', line, flaw, ...where }
}

function withoutBody(code: number): string {
  return (code >= 100 && code < 200) || code === 204 || code === 304
    ? `it is a ${String(code)}`
    : ''
}

// -- The connection --------------------------------------------------------------------------

/**
 * Whether what became of the connection is what the head announced: `close` ends it (RFC 9112 §9.6),
 * HTTP/1.0 keeps it with `keep-alive` alone (§9.3).
 *
 * An end that nothing announced is none of our business: a server MAY close at any time (§9.5), and
 * only SHOULD say so. Where it matters, a page says `{{open}}`.
 */
function judgeFate(head: Head, followed: boolean, closed: boolean): Violation[] {
  if (head.code < 200 || (closed && !followed)) {
    return []
  }
  const says = tokens(values(head, 'connection'))
  const violation = (flaw: string) => [{ rule: 'close', line: lineOf(head, 'connection'), flaw }]
  if (says.includes('close')) {
    return violation('the connection stays open all the same (RFC 9112 §9.6)')
  }
  return head.version === 'HTTP/1.0' && !says.includes('keep-alive') && !followed
    ? violation('HTTP/1.0 without keep-alive, and the connection stays open (RFC 9112 §9.3)')
    : []
}
