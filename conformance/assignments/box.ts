/**
 * The box of a submission: a folder with all that its process may read, and the process itself.
 *
 * ```text
 *   grader -- shell -- node --permission host.js      a process group of its own, ended as a whole
 *   BOX/   package.json, host.js, preload.js
 *          node_modules/basehttp                      a copy of the library
 *          submission/                                what it was compiled to
 *          files/root/                                what it serves: the case's files
 * ```
 *
 * It may read the box, and nothing else: no page, no other submission. It has no environment but what its
 * pages give it, no `process.kill()`, 256 MiB of heap and two minutes of processor time. The shell is its
 * parent, so that it does not know the grader's process id; and if the grader is killed, the shell's input
 * ends, and with it all of the group.
 *
 * This keeps a submission from ending the grader, by accident or for fun. It is no wall against an
 * attacker: for an exam, put the grader into a container.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProgram } from '../targets/child.ts'
import type { RunningApp } from '../targets/target.ts'
import type { Allowance, Assignment } from './assignment.ts'

/** The most memory that a submission's own objects may take, in MiB. */
const HEAP = 256

/**
 * Bounds the processor time, in seconds; hides the grader's own folder; and sends on the signals that are
 * named on its input. When that ends, the grader has ended, and so must the group.
 */
const SHELL = `ulimit -t 120; ulimit -c 0; cd /; unset PWD OLDPWD; exec 3<&0
"$@" 3<&- </dev/null & node=$!
(while read -r signal <&3; do kill -s "$signal" $node; done; kill -9 0) >/dev/null 2>&1 &
wait $node
exit $?`

const boxes = new Set<Box>()

process.on('exit', () => {
  for (const box of boxes) {
    box.remove()
  }
})

/** A folder for one submission. */
export class Box {
  readonly folder: string
  /** Where the compiled submission goes. */
  readonly submission: string
  /** The folder that is served, and the one around it: what is written outside is seen there. */
  readonly root: string
  readonly #files: string

  constructor() {
    // What a submission sees of the name must not tell whom to end.
    this.folder = realpathSync.native(mkdtempSync(join(tmpdir(), 'grade-box-')))
    boxes.add(this)
    this.submission = join(this.folder, 'submission')
    this.#files = join(this.folder, 'files')
    this.root = join(this.#files, 'root')
    mkdirSync(this.root, { recursive: true })
    writeFileSync(join(this.folder, 'package.json'), '{"type":"module"}\n')
    for (const name of ['host.js', 'preload.js']) {
      cpSync(join(import.meta.dirname, name), join(this.folder, name))
    }
    const library = dirname(fileURLToPath(import.meta.resolve('basehttp')))
    const own = join(this.folder, 'node_modules', 'basehttp')
    cpSync(fileURLToPath(import.meta.resolve('basehttp/package.json')), join(own, 'package.json'))
    cpSync(library, join(own, 'dist', 'lib'), {
      recursive: true,
      filter: (path) => !/\.(?:d\.ts|map|test\.js)$/.test(basename(path)),
    })
  }

  /** Remove it. */
  remove(): void {
    boxes.delete(this)
    endStragglers(this.folder)
    // On Windows, what has just ended may hold its files for a moment.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 })
  }

  /**
   * Start the submission.
   *
   * @param main - its JavaScript
   * @throws an Error with what it said, when it does not start.
   */
  async start(
    main: string,
    { app, server, allow, env: own }: Pick<Assignment, 'app' | 'server' | 'allow' | 'env'>,
    { name, port = 0, env = {} }: { name: string; port?: number; env?: Record<string, string> },
  ): Promise<RunningApp> {
    // Newer Nodes tell a child what is permitted in NODE_OPTIONS, where a space ends a path.
    if (allow.includes('children') && this.folder.includes(' ')) {
      const remedy = 'set TMPDIR, or on Windows TEMP, to a folder without one'
      throw new Error(`There is a space in "${dirname(this.folder)}"; ${remedy}`)
    }
    const secret = randomBytes(8).toString('hex')
    const node = [
      process.execPath,
      ...this.#permissions(allow),
      `--max-old-space-size=${String(HEAP)}`,
      '--enable-source-maps',
      `--import=${join(this.folder, 'preload.js')}`,
      join(this.folder, 'host.js'),
    ]
    const command = [...node, main, app, server, this.root, secret, String(port)]
    // Windows has neither the shell nor the signals.
    const relays = process.platform !== 'win32'
    return startProgram({
      name,
      command: relays ? ['/bin/sh', '-c', SHELL, 'sh', ...command] : command,
      relays,
      secret,
      env: { ...own, ...env },
    })
  }

  #permissions(allow: readonly Allowance[]): string[] {
    const known = process.allowedNodeEnvironmentFlags
    const flags: Readonly<Record<Allowance, string>> = {
      write: `--allow-fs-write=${this.#files}`,
      workers: '--allow-worker',
      children: '--allow-child-process',
    }
    return [
      known.has('--permission') ? '--permission' : '--experimental-permission',
      '--disable-warning=ExperimentalWarning',
      // What is allowed here is allowed on purpose.
      '--disable-warning=SecurityWarning',
      // Newer Nodes ask for that, too.
      ...(known.has('--allow-net') ? ['--allow-net'] : []),
      `--allow-fs-read=${this.folder}`,
      ...allow.map((one) => flags[one]),
    ]
  }
}

/** End what a submission has started and taken out of its group, as far as that can be seen: on Linux. */
function endStragglers(folder: string): void {
  if (process.platform !== 'linux') {
    return
  }
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const [cwd, command] = [
        readlinkSync(`/proc/${pid}/cwd`),
        readFileSync(`/proc/${pid}/cmdline`),
      ]
      if (cwd.startsWith(folder) || command.includes(folder)) {
        process.kill(Number(pid), 'SIGKILL')
      }
    } catch {
      // It has ended, or is somebody else's.
    }
  }
}
