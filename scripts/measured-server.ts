/**
 * A server that runs in a process of its own, and what it costs, measured from outside: CPU time,
 * memory and descriptors come from `/proc`, so they are known on Linux only.
 *
 * Whatever is started here is killed when this process exits, and folders made here are removed, so
 * a program that fails half-way leaves nothing behind.
 *
 * @module
 */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Clock ticks are a hundredth of a second on every Linux that Node runs on. */
const TICKS = 100

/** The log lines that each request leaves; under load they would be too many to keep. */
const ACCESS = / (?:200|400|404|431) -$| code (?:400|404|431), /

// -- What is left at the end -----------------------------------------------------------------

const running = new Set<ChildProcess>()
const folders: string[] = []
process.on('exit', () => {
  for (const child of running) {
    child.kill('SIGKILL')
  }
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true })
  }
})
// Without this, a signal ends the process and not its servers.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1))
}

/** Kill a child with this process, at the latest. */
export function endWithThisProcess(child: ChildProcess): void {
  running.add(child)
  child.on('exit', () => running.delete(child))
}

/** Make a folder that lasts as long as this process. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `basehttp-${name}-`))
  folders.push(folder)
  return folder
}

// -- Cores -----------------------------------------------------------------------------------

let pins: boolean | undefined

/** Whether servers and load can be kept apart, each on a core of its own. */
export function canPin(): boolean {
  pins ??= availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0
  return pins
}

/** Put a command on a core. */
export function pinned(core: number, command: readonly string[]): string[] {
  return canPin() ? ['taskset', '-c', String(core), ...command] : [...command]
}

/** Put this process on the core that servers do not have. */
export function pinThisProcess(): void {
  if (canPin()) {
    spawnSync('taskset', ['-c', '-p', '1', String(process.pid)])
  }
}

// -- The server ------------------------------------------------------------------------------

/** How a server is started. */
export interface StartOptions {
  /** The file to which standard error is appended; without one it is kept for `log()`. */
  readonly logFile?: string | undefined
  /** Variables of the environment, on top of ours. */
  readonly env?: Readonly<Record<string, string>>
}

/** A server in a process of its own. */
export class MeasuredServer {
  readonly child: ChildProcess
  readonly port: number
  /** The exit code, or null; and the signal, or null. */
  readonly exited: Promise<[code: number | null, signal: NodeJS.Signals | null]>
  #lines = ''
  #lastLine = ''

  constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
    this.exited = once(child, 'exit') as typeof this.exited
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#lastLine + text).split('\n')
      this.#lastLine = lines.pop() as string
      const kept = lines.filter((line) => !ACCESS.test(line))
      this.#lines += kept.map((line) => `${line}\n`).join('')
    })
  }

  /**
   * Start a server that prints `port` and its number on standard output.
   *
   * @throws an Error when it ends before.
   */
  static async start(
    [program = '', ...args]: readonly string[],
    { logFile, env }: StartOptions = {},
  ): Promise<MeasuredServer> {
    const stderr = logFile === undefined ? 'pipe' : openSync(logFile, 'a')
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', stderr],
      env: { ...process.env, ...env },
    })
    endWithThisProcess(child)
    if (typeof stderr === 'number') {
      closeSync(stderr)
    }
    const banner = once(child.stdout as NodeJS.ReadableStream, 'data') as Promise<[Buffer]>
    const started = banner.then(([text]) => {
      return new MeasuredServer(child, Number(/port (\d+)/.exec(String(text))?.[1]))
    })
    const failed = once(child, 'exit').then(() => {
      throw new Error(`Cannot start ${child.spawnargs.join(' ')}`)
    })
    return Promise.race([started, failed])
  }

  get pid(): number {
    return this.child.pid as number
  }

  /** What it has written to standard error: whole lines, without those of each request. */
  log(): string {
    return this.#lines
  }

  /** CPU time of the process and its children so far, in seconds. */
  cpu(): number {
    return this.#processes().reduce((sum, pid) => sum + cpuOf(pid), 0)
  }

  /** Resident memory of the process and its children, in bytes. */
  memory(): number {
    return this.#processes().reduce((sum, pid) => sum + memoryOf(pid, 'VmRSS'), 0)
  }

  /** The most resident memory that the process itself has had, in bytes. */
  peakMemory(): number {
    return memoryOf(this.pid, 'VmHWM')
  }

  /** The number of descriptors of the process and its children. */
  descriptors(): number {
    return this.openFiles().length
  }

  /** What those descriptors lead to, as `readlink` names it. */
  openFiles(): string[] {
    return this.#processes().flatMap((pid) =>
      readdirSync(`/proc/${String(pid)}/fd`).map((fd) => {
        try {
          return readlinkSync(`/proc/${String(pid)}/fd/${fd}`)
        } catch {
          return 'closed meanwhile'
        }
      }),
    )
  }

  threads(): number {
    return readdirSync(`/proc/${String(this.pid)}/task`).length
  }

  children(): number {
    return this.#processes().length - 1
  }

  #processes(): number[] {
    return withDescendants(this.pid)
  }

  /** Kill it and its children, and wait until it is gone. */
  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      for (const pid of this.#processes().reverse()) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended by itself.
        }
      }
      await this.exited
    }
  }
}

// -- /proc -----------------------------------------------------------------------------------

/** A process and all that it has started, itself first. */
function withDescendants(pid: number): number[] {
  const children = read(pid, `task/${String(pid)}/children`)
  return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(withDescendants)]
}

function cpuOf(pid: number): number {
  const stat = read(pid, 'stat')
  // After the name, which may hold anything: state, then utime as the 12th and stime. The time of
  // children that have been waited for follows.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / TICKS
}

function memoryOf(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(read(pid, 'status'))?.[1] ?? 0) * 1024
}

/** A file of a process; empty once the process is gone. */
function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${name}`, 'latin1')
  } catch {
    return ''
  }
}
