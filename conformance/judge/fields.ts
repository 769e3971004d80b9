/**
 * Which fields a head must have, and which it must not, by its code and by what was asked.
 *
 * @module
 */

import { lineOf, tokens, values } from './head.ts'
import type { Head, Violation } from './head.ts'
import type { ParsedRequest } from './requests.ts'

/** What breaks a rule about fields. */
export function judgeFields(head: Head, request: ParsedRequest | undefined): Violation[] {
  return [
    ...judgeInterim(head, request),
    ...judgeRequired(head),
    ...judgeDate(head),
    ...judgeTransferEncoding(head, request),
  ]
}

/** A client of HTTP/1.0 knows no interim responses, and takes the first for the final one. */
function judgeInterim({ code, statusLine }: Head, request: ParsedRequest | undefined): Violation[] {
  const flaw = `a ${String(code)} to a client of HTTP/1.0 (RFC 9110 §15.2)`
  return code < 200 && isOld(request) ? [{ rule: 'interim', line: statusLine, flaw }] : []
}

/** Fields without which the client cannot do what the code tells it to. All but Allow have a value. */
const REQUIRED: Readonly<Record<number, readonly [name: string, section: string]>> = {
  401: ['WWW-Authenticate', '15.5.2'],
  405: ['Allow', '15.5.6'],
  407: ['Proxy-Authenticate', '15.5.8'],
  426: ['Upgrade', '15.5.22'],
}

function judgeRequired(head: Head): Violation[] {
  const violation = (line: string, flaw: string) => [{ rule: 'required-field', line, flaw }]
  const required = REQUIRED[head.code]
  if (required !== undefined) {
    const [name, section] = required
    const found = values(head, name.toLowerCase())
    return found.some((value) => value !== '' || name === 'Allow')
      ? []
      : violation(head.statusLine, `a ${String(head.code)} without ${name} (RFC 9110 §${section})`)
  }
  if (head.code !== 206) {
    return []
  }
  const [type = ''] = values(head, 'content-type')
  const parts = /^multipart\/byteranges *(?:;|$)/i.test(type)
  const range = values(head, 'content-range').length > 0
  if (parts && range) {
    const flaw = 'Content-Range belongs to each part, not to all of them (RFC 9110 §15.3.7.2)'
    return violation(lineOf(head, 'content-range'), flaw)
  }
  const flaw = 'a 206 that does not say which part it is: no Content-Range (RFC 9110 §15.3.7.1)'
  return parts || range ? [] : violation(head.statusLine, flaw)
}

/** RFC 9110 §6.6.1 leaves it to servers to date a 1xx and a 5xx; the rest is dated by all with a clock. */
function judgeDate(head: Head): Violation[] {
  const dates = values(head, 'date')
  const line = lineOf(head, 'date')
  const [date] = dates
  if (date === undefined) {
    const flaw = 'no Date; only a server without a clock may leave it out (RFC 9110 §6.6.1)'
    return head.code >= 200 && head.code < 500 ? [{ rule: 'date', line, flaw }] : []
  }
  if (dates.length > 1) {
    return [{ rule: 'date', line, flaw: 'more than one Date (RFC 9110 §5.3)' }]
  }
  const time = Date.parse(date)
  // Date.parse() takes other forms, a 31st of June, and any day of the week.
  return !Number.isNaN(time) && new Date(time).toUTCString() === date
    ? []
    : [{ rule: 'date', line, flaw: 'not a valid date in the form of today (RFC 9110 §5.6.7)' }]
}

function judgeTransferEncoding(head: Head, request: ParsedRequest | undefined): Violation[] {
  const codings = tokens(values(head, 'transfer-encoding'))
  const line = lineOf(head, 'transfer-encoding')
  const violation = (flaw: string) => [{ rule: 'transfer-encoding', line, flaw }]
  if (values(head, 'transfer-encoding').length === 0) {
    return []
  }
  if (head.code < 200 || head.code === 204 || opensTunnel(head, request)) {
    const what = opensTunnel(head, request) ? 'tunnel' : String(head.code)
    return violation(`a ${what} has no Transfer-Encoding (RFC 9112 §6.1)`)
  }
  if (isOld(request)) {
    return violation('Transfer-Encoding to a client of HTTP/1.0 (RFC 9112 §6.1)')
  }
  return codings.filter((coding) => coding === 'chunked').length > 1
    ? violation('chunked is applied more than once (RFC 9112 §6.1)')
    : []
}

/** Whether the connection is a tunnel after this head: RFC 9110 §9.3.6. */
export function opensTunnel({ code }: Head, request: ParsedRequest | undefined): boolean {
  return request?.method === 'CONNECT' && code >= 200 && code < 300
}

function isOld(request: ParsedRequest | undefined): boolean {
  return /^HTTP\/(?:0|1\.0$)/.test(request?.version ?? '')
}
