/**
 * What the programs of this folder share: the command line server, a client, and the verdict.
 *
 * @module
 */

import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { patiently } from '../../conformance/patience.ts'
import { MeasuredServer, temporaryFolder } from '../measured-server.ts'
import type { StartOptions } from '../measured-server.ts'

export const MiB = 1024 * 1024

// -- The server ------------------------------------------------------------------------------

const CLI = join(import.meta.dirname, '../../lib/cli.js')

/** Make a directory to serve; {@link SMALL} asks for the file in it. */
export function makeRoot(name: string): string {
  const root = temporaryFolder(name)
  writeFileSync(join(root, 'small'), 'x'.repeat(1000))
  return root
}

/**
 * Start the command line server.
 *
 * @param shell - what to do before, in the words of sh
 */
export function startCommandLine(
  root: string,
  { shell = '', ...options }: StartOptions & { readonly shell?: string } = {},
): Promise<MeasuredServer> {
  const command = [process.execPath, CLI, '0', '-b', '127.0.0.1', '-d', root, '-p', 'HTTP/1.1']
  return MeasuredServer.start(['sh', '-c', `${shell} exec "$0" "$@"`, ...command], options)
}

// -- The client ------------------------------------------------------------------------------

export const SMALL = 'GET /small HTTP/1.0\r\n\r\n'

/** Connect; an error ends the connection, and is otherwise ignored. */
export function dial({ port }: Pick<MeasuredServer, 'port'>): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  return socket
}

/** Read until the connection is closed. */
export async function readAll(socket: Socket): Promise<string> {
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk
  })
  await new Promise((resolve) => socket.on('close', resolve))
  return received
}

/** Send a text and read the response; `''` also for a connection that is refused. */
export async function ask(server: MeasuredServer, text = SMALL): Promise<string> {
  const socket = dial(server)
  socket.write(text)
  return readAll(socket)
}

/** Whether this is the response to {@link SMALL}, to the last byte. */
export function isWhole(response: string): boolean {
  return / 200 OK\r\n[^]*\r\n\r\nx{1000}$/.test(response)
}

// -- The verdict -----------------------------------------------------------------------------

const faults = new Set<string>()

/** Note a fault unless `ok`. */
export function check(ok: boolean, what: string): void {
  if (!ok) {
    faults.add(what)
  }
}

/** Say what was wrong, and end this process and the servers that are still running. */
export function finish(): never {
  for (const fault of faults) {
    console.error(`not ok: ${fault}`)
  }
  process.exit(faults.size === 0 ? 0 : 1)
}

/** Wait until something is so; false if it never was. */
export async function until(condition: () => boolean, seconds: number): Promise<boolean> {
  const end = performance.now() + patiently(seconds * 1000)
  while (!condition() && performance.now() < end) {
    await sleep(50)
  }
  return condition()
}

export function mib(bytes: number, digits = 0): string {
  return `${(bytes / MiB).toFixed(digits)} MiB`
}

/** The value that a fraction of the others do not exceed. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(fraction * (sorted.length - 1))] as number
}
