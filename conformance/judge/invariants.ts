/**
 * What holds for every response of every server, whatever the case is about.
 *
 * Each rule has a name, by which a case can waive it and say why. The rules are RFC 9110's and
 * RFC 9112's; a response to an HTTP/0.9 request has no head, and no rules.
 *
 * @module
 */

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
  close: 'a client sends its next request into a dead connection, or keeps a useless one',
  excess: 'a client takes these bytes for the response to its next request',
}

/** How a response breaks a rule. */
export interface Violation {
  readonly rule: string
  /** The line that shows it; empty if none does. */
  readonly line: string
  /** Where in that line it shows, and how far; undefined for the line as a whole. */
  readonly column?: number
  readonly length?: number
  readonly flaw: string
}

/** The parts of a request on which its response depends. */
export interface ParsedRequest {
  readonly method: string
  /** As it is spelt; `HTTP/0.9` where there is none. */
  readonly version: string
  /** What it says about the connection, in lower case. */
  readonly connection: string
}

/** A response, taken apart. */
export interface ParsedResponse {
  readonly version: string
  readonly code: number
  readonly reason: string
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** Whether the end of the body has come. */
  readonly whole: boolean
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
  /** Whether the server closed the connection. */
  readonly closed: boolean
  /** Whether our side was closed before: then the server may close without announcing it. */
  readonly halfClosed?: boolean
}

/**
 * Check a whole conversation.
 *
 * @param received - all that the server sent
 * @param requests - what was asked, in order
 */
