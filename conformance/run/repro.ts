/**
 * A failure again, by hand: a line for the shell that sends the same bytes, and the app, kept running.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Action, Exchange } from '../judge/exchange.ts'
import type { Case } from '../judge/page.ts'
import type { ReplayCase } from '../recordings/recording.ts'
import { COMMAND } from '../paths.ts'
import { takesConnections } from '../targets/child.ts'
import type { Chosen, RunningApp } from '../targets/target.ts'

/** Keep an app running, so that the bytes of its cases can be sent by hand. */
export async function serveForRepro(
  { target, recorded }: Chosen,
  pages: readonly Case[],
  recordings: readonly ReplayCase[],
  root: string,
  port: number,
): Promise<number> {
  const cases = [...pages, ...recordings]
  const apps = new Set(cases.map((one) => ('app' in one ? one.app : one.server)))
  const [app] = apps
  if (app === undefined || apps.size > 1) {
    console.error(`These cases need the apps ${[...apps].join(', ')}; choose cases of one: --only`)
    return 2
  }
  if (port !== 0 && (await takesConnections(port))) {
    console.error(`Port ${String(port)} is in use: another server listens there`)
    return 3
  }
  let running
  try {
    running = await (pages.length > 0 ? target : recorded).start(app, { root, port })
  } catch (error) {
    console.error((error as Error).message)
    return 3
  }
  return keepRunning(cases, running)
}

/** Print the line that sends the bytes of each case to an app, and wait for its end. */
export async function keepRunning(
  cases: readonly (Exchange & { readonly id: string })[],
  running: RunningApp,
): Promise<number> {
  for (const one of cases) {
    console.log(`# ${one.id}\n${repro(one, running.port, running.host)}`)
  }
  console.log('# until Ctrl-C')
  while (running.alive()) {
    await sleep(100)
  }
  console.error(`The app has ended\n${running.log() ?? ''}`.trimEnd())
  return 3
}

/** All that a case sends. */
export function sentBytes(one: Exchange): Buffer {
  return Buffer.concat(
    one.actions.flatMap((action) => (action.do === 'send' ? [action.bytes] : [])),
  )
}

/** A shell line that sends the same bytes, with the same pauses, to a running app. */
export function repro(
  one: Exchange & { readonly id: string; readonly app?: string | undefined },
  port: number,
  host = '127.0.0.1',
): string {
  // nc has one connection at a time, and cannot reset it: then it is the suite that plays it again.
  if (one.actions.some(({ do: what }) => BEYOND_NC.includes(what))) {
    const app = one.app === undefined ? '' : ` --app ${one.app}`
    const server = `--target url:http://${host}:${String(port)}${app}`
    return `${COMMAND} ${server} --only ${one.id} --verbose`
  }
  const connections: Action[][] = [[]]
  for (const action of one.actions) {
    if (action.do === 'connect-again') {
      connections.push([])
    } else {
      connections.at(-1)?.push(action)
    }
  }
  return connections.map((actions) => `${sender(actions)} | nc ${host} ${String(port)}`).join('; ')
}

const BEYOND_NC: readonly Action['do'][] = ['line', 'leave', 'reset', 'new']

function sender(actions: readonly Action[]): string {
  const steps = actions.flatMap((action) => {
    switch (action.do) {
      case 'send':
        return [`printf '${forPrintf(action.bytes)}'`]
      case 'pause':
      case 'silence':
        return [`sleep ${String(action.ms / 1000)}`]
      case 'wait-for':
      case 'wait-for-responses':
        // A shell cannot look at the response; half a second is enough for any that comes.
        return ['sleep 0.5']
      case 'half-close':
      case 'connect-again':
      case 'line':
      case 'leave':
      case 'reset':
      case 'new':
      case 'go-on':
      case 'act':
        return []
    }
  })
  return steps.length === 1 ? steps.join() : `(${steps.join('; ')})`
}

/** Bytes as the format of a printf(1) within single quotes. */
function forPrintf(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[\\%]/g, (character) => character.repeat(2))
    .replace(/^-|[^\x20-\x26\x28-\x7e]/g, (character) => {
      const short: Record<string, string> = { '\r': '\\r', '\n': '\\n', '\t': '\\t' }
      return short[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
    })
}
