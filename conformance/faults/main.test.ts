import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { Copy } from './copy.ts'
import { FAULTS } from './faults.ts'

/** Try faults, as `npm run conformance:faults -- PREFIX...` does. */
function tryFaults(prefixes: string[], top = TOP) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/conformance/faults/main.js', ...prefixes],
    { cwd: top, encoding: 'utf8', timeout: HANG_LIMIT },
  )
  return { status, stdout, stderr }
}

function copy(t: Test): Copy {
  const copy = new Copy()
  t.teardown(copy.remove)
  return copy
}

t.test('each fault has an id of its own, and changes one place', async (t) => {
  t.ok(FAULTS.length >= 30)
  t.equal(new Set(FAULTS.map(({ id }) => id)).size, FAULTS.length)
  for (const { id, file, from, to } of FAULTS) {
    const source = readFileSync(join(TOP, 'dist', file), 'utf8')
    t.equal(source.split(from).length - 1, 1, `${id}: ${from}`)
    t.not(from, to)
  }
})

t.test('a fault is found by the case that it names', async (t) => {
  const { status, stdout, stderr } = tryFaults(['length-one-off', 'bare-line-feeds'])
  t.equal(status, 0, stdout + stderr)
  t.equal(
    stdout,
    [
      'fault            case         verdict',
      'bare-line-feeds  methods/get  killed',
      'length-one-off   errors/404   killed',
      '',
      '2 of 2 faults found',
      '',
    ].join('\n'),
  )
})

t.test('a fault that nothing finds: exit 1', async (t) => {
  const harmless = copy(t)
  harmless.replace('conformance/faults/faults.js', 'body.length + 1', 'body.length + 0')
  const { status, stdout } = tryFaults(['length-one-off'], harmless.top)
  t.equal(status, 1)
  t.match(stdout, /^length-one-off +errors\/404 +survived$/m)
  t.match(stdout, /0 of 1 faults found\n$/)
})

t.test('a case of the article that finds nothing: exit 1', async (t) => {
  const unguarded = copy(t)
  unguarded.replace(
    'conformance/faults/faults.js',
    "killedBy: 'errors/404'",
    "killedBy: 'errors/head'",
  )
  t.match(tryFaults([], unguarded.top), {
    status: 1,
    stderr: 'No fault shows that these cases find anything: errors/404\n',
  })
})

t.test('a right server that is not right: exit 3, and no score', async (t) => {
  const wrong = copy(t)
  wrong.replace(
    'lib/http/base-handler.js',
    "'Content-Length', body.length",
    "'Content-Length', body.length + 1",
  )
  const { status, stdout, stderr } = tryFaults(['length-one-off'], wrong.top)
  t.equal(status, 3)
  t.equal(stdout, '')
  t.match(stderr, /The right server does not pass: errors\/404\n$/)
})

t.test('no such fault: exit 2', async (t) => {
  t.match(tryFaults(['nothing']), {
    status: 2,
    stderr: 'There is no fault whose id begins with nothing\n',
  })
})

t.test('Copy.replace() refuses a text that is missing, or there twice', async (t) => {
  const one = copy(t)
  t.throws(() => {
    one.replace('lib/http/status.js', 'no such text', '')
  }, /has 0 times, not once: no such text$/)
  t.throws(() => {
    one.replace('lib/http/status.js', 'Not Found', '')
  }, /has 2 times/)
})

t.test('Copy.run() ends a run that takes too long', async (t) => {
  const one = copy(t)
  const source = readFileSync(join(TOP, 'dist/lib/http/status.js'), 'utf8')
  one.write('lib/http/status.js', `for (;;) {}\n${source}`)
  t.match(await one.run(['errors/404'], 500), { hung: true, failed: [] })
})

t.test('Copy.remove() ends a server that hangs, with the run that started it', async (t) => {
  const one = copy(t)
  const file = join(one.top, 'port')
  // A server in an endless loop does not hear that its parent is gone.
  one.replace(
    'docs/examples/http_server_errors.js',
    'this.sendError(404);',
    `process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(file)}, String(this.server.serverPort)); for (;;) {}`,
  )
  const run = one.run(['errors/404'], 60_000)
  await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '')
  const port = Number(readFileSync(file, 'utf8'))
  one.remove()
  t.not((await run).status, 0)
  await until(async () => !(await listens(port)))
  t.notOk(existsSync(one.top))
})

/** Wait for a condition, for as long as nothing hangs. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + HANG_LIMIT
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error('The condition did not come true')
    }
    await sleep(20)
  }
}

/** Whether somebody takes connections at a port. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ host: '127.0.0.1', port })
    probe.on('connect', () => {
      resolve(true)
      probe.destroy()
    })
    probe.on('error', () => {
      resolve(false)
    })
  })
}