export function parseResponses(
  received: string,
  requests: readonly ParsedRequest[],
  fate: Fate,
): ParsedStream {
  const responses: ParsedResponse[] = []
  const violations: Violation[] = []
  let rest = received
  let finished = 0
  while (rest !== '') {
    const head = parseHead(rest)
    violations.push(...head.violations)
    if (head.end === undefined) {
      return { responses, violations, rest }
    }
    rest = rest.slice(head.end)
    const request = requests[finished]
    const body = parseBody(head, rest, request?.method, fate.closed)
    violations.push(...body.violations)
    rest = rest.slice(body.length)
    responses.push({ ...head, body: body.text, whole: body.whole })
    violations.push(...judgeFate(head, request, rest !== '', fate, body.untilClose))
    // An interim response is followed by another to the same request.
    if (head.code >= 200 || head.code === 101) {
      finished++
    }
    if (rest !== '' && !rest.startsWith('HTTP/')) {
      if (violations.length === 0) {
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

// -- The head --------------------------------------------------------------------------------

interface Head {
  readonly version: string
  readonly code: number
  readonly reason: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** The lines of the fields, as they came. */
  readonly lines: readonly string[]
  readonly statusLine: string
  /** Where the body begins; undefined if that cannot be told. */
  readonly end: number | undefined
  readonly violations: readonly Violation[]
}

function parseHead(text: string): Head {
  const violations: Violation[] = []
  const found = (rule: string, line: string, flaw: string, at?: number) => {
    violations.push({ rule, line, flaw, ...(at === undefined ? {} : { column: at }) })
  }
  const none = { version: '', code: 0, reason: '', fields: [], lines: [], statusLine: '' }
  const stop = () => ({ ...none, end: undefined, violations })

  const end = text.indexOf('\r\n\r\n')
  const head = end === -1 ? text : text.slice(0, end)
  const lone = /(?<!\r)\n/.exec(head)
  if (lone !== null) {
    const start = head.lastIndexOf('\n', lone.index - 1) + 1
    const line = head.slice(start, lone.index + 1)
    if (end === -1 && start > 0 && !/^[^ :]+:|^\n$/.test(line)) {
      found('head', line, 'no empty line separates the head from this (RFC 9112 §2.1)')
    } else {
      const flaw = 'LF alone; a line of the head ends with CR LF (RFC 9112 §2.1)'
      found('line-end', line, flaw, line.length - 1)
    }
    return stop()
  }
  if (end === -1) {
    found('head', firstLine(text), 'a head without an empty line at its end (RFC 9112 §2.1)')
    return stop()
  }
  const [statusLine, ...lines] = head.split('\r\n') as [string, ...string[]]
  const status = /^(HTTP\/[0-9]\.[0-9]) ([1-9][0-9]{2}) ([\t \x21-\x7e\x80-\xff]*)$/.exec(
    statusLine,
  )
  if (status === null) {
    found('status-line', statusLine, 'not a valid status line (RFC 9112 §4)')
    return stop()
  }
  const fields: [string, string][] = []
  for (const line of lines) {
    const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/s.exec(line)
    if (field === null) {
      found('field-line', line, 'not a valid field line (RFC 9112 §5)')
    } else if (/[\r\n\0]/.test(field[2] as string)) {
      const flaw = 'a CR, LF or NUL inside a field (RFC 9110 §5.5)'
      found('field-line', line, flaw, line.search(/[\r\n\0]/))
    } else {
      fields.push([(field[1] as string).toLowerCase(), field[2] as string])
    }
  }
  return {
    version: status[1] as string,
    code: Number(status[2]),
    reason: status[3] as string,
    fields,
    lines,
    statusLine,
    end: end + 4,
    violations,
  }
}

function values(head: Head, name: string): string[] {
  return head.fields.flatMap(([key, value]) => (key === name ? [value] : []))
}

// -- The body --------------------------------------------------------------------------------

interface Body {
  readonly text: string
  /** How much of the stream it takes. */
  readonly length: number
  /** Whether its end has come. */
  readonly whole: boolean
  /** Whether the end of the connection is its end. */
  readonly untilClose: boolean
  /** Why there must be none; empty if there may be one. */
  readonly forbidden: string
  readonly violations: readonly Violation[]
}

/** Find the body, by the rules of RFC 9112 §6.3. */
function parseBody(head: Head, rest: string, method: string | undefined, closed: boolean): Body {
  const violations: Violation[] = []
  const lengths = values(head, 'content-length')
  const line = head.lines.find((text) => /^content-length:/i.test(text)) ?? ''
  const found = (rule: string, flaw: string, at = line) => {
    const value = at === line ? /(?<=:\s*)\S.*/.exec(line) : null
    const where = value === null ? {} : { column: value.index, length: value[0].length }
    violations.push({ rule, line: at, flaw, ...where })
  }
  const body = (text: string, more: Partial<Body> = {}): Body => ({
    text,
    length: text.length,
    whole: true,
    untilClose: false,
    forbidden: '',
    violations,
    ...more,
  })

  const codings = values(head, 'transfer-encoding')
  if (lengths.length > 1) {
    found('content-length', 'more than one Content-Length (RFC 9112 §6.3)')
  }
  const forbidden = method === 'HEAD' ? 'it responds to HEAD' : withoutBody(head.code)
  if (forbidden !== '') {
    if (lengths.length > 0 && (head.code < 200 || head.code === 204)) {
      found('content-length', `a ${String(head.code)} has no Content-Length (RFC 9110 §8.6)`)
    }
    return body('', { forbidden })
  }
  if (codings.length > 0) {
    if (lengths.length > 0) {
      found('content-length', 'Content-Length beside Transfer-Encoding (RFC 9112 §6.2)')
    }
    const chunks = readChunks(rest)
    if (chunks === undefined) {
      found('chunks', 'the chunks are broken, or not ended (RFC 9112 §7.1)', firstLine(rest))
      return body(rest, { whole: false })
    }
    return body(chunks.text, { length: chunks.length })
  }
  const [value] = lengths
  if (value === undefined) {
    if (!closed) {
      found(
        'framing',
        'neither Content-Length nor the end of the connection says where the body ends ' +
          '(RFC 9112 §6.3)',
        head.statusLine,
      )
    }
    return body(rest, { untilClose: true, whole: closed })
  }
  if (!/^[0-9]+$/.test(value)) {
    found('content-length', 'not a valid number of bytes (RFC 9110 §8.6)')
    return body(rest, { whole: closed })
  }
  const length = Number(value)
  const text = rest.slice(0, length)
  if (text.length < length) {
    found('content-length', `the header says ${value}, the body has ${String(text.length)} bytes`)
  } else if (rest.length > length && !rest.startsWith('HTTP/', length)) {
    // Only another response can follow, so this body is longer than the header says.
    const next = rest.indexOf('\r\nHTTP/', length)
    const whole = next === -1 ? rest.length : next + 2
    found('content-length', `the header says ${value}, the body has ${String(whole)} bytes`)
    return body(rest.slice(0, whole))
  }
  return body(text, { whole: text.length === length })
}

function withoutBody(code: number): string {
  return (code >= 100 && code < 200) || code === 204 || code === 304
    ? `it is a ${String(code)}`
    : ''
}

/** Take chunks apart, up to the empty line that ends them. */
function readChunks(rest: string): { text: string; length: number } | undefined {
  let text = ''
  let at = 0
  for (;;) {
    const line = /^([0-9a-fA-F]+)[^\r\n]*\r\n/.exec(rest.slice(at))
    if (line === null) {
      return undefined
    }
    const size = parseInt(line[1] as string, 16)
    at += line[0].length
    if (size === 0) {
      const trailer = /^(?:[^\r\n]+\r\n)*\r\n/.exec(rest.slice(at))
      return trailer === null ? undefined : { text, length: at + trailer[0].length }
    }
    text += rest.slice(at, at + size)
    at += size
    if (rest.slice(at, at + 2) !== '\r\n') {
      return undefined
    }
    at += 2
  }
}

// -- The connection --------------------------------------------------------------------------

/**
 * Whether what became of the connection is what the head announced, by RFC 9112 §9.3: `close`
 * ends it, HTTP/1.1 keeps it, HTTP/1.0 keeps it with `keep-alive` alone.
 */
function judgeFate(
  head: Head,
  request: ParsedRequest | undefined,
  followed: boolean,
  { closed, halfClosed = false }: Fate,
  untilClose: boolean,
): Violation[] {
  if (head.code < 200) {
    return []
  }
  const line = head.lines.find((text) => /^connection:/i.test(text))
  const says = tokens(values(head, 'connection').join(','))
  const ends = closed && !followed
  const violation = (flaw: string) => [{ rule: 'close', line: line ?? head.statusLine, flaw }]
  if (says.includes('close')) {
    return ends ? [] : violation('the connection stays open all the same (RFC 9112 §9.6)')
  }
  if (head.version === 'HTTP/1.0' && !says.includes('keep-alive')) {
    return ends || followed
      ? []
      : violation('HTTP/1.0 without keep-alive, and the connection stays open (RFC 9112 §9.3)')
  }
  const expectsMore =
    request?.version === 'HTTP/1.1' && !tokens(request.connection).includes('close')
  return ends && expectsMore && !untilClose && !halfClosed
    ? violation('the connection ends, but no "Connection: close" said so (RFC 9112 §9.6)')
    : []
}

function tokens(list: string): string[] {
  return list
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
}

function firstLine(text: string): string {
  return (text.split(/\r?\n/, 1)[0] as string).slice(0, 80)
}

// -- The requests ----------------------------------------------------------------------------

/** The requests in a client's bytes, as far as they can be told apart. */
export function requestsOf(sent: string): ParsedRequest[] {
  const requests: ParsedRequest[] = []
  let rest = sent
  for (;;) {
    const match = /^([^ \r\n]+) ([^\r\n]*)\r?\n(?:[^\r\n]+\r?\n)*\r?\n/.exec(rest)
    if (match === null) {
      return requests
    }
    requests.push({
      method: match[1] as string,
      version: /(?:^| )(HTTP\/[0-9.]+)$/.exec(match[2] as string)?.[1] ?? 'HTTP/0.9',
      connection: (/^connection:(.*)$/im.exec(match[0])?.[1] ?? '').trim(),
    })
    const length = /^content-length:[ \t]*([0-9]+)[ \t]*\r?$/im.exec(match[0])
    rest = rest.slice(match[0].length + Number(length?.[1] ?? 0))
  }
}
