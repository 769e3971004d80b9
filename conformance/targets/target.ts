/**
 * Targets: what the suite can be run against.
 *
 * ```text
 *   basehttp              this library, each app in a process of its own
 *   basehttp:async        this library with a mixin, and so :threads and :forks
 *   basehttp:in-process   this library, in the process of the suite
 *   cpython[:WHICH]       a real Python: a path, a program on PATH, or a version such as 3.13
 *   ./module.ts           what a student has written; see README.md for what it exports
 *   url:http://HOST:PORT  a server that runs already
 *   cmd:LINE              any program; {app}, {port} and {root} stand for what they say
 * ```
 *
 * @module
 */

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { particularsOf, runProgram, startOnPort, startProgram, takesConnections } from './child.ts'
import { COMMAND, TARGETS, targetProgram } from '../paths.ts'
import { findPython, minor } from './python.ts'
import type { Python } from './python.ts'

/** What is asked of an app when it is started. */
export interface AppOptions {
  /** The directory to serve, for an app that serves files. */
  readonly root?: string
  /** The port to listen on; any that is free, if left out. */
  readonly port?: number
}

/** Something that a target said, as it came. */
export interface Said {
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** An app that runs. */
export interface RunningApp {
  readonly host: string
  /** Whether it speaks TLS; its certificate is nobody's business here. */
  readonly tls?: boolean
  readonly port: number
  /** The group of the processes of a program that the suite has started. */
  readonly processGroup?: number | undefined
  /** How far its local time is ahead of UTC, in minutes; undefined if that is not known. */
  readonly utcOffset: number | undefined
  /** All that it has logged so far; undefined if that cannot be read. */
  log(): string | undefined
  /** All that it has said so far; nothing if that cannot be read. */
  said(): readonly Said[]
  /** Whether it still runs. */
  alive(): boolean
  /**
   * Tell how it has ended, such as `status 7`, once its last words are there.
   *
   * @returns undefined if it has not, or nobody can know.
   */
  ending(): Promise<string | undefined>
  /**
   * Send its process, and no other of its group, SIGTERM; then wait until it takes no more connections.
   * Left out where nobody can do that.
   *
   * @returns whether it came to that within a few seconds.
   */
  sigterm?(): Promise<boolean>
  /**
   * End it, and wait until it has ended.
   *
   * @throws an Error when its port still takes connections: then it was never its own.
   */
  stop(): Promise<void>
}

/** Anything that serves: it offers apps, and starts them. */
export interface Target {
  readonly name: string
  readonly apps: ReadonlySet<string>
  /** The version of its Python, such as `3.13.0`, if it is one. */
  readonly version?: string
  /**
   * Where its deviations are declared: files under `deviations/`, without `.json`. Only this
   * library and CPython have some; whatever others call themselves, they inherit none.
   */
  readonly deviations?: string | readonly string[]
  /** How many of its servers run side by side; 16, if left out. */
  readonly lanes?: number
  /**
   * Start an app.
   *
   * @throws an Error with what the app said, when it does not start.
   */
  start(app: string, options?: AppOptions): Promise<RunningApp>
}

/** A target, and what it can be compared with. */
export interface Chosen {
  readonly target: Target
  /** The servers for the recordings, where they are not the target's own. */
  readonly recorded: Target
  /** The recordings that are replayed unless a flag says otherwise. */
  readonly recordings: '3.13' | '3.6' | 'none'
}

/** A `--target` that cannot be understood. */
export class TargetError extends Error {
  override readonly name = 'TargetError'
}

/**
 * Find the target that a command line names.
 *
 * @param spec - as at the top of this file
 * @param apps - what the server offers, where it cannot be asked: the values of `--app`
 * @param port - where a program listens that does not take its port
 * @throws {@link TargetError} when there is no such target; an Error when it does not say what it
 * offers.
 */
export async function chooseTarget(
  spec: string,
  apps: readonly string[],
  port?: number,
): Promise<Chosen> {
  const [kind, rest] = /^(basehttp|cpython|url|cmd)(?::(.*))?$/s.exec(spec)?.slice(1) ?? ['']
  if ((kind === 'url' || kind === 'cmd') !== apps.length > 0) {
    throw new TargetError(
      apps.length > 0
        ? `"${spec}" tells its apps itself: leave --app out`
        : `Say which app "${spec}" serves: --app NAME; --list-apps tells their names`,
    )
  }
  switch (kind ?? '') {
    case 'basehttp': {
      const { BasehttpTarget, InProcessTarget } = await library(spec)
      if (rest === 'in-process') {
        return alone(new InProcessTarget())
      }
      if (rest === undefined || rest === 'async' || rest === 'threads' || rest === 'forks') {
        const recorded = new BasehttpTarget('oracle.js', rest)
        return { target: new BasehttpTarget('basehttp.js', rest), recorded, recordings: '3.13' }
      }
      break
    }
    case 'cpython':
      return cpython(rest ?? 'python3')
    case 'url':
      return alone(await urlTarget(rest ?? '', apps))
    case 'cmd':
      return alone(commandTarget(rest ?? '', apps, port))
    default:
      if (/\.[cm]?[jt]s$/.test(spec)) {
        return alone(await moduleTarget(spec))
      }
  }
  const known =
    'basehttp, basehttp:async, :threads, :forks and :in-process, cpython, cpython:WHICH, url:, cmd:, or a module'
  throw new TargetError(`There is no target "${spec}"; there are ${known} (./server.ts)`)
}

/**
 * What is judged as `basehttp`. It is loaded only then: the package of the suite does without it, and
 * whoever judges his own server need not install another.
 *
 * @throws {@link TargetError} when it is not installed.
 */
export async function library(spec: string) {
  try {
    return await import('./library.ts')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') {
      throw error
    }
    throw new TargetError(
      `The target "${spec}" needs the package basehttp: npm install basehttp; or name a server, ` +
        `as in ${COMMAND} http://127.0.0.1:3000`,
    )
  }
}

