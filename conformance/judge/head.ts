/**
 * The head of a response, taken apart, and what is wrong with its lines.
 *
 * @module
 */

/** How a response breaks a rule of `invariants.ts`. */
export interface Violation {
  readonly rule: string
  /** The line that shows it; empty if none does. */
  readonly line: string
  /** Where in that line it shows, and how far; undefined for the line as a whole. */
  readonly column?: number
  readonly length?: number
  readonly flaw: string
}

/** What stands before a body. */
export interface Head {
  readonly version: string
  readonly code: number
  readonly reason: string
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** The lines of the fields, as they came. */
  readonly lines: readonly string[]
  readonly statusLine: string
  /** Where the body begins; undefined if that cannot be told. */
  readonly end: number | undefined
  readonly violations: readonly Violation[]
}

/** A name, a colon and a value: RFC 9112 §5. The value may still hold what no field may hold. */
export const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/s

/** What no field may hold: every control character but HTAB (RFC 9110 §5.5). */
export const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/

/** Read a head, as far as its lines allow. */
export function parseHead(text: string): Head {
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
    const field = FIELD_LINE.exec(line)
    if (field === null) {
      found('field-line', line, 'not a valid field line (RFC 9112 §5)')
    } else if (CONTROL.test(field[2] as string)) {
      const flaw = 'a control character inside a field (RFC 9110 §5.5)'
      found('field-line', line, flaw, line.search(CONTROL))
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

/** The values of all fields of a name, which is given in lower case. */
export function values(head: Head, name: string): string[] {
  return head.fields.flatMap(([key, value]) => (key === name ? [value] : []))
}

/** The first line of a field, or the status line if there is none. */
export function lineOf(head: Head, name: string): string {
  return head.lines.find((line) => line.toLowerCase().startsWith(`${name}:`)) ?? head.statusLine
}

/** The members of a list, in lower case. */
export function tokens(list: readonly string[]): string[] {
  return list
    .join(',')
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
}

/** The beginning of a text, for a message. */
export function firstLine(text: string): string {
  return (text.split(/\r?\n/, 1)[0] as string).slice(0, 80)
}
