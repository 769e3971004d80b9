/**
 * What programs read about a run, from runs as they are.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Ajv from 'ajv'
import t from 'tap'
import type { Test } from 'tap'
import { junit } from './machine.ts'
import { Progress } from './progress.ts'
import type { Result } from './lanes.ts'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { judge, server } from '../testing.ts'

// Each test starts processes, and a busy machine takes its time.
t.setTimeout(5 * HANG_LIMIT)

const SCHEMA = JSON.parse(
  readFileSync(join(TOP, 'conformance/report.schema.json'), 'utf8'),
) as object

interface Report {
  exit: number
  shard: string
  cases: Record<string, unknown>[]
}

/** Run with `--json`, and hold what it wrote to the schema. */
async function reported(t: Test, source: string, ...args: string[]): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-report-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const file = join(folder, 'report.json')
  const run = await judge(t, source, { args: ['--json', file, ...args] })
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  const ajv = new Ajv({ allErrors: true })
  t.ok(ajv.validate(SCHEMA, report), ajv.errorsText())
  t.equal(report.exit, run.status)
  return report
}

const LOUD = `console.log('my own print'); socket.end(respond(right()))`

t.test('--json has all that there is to know about a case', async (t) => {
  const source = server({ response: "right.replace('447', '448')", serve: LOUD })
  const { cases } = await reported(t, source)
  t.match(cases, [
    {
      id: 'errors/404',
      app: 'errors',
      profile: 'http.server',
      level: 'must',
      source: 'article:Handling Errors',
      verdict: 'fail',
      findings: [{ rule: 'length' }],
      why: /^Connection comes before/,
      sent: /^GET \/ HTTP\/1\.1\r\n/,
      received: /^HTTP\/1\.0 404 Not Found\r\n/,
      log: [{ stream: /^std/ }, { stream: /^std/ }, { stream: /^std/ }],
      repro: /^printf .* \| nc 127\.0\.0\.1 \d+$/,
      serve: / --only errors\/404 --repro --port \d+$/,
    },
  ])
  const [one] = cases as [{ log: { stream: string; line: string }[] }]
  t.same(
    one.log.filter(({ stream }) => stream === 'stdout'),
    [{ stream: 'stdout', line: 'my own print' }],
  )
})

t.test(
  'the schema holds for every kind of verdict, and refuses what it does not know',
  async (t) => {
    const { cases } = await reported(t, server(), '--only', 'methods/')
    t.ok(cases.some(({ verdict }) => verdict === 'skip'))
    t.match(await reported(t, server({ serve: 'process.exit(7)' })), { exit: 3 })
    const ajv = new Ajv()
    const validate = ajv.compile(SCHEMA)
    t.notOk(validate({ target: 'x' }))
  },
)

t.test('--shard parts the cases, always the same way', async (t) => {
  const ids = async (shard: string) =>
    (await reported(t, server(), '--only', 'errors/', '--shard', shard)).cases.map(({ id }) => id)
  const whole = await ids('1/1')
  const parts = [await ids('1/3'), await ids('2/3'), await ids('3/3')]
  t.same([...parts.flat()].sort(), [...whole].sort())
  t.same(await ids('2/3'), parts[1])
  t.ok(parts.every(({ length }) => length >= Math.floor(whole.length / 3)))
  t.match(await judge(t, server(), { args: ['--shard', '4/3'] }), {
    status: 2,
    stderr: /^"4\/3" is not a valid shard, such as 1\/4 for the first of four; --help/,
  })
})

t.test('--timeout ends the run, and what was not judged is not passed', async (t) => {
  const run = await judge(t, server({ serve: '' }), { args: ['--timeout', '2'] })
  t.equal(run.status, 2)
  t.match(run.stdout, /^The time of the run is over: 2 s$/m)
  t.match(run.stdout, /: 0 passed, 0 failed, 1 not judged\n$/)
})

t.test('--bail ends the run with the first case that is not as expected', async (t) => {
  // Those that are under way when the first is lost, one in each lane, may still be lost.
  const wrong = server({ serve: "socket.end('HTTP/1.0 200 OK\\r\\n\\r\\n')" })
  const custom = wrong.replace("apps: ['errors']", "apps: ['custom11']")
  const run = await judge(t, custom, { args: ['--bail'], only: ['headers/'] })
  t.equal(run.status, 1, run.stdout + run.stderr)
  t.match(run.stdout, /^The run ends with the first failure$/m)
  const [, failed, left] = /: 0 passed, (\d+) failed,.* (\d+) not judged,/.exec(run.stdout) ?? []
  t.ok(Number(failed) <= 16, `${String(failed)} were lost`)
  t.ok(Number(left) >= 5, `${String(left)} were left`)
})

// -- JUnit and the terminal ------------------------------------------------------------------

const about = { target: 'a <server>', profile: 'http.server', seed: 1, shard: '1/1', command: '' }

t.test('junit() writes XML, whatever a server has sent', async (t) => {
  const one = { id: 'a/b', why: 'so', level: 'must', source: 'x', actions: [] }
  const results = [
    { id: 'a/b', topic: 'a', verdict: 'pass', findings: [], case: one, milliseconds: 1500 },
    {
      ...{ id: 'a/c', topic: 'a', verdict: 'fail', case: one },
      findings: [{ line: '', flaw: 'a "<\0>" & \u{1f600}' }],
    },
    { id: 'd/e', topic: 'd', verdict: 'unsteady', findings: [], case: one },
  ] as unknown as Result[]
  const text = junit(results, { ...about, milliseconds: 1, exit: 1, notes: [] })
  t.match(
    text,
    /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites name="conformance of a &lt;server&gt;" tests="3" failures="2" errors="0" skipped="0" time="1.500">/,
  )
  t.match(text, '<testcase classname="a" name="a/b" time="1.500"/>')
  t.match(text, '<failure type="fail" message="a &quot;&lt;?&gt;&quot; &amp; ??">not ok a/c')
  t.match(text, '<failure type="unsteady"')
})

t.test('Progress writes a line over and over to a terminal, and nothing to a file', async (t) => {
  const written = (isTTY: boolean) => {
    let text = ''
    const progress = new Progress({ isTTY, write: (piece: string) => (text += piece) }, 3)
    progress.told({ id: 'a/b', verdict: 'fail' } as Result)
    progress.told({ id: 'a/c', verdict: 'pass' } as Result)
    progress.end()
    return text
  }
  t.match(written(true), /^\r1 of 3 cases, 1 failing, \d+ s left\x1b\[K/)
  t.match(written(true), /\r\x1b\[K$/)
  t.equal(written(false), '')
})
