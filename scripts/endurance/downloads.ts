/**
 * `npm run downloads`: what large downloads cost the command line server. Linux only.
 *
 * One download of 1 GiB, 500 of 10 MiB at once, 500 whose client goes away half-way. All bytes are
 * compared; memory and descriptors are the server's own, from `/proc`.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { temporaryFolder } from '../measured-server.ts'
import { finish, mib, MiB, startCommandLine } from './trial.ts'

const CLIENTS = 500

const root = temporaryFolder('downloads')
const small = makeFile('small', 10)
const large = makeFile('large', 1024)
const server = await startCommandLine(root, { logFile: '/dev/null' })
console.log(`at the start          ${status()}`)
await measure('1 GiB, one client', () => download('large', large))
await measure(`10 MiB, ${String(CLIENTS)} clients`, () => atOnce(() => download('small', small)))
await measure(`10 MiB, ${String(CLIENTS)} that leave`, () => atOnce(leave))
finish()

async function atOnce(client: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: CLIENTS }, client))
}

/** Make a file of noise; returns its hash. */
function makeFile(name: string, size: number): string {
  const hash = createHash('sha256')
  const descriptor = openSync(join(root, name), 'w')
  for (let count = 0; count < size; count++) {
    const block = randomBytes(MiB)
    hash.update(block)
    writeSync(descriptor, block)
  }
  closeSync(descriptor)
  return hash.digest('hex')
}

async function download(name: string, expected: string): Promise<void> {
  const dispatcher = new Agent()
  const { body } = await request(`http://127.0.0.1:${String(server.port)}/${name}`, { dispatcher })
  const hash = createHash('sha256')
  for await (const chunk of body) {
    hash.update(chunk as Buffer)
  }
  await dispatcher.destroy()
  if (hash.digest('hex') !== expected) {
    throw new Error(`A download of ${name} differs from the file`)
  }
}

async function leave(): Promise<void> {
  const dispatcher = new Agent()
  const { body } = await request(`http://127.0.0.1:${String(server.port)}/small`, { dispatcher })
  await once(body, 'readable')
  body.on('error', () => {})
  await dispatcher.destroy()
}

async function measure(what: string, work: () => Promise<void>): Promise<void> {
  const start = performance.now()
  await work()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  // The server has a second to let go of the last client.
  await sleep(1000)
  console.log(`${what.padEnd(21)} ${status()}  ${seconds} s`)
}

/** The server's memory and descriptors. */
function status(): string {
  return (
    `memory ${mib(server.memory())}, at most ${mib(server.peakMemory())}; ` +
    `descriptors ${String(server.descriptors())}`
  )
}
