/**
 * Programs that the suite starts, and their end.
 *
 * A program started here is bounded: it must be ready in time, and when it is told to end it
 * has ten seconds before it is killed, with everything that it started. Whatever happens to
 * the suite, nothing is left running.
 *
 * @module
 */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { patiently } from '../patience.ts'
import type { RunningApp, Said } from './target.ts'

/** How long a program may take before it accepts connections, in milliseconds. */
export const START_LIMIT = Number(process.env.CONFORMANCE_START_LIMIT ?? patiently(30_000))

/** How long it may take to end, when told to. */
const STOP_LIMIT = patiently(10_000)

/** How much is kept of what a program says, in characters: an endless one cannot fill the memory. */
const LOG_LIMIT = 16 * 1024 * 1024

/** How much of it a message repeats. */
const LAST_WORDS = 2000

/** The time zone of the log: not UTC, so that a server that logs UTC is found. */
const TIME_ZONE = { name: 'Etc/GMT+4', utcOffset: -4 * 60 }

/** A program to be started. */
export interface Program {
  /** What it is called in messages. */
  readonly name: string
  /** The program and its arguments; or a line for the shell. */
  readonly command: readonly string[] | string
  /** What is added to the environment of the suite. */
  readonly env?: Readonly<Record<string, string>>
  /** Whether it speaks TLS. */
  readonly tls?: boolean
  /** Whether it is a Node that listens for the end of the suite, on its IPC channel. */
  readonly ipc?: boolean
  /** The port it was told; it may also print `READY <port>`, and must, when this is undefined. */
  readonly port?: number
  /** What is not trusted: it has no environment but `env`, and the word that it is ready is a secret. */
  readonly secret?: string
  /** Whether its input takes the names of signals, a line each, and it sends them on. */
  readonly relays?: boolean
}

/** What is particular about the process of an app: a zone with summer time, or its protocol. */
export function particularsOf(app: string): { env: Record<string, string>; tls: boolean } {
  return { env: app === 'clock' ? { TZ: 'Europe/Berlin' } : {}, tls: app === 'tls' }
}

/** How long it may take until the end of a program that is gone is known, in milliseconds. */
const END_MOMENT = patiently(500)

/** How long a port may still take connections when its server has ended, or been asked to, in milliseconds. */
const END_LIMIT = patiently(5000)

const groups = new Set<number>()

process.on('exit', () => {
  for (const group of groups) {
    kill(group, 'SIGKILL')
  }
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    // The rest is done on exit, above.
    process.exit(130)
  })
}

/** Send a signal to a program and everything that it started. */
function kill(group: number, signal: NodeJS.Signals): void {
  if (process.platform === 'win32') {
    // There are no groups, and no signal that a program could heed.
    spawnSync('taskkill', ['/T', '/F', '/PID', String(group)], { stdio: 'ignore' })
    return
  }
  try {
    process.kill(-group, signal)
  } catch {
    // They have all ended.
  }
}

/**
 * Start a program, and wait until it takes connections.
 *
 * @throws an Error with what the program said, when it ends or is not ready in time.
 */
