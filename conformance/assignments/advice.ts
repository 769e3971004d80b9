/**
 * What a typical mistake is, and what to do about it: a sentence beside the finding.
 *
 * @module
 */

import { play } from '../judge/exchange.ts'
import type { Action, Exchange, Patience } from '../judge/exchange.ts'
import { parseResponses } from '../judge/invariants.ts'
import { requestsOf } from '../judge/requests.ts'
import { thrown } from '../run/said.ts'
import type { RunningApp } from '../targets/target.ts'
import type { Played } from './play.ts'

/** What is to be said of a failure, without another look at the server. */
export function adviceOn({ findings, outcome, exchange, said }: Played): string | undefined {
  const [threw = ''] = thrown(said)
  if (threw.includes('the file is closed')) {
    return 'the method had ended when this was written or read: await what it begins, or return its promise'
  }
  const status = findings.find(({ flaw }) => flaw.includes('the status is 501 '))
  if (status === undefined || outcome === undefined || exchange === undefined) {
    return undefined
  }
  const requests = [...exchange.turns.values()].flat().flatMap((turn) => turn.requests)
  const { responses } = parseResponses(outcome.received, requests, { closed: outcome.closed })
  // Any other 501 is the program's own, as the starters' are.
  const refused = responses.findIndex(({ reason }) => reason.startsWith('Unsupported method'))
  const method = requests[refused]?.method
  return method === undefined ? undefined : `there is no method do_${method}()`
}

/**
 * Find out whether a server that says nothing waits for more of the request than there is: whether it responds
 * when it is told that nothing more will come.
 *
 * @param exchange - the conversation, anew
 */
export async function waitsForMore(
  exchange: Exchange,
  app: RunningApp,
  patience: Patience,
): Promise<string | undefined> {
  const at = exchange.actions.findIndex(({ do: what }) => what === 'send')
  const first = exchange.actions[at]
  const text = first?.do === 'send' ? first.bytes.toString('latin1') : ''
  const { whole } = requestsOf(text)
  if (!whole || text.endsWith('\r\n\r\n')) {
    return undefined
  }
  const actions: Action[] = [...exchange.actions.slice(0, at + 1), { do: 'half-close' }]
  const progress = (received: string) => (received.includes('\r\n\r\n') ? 'complete' : 'incomplete')
  const outcome = await play(
    { actions, expectation: { closes: false, progress } },
    app,
    undefined,
    patience,
  )
  return outcome.received === ''
    ? undefined
    : 'the method waits for more than the Content-Length bytes of the body: read so many, as in rfile.read(length)'
}
