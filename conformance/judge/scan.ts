/**
 * The same request again, cut in two at each byte: TCP may deliver it so, and the response must
 * not change.
 *
 * ```text
 *   G | ET / HTTP/1.1...      one connection for each cut, and 5 ms between the halves
 *   GE | T / HTTP/1.1...
 * ```
 *
 * @module
 */

import { PATIENCE as USUAL, play } from './exchange.ts'
import type { Action, Outcome } from './exchange.ts'
import type { Case } from './page.ts'
import type { RunningApp } from '../targets/target.ts'
import { judgeResponses } from './verdict.ts'
import type { Finding } from './verdict.ts'

/** Heads up to this length are cut at each byte; longer ones at their line ends. */
const EACH_BYTE = 200

/** The most cuts there are: enough for a head of a hundred fields. */
const MOST_CUTS = 250

/** Between the halves, in milliseconds. */
const GAP = 5

/** A right response has come by then; and it has already been checked that nothing follows. */
const PATIENCE = { ...USUAL, quiet: GAP, coarse: true }

/** A server may refuse a request before it has read all of it; so these may come early. */
const REFUSALS = /^(?:HTTP\/1\.[01] (?:400|408|413|414|417|431|501|505) |(?!HTTP\/))/

/** Where to cut bytes: the number of bytes before each cut. */
export function cutsOf(bytes: Buffer): number[] {
  const end = bytes.indexOf('\r\n\r\n')
  const head = end === -1 ? bytes.length : end + 4
  const inside = Array.from({ length: bytes.length }, (_, at) => at).slice(1)
  return inside
    .filter((at) => {
      // In a long head, and in a body, the dangerous places are around the line ends.
      return (at <= head && head <= EACH_BYTE) || bytes[at - 1] === 0x0a || bytes[at] === 0x0a
    })
    .slice(0, MOST_CUTS)
}

/** How many bytes before and after a cut make it the same as another. */
const CONTEXT = 8

/**
 * The cuts that have changed nothing, so that none is made twice on the same app: a server that
 * reads `:8080\\r\\n|\\r\\n` right in one request does so in the next. A cut that did change something
 * is not kept here, so every case in which it does shows it, whichever is played first.
 */
export type Harmless = Set<string>

/** What makes a cut the same as another: the app, what it is between, and what came before. */
function keyOf(app: string, index: number, bytes: Buffer, at: number): string {
  const before = bytes.toString('latin1', Math.max(0, at - CONTEXT), at)
  const after = bytes.toString('latin1', at, at + CONTEXT)
  // What a connection sends first meets an empty buffer; what it sends later may not.
  return JSON.stringify([app, index === 0, before, after])
}

/** Send each request of a case cut in two, and tell where the response first changes, if ever. */
export async function scan(
  one: Case,
  app: RunningApp,
  first: Outcome,
  harmless: Harmless,
): Promise<Finding[]> {
  for (const [index, action] of one.actions.entries()) {
    for (const at of action.do === 'send' ? cutsOf(action.bytes) : []) {
      const { bytes } = action as Extract<Action, { do: 'send' }>
      const key = keyOf(one.app, index, bytes, at)
      if (harmless.has(key)) {
        continue
      }
      const actions = one.actions.toSpliced(
        index,
        1,
        { do: 'send', bytes: bytes.subarray(0, at) },
        { do: 'silence', ms: GAP },
        { do: 'send', bytes: bytes.subarray(at) },
      )
      const outcome = await play({ ...one, actions }, app, undefined, PATIENCE)
      const flaw = early(bytes, at, outcome) ?? difference(one, first, outcome)
      if (flaw !== undefined) {
        return [pointAtCut(bytes, at, flaw)]
      }
      harmless.add(key)
    }
  }
  return []
}

/** A response to a head that has not come whole is a flaw. */
function early(bytes: Buffer, at: number, outcome: Outcome): string | undefined {
  // There is no silence to report when the server had closed before it began.
  const responded = outcome.received !== '' && outcome.silences[0] !== ''
  return responded && at < bytes.indexOf('\r\n\r\n') + 4 && !REFUSALS.test(outcome.received)
    ? 'cut here, the request gets a response before its second half is sent'
    : undefined
}

function difference(one: Case, first: Outcome, outcome: Outcome): string | undefined {
  const [finding] = judgeResponses(one.responses, outcome)
  if (finding !== undefined) {
    return `sent in two pieces, cut here, the request gets a different response: ${finding.flaw}`
  }
  return first.closed && !outcome.closed
    ? 'sent in two pieces, cut here, the request leaves the connection open'
    : undefined
}

function pointAtCut(bytes: Buffer, at: number, flaw: string): Finding {
  const text = bytes.toString('latin1')
  const start = text.lastIndexOf('\n', at - 1) + 1
  const end = text.indexOf('\n', at)
  return {
    line: text.slice(start, end === -1 ? text.length : end + 1),
    column: at - start,
    flaw,
  }
}