export async function startProgram(program: Program): Promise<RunningApp> {
  const { name, env = {} } = program
  const { child, output, closed, stop } = begin(program)
  try {
    const port = await readyPort(program, child, output)
    const alive = () => child.exitCode === null && child.signalCode === null
    return {
      host: '127.0.0.1',
      port,
      tls: program.tls === true,
      processGroup: child.pid,
      utcOffset: env.TZ === 'UTC' ? 0 : TIME_ZONE.utcOffset,
      log: () => output.log,
      said: () => output.said,
      alive,
      async ending() {
        await Promise.race([closed, sleep(END_MOMENT)])
        return alive() ? undefined : statusOf(child.exitCode, child.signalCode)
      },
      ...(program.relays === true && {
        sigterm() {
          child.stdin?.write('TERM\n')
          return refuses(port)
        },
      }),
      async stop() {
        await stop()
        // What it started may end a moment later.
        if (!(await refuses(port))) {
          throw new Error(
            `${name} has ended, and port ${String(port)} still takes connections: ` +
              'the port is not its own, and another server was judged',
          )
        }
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Wait until a port takes no more connections; tell whether it came to that. */
async function refuses(port: number): Promise<boolean> {
  const deadline = Date.now() + END_LIMIT
  while (await takesConnections(port)) {
    if (Date.now() >= deadline) {
      return false
    }
    await sleep(20)
  }
  return true
}

/** How many ports are tried, if somebody else is quicker each time. */
const PORTS = 3

/** How long a program that finds its port taken may take to end, in milliseconds. */
const TAKEN_MOMENT = patiently(100)

/**
 * Start a program that must be told its port; on another one, if somebody else took the first between
 * the choice and its start. That somebody would be judged in its place.
 *
 * @param programOn - the program on a port
 * @param port - the only port, if it cannot be chosen
 */
export async function startOnPort(
  programOn: (port: number) => Program,
  port?: number,
): Promise<RunningApp> {
  for (let left = port === undefined ? PORTS : 1; ; left--) {
    const chosen = port ?? (await freePort())
    const app = await startProgram(programOn(chosen)).catch((error: unknown) => error as Error)
    const failed = app instanceof Error
    if (!failed) {
      await sleep(TAKEN_MOMENT)
    }
    const gone = failed || !app.alive()
    if (gone && left > 1 && (await takesConnections(chosen))) {
      // Its end, with a port that still takes connections, is an error to anybody else.
      await (failed ? undefined : app.stop().catch(() => {}))
      continue
    }
    if (failed) {
      throw app
    }
    return app
  }
}

/**
 * Run a program to its end.
 *
 * @returns what it wrote to standard output.
 * @throws an Error with what it said, when it fails, or does not end in time.
 */
export async function runProgram(program: Program): Promise<string> {
  const { child, output, stop } = begin(program)
  let late = ''
  const timer = setTimeout(() => {
    late = `did not end within ${String(START_LIMIT / 1000)} s`
    void stop('SIGKILL')
  }, START_LIMIT)
  let failure: string
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    failure = code === 0 ? '' : late || `ended with ${statusOf(code, signal)}`
  } catch (error) {
    failure = `cannot be started: ${(error as Error).message}`
  }
  clearTimeout(timer)
  await stop('SIGKILL')
  if (failure !== '') {
    throw new Error(`${program.name} ${failure}${lastWords(output)}`)
  }
  return output.text
}

/** Start a program in a group of its own, so that its children can be ended with it. */
function begin({ command, env = {}, ipc = false, secret }: Program) {
  const [file, ...args] = typeof command === 'string' ? [command] : command
  const child = spawn(file as string, args, {
    // The end of its input tells what is not trusted, and has no channel, of the end of the suite.
    stdio: [
      secret === undefined ? 'ignore' : 'pipe',
      'pipe',
      'pipe',
      ...(ipc ? (['ipc'] as const) : []),
    ],
    env: { ...(secret === undefined ? process.env : {}), TZ: TIME_ZONE.name, ...env },
    shell: typeof command === 'string',
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  child.stdin?.on('error', () => {})
  const exited = once(child, 'exit').catch(() => {})
  // After the exit there may be more to read.
  const closed = once(child, 'close').catch(() => {})
  const { pid } = child
  if (pid !== undefined) {
    groups.add(pid)
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (pid === undefined || !groups.delete(pid)) {
      return
    }
    kill(pid, signal)
    const timer = setTimeout(kill, STOP_LIMIT, pid, 'SIGKILL')
    await exited
    clearTimeout(timer)
    // The program has ended; what it started may not have.
    kill(pid, 'SIGKILL')
  }
  return { child, output: collect(child), closed, stop }
}

/** How a program ended, in words. */
function statusOf(code: number | null, signal: string | null): string {
  // A shell between tells a signal by its number.
  const [name] = Object.entries(constants.signals).find(([, n]) => n === Number(code) - 128) ?? []
  return code === null ? String(signal) : (name ?? `status ${String(code)}`)
}

/** What a program has said so far. */
interface Output {
  /** On standard output. */
  text: string
  /** On standard error. */
  log: string
  /** On both, in the order in which it came. */
  readonly said: Said[]
}

function collect(child: ChildProcess): Output {
  const output: Output = { text: '', log: '', said: [] }
  const hear = (stream: Said['stream'], key: 'text' | 'log') => {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      if (output[key].length < LOG_LIMIT) {
        output[key] += text
        output.said.push({ stream, text })
      }
    })
  }
  hear('stdout', 'text')
  hear('stderr', 'log')
  return output
}

/** The end of what a program said, on both streams, below the line that tells of its own end. */
function lastWords({ said }: Output): string {
  const text = said.map((piece) => piece.text).join('')
  return `\n${text}`.trimEnd().slice(-LAST_WORDS)
}

// -- Readiness -------------------------------------------------------------------------------

/** The line that says a server is ready: of a program of `targets/`, or of the command line. */
const READY = /^(?:READY|Serving HTTP on \S+ port) ([0-9]+)\b/m

/** How long its first request may go on after a server has said that it is ready, in milliseconds. */
const READY_MOMENT = patiently(1000)

/** What a server is sent that does not say when it is ready. */
const FIRST_REQUEST = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'

/**
 * Wait for `READY <port>`, or until the port that the program was told takes a request.
 *
 * A program that says so is believed, and not disturbed: a server may count its connections. Any
 * other gets a whole request, because a mere connection ends some servers of beginners.
 */
async function readyPort(program: Program, child: ChildProcess, output: Output): Promise<number> {
  const deadline = Date.now() + START_LIMIT
  const { port, secret } = program
  const said = secret === undefined ? READY : new RegExp(`^${secret} ([0-9]+)$`, 'm')
  let first = port === undefined ? undefined : firstRequest(port)
  let failure: string | undefined
  child.once('error', (error) => {
    failure = `cannot be started: ${error.message}`
  })
  child.once('exit', (code, signal) => {
    const when = first?.sent === true ? 'when it got its first request, GET /' : 'at its start'
    failure = `ended ${when} (${statusOf(code, signal)})`
  })
  let moment = deadline
  try {
    for (;;) {
      const ready = said.exec(output.text)
      if (failure !== undefined || first?.over === true) {
        // What it said last, or that the request was its end, may still be on the way.
        await sleep(50)
      }
      if (failure !== undefined) {
        throw new Error(`${program.name} ${failure}${lastWords(output)}`)
      }
      // If it says so while its first request is under way, what it logs of that comes first.
      if (ready !== null && (first?.sent !== true || first.over || Date.now() > moment)) {
        return Number(ready[1])
      }
      moment = ready === null ? Date.now() + READY_MOMENT : moment
      if (port !== undefined && first?.over === true) {
        if (first.sent) {
          return port
        }
        first = firstRequest(port)
      }
      if (Date.now() > deadline) {
        const seconds = String(START_LIMIT / 1000)
        const but = first?.sent === true ? '; its port takes GET /, and there is no response' : ''
        throw new Error(
          `${program.name} did not start within ${seconds} s${but}${lastWords(output)}`,
        )
      }
      await sleep(10)
    }
  } finally {
    first?.leave()
  }
}

/** Try to send a whole request: whether it was, and whether the response, or the attempt, is over. */
function firstRequest(port: number): { sent: boolean; over: boolean; leave(): void } {
  const socket = connect({ host: '127.0.0.1', port })
  const state = { sent: false, over: false, leave: () => void socket.destroy() }
  socket.on('connect', () => {
    state.sent = true
    socket.write(FIRST_REQUEST)
  })
  // A response that does not end is one, too.
  socket.once('data', () => setTimeout(state.leave, 1000).unref())
  socket.resume()
  socket.on('error', () => {})
  socket.on('close', () => {
    state.over = true
  })
  return state
}

/** Whether anybody listens on a port. */
export function takesConnections(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ host, port })
    const timer = setTimeout(() => {
      resolve(false)
      probe.destroy()
    }, 1000)
    probe.on('connect', () => {
      resolve(true)
      probe.destroy()
    })
    probe.on('error', () => {
      resolve(false)
    })
    probe.on('close', () => {
      clearTimeout(timer)
    })
  })
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    // Below the ports that systems give to outgoing connections: nobody gets it by chance.
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = createServer()
    try {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