/** A target that serves the recordings, too, if it is asked to. */
function alone(target: Target): Chosen {
  return { target, recorded: target, recordings: 'none' }
}

// -- CPython ---------------------------------------------------------------------------------

async function cpython(which: string): Promise<Chosen> {
  const python = findPython(which)
  if (python === undefined) {
    throw new Error(`There is no Python "${which}" on this machine`)
  }
  const target = await CPythonTarget.of(python)
  const version = minor(python.version)
  // A Python is held to its own responses. Another version differs, and may.
  const recordings = version === '3.13' || version === '3.6' ? version : 'none'
  return { target, recorded: target, recordings }
}

/** A real CPython, which runs `targets/cpython.py`. */
export class CPythonTarget implements Target {
  readonly name: string
  readonly version: string
  readonly deviations = 'cpython'
  readonly apps: ReadonlySet<string>
  readonly #command: readonly string[]
  readonly #env: Readonly<Record<string, string>>

  /** Ask a Python which apps it can serve. */
  static async of(python: Python, env: Record<string, string> = {}): Promise<CPythonTarget> {
    // Unbuffered, and with a fixed order of sets.
    const command = [python.path, '-u', '-W', 'ignore', `${TARGETS}/cpython.py`]
    const apps = await runProgram({ name: `Python ${python.version}`, command })
    return new CPythonTarget(python.version, command, new Set(apps.trim().split(' ')), env)
  }

  private constructor(
    version: string,
    command: readonly string[],
    apps: ReadonlySet<string>,
    env: Readonly<Record<string, string>>,
  ) {
    this.name = `cpython ${version}`
    this.version = version
    this.apps = apps
    this.#command = command
    this.#env = { LC_ALL: 'C.UTF-8', PYTHONHASHSEED: '0', ...env }
  }

  start(app: string, { root = '.', port = 0 }: AppOptions = {}): Promise<RunningApp> {
    const { env, tls } = particularsOf(app)
    return startProgram({
      name: `The app "${app}" of Python ${this.version}`,
      command: [...this.#command, app, String(port), root],
      env: { ...this.#env, ...env },
      tls,
    })
  }
}

// -- Targets made by others ------------------------------------------------------------------

async function moduleTarget(spec: string): Promise<Target> {
  const path = resolve(spec)
  if (!existsSync(path)) {
    throw new TargetError(`There is no module "${spec}"`)
  }
  // An error tells the line of the module as it was written.
  const command = [process.execPath, '--enable-source-maps', targetProgram('module.js'), path]
  const said = await runProgram({ name: spec, command })
  const apps = /^APPS (.+)$/m.exec(said)?.[1]
  if (apps === undefined) {
    throw new Error(`${spec} ended before it said what it exports\n${said}`.trimEnd())
  }
  return {
    name: spec,
    apps: new Set(apps.split(' ')),
    start: (app, { root = '.', port = 0 } = {}) =>
      startProgram({
        name: `The app "${app}" of ${spec}`,
        command: [...command, app, String(port), root],
        ipc: true,
        ...particularsOf(app),
      }),
  }
}

async function urlTarget(text: string, apps: readonly string[]): Promise<Target> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const tls = url?.protocol === 'https:'
  if (url === undefined || !(tls || url.protocol === 'http:') || url.pathname !== '/') {
    throw new TargetError(
      `"url:${text}" is not a valid server; write for example url:http://127.0.0.1:8080`,
    )
  }
  const running: RunningApp = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || (tls ? 443 : 80)),
    tls,
    utcOffset: undefined,
    log: () => undefined,
    said: () => [],
    alive: () => true,
    ending: () => Promise.resolve(undefined),
    stop: () => Promise.resolve(),
  }
  const start = async () => {
    if (await takesConnections(running.port, running.host)) {
      return running
    }
    throw new Error(`Cannot connect to ${text}: nobody listens there`)
  }
  await start()
  return { name: text, apps: new Set(apps), lanes: 1, start }
}

function commandTarget(line: string, apps: readonly string[], fixed?: number): Target {
  if (!line.includes('{port}') && fixed === undefined) {
    throw new TargetError(
      `"cmd:${line}" must take its port, as in cmd:'java Server {port}', or have one: --port 4221`,
    )
  }
  return {
    name: line,
    apps: new Set(apps),
    ...(fixed === undefined ? {} : { lanes: 1 }),
    start: (app, { root = '.', port: wished } = {}) =>
      startOnPort((port) => {
        const words: Record<string, string> = { app, port: String(port), root }
        const command = line.replace(/\{(app|port|root)\}/g, (_, word: string) => words[word] ?? '')
        return { name: `"${command}"`, command, port }
      }, fixed ?? wished),
  }
}
