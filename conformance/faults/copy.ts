/**
 * A copy of the compiled project, in which something can be broken and the suite be run.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TOP } from '../paths.ts'

/** The result of a run of the suite. */
export interface Run {
  /** The exit status; null if the run was cut short. */
  readonly status: number | null
  /** Whether it took longer than it may. */
  readonly hung: boolean
  /** The cases that were selected. */
  readonly cases: readonly string[]
  /** Those that did not pass, whatever their level. */
  readonly failed: readonly string[]
  /** All that was printed. */
  readonly output: string
}

/** Ends the process, and so removes its copies. */
const end = () => {
  process.exit(130)
}

/** A copy, in a folder of its own. */
export class Copy {
  /** The folder. */
  readonly top = mkdtempSync(join(tmpdir(), 'basehttp-copy-'))
  #child: ChildProcess | undefined

  /** Make a copy. It is removed at the end of the process, or by {@link Copy.remove}. */
  constructor() {
    process.on('exit', this.remove)
    process.on('SIGINT', end)
    process.on('SIGTERM', end)
    for (const path of ['dist', 'conformance', 'package.json']) {
      cpSync(join(TOP, path), join(this.top, path), { recursive: true })
    }
    symlinkSync(join(TOP, 'node_modules'), join(this.top, 'node_modules'))
    mkdirSync(join(this.top, 'tmp'))
  }

  /**
   * Replace a text in a file.
   *
   * @param file - a path in `dist/`
   * @throws an Error when the text is not there exactly once: the change would not be the one that
   * was meant, or none at all.
   */
  replace(file: string, from: string, to: string): void {
    const source = readFileSync(join(TOP, 'dist', file), 'utf8')
    const count = source.split(from).length - 1
    if (count !== 1) {
      throw new Error(`Cannot change ${file}: it has ${String(count)} times, not once: ${from}`)
    }
    this.write(
      file,
      source.replace(from, () => to),
    )
  }

  /** Write a file in `dist/`. */
  write(file: string, source: string): void {
    writeFileSync(join(this.top, 'dist', file), source)
  }

  /** Restore a file. */
  restore(file: string): void {
    cpSync(join(TOP, 'dist', file), join(this.top, 'dist', file))
  }

  /**
   * Run cases of the suite.
   *
   * @param ids - the cases, of pages or recordings
   * @param limit - how long it may take, in milliseconds
   * @param flags - what else the suite is told
   */
  async run(ids: readonly string[], limit: number, flags: readonly string[] = []): Promise<Run> {
    const only = ids.flatMap((id) => ['--only', id])
    const recordings = ids.some((id) => id.startsWith('cpython-')) ? [] : ['--recordings', 'none']
    const program = join(this.top, 'dist/conformance/run/main.js')
    const args = [program, ...recordings, ...only, '--verbose', ...flags]
    const child = spawn(process.execPath, args, {
      cwd: this.top,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Whatever an aborted run leaves behind goes with the copy.
      env: { ...process.env, TMPDIR: join(this.top, 'tmp') },
    })
    this.#child = child
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    let hung = false
    const timer = setTimeout(() => {
      hung = true
      this.#kill()
    }, limit)
    const [status] = (await once(child, 'close')) as [number | null]
    clearTimeout(timer)
    this.#child = undefined
    // What is printed about a case: `# id` above its wire, `not ok id` above what is wrong with it.
    const found = (mark: string) =>
      Array.from(output.matchAll(new RegExp(`^${mark} (\\S+)`, 'gm')), ([, id]) => id as string)
    return { status, hung, cases: found('#'), failed: found('not ok'), output }
  }

  /** Remove the copy, and end what runs in it. */
  readonly remove = (): void => {
    this.#kill()
    process.off('exit', this.remove)
    process.off('SIGINT', end)
    process.off('SIGTERM', end)
    rmSync(this.top, { recursive: true, force: true })
  }

  #kill(): void {
    if (this.#child !== undefined) {
      // On SIGTERM, the suite ends the servers that it has started, even those that loop for ever.
      // If it loops itself, it does not notice, but has started none. Waiting blocks, because this
      // process may be about to end.
      this.#child.kill('SIGTERM')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
      this.#child.kill('SIGKILL')
      this.#child = undefined
    }
  }
}
