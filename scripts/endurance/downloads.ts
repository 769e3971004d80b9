/**
 * `npm run downloads`: what large downloads cost the command line server. Linux only.
 *
 * One download of 1 GiB, 500 of 10 MiB at once, 500 whose client goes away half-way. All bytes are
 * compared; memory and descriptors are the server's own, from `/proc`.
 *
 * @module
 */

import { fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { closeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

const MiB = 1024 * 1024
const CLIENTS = 500

const root = mkdtempSync(join(tmpdir(), 'basehttp-downloads-'))
const server = fork(
  join(import.meta.dirname, '../../lib/cli.js'),
  ['0', '-b', '127.0.0.1', '-d', root, '-p', 'HTTP/1.1'],
  { stdio: ['ignore', 'pipe', 'ignore', 'ipc'] },
)
try {
  const [banner] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const port = Number(/port (\d+)/.exec(banner.toString())?.[1])
  const small = makeFile('small', 10)
  const large = makeFile('large', 1024)
  console.log(`at the start          ${status()}`)
  await measure('1 GiB, one client', async () => {
    await download(port, 'large', large)
  })
  await measure(`10 MiB, ${String(CLIENTS)} clients`, async () => {
    await Promise.all(Array.from({ length: CLIENTS }, () => download(port, 'small', small)))
  })
  await measure(`10 MiB, ${String(CLIENTS)} that leave`, async () => {
    await Promise.all(Array.from({ length: CLIENTS }, () => leave(port)))
  })
} finally {
  server.kill('SIGKILL')
  rmSync(root, { recursive: true })
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

async function download(port: number, name: string, expected: string): Promise<void> {
  const dispatcher = new Agent()
  const { body } = await request(`http://127.0.0.1:${String(port)}/${name}`, { dispatcher })
  const hash = createHash('sha256')
  for await (const chunk of body) {
    hash.update(chunk as Buffer)
  }
  await dispatcher.destroy()
  if (hash.digest('hex') !== expected) {
    throw new Error(`A download of ${name} differs from the file`)
  }
}

async function leave(port: number): Promise<void> {
  const dispatcher = new Agent()
  const { body } = await request(`http://127.0.0.1:${String(port)}/small`, { dispatcher })
  await once(body, 'readable')
  body.on('error', () => {})
  await dispatcher.destroy()
}

async function measure(what: string, work: () => Promise<void>): Promise<void> {
  const start = performance.now()
  await work()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  // What the server does when the last client is gone.
  await sleep(1000)
  console.log(`${what.padEnd(21)} ${status()}  ${seconds} s`)
}

/** The server's memory and descriptors. */
function status(): string {
  const proc = `/proc/${String(server.pid)}`
  const text = readFileSync(`${proc}/status`, 'utf8')
  const inMiB = (name: string) =>
    `${(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) / 1024).toFixed(0)} MiB`
  const descriptors = readdirSync(`${proc}/fd`).length
  return `memory ${inMiB('VmRSS')}, at most ${inMiB('VmHWM')}; descriptors ${String(descriptors)}`
}
