/**
 * A conversation with a server, and what it logs meanwhile.
 *
 * @module
 */

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE, play } from '../judge/exchange.ts'
import type { Exchange, Outcome, Patience } from '../judge/exchange.ts'
import { patiently } from '../patience.ts'
import { normaliseLog } from '../recordings/recording.ts'
import type { RunningApp } from '../targets/target.ts'

/** How long a server may take to come back from a case, in milliseconds. */
const BUSY_LIMIT = patiently(5000)

/**
 * How long to wait for a line that is missing from the log, in milliseconds, where a difference is
 * declared, or has been seen: it may be this line, which then never comes.
 */
export const LOG_LIMIT_IF_WRONG = 1000

/**
 * Hold a conversation, and read what the server logs meanwhile, if that can be read.
 *
 * @param logLimit - how long to wait for a missing line, in milliseconds
 */
export async function converse(
  exchange: Exchange,
  app: RunningApp,
  lines: number,
  {
    patience = PATIENCE,
    logLimit = PATIENCE.missing,
  }: { patience?: Patience; logLimit?: number } = {},
): Promise<{ outcome: Outcome; log: string | undefined }> {
  const start = app.log()?.length ?? 0
  let log: string | undefined
  // What was to be logged about a response that is wrong may never be.
  const readLog = (received: string) => {
    const right = exchange.expectation.progress(received) === 'complete'
    return logSince(app, start, lines, right ? logLimit : Math.min(logLimit, LOG_LIMIT_IF_WRONG))
  }
  const whileOpen = async (received: string) => {
    log = await readLog(received)
  }
  const outcome = await play(exchange, app, whileOpen, patience)
  if (log === undefined) {
    // After the close there may be more to log. A server that takes the next connection is done.
    await settled(app)
    log = await readLog(outcome.received)
  }
  return { outcome, log }
}

/** What has been logged since; waits for lines that are still missing. */
async function logSince(app: RunningApp, start: number, lines: number, limit: number) {
  const deadline = Date.now() + limit
  const soFar = () => app.log()?.slice(start)
  while (normaliseLog(soFar() ?? '').length < lines && Date.now() < deadline) {
    if (soFar() === undefined) {
      return undefined
    }
    await sleep(10)
  }
  // Wait a moment for an unexpected line.
  await sleep(20)
  return soFar()
}

/**
 * Wait until a server is done with the connections so far: one that takes them in order closes
 * an empty one only after them.
 *
 * @returns whether it is done, or still busy after a while, or no longer takes connections.
 */
export async function settled(app: RunningApp): Promise<'idle' | 'busy' | 'gone'> {
  return new Promise((resolve) => {
    const probe = connect({ host: app.host, port: app.port })
    const timer = setTimeout(() => {
      resolve('busy')
      probe.destroy()
    }, BUSY_LIMIT)
    let connected = false
    probe.on('connect', () => {
      connected = true
    })
    probe.on('error', () => {})
    probe.on('close', () => {
      clearTimeout(timer)
      resolve(connected ? 'idle' : 'gone')
    })
    probe.resume()
    probe.end()
  })
}
