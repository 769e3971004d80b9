/**
 * The page about the apps is whole, and both programs that keep the contract do.
 */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readPages } from './judge/page.ts'
import { CASES, TOP } from './paths.ts'
import { HANG_LIMIT } from './patience.ts'
import { findPython } from './targets/python.ts'

t.setTimeout(5 * HANG_LIMIT)

const text = (path: string) => readFileSync(join(TOP, 'conformance', path), 'utf8')
const CONTRACT = text('CONTRACT.md')

function conformance(...args: string[]): Promise<{ status: number; stdout: string }> {
  const command = ['dist/conformance/run/main.js', ...args]
  const options = { cwd: TOP, timeout: 5 * HANG_LIMIT }
  return new Promise((resolve) => {
    execFile(process.execPath, command, options, (error, stdout) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout })
    })
  })
}

t.test('the contract names every app, and every method of the handlers', async (t) => {
  for (const app of new Set(readPages(CASES).map((one) => one.app))) {
    t.match(CONTRACT, `\`${app}\``, app)
  }
  const methods = (source: string) => {
    const found = source.matchAll(/^ +(?:async |def )?do_(\w+)\b/gm)
    return new Set([...found].map(([, name = '']) => name))
  }
  const ours = methods(text('targets/custom-handler.ts'))
  t.ok(ours.size > 25)
  for (const method of ours) {
    t.match(CONTRACT, `\`${method}\``, method)
  }
  const theirs = methods(text('targets/cpython.py'))
  t.same(
    [...ours].filter((method) => !theirs.has(method)),
    [],
  )
})

t.test('the program in TypeScript keeps the contract', async (t) => {
  const { status, stdout } = await conformance(
    ...['--target', 'conformance/examples/contract.ts', '--no-scan', '--recordings', 'none'],
    ...['--only', 'methods/', '--only', 'errors/', '--only', 'connection/', '--only', 'expect/'],
  )
  t.equal(status, 0, stdout)
  t.match(stdout, /: \d{2,} passed, 0 failed/)
})

const python = findPython('3.13')
const lacking = python === undefined && 'this machine has no Python 3.13'
t.test('the program in Python keeps the contract', { skip: lacking }, async (t) => {
  const program = `LC_ALL=C.UTF-8 exec ${python?.path ?? ''} -u -W ignore conformance/targets/cpython.py`
  const { status, stdout } = await conformance(
    ...['--target', `cmd:${program} {app} {port} {root}`, '--recordings', '3.13'],
    ...['custom10', 'custom11', 'override', 'errors'].flatMap((app) => ['--app', app]),
    ...['--only', 'cpython-3.13/'],
  )
  t.equal(status, 0, stdout)
  t.match(stdout, /: 452 passed, 0 failed, \d+ skipped\n$/)
})
