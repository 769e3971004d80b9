/**
 * What each attack is compared with: the same request without the flaw.
 *
 * A server that responds to everything with a 404 refuses every attack, and is not safe for that: it
 * does nothing. So the request without the flaw goes to the same server, before the attack and
 * after it. Where it is not served before, nothing can be told of the attack; where it is not served
 * after, the attack has succeeded.
 *
 * @module
 */

import type { Patience } from '../judge/exchange.ts'
import { parseResponses } from '../judge/invariants.ts'
import type { Case } from '../judge/page.ts'
import { requestsOf } from '../judge/requests.ts'
import { converse } from '../run/converse.ts'
import type { RunningApp } from '../targets/target.ts'
import { see } from './rules.ts'
import type { Seen } from './rules.ts'

/** A request without a flaw. */
export interface Control {
  /** In words, for the page: what is sent. */
  readonly sends: string
  readonly request: string
  /** Whether a server has done what was asked. */
  served(seen: Seen): boolean
}

const isSuccess = ({ codes, stray }: Seen) =>
  codes.length === 1 && String(codes[0]).startsWith('2') && !stray

function control(line: string, served: Control['served'] = isSuccess, rest = ''): Control {
  const request = `${line} HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n`
  const [fields, body = ''] = rest.split('\n\n') as [string, string?]
  const head = fields === '' ? '' : `${fields.replaceAll('\n', '\r\n')}\r\n`
  const length = body === '' ? '' : `Content-Length: ${String(body.length)}\r\n`
  return { sends: `\`${line}\``, request: `${request}${head}${length}\r\n${body}`, served }
}

/** The controls by name. */
export const CONTROLS = {
  get: control('GET /'),
  post: control('POST /', isSuccess, '\n\nhello'),
  file: control('GET /hello.txt', (seen) => {
    return isSuccess(seen) && seen.received.endsWith('\r\n\r\nHello, world\n')
  }),
  'head of a file': control('HEAD /hello.txt', (seen) => {
    return isSuccess(seen) && /^Content-Length: 13\r?$/im.test(seen.received)
  }),
  listing: control('GET /sub/', (seen) => isSuccess(seen) && seen.received.includes('a.txt')),
  redirect: control('GET /sub', ({ codes, received }) => {
    return /^30[12378]$/.test(codes.join()) && /^Location: \S*\/sub\/\r?$/im.test(received)
  }),
  form: control('POST /', isSuccess, 'Content-Type: application/x-www-form-urlencoded\n\na=1'),
  'a field': control('RESPONSE /', isSuccess, 'X-Header: X-Next: /a\nX-Header: Content-Length: 0'),
  'an error': control(
    'ERROR /',
    ({ codes, received }) => codes.join() === '404' && received.includes('harmless'),
    'X-Code: 404\nX-Message: harmless',
  ),
} satisfies Record<string, Control>

export type ControlName = keyof typeof CONTROLS

/** The apps that serve files. */
export const FILES: readonly string[] = ['simple', 'simple11', 'files']

/** The control that is like a case, if its row names no other: the same app and the same method. */
export function controlLike({ app, request }: Case): ControlName {
  const [method] = request.toString('latin1').split(' ', 1)
  return FILES.includes(app)
    ? method === 'HEAD'
      ? 'head of a file'
      : 'file'
    : method === 'POST'
      ? 'post'
      : 'get'
}

/** Send a control; what came, or undefined if the server takes no connections. */
export async function ask(
  { request }: Control,
  app: RunningApp,
  patience: Patience,
): Promise<Seen | undefined> {
  const bytes = Buffer.from(request)
  const { requests } = requestsOf(request)
  const exchange = {
    actions: [{ do: 'send', bytes } as const],
    expectation: {
      closes: true,
      progress(received: string) {
        const { responses } = parseResponses(received, requests, { closed: false })
        return responses.at(-1)?.whole === true ? ('complete' as const) : ('incomplete' as const)
      },
    },
  }
  try {
    const { outcome } = await converse(exchange, app, 0, { patience })
    return see(outcome, bytes)
  } catch {
    return undefined
  }
}
