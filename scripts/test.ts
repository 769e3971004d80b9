/**
 * `npm test`: the unit tests, what of the library they cover, and the conformance suite.
 *
 * ```text
 *   node dist/scripts/test.js                all of it
 *   node dist/scripts/test.js lib/http cli   only the unit tests with such a text in their path
 *   node dist/scripts/test.js --long         what takes longer: `*.long.test.ts`, and LONG_PARTS
 * ```
 *
 * A unit test is a program that prints TAP: it runs compiled, as `tsc` has left it in `dist/`, in a
 * process of its own, with nothing between it and Node. Which there are is read from the sources:
 * what a deleted test has left behind in `dist/` does not run. A part that fails does not keep the
 * next one from running; the last lines say what was run, and what failed.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { TOP } from '../conformance/paths.ts'
import { patiently } from '../conformance/patience.ts'

const FOLDERS = ['lib', 'conformance', 'scripts']

/** How long a file may take, in seconds. None needs a fifth of it: this bounds a test that hangs. */
const LIMIT = patiently(process.argv.includes('--long') ? 1200 : 300)

/** Where each process leaves what it has covered; `c8.json` names it, too. */
const COVERAGE = join(TOP, 'coverage', 'tmp')

/** How many failures of a file are shown. */
const MOST_SHOWN = 10

/** How a file, or a part of the run, went. */
interface Counts {
  readonly passed: number
  readonly failed: number
}

/** A part of the run: a program of the project, which prints for itself. */
type Part = readonly [name: string, ...command: string[]]

const CONFORMANCE: Part = ['conformance', 'dist/conformance/run/main.js']

/** What takes minutes, and waits for most of them. */
const LONG_PARTS: readonly Part[] = [
  ['faults', 'dist/conformance/faults/main.js'],
  ['conformance of CPython 3.13', 'dist/conformance/run/main.js', '--target', 'cpython:3.13'],
  ['siege: loris', 'dist/scripts/endurance/siege.js', 'loris'],
  ['fuzz', 'dist/conformance/fuzz/main.js', '--runs', '1000'],
  ['downloads', 'dist/scripts/endurance/downloads.js'],
  ['uploads', 'dist/scripts/endurance/uploads.js'],
  ['soak', 'dist/scripts/endurance/soak.js', '--requests', '200000', '--connections', '20000'],
]

const long = process.argv.includes('--long')
const patterns = process.argv.slice(2).filter((text) => text !== '--long')
const whole = patterns.length === 0
const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && name.endsWith('.long.test.ts') === long)
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
)
  .filter((path) => whole || patterns.some((text) => path.includes(text)))
  .sort()
if (files.length === 0) {
  console.error(`No unit test has ${patterns.join(' or ')} in its path`)
  process.exit(2)
}

const summary: string[] = []
const failures: string[] = []
let passed = 0
let failed = 0

function count(what: string, counts: Counts): void {
  passed += counts.passed
  failed += counts.failed
  summary.push(`${what}: ${String(counts.passed)} passed, ${String(counts.failed)} failed`)
}

const units = { passed: 0, failed: 0 }
// What takes longest comes first, so that all lanes end at about the same time. There is one more of
// them than there are processors, since much of this waits.
const queue = [
  ...(!whole ? [] : long ? LONG_PARTS : [CONFORMANCE]).map((part) => () => runPart(part)),
  ...files.map((path) => () => runUnit(path)),
]
const lane = async () => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    await next()
  }
}
rmSync(COVERAGE, { recursive: true, force: true })
await Promise.all(Array.from({ length: availableParallelism() + 1 }, lane))
count(`unit tests, ${String(files.length)} files`, units)
if (whole && !long) {
  await runPart(['coverage', 'node_modules/c8/bin/c8.js', 'report', '--config', 'scripts/c8.json'])
}
console.log(`\n${[...summary, ...failures.map((name) => `FAILED: ${name}`)].join('\n')}`)
console.log(`${String(passed)} passed, ${String(failed)} failed`)
process.exitCode = failures.length === 0 ? 0 : 1

