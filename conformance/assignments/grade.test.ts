import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ASSIGNMENTS, SOLUTIONS, TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { folder } from '../testing.ts'
import { findAssignment, readAssignment } from './assignment.ts'
import type { Assignment, Entry } from './assignment.ts'
import type { Report } from './report.ts'
import { gradeFile, gradeTarget } from './submit.ts'
import { textOf } from './text.ts'
import { variantsOf } from './prove.ts'
import { vary } from './variants.ts'
import type { WrongVariant } from './variants.ts'

/** Where the boxes of these tests are: others have some at the same time. */
const PLACE = mkdtempSync(join(tmpdir(), 'grade-test-'))
const TEMPORARY = process.platform === 'win32' ? 'TEMP' : 'TMPDIR'
process.env[TEMPORARY] = PLACE
t.teardown(() => {
  rmSync(PLACE, { recursive: true })
})

const HELLO = findAssignment('01') as Entry
const SOLUTION = readFileSync(join(SOLUTIONS, HELLO.name, 'solution.ts'), 'utf8')

/** The first cases of 01: what a submission does wrong is seen in any. */
const few = (count: number): Assignment => {
  const whole = readAssignment(HELLO, 1)
  return { ...whole, cases: whole.cases.slice(0, count) }
}

/** Grade a program that is given as text, and see that nothing is left behind. */
async function grade(t: Test, source: string, count = 1, name = 'mine.ts'): Promise<Report> {
  const place = folder(t)
  const file = join(place, name)
  writeFileSync(file, source)
  const report = await gradeFile(few(count), file, { seed: 1, name })
  t.same(boxes(), [], 'no box is left')
  t.same(await processes(place), [], 'no process is left')
  return report
}

function boxes(): string[] {
  return readdirSync(PLACE).filter((name) => name.startsWith('grade-'))
}

function processes(place: string): Promise<string[]> {
  return new Promise((resolve) => {
    execFile('ps', ['-eo', 'args'], { encoding: 'utf8' }, (_, text) => {
      resolve(
        text
          .split('\n')
          .filter((line) => line.includes(place) || line.includes(join(PLACE, 'grade-'))),
      )
    })
  })
}

/** A report as text, without what differs each time. */
function shown(report: Report, all = false): string {
  return textOf(report, { all, hint: 0, reveal: false })
    .replace(/\[\d\d\/\w+\/\d{4} [\d:]+\]/g, '[DATE]')
    .replace(/\('127.0.0.1', \d+\)/g, "('127.0.0.1', PORT)")
}

const handler = (body: string) =>
  `import { BaseHTTPRequestHandler } from 'basehttp'
class Mine extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'
  async do_GET() {
    ${body}
  }
}
export default { hello: Mine }
`

t.test('a right program has full points, whatever its file is called', async (t) => {
  const report = await grade(t, SOLUTION, 10, 'cpython (1)')
  t.equal(
    shown(report),
    [
      'ok     hello/world             3/3',
      'ok     hello/name              3/3',
      'ok     hello/utf8              3/3',
      'ok     hello/head              2/2',
      'ok     hello/not-found         1/1',
      'ok     hello/kept              3/3',
      'ok     4 hidden cases          5/5',
      '',
      '01-hello: 20 of 20 points',
    ].join('\n'),
  )
})

t.test('the first failure is shown in full, and the rest in a line each', async (t) => {
  const report = await grade(t, handler(`console.log('here'); this.sendError(404)`), 5)
  t.equal(
    shown(report),
    [
      'not ok hello/world   3 points, rfc:9110#9.3.1',
      '    HTTP/1.1 404 Not Found',
      '             ^^^ the status is 404 Not Found; expected 200',
      '    why    The whole of a response: a status, what the body is, and the body.',
      '    stdout here',
      '    stderr 127.0.0.1 - - [DATE] code 404, message Not Found',
      '    stderr 127.0.0.1 - - [DATE] "GET / HTTP/1.1" 404 -',
      '    curl   curl -i http://127.0.0.1:8080/',
      '',
      'not ok hello/world      0/3   the status is 404 Not Found; expected 200',
      'not ok hello/name       0/3   the status is 404 Not Found; expected 200',
      'not ok hello/utf8       0/3   the status is 404 Not Found; expected 200',
      "not ok hello/head       0/2   the status is 501 Unsupported method ('HEAD'); expected 200",
      'ok     hello/not-found  1/1',
      '',
      '01-hello: 1 of 12 points',
    ].join('\n'),
  )
  t.equal(report.cases[3]?.advice, 'there is no method do_HEAD()')
})

