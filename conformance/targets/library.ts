/**
 * This library as a target.
 *
 * @module
 */

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { targetProgram } from '../paths.ts'
import { particularsOf, startProgram } from './child.ts'
import { HANDLERS, SERVERS } from './handlers.ts'
import type { AppOptions, RunningApp, Target } from './target.ts'

export { InProcessTarget } from './in-process.ts'
export { POST } from './post-handler.ts'

/** The command line, compiled. */
export const COMMAND_LINE = join(dirname(fileURLToPath(import.meta.resolve('basehttp'))), 'cli.js')

/** The mixins of the library, which a target can have. */
type Mixin = 'async' | 'threads' | 'forks'

/** This library, each app in a process of its own: the log is then really standard error. */
export class BasehttpTarget implements Target {
  readonly name: string
  readonly deviations: readonly string[]
  readonly apps: ReadonlySet<string>
  readonly #program: string
  readonly #flags: readonly string[]

  /**
   * @param program - `basehttp.js`, or `oracle.js` for the servers as they were recorded
   * @param mixin - the server that each app has instead of its own
   */
  constructor(program: 'basehttp.js' | 'oracle.js' = 'basehttp.js', mixin?: Mixin) {
    this.name = mixin === undefined ? 'basehttp' : `basehttp:${mixin}`
    this.deviations = program === 'oracle.js' ? ['recordings', 'recordings-3.6'] : ['basehttp']
    this.#program = targetProgram(program)
    this.#flags = mixin === undefined ? [] : [`--${mixin}`]
    // The handlers, and the command line itself. An app that is about its server keeps it.
    const apps = Object.keys(HANDLERS)
    this.apps = new Set(
      mixin === undefined ? [...apps, 'files'] : apps.filter((app) => !(app in SERVERS)),
    )
  }

  start(app: string, { root = '.', port = 0 }: AppOptions = {}): Promise<RunningApp> {
    const name = `The app "${app}"`
    if (app === 'files') {
      const args = [String(port), '--bind', '127.0.0.1', '--directory', root]
      return startProgram({ name, command: [process.execPath, COMMAND_LINE, ...args] })
    }
    const command = [process.execPath, this.#program, app, String(port), root, ...this.#flags]
    return startProgram({ name, command, ipc: true, ...particularsOf(app) })
  }
}
