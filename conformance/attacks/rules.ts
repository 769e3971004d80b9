/**
 * What an attack must not achieve, in terms that the response of any server can be judged by.
 *
 * A case of the suite knows every byte of the right response, and no other server sends those. What a
 * row of the table is about is less: that a request is refused, that a page holds no tag.
 *
 * @module
 */

import type { Outcome } from '../judge/exchange.ts'
import { parseResponses } from '../judge/invariants.ts'
import { requestsOf } from '../judge/requests.ts'

/** What a server made of an attack. */
export interface Seen {
  /** The status codes of its responses, in order. */
  readonly codes: readonly number[]
  /** Whether bytes came that are not a response: a body without a head, or bytes after the end. */
  readonly stray: boolean
  readonly received: string
  readonly closed: boolean
  /** How many requests were sent, read as RFC 9112 reads them. */
  readonly requests: number
  /** What it logged meanwhile; undefined if that cannot be read. */
  readonly log: string | undefined
}

/** Something that must hold. */
export interface Rule {
  /** In words, for the page: the end of a sentence that begins with "A server". */
  readonly says: string
  /** Whether it does; undefined where nothing can be seen of it. */
  holds(seen: Seen): boolean | undefined
}

const isError = (code: number | undefined) => code !== undefined && code >= 400

/** The rules by name. */
export const RULES = {
  refused: {
    says: 'responds with an error, once, and closes the connection',
    holds: ({ codes, stray, closed }) =>
      codes.length === 1 && isError(codes[0]) && !stray && closed,
  },
  error: {
    says: 'responds with an error',
    holds: ({ codes }) => codes.length === 1 && isError(codes[0]),
  },
  'own bytes': {
    says: 'takes no byte of a body for another request',
    holds: ({ codes, stray, received, requests }) =>
      codes.length > 0 && codes.length <= requests && !stray && !received.includes('/smuggled'),
  },
  'no tag': {
    says: 'sends no tag that the client has chosen',
    holds: ({ received }) => received !== '' && !/<(?:script|b|dir)>/.test(bodyOf(received)),
  },
  'no control': {
    says: 'writes no control character to its log, and no backslash that could pass for an escape',
    // A backslash is sent before `x1b` and after an `a`.
    holds: ({ log = '' }) => {
      return log === '' ? undefined : !/[\0-\x09\x0b-\x1f\x7f-\x9f]|a\\x1b/.test(log)
    },
  },
  'own host': {
    says: 'redirects to no other host',
    holds: ({ received }) => !locations(received).some((host) => host.endsWith('evil.example')),
  },
  'no line': {
    says: 'sends no line that the client has chosen',
    holds: ({ received }) => !/[\r\n]Set-Cookie: stolen/.test(received),
  },
  'no remains': {
    says: 'sends nothing of one response with the next',
    holds: ({ received }) => !/^X-(?:Left|Late):/m.test(received),
  },
  lives: {
    says: 'closes the connection, and takes the next one',
    holds: ({ codes, closed }) => codes.length === 0 && closed,
  },
} satisfies Record<string, Rule>

export type RuleName = keyof typeof RULES

/** The rules of HTTP that bytes break which belong to no response. */
const STRAY = ['head', 'status-line', 'content-length', 'excess']

/** Take apart what came back. */
export function see(
  outcome: Pick<Outcome, 'received' | 'closed'>,
  sent: Buffer,
  log?: string,
): Seen {
  const { received, closed } = outcome
  const { requests } = requestsOf(sent.toString('latin1'))
  const { responses, violations } = parseResponses(received, requests, { closed })
  const stray = violations.some(({ rule }) => STRAY.includes(rule))
  const codes = responses.map(({ code }) => code)
  // A head that is broken further down has a code all the same.
  const first = /^HTTP\/1\.[01] ([0-9]{3}) /.exec(received)?.[1]
  if (codes.length === 0 && first !== undefined) {
    codes.push(Number(first))
  }
  return { codes, stray, received, closed, requests: requests.length, log }
}

/** A few words for a cell of the table: `400, closed`. */
export function brief({ codes, stray, received, closed }: Seen): string {
  const fate = closed ? 'closed' : 'open'
  if (codes.length === 0) {
    return `${received === '' ? 'no response' : 'a body without a head'}, ${fate}`
  }
  return `${codes.join(' + ')}${stray ? ' + other bytes' : ''}, ${fate}`
}

function bodyOf(received: string): string {
  return received.slice(received.indexOf('\r\n\r\n') + 4)
}

/** The hosts to which the responses lead a browser. */
function locations(received: string): string[] {
  return [...received.matchAll(/^Location: *(.*?)\r?$/gim)].map(([, location = '']) => {
    return new URL(location, 'http://victim.example/').hostname
  })
}
