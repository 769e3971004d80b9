import { spawn } from 'node:child_process'
import t from 'tap'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { findPython, PYTHONS } from './python.ts'

t.setTimeout(20 * HANG_LIMIT)

t.test('every CPython agrees with the pages, but for what is declared', { jobs: 4 }, (t) => {
  for (const version of PYTHONS) {
    const lacking = findPython(version) === undefined && `this machine has no Python ${version}`
    t.test(`CPython ${version}`, { skip: lacking }, async (t) => {
      const flags = ['--target', `cpython:${version}`, '--recordings', 'none', '--no-scan']
      const command = [process.execPath, 'dist/conformance/run/main.js', ...flags]
      const { code, output } = await run(command)
      t.equal(code, 0, output)
      t.match(output, /^conformance of cpython 3\.\d+\.\d+: \d+ passed, 0 failed/m)
    })
  }
  t.end()
})

t.test('each kind of server agrees with the pages', { jobs: 3 }, (t) => {
  for (const kind of ['async', 'threads', 'forks']) {
    t.test(kind, async (t) => {
      const flags = ['--target', `basehttp:${kind}`, '--recordings', 'none', '--no-scan']
      const { code, output } = await run([
        process.execPath,
        'dist/conformance/run/main.js',
        ...flags,
      ])
      t.equal(code, 0, output)
    })
  }
  t.end()
})

function run([file = '', ...args]: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: TOP, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (data) => (output += String(data)))
    child.stderr.on('data', (data) => (output += String(data)))
    child.on('close', (code) => {
      resolve({ code, output })
    })
  })
}
