/**
 * A server of the bench: any program that is told its port, pinned to a core where the system
 * allows.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithThisProcess, MeasuredServer, pinned } from '../measured-server.ts'

/** How long a server may take to listen, in milliseconds. */
const START_LIMIT = 15_000

/** A port that is free at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** What came back for one request. */
export interface Response {
  readonly status: number
  /** What `Content-Length` says; null without one. */
  readonly length: number | null
  readonly body: Buffer
}

export class ServerProcess extends MeasuredServer {
  /**
   * Start a server, and do not wait for it.
   *
   * @param command - its program and arguments, for a port
   * @param log - the file for its standard output and error
   */
  static async launch(
    command: (port: number) => readonly string[],
    log: string,
  ): Promise<ServerProcess> {
    const port = await freePort()
    const [program = '', ...args] = pinned(0, command(port))
    const file = openSync(log, 'a')
    const child = spawn(program, args, { stdio: ['ignore', file, file] })
    endWithThisProcess(child)
    closeSync(file)
    return new ServerProcess(child, port)
  }

  /**
   * Start a server and wait until it takes connections.
   *
   * @throws an Error when it does not.
   */
  static async startAndConnect(
    command: (port: number) => readonly string[],
    log: string,
  ): Promise<ServerProcess> {
    const server = await ServerProcess.launch(command, log)
    ;(await server.firstConnection()).destroy()
    return server
  }

  /**
   * Connect as soon as the server takes connections.
   *
   * @throws an Error when it does not.
   */
  async firstConnection(): Promise<Socket> {
    const deadline = Date.now() + START_LIMIT
    for (;;) {
      const socket = connect(this.port, '127.0.0.1')
      const connected = await new Promise<boolean>((resolve) => {
        socket.on('connect', () => {
          resolve(true)
        })
        socket.on('error', () => {
          resolve(false)
        })
      })
      if (connected) {
        return socket
      }
      if (this.child.exitCode !== null || Date.now() > deadline) {
        await this.stop()
        throw new Error(`Cannot start ${this.child.spawnargs.join(' ')}`)
      }
      await sleep(1)
    }
  }

  url(path: string): string {
    return `http://127.0.0.1:${String(this.port)}${path}`
  }

  /** Make one request, so that no server wins with a wrong response. */
  async ask(path: string, body?: Uint8Array): Promise<Response> {
    const response = await fetch(this.url(path), {
      headers: { Connection: 'close' },
      // A stream is sent in chunks.
      ...(body && { method: 'POST', body: new Blob([body]).stream(), duplex: 'half' }),
    })
    const length = response.headers.get('Content-Length')
    return {
      status: response.status,
      length: length === null ? null : Number(length),
      body: Buffer.from(await response.arrayBuffer()),
    }
  }

  /**
   * CPU time of the process so far, in seconds, to the microsecond: {@link cpu} counts in
   * hundredths. Threads that have ended and children are missing.
   */
  exactCpu(): number {
    const tasks = `/proc/${String(this.pid)}/task`
    const times = readdirSync(tasks).map((task) => {
      try {
        return Number(readFileSync(`${tasks}/${task}/schedstat`, 'latin1').split(' ')[0]) / 1e9
      } catch {
        // A thread that has ended meanwhile, or a kernel that does not keep these.
        return 0
      }
    })
    return times.reduce((sum, time) => sum + time, 0) || NaN
  }
}

/** A short name for some bytes. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}
