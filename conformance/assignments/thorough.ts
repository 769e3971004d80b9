/**
 * `--thorough`: the same requests once more, in two pieces, and by another client.
 *
 * @module
 */

import { play } from '../judge/exchange.ts'
import type { Action, Outcome, Patience } from '../judge/exchange.ts'
import { parseResponses } from '../judge/invariants.ts'
import { cutsOf } from '../judge/scan.ts'
import { judgeRuleExchange } from '../judge/turns.ts'
import type { RuleExchange } from '../judge/turns.ts'
import type { Finding } from '../judge/verdict.ts'
import type { RunningApp } from '../targets/target.ts'
import type { GradedCase } from './assignment.ts'

/** Between the pieces, in milliseconds. */
const GAP = 5

/** What a conversation does that is about time, or about the order of several connections. */
const TIMED: readonly Action['do'][] = [
  'pause',
  'silence',
  'line',
  'leave',
  'reset',
  'new',
  'wait-for',
]

/** Send the requests of a case in two pieces, cut at line ends, and judge what comes. */
export async function inPieces(
  one: GradedCase,
  app: RunningApp,
  root: string,
  patience: Patience,
): Promise<Finding[]> {
  const authority = `${app.host}:${String(app.port)}`
  const { actions } = one.play({ authority, root }).exchange
  if (actions.some(({ do: what }) => TIMED.includes(what))) {
    return []
  }
  for (const [index, action] of actions.entries()) {
    const bytes = action.do === 'send' ? action.bytes : Buffer.of()
    for (const at of cutsOf(bytes).filter(
      (cut) => bytes[cut - 1] === 0x0a || bytes[cut] === 0x0a,
    )) {
      const { exchange } = one.play({ authority, root })
      const cut = exchange.actions.toSpliced(
        index,
        1,
        { do: 'send', bytes: bytes.subarray(0, at) },
        { do: 'pause', ms: GAP },
        { do: 'send', bytes: bytes.subarray(at) },
      )
      const outcome = await play({ ...exchange, actions: cut }, app, undefined, {
        ...patience,
        quiet: GAP,
      })
      const { findings } = judgeRuleExchange(exchange, outcome)
      if (findings.length > 0) {
        const where = `sent in two pieces, the first of ${String(at)} bytes: `
        return findings.map((finding) => ({ ...finding, flaw: where + finding.flaw }))
      }
    }
  }
  return []
}

/** Let undici make the same request, if it is one, and compare what it reads. */
export async function otherClient(
  exchange: RuleExchange,
  { received, closed }: Outcome,
  app: RunningApp,
): Promise<Finding[]> {
  // A kit does without it, unless somebody is thorough.
  const { askStrictly, plainRequest } = await import('../judge/strict-client.ts')
  const sent = exchange.actions.flatMap((action) => (action.do === 'send' ? [action.bytes] : []))
  const [bytes, ...others] = sent
  const request = bytes === undefined || others.length > 0 ? undefined : plainRequest(bytes)
  const requests = [...exchange.turns.values()].flat().flatMap((turn) => turn.requests)
  const first = parseResponses(received, requests, { closed }).responses.at(-1)
  if (request === undefined || first === undefined) {
    return []
  }
  const flaw = (text: string): Finding[] => [{ line: '', flaw: text }]
  try {
    const statusLine = `${first.version} ${String(first.code)} ${first.reason}`
    const again = await askStrictly(request, app, statusLine)
    const end = again.received.indexOf('\r\n\r\n')
    return first.body === again.received.slice(end + 4)
      ? []
      : flaw('undici, another client, reads another body')
  } catch (error) {
    return flaw(`undici, another client, cannot read the response: ${String(error)}`)
  }
}
