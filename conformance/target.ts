/**
 * Targets: what the suite can be run against.
 *
 * @module
 */

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { COMMAND_LINE, targetProgram } from './paths.ts'
import { HANDLERS } from './targets/handlers.ts'

/** What is asked of an app when it is started. */
export interface AppOptions {
  /** The directory to serve, for an app that serves files. */
  readonly root?: string
}

/** An app that runs. */
export interface RunningApp {
  readonly host: string
  readonly port: number
  /** How far its local time is ahead of UTC, in minutes; undefined if that is not known. */
  readonly utcOffset: number | undefined
  /** All that it has logged so far. */
  log(): string
  /** Whether it still runs. */
  alive(): boolean
  /** End it, and wait until it has ended. */
  stop(): Promise<void>
}

/** Anything that serves: it offers apps, and starts them. */
export interface Target {
  readonly name: string
  readonly apps: ReadonlySet<string>
  /**
   * Start an app on a free port.
   *
   * @throws an Error with what the app said, when it does not start.
   */
  start(app: string, options?: AppOptions): Promise<RunningApp>
}

/** Where the log's local time is kept: not at Greenwich, so that a server that logs UTC is found. */
const TIME_ZONE = { name: 'Etc/GMT+4', utcOffset: -4 * 60 }

/** How long an app may take to start, in milliseconds. */
const START_LIMIT = 15_000

/** This library, each app in a process of its own: the log is then really standard error. */
export class BasehttpTarget implements Target {
  readonly name = 'basehttp'
  /** The handlers, and the command line itself. */
  readonly apps = new Set([...Object.keys(HANDLERS), 'files'])
  readonly #program: string

  /** @param program - `basehttp.js`, or `oracle.js` for the servers as they were recorded */
  constructor(program: 'basehttp.js' | 'oracle.js' = 'basehttp.js') {
    this.#program = targetProgram(program)
  }

  async start(app: string, options: AppOptions = {}): Promise<RunningApp> {
    const { root = '.' } = options
    const [program, args] =
      app === 'files'
        ? [COMMAND_LINE, ['0', '--bind', '127.0.0.1', '--directory', root]]
        : [this.#program, [app, '0', root]]
    const child = fork(program, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, TZ: TIME_ZONE.name },
      execArgv: [],
    })
    return startChild(child, app)
  }
}

/** Wait for a child to print `READY <port>`, or what the command line prints. */
async function startChild(child: ChildProcess, app: string): Promise<RunningApp> {
  let output = ''
  let log = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const exited = once(child, 'exit')
  const port = await new Promise<number>((resolve, reject) => {
    const fail = (why: string) => {
      child.kill('SIGKILL')
      reject(new Error(`The app "${app}" ${why}\n${output}${log}`.trimEnd()))
    }
    const timer = setTimeout(() => {
      fail(`did not start within ${String(START_LIMIT / 1000)} s`)
    }, START_LIMIT)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      fail(`ended at its start (${String(code ?? signal)})`)
    })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const ready = /^(?:READY|Serving HTTP on 127\.0\.0\.1 port) ([0-9]+)(?: \.\.\.)?$/m.exec(
        output,
      )
      if (ready !== null) {
        clearTimeout(timer)
        resolve(Number(ready[1]))
      }
    })
  })
  const alive = () => child.exitCode === null && child.signalCode === null
  return {
    host: '127.0.0.1',
    port,
    utcOffset: TIME_ZONE.utcOffset,
    log: () => log,
    alive,
    async stop() {
      if (alive()) {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
        await exited
        clearTimeout(timer)
      }
    },
  }
}