t.test('an error names the line of its author, in the first ten lines', async (t) => {
  const report = await grade(
    t,
    handler(
      'enum Colour { red }\n    const it = Colour.red as unknown as { a: { b: 1 } }\n    console.log(it.a.b)',
    ).replace('enum Colour { red }', ''),
  )
  t.ok(
    shown(report)
      .split('\n')
      .slice(0, 10)
      .some((line) => /mine\.ts:\d+:\d+/.test(line)),
  )
  const thrown = await grade(t, handler("    throw new TypeError('boom')"))
  t.match(shown(thrown).split('\n').slice(0, 3), [
    /^not ok hello\/world/,
    '    threw  TypeError: boom',
    /^ {11}at Mine.do_GET \(.*mine.ts:5:1\d\)$/,
  ])
})

t.test('types are checked, and TypeScript is compiled, the same on every Node', async (t) => {
  const source = handler(`
    const body = Buffer.from(Kind.text)
    this.sendheader('X', 1)
    this.sendResponse(200)`).replace('class Mine', "enum Kind { text = 'x' }\nclass Mine")
  const report = await grade(t, source)
  t.match(report.faults, [{ file: 'mine.ts', line: 8, column: 10, code: 'TS2551' }])
  t.equal(
    shown(report).split('\n')[0],
    "mine.ts:8:10  TS2551  Property 'sendheader' does not exist on type 'Mine'. Did you mean 'sendHeader'?",
  )
  t.equal(report.cases[0]?.threw?.error, 'TypeError: this.sendheader is not a function')
})

t.test('there is a report even if nothing loads', async (t) => {
  const broken = await grade(t, handler('this.sendResponse(200'))
  t.equal(
    shown(broken),
    [
      "mine.ts:6:3  TS1005  ',' expected.",
      '',
      'mine.ts cannot be run',
      '',
      'not ok hello/world  0/3   mine.ts cannot be run',
      '',
      '01-hello: 0 of 3 points',
    ].join('\n'),
  )
  const problem = async (source: string) => (await grade(t, source)).problem
  t.equal(
    await problem('export const Hello = 1'),
    'Your program ended at its start (status 2)\nthere is no default export; the file must say what it serves: export default { hello: MyHandler }',
  )
  t.equal(
    await problem(handler('').replace('hello: Mine', 'helo: Mine')),
    'Your program ended at its start (status 2)\nthe default export has no "hello", but "helo"; the file must say: export default { hello: MyHandler }',
  )
  t.match(
    await problem('throw new Error("at once")\nexport default {}'),
    /^Your program ended at its start \(status 1\)\n[^]*Error: at once\n +at .*mine\.ts:1:7/,
  )
  t.match(await problem("import './cases.js'\nexport default {}"), /ERR_MODULE_NOT_FOUND/)
})

t.test('what a program does to the grader ends with a report, and nothing is left', async (t) => {
  const flaw = async (body: string) => (await grade(t, handler(body))).cases[0]
  t.match(await flaw('process.exit(7)'), {
    passed: false,
    findings: [{ flaw: 'your program ended while this case was played: status 7' }],
  })
  t.match(await flaw('process.kill(process.ppid)'), {
    passed: false,
    threw: { error: 'Error: process.kill() is not for a submission' },
  })
  const read = `const { readFileSync } = await import('node:fs'); console.log(readFileSync('${join(ASSIGNMENTS, HELLO.name, 'cases.md')}', 'utf8'))`
  t.match(await flaw(read), {
    passed: false,
    threw: { error: /^Error: Access to this API has been restricted/ },
  })
  const children = `const { spawn } = await import('node:child_process'); for (let n = 0; n < 50; n++) spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true })`
  t.match(await flaw(children), {
    passed: false,
    threw: { error: /^Error: Access to this API has been restricted/ },
  })
  t.match(await flaw("void Promise.reject(new Error('swallowed'))"), {
    passed: false,
    threw: { error: 'Error: swallowed' },
  })
  const loud = await flaw(
    "for (let n = 0; n < 2000; n++) console.log('x'.repeat(1000)); this.sendError(500)",
  )
  t.match(loud, { passed: false, findings: [{ flaw: /the status is 500/ }] })
  t.ok(
    textOf(
      { ...(await grade(t, handler('this.sendError(500)'))) },
      { all: true, hint: 0, reveal: true },
    ).length < 2000,
  )
})

t.test(
  'where children are allowed, none is left',
  { skip: process.platform === 'win32' },
  async (t) => {
    const file = join(folder(t), 'bomb.ts')
    const mark = String(30_000_000 + process.pid)
    const spawning = `const { spawn } = await import('node:child_process')
    for (let n = 0; n < 50; n++) {
      spawn('/bin/sleep', ['${mark}'], { detached: n % 2 === 0, stdio: 'ignore' })
    }
    // As a script of CGI may be started: it runs a file of the box, and may be anywhere.
    const script = process.argv[1].replace('host.js', 'script.mjs')
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', script, '${mark}'], {
      cwd: '/', detached: true, env: {}, stdio: 'ignore',
    })
    this.sendError(500)`
    writeFileSync(file, handler(spawning))
    const assignment: Assignment = { ...few(1), allow: ['children'] }
    const report = await gradeFile(assignment, file, { seed: 1 })
    t.match(report.cases[0], { passed: false, findings: [{ flaw: /the status is 500/ }] })
    t.same(await processes(mark), [])
  },
)

