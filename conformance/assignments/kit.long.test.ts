import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SOLUTIONS, TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { folder } from '../testing.ts'
import { assignments } from './assignment.ts'

function run(cwd: string, command: string, ...args: string[]) {
  return new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd, timeout: 4 * HANG_LIMIT, shell: process.platform === 'win32' }
    execFile(command, args, options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

function filesIn(place: string): string[] {
  return readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(place, path)).isFile(),
  )
}

t.test('a kit is made, installed, and grades the first assignment', async (t) => {
  const place = join(folder(t), 'course')
  const main = join(TOP, 'dist', 'conformance', 'assignments', 'main.js')
  t.match(await run(TOP, process.execPath, main, 'kit', place), { status: 0 })
  t.match(await run(TOP, process.execPath, main, 'kit', place), {
    status: 2,
    stderr: /is not empty/,
  })

  const files = filesIn(place)
  t.same(
    files.filter((path) => /[/\\](?:solution|hidden|variants|prove|kit)\.|\.test\./.test(path)),
    [],
  )
  const texts = files.map((path) => readFileSync(join(place, path), 'utf8')).join('\n')
  for (const { name } of assignments()) {
    const hidden = readFileSync(join(SOLUTIONS, name, 'hidden.md'), 'utf8')
    for (const [, id] of hidden.matchAll(/^## (\S+)$/gm)) {
      t.notOk(texts.includes(`## ${String(id)}\n`), `${String(id)} is not in the kit`)
    }
    t.notOk(texts.includes(readFileSync(join(SOLUTIONS, name, 'solution.ts'), 'utf8')), name)
  }

  t.match(await run(place, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline'), {
    status: 0,
  })
  const installed = filesIn(place)
  const packages = installed.filter((path) =>
    /^node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+[/\\]package\.json$/.test(path),
  )
  t.ok(packages.length <= 5, `${String(packages.length)} packages`)
  const bytes = installed.reduce((sum, path) => sum + statSync(join(place, path)).size, 0)
  t.ok(bytes < 35 * 1024 ** 2, `${String(bytes)} bytes`)

  t.match(await run(place, 'npm', 'run', '-s', 'assignment', '--', 'start', '01'), { status: 0 })
  t.match(await run(place, 'npm', 'run', '-s', 'grade', '--', '01'), {
    status: 1,
    stdout: /01-hello: 1 of 15 points/,
  })
  const solution = readFileSync(join(SOLUTIONS, '01-hello', 'solution.ts'), 'utf8')
  writeFileSync(join(place, 'work', '01-hello.ts'), solution)
  t.match(await run(place, 'npm', 'run', '-s', 'grade', '--', '01', '--thorough'), { status: 0 })
  t.match(await run(place, 'npx', 'tsc', '--project', '.'), { status: 0, stdout: '' })
  t.match(await run(place, 'npm', 'run', '-s', 'assignment', '--', 'check'), {
    status: 2,
    stderr: /not in a kit/,
  })
})
