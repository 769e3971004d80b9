import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { TOP } from '../paths.ts'
import { folder } from '../testing.ts'
import { findAssignment, readAssignment } from './assignment.ts'
import type { Assignment, Entry } from './assignment.ts'
import { gradeFile } from './submit.ts'

const HELLO = readAssignment(findAssignment('01') as Entry, 1)

/** A handler that says, with everything it is asked, what a program of its author's has found out. */
const spy = (head: string, body: string) => `${head}
import { BaseHTTPRequestHandler } from 'basehttp'
class Mine extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'
  async do_GET() {
    ${body}
    this.sendError(500)
  }
}
export default { hello: Mine }
`

t.test('what is asked in hidden cases is not printed in those that are shown', async (t) => {
  const file = join(folder(t), 'mine.ts')
  const remember = `
    appendFileSync('../asked', this.path + '\\n')
    console.log(readFileSync('../asked', 'utf8'))`
  writeFileSync(file, spy("import { appendFileSync, readFileSync } from 'node:fs'", remember))
  const assignment: Assignment = { ...HELLO, allow: ['write'] }
  const { cases } = await gradeFile(assignment, file, { seed: 1 })
  const targets = (hidden: boolean) =>
    cases
      .filter((one) => one.hidden === hidden)
      .flatMap(({ sent }) => [...sent.matchAll(/^GET (\S+)/gm)].map(([, target = '']) => target))
  const visible = targets(false)
  const secret = targets(true).filter((target) => !visible.includes(target))
  const printed = cases.flatMap((one) => (one.hidden ? [] : one.printed.map(({ line }) => line)))
  t.ok(secret.length > 0, 'something is asked in hidden cases alone')
  t.ok(printed.includes(visible[0] as string), 'what was asked is printed')
  t.same(
    secret.filter((target) => printed.includes(target)),
    [],
  )
})

t.test('--repeat does not say which hidden case is not always the same', async (t) => {
  const place = folder(t)
  const count = join(place, 'count')
  writeFileSync(count, '')
  const script = join(place, 'server.mjs')
  // Right when it is started for the first time.
  writeFileSync(
    script,
    `import { appendFileSync, readFileSync } from 'node:fs'
    import { createServer } from 'node:http'
    appendFileSync(${JSON.stringify(count)}, 'x')
    const again = readFileSync(${JSON.stringify(count)}).length > 1
    createServer((request, response) => {
      response.statusCode = again && request.url.includes('%25') ? 500 : 200
      response.setHeader('content-type', 'text/plain;charset=UTF-8')
      response.end('Hello, ' + (decodeURIComponent(request.url.slice(1)) || 'world') + '!\\n')
    }).listen(Number(process.argv[2]), '127.0.0.1')`,
  )
  const target = `cmd:'${process.execPath}' ${script} {port}`
  const only = ['--only', 'hello/world', '--only', 'hello/percent']
  const args = ['01', '--target', target, ...only, '--repeat', '2']
  const grade = (...more: string[]) => {
    writeFileSync(count, '')
    const path = join(TOP, 'dist', 'conformance', 'assignments', 'grade.js')
    return new Promise<string>((resolve) => {
      execFile(process.execPath, [path, ...args, ...more], { cwd: place }, (_, stdout) => {
        resolve(stdout)
      })
    })
  }
  t.match(await grade(), /^A hidden case is not always the same: it was passed, and then lost\n/)
  t.match(await grade('--reveal'), /^hello\/percent is not always the same: /)
})

t.test('a thread of a submission gets no further than the submission', async (t) => {
  const file = join(folder(t), 'mine.ts')
  const attempt = `
    const { parentPort, Worker } = require('node:worker_threads')
    const said = []
    for (const attempt of [
      () => require('node:fs').readFileSync(${JSON.stringify(file)}),
      () => process.kill(process.ppid, 0),
      () => new Worker('', { eval: true, execArgv: [] }),
    ]) {
      try {
        attempt()
        said.push('done')
      } catch (error) {
        said.push(error.message)
      }
    }
    parentPort.postMessage(said)`
  const source = spy(
    "import { once } from 'node:events'\nimport { Worker } from 'node:worker_threads'",
    `const [said] = await once(new Worker(${JSON.stringify(attempt)}, { eval: true }), 'message')
    console.log(said.join('\\n'))
    try {
      new Worker('', { eval: true, execArgv: [] })
    } catch (error) {
      console.log((error as Error).message)
    }`,
  )
  writeFileSync(file, source)
  const assignment: Assignment = {
    ...HELLO,
    cases: HELLO.cases.slice(0, 1),
    allow: ['workers'],
  }
  const { cases } = await gradeFile(assignment, file, { seed: 1 })
  t.match(
    cases[0]?.printed.filter(({ stream }) => stream === 'stdout').map(({ line }) => line),
    [
      /^Access to this API has been restricted/,
      'process.kill() is not for a submission',
      'execArgv of a Worker is not for a submission',
      'execArgv of a Worker is not for a submission',
    ],
  )
})