t.test('the line for curl asks for what went wrong, and not for what came before it', async (t) => {
  const file = join(folder(t), 'mine.ts')
  const fails =
    "do_GET() {\n    if (this.path !== '/') {\n      this.sendError(500)\n      return\n    }"
  writeFileSync(file, SOLUTION.replace('do_GET() {', fails))
  const whole = readAssignment(HELLO, 1)
  const cases = whole.cases.filter(({ id }) => id === 'hello/kept')
  const report = await gradeFile({ ...whole, cases }, file, { seed: 1 })
  t.match(report.cases[0], {
    findings: [{ flaw: /^the status is 500 / }],
    curl: /^curl -i http:\/\/127.0.0.1:8080\/[a-z]+$/,
  })
})

t.test('where curl cannot send what went wrong, its first line is shown', async (t) => {
  const entry = findAssignment('16') as Entry
  const whole = readAssignment(entry, 1)
  const assignment = { ...whole, cases: whole.cases.filter(({ id }) => id === 'cgi/post') }
  const report = await gradeFile(assignment, join(ASSIGNMENTS, entry.name, 'starter.ts'), {
    seed: 1,
  })
  t.match(shown(report), /^ {4}asked {2}POST \/cgi-bin\/echo\.mjs HTTP\/1\.1$/m)
})

t.test('what a program says at its start cannot reach the terminal', async (t) => {
  const report = await grade(t, "console.log('\\x1b[2J20 of 20'); process.exit(1)")
  t.match(report.problem, /^\?\[2J20 of 20$/m)
})

t.test('what a page gives, and nothing else, is in the environment', async (t) => {
  const file = join(folder(t), 'env.ts')
  const body =
    "const { PAGE, HOME, PWD } = process.env; console.log('env', PAGE, HOME, PWD); this.sendError(500)"
  writeFileSync(file, handler(body))
  const report = await gradeFile({ ...few(1), env: { PAGE: 'given' } }, file, { seed: 1 })
  t.match(report.cases[0]?.printed, [{ line: 'env given undefined undefined' }])
})

t.test('what Node says of the permissions of the box is not printed', async (t) => {
  const lines = [
    '(node:7) [PERM0002] SecurityWarning: The flag --allow-child-process must be used with extreme caution.',
    '(Use `node --trace-warnings ...` to show where the warning was created)',
    '(node:7) ExperimentalWarning: The flag --allow-net is under experimental phase.',
    '(node:7) Warning: mine',
  ]
  const body = `console.log(${JSON.stringify(lines.join('\n'))}); this.sendError(500)`
  const report = await grade(t, handler(body))
  t.same(
    report.cases[0]?.printed.filter(({ line }) => line.startsWith('(')).map(({ line }) => line),
    ['(node:7) Warning: mine'],
  )
})

t.test('a space in the path of the box is an error where there are children', async (t) => {
  const place = join(folder(t), 'a b')
  mkdirSync(place)
  const file = join(place, 'mine.ts')
  writeFileSync(file, handler('this.sendError(500)'))
  process.env[TEMPORARY] = place
  t.teardown(() => {
    process.env[TEMPORARY] = PLACE
  })
  const report = await gradeFile({ ...few(1), allow: ['children'] }, file, { seed: 1 })
  t.match(report.problem, /^There is a space in ".*a b"; set TMPDIR, or on Windows TEMP, to/)
  t.same(readdirSync(place), ['mine.ts'], 'no box is left')
})

t.test('what hangs is ended', async (t) => {
  const { cases } = await grade(t, handler('for (;;);'))
  t.match(cases[0], { passed: false, findings: [{ flaw: /^there is no response: time-out/ }] })
})

t.test('a program that is asked to end must do so, once its responses are whole', async (t) => {
  const entry = findAssignment('13') as Entry
  const whole = readAssignment(entry, 1)
  const assignment = { ...whole, cases: whole.cases.filter(({ id }) => id === 'many/shutdown') }
  const solution = readFileSync(join(SOLUTIONS, entry.name, 'solution.ts'), 'utf8')
  const { wrong } = await variantsOf(entry)
  const cut = 'connection "a": the chunks are broken, or not ended (RFC 9112 §7.1)'
  const end = 'after SIGTERM, your program'
  for (const [id, flaws] of [
    ['only-the-loop', ['after SIGTERM, the program still takes connections']],
    ['ends-with-1', [`${end} ends with status 1; expected: status 0`]],
    ['no-handler', [cut, `${end} ends with SIGTERM; expected: status 0`]],
  ] as const) {
    const file = join(folder(t), 'mine.ts')
    writeFileSync(file, vary(solution, wrong.find((one) => one.id === id) as WrongVariant))
    const { cases } = await gradeFile(assignment, file, { seed: 1 })
    const found = cases[0]?.findings.map(({ flaw }) => flaw) ?? []
    t.same(found, flaws, id)
  }
})

t.test('a server in another language is graded, too', async (t) => {
  const script = join(folder(t), 'server.mjs')
  writeFileSync(
    script,
    `
    import { createServer } from 'node:http'
    createServer((request, response) => {
      response.setHeader('content-type', 'text/plain;charset=UTF-8')
      response.end('Hello, ' + (decodeURIComponent(request.url.slice(1)) || 'world') + '!\\n')
    }).listen(Number(process.argv[2]), '127.0.0.1')`,
  )
  const report = await gradeTarget(few(4), `cmd:'${process.execPath}' ${script} {port}`, {
    seed: 1,
  })
  t.same(
    report.cases.map(({ passed }) => passed),
    [true, true, true, true],
  )
})

// -- The commands ----------------------------------------------------------------------------

function run(cwd: string, program: string, ...args: string[]) {
  const path = join(TOP, 'dist', 'conformance', 'assignments', program)
  return new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [path, ...args],
      { cwd, timeout: HANG_LIMIT },
      (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr })
      },
    )
  })
}

