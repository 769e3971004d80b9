/**
 * A server that runs in a process of its own, pinned to a core where the system allows, and what
 * it has cost. CPU time and memory come from `/proc`, so they are known on Linux only.
 *
 * @module
 */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long a server may take to listen, in milliseconds. */
const START_LIMIT = 15_000

/** Whether servers and load can be kept apart, each on a core of its own. */
export const PINNED =
  availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0

/** Put a command on a core. */
export function pinned(core: number, command: readonly string[]): string[] {
  return PINNED ? ['taskset', '-c', String(core), ...command] : [...command]
}

/** A port that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** What came back for one request. */
export interface Answer {
  readonly status: number
  /** What `Content-Length` says; null without one. */
  readonly length: number | null
  readonly body: Buffer
}

export class ServerProcess {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  /**
   * Start a server, and do not wait for it.
   *
   * @param command - its program and arguments, for a port
   * @param log - the file behind its standard output and error
   */
  static async launch(
    command: (port: number) => readonly string[],
    log: string,
  ): Promise<ServerProcess> {
    const port = await freePort()
    const [program = '', ...args] = pinned(0, command(port))
    const file = openSync(log, 'a')
    const child = spawn(program, args, { stdio: ['ignore', file, file] })
    closeSync(file)
    return new ServerProcess(child, port)
  }

  /**
   * Start a server and wait until it takes connections.
   *
   * @throws an Error when it does not.
   */
  static async start(
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
      if (this.#child.exitCode !== null || Date.now() > deadline) {
        await this.stop()
        throw new Error(`Cannot start ${this.#child.spawnargs.join(' ')}`)
      }
      await sleep(1)
    }
  }

  url(path: string): string {
    return `http://127.0.0.1:${String(this.port)}${path}`
  }

  /** Ask once, so that nobody wins by answering wrongly. */
  async ask(path: string): Promise<Answer> {
    const response = await fetch(this.url(path), { headers: { Connection: 'close' } })
    const length = response.headers.get('Content-Length')
    return {
      status: response.status,
      length: length === null ? null : Number(length),
      body: Buffer.from(await response.arrayBuffer()),
    }
  }

  /** CPU time of the process and its children so far, in seconds. */
  cpu(): number {
    return descendants(this.#pid).reduce((sum, pid) => sum + cpuOf(pid), 0)
  }

  /**
   * CPU time of the process so far, in seconds, to the microsecond: {@link cpu} counts in
   * hundredths. Threads that have ended and children are missing.
   */
  exactCpu(): number {
    const tasks = `/proc/${String(this.#pid)}/task`
    try {
      return readdirSync(tasks).reduce((sum, task) => {
        const [time = ''] = readFileSync(`${tasks}/${task}/schedstat`, 'latin1').split(' ')
        return sum + Number(time) / 1e9
      }, 0)
    } catch {
      // Not every kernel keeps these.
      return NaN
    }
  }

  /** Resident memory of the process and its children, in bytes. */
  memory(): number {
    return descendants(this.#pid).reduce((sum, pid) => sum + memoryOf(pid), 0)
  }

  get #pid(): number {
    return this.#child.pid as number
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit')
      for (const pid of descendants(this.#pid).reverse()) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended by itself.
        }
      }
      await exited
    }
  }
}

/** A process and all that it has started, itself first. */
function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
    return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(descendants)]
  } catch {
    return [pid]
  }
}

/** Clock ticks are a hundredth of a second on every Linux that Node runs on. */
const TICKS = 100

function cpuOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    // Behind the name, which may hold anything: state, then utime as the 12th and stime. The time
    // of children that have been waited for follows.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / TICKS
  } catch {
    return 0
  }
}

function memoryOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** A short name for some bytes. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}
