/**
 * What holds for every answer of every server, whatever the case is about.
 *
 * Each rule has a name, by which a case can waive it and say why. The rules are RFC 9110's and
 * RFC 9112's; an answer to an HTTP/0.9 request has no head, and no rules.
 *
 * @module
 */

/** An answer that breaks a rule. */
export interface Violation {
  readonly rule: string
  /** The line that shows it; empty if none does. */
  readonly line: string
  readonly flaw: string
}

/** An answer, taken apart. */
export interface ParsedResponse {
  readonly version: string
  readonly code: number
  readonly reason: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** What {@link parseResponses} finds. */
export interface ParsedStream {
  readonly responses: readonly ParsedResponse[]
  readonly violations: readonly Violation[]
}

/**
 * Check a whole conversation.
 *
 * @param received - all that the server sent
 * @param methods - the methods of the requests, in order
 * @param closed - whether the server closed the connection
 */
export function parseResponses(
  received: string,
  methods: readonly string[],
  closed: boolean,
): ParsedStream {
  const responses: ParsedResponse[] = []
  const violations: Violation[] = []
  const found = (rule: string, line: string, flaw: string) => violations.push({ rule, line, flaw })
  let rest = received
  let request = 0
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) {
      found('head', firstLine(rest), 'a head that no empty line ends (RFC 9112 §2.1)')
      break
    }
    const [statusLine, ...lines] = rest.slice(0, end).split('\r\n') as [string, ...string[]]
    const status = /^(HTTP\/[0-9]\.[0-9]) ([1-9][0-9]{2}) ([\t \x21-\x7e\x80-\xff]*)$/.exec(
      statusLine,
    )
    if (status === null) {
      found('status-line', statusLine, 'no status line (RFC 9112 §4)')
      break
    }
    const [version, code, reason] = [status[1] as string, Number(status[2]), status[3] as string]
    const fields: [string, string][] = []
    for (const line of lines) {
      const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/s.exec(line)
      if (field === null) {
        found('field-line', line, 'no field line (RFC 9112 §5)')
      } else if (/[\r\n\0]/.test(field[2] as string)) {
        found('field-line', line, 'a CR, LF or NUL inside a field (RFC 9110 §5.5)')
      } else {
        fields.push([(field[1] as string).toLowerCase(), field[2] as string])
      }
    }
    rest = rest.slice(end + 4)

    const all = (name: string) => fields.flatMap(([key, value]) => (key === name ? [value] : []))
    const lengths = all('content-length')
    const lengthLine = lines.find((line) => /^content-length:/i.test(line)) ?? ''
    const method = methods[request]
    const bodiless =
      method === 'HEAD' || (code >= 100 && code < 200) || code === 204 || code === 304
    let body: string
    if (lengths.length > 1) {
      found('content-length', lengthLine, 'more than one Content-Length (RFC 9112 §6.3)')
    }
    if (bodiless) {
      body = ''
    } else if (all('transfer-encoding').length > 0) {
      // Whether the chunks are right is judged by the strict client.
      body = rest
    } else if (lengths.length > 0) {
      const length = Number(lengths[0])
      body = rest.slice(0, length)
      if (!/^[0-9]+$/.test(lengths[0] as string)) {
        found('content-length', lengthLine, 'no number of bytes (RFC 9110 §8.6)')
        break
      }
      if (body.length < length) {
        found(
          'content-length',
          lengthLine,
          `the header says ${String(length)}, the body has ${String(body.length)} bytes`,
        )
      }
    } else {
      body = rest
      if (!closed) {
        found(
          'framing',
          statusLine,
          'neither Content-Length nor the end of the connection says where the body ends ' +
            '(RFC 9112 §6.3)',
        )
      }
    }
    rest = rest.slice(body.length)
    responses.push({ version, code, reason, fields, body })
    // An interim response is followed by another to the same request.
    if (code >= 200 || code === 101) {
      request++
    }
    const connection = all('connection').join(',').toLowerCase()
    if (/(?:^|[ ,])close(?:$|[ ,])/.test(connection) && !closed) {
      found('close', 'Connection: close', 'the connection stays open all the same (RFC 9112 §9.6)')
    }
  }
  if (rest !== '' && violations.length === 0) {
    found('excess', firstLine(rest), 'bytes after the end of the answer')
  }
  return { responses, violations }
}

function firstLine(text: string): string {
  return (text.split(/\r?\n/, 1)[0] as string).slice(0, 80)
}

/** The methods of the requests in a client's bytes, as far as they can be told apart. */
export function methodsOf(sent: string): string[] {
  const methods: string[] = []
  let rest = sent
  for (;;) {
    const match = /^([^ \r\n]+) [^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n/.exec(rest)
    if (match === null) {
      return methods
    }
    methods.push(match[1] as string)
    const length = /^content-length:[ \t]*([0-9]+)[ \t]*\r?$/im.exec(match[0])
    rest = rest.slice(match[0].length + Number(length?.[1] ?? 0))
  }
}