t.test('npm run assignment, and npm run grade', async (t) => {
  const place = folder(t)
  const assignment = (...args: string[]) => run(place, 'main.js', ...args)
  const graded = (...args: string[]) => run(place, 'grade.js', ...args)
  t.match(await assignment(), {
    status: 0,
    stdout: /^01 {2}hello.*\n[^]*\nnext: npm run assignment -- start 01\n$/,
  })
  t.match(await graded('1'), {
    status: 2,
    stderr: /^There is no file "work.01-hello.ts"; npm run assignment -- start 01 makes it\n$/,
  })
  t.match(await assignment('start', '1'), { status: 0, stdout: /^your file {2}work.01-hello.ts\n/ })
  t.match(await assignment('start', '1'), { status: 2, stderr: /is there already/ })
  t.match(await assignment('solution', '1'), { status: 2, stderr: /--anyway shows it/ })
  const mine = join(place, 'work', '01-hello.ts')
  writeFileSync(mine, SOLUTION)
  t.match(await graded('1', '--json'), {
    status: 2,
    stderr: /^Unknown option '--json'; --help lists the flags\n$/,
  })
  t.match(await graded('1', '--only', 'none/'), {
    status: 2,
    stderr: /No case of 01-hello has an id that begins with none\//,
  })
  t.match(await graded('1'), { status: 0, stdout: /01-hello: 20 of 20 points\n$/ })
  t.match(await assignment(), { status: 0, stdout: /20 of 20/ })
  t.match(await assignment('solution', '1'), { status: 0, stdout: /class Hello/ })
  t.match(await assignment('reset', '1'), {
    status: 0,
    stdout: /^what you had is in work.01-hello.ts.bak\n/,
  })
  t.equal(readFileSync(`${mine}.bak`, 'utf8'), SOLUTION)
  t.match(await graded('1', '--only', 'hello/n'), { status: 1, stdout: /: 1 of 4 points\n$/ })
  writeFileSync(mine, 'class {')
  t.match(await graded('1', '--format', 'gradescope', '--output', 'results.json'), {
    status: 0,
    stdout: '',
  })
  t.match(JSON.parse(readFileSync(join(place, 'results.json'), 'utf8')), { score: 0 })
  t.match(await graded('1'), { status: 3, stdout: /cannot be run/ })
  const own = join(place, 'own')
  mkdirSync(own)
  writeFileSync(join(own, '01.md'), '# Own\n\n## a/b\n')
  t.match(await graded('1', '--cases', own), {
    status: 4,
    stderr: /^01.md:3: "a\/b" gives no reason/,
  })
  for (const [args, flaw] of [
    [[], /^Say which assignment: 01-hello/],
    [['98'], /^There is no assignment "98"/],
    [['1', '--seed', 'x'], /^--seed "x" is not a number from 0/],
    [['1', '--format', 'x'], /^There is no format "x"; there are gradescope, classroom50/],
    [['1', '--class', 'none'], /^There is no folder "none"/],
    [['1', 'a.ts', 'b.ts'], /^Unexpected argument 'b.ts'/],
  ] as const) {
    t.match(await graded(...args), { status: 2, stderr: flaw })
  }
  t.notOk(existsSync(join(place, 'grades')))
})