// -- Unit tests ------------------------------------------------------------------------------

/** Run one file, and say how it went. */
async function runUnit(path: string): Promise<void> {
  const start = performance.now()
  const outcome = await runFile(path)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  units.passed += outcome.passed
  units.failed += outcome.failed
  console.log(
    `${outcome.failed === 0 ? 'ok    ' : 'FAILED'} ${path}  ${String(outcome.passed)} passed` +
      `${outcome.failed === 0 ? '' : `, ${String(outcome.failed)} failed`}, ${seconds} s`,
  )
  if (outcome.failed > 0) {
    failures.push(path)
    console.log(outcome.details)
  }
}

/** Run one file, count what it prints, and find in it what to show of a failure. */
async function runFile(path: string): Promise<Counts & { readonly details: string }> {
  const program = join('dist', path.replace(/\.ts$/, '.js'))
  const { status, output } = await run(['--enable-source-maps', program], {
    env: {
      TAP_TIMEOUT: String(LIMIT),
      // The library is covered by its own tests: what else comes by proves no line right.
      ...(whole && !long && path.startsWith('lib/') ? { NODE_V8_COVERAGE: COVERAGE } : {}),
    },
    limit: LIMIT + 60,
  })
  // tap closes with `# { total: 3, pass: 2, fail: 1 }`; a test that dies before that prints no such line.
  const closing = /^# \{ total: \d+.* \}$/m.exec(output)?.[0]
  const number = (name: string) =>
    Number(new RegExp(`${name}: (\\d+)`).exec(closing ?? '')?.[1] ?? 0)
  const failed = number('fail')
  const died = failed === 0 && (status !== 0 || closing === undefined)
  const end = died ? `${path} ended with ${String(status)}\n` : ''
  return {
    passed: number('pass'),
    failed: died ? 1 : failed,
    details: (died ? output.slice(-4000) : failuresIn(output)) + end,
  }
}

/** The assertions that failed, out of TAP: `not ok`, and the block of YAML after it. */
function failuresIn(output: string): string {
  const blocks = output.match(/^( *)not ok .*\n(?:\1 {2}---\n(?:.*\n)*?\1 {2}\.\.\.\n)?/gm) ?? []
  // A test that fails fails the one that it is part of, too; the innermost says why.
  const innermost = blocks.filter((block) => !block.includes('# time='))
  const more = innermost.length - MOST_SHOWN
  const rest = more > 0 ? `    and ${String(more)} more\n` : ''
  return innermost.slice(0, MOST_SHOWN).join('') + rest
}

// -- Processes -------------------------------------------------------------------------------

/** Run a part; one that does not count what it tries counts as one. */
async function runPart([name, ...command]: Part): Promise<void> {
  const { status, output } = await run(command)
  console.log(`\n== ${name}\n${output.trimEnd()}\n`)
  const counts = [...output.matchAll(/^conformance of .*: (\d+) passed, (\d+) failed/gm)]
  const sum = (index: 1 | 2) => counts.reduce((total, match) => total + Number(match[index]), 0)
  const wrong = sum(2) > 0 || status === 0 ? sum(2) : 1
  count(name, { passed: counts.length > 0 ? sum(1) : 1 - wrong, failed: wrong })
  if (status !== 0) {
    failures.push(name)
  }
}

/** Run Node from the top of the repository, and gather what it prints. */
function run(
  args: readonly string[],
  { env = {}, limit = 0 }: { env?: NodeJS.ProcessEnv; limit?: number } = {},
): Promise<{ status: number | string | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: TOP,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limit * 1000,
      killSignal: 'SIGKILL',
    })
    let output = ''
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    child.on('close', (code, signal) => {
      resolve({ status: code ?? signal, output })
    })
  })
}
