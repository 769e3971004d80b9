/**
 * The suite against programs that it knows nothing about: what they say last, what is their end, and
 * how those that never end are ended.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { judge, server } from '../testing.ts'

// Each test starts processes, and a busy machine takes its time.
t.setTimeout(5 * HANG_LIMIT)

/** Judge a program, given as text, that is told its port. */
function program(t: Test, source: string, ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-foreign-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, 'server.mjs')
  writeFileSync(
    path,
    `import { createServer } from 'node:net'\nconst port = process.argv[2]\n${source}`,
  )
  const command = ['dist/conformance/run/main.js', '--target', `cmd:node ${path} {port}`, ...args]
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...command, '--app', 'errors', '--only', 'errors/404'],
    { cwd: TOP, encoding: 'utf8', timeout: HANG_LIMIT },
  )
  t.notOk(spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout.includes(path))
  return { status, stdout, stderr }
}

t.test('what ends at its start tells why, on both streams, and once for all cases', async (t) => {
  const run = program(
    t,
    'console.log("out"); console.error("err"); process.exitCode = 7',
    '--only',
    'errors/',
  )
  t.equal(run.status, 3)
  t.match(run.stdout, /ended at its start \(status 7\)\n(?:out\nerr|err\nout)$/m)
  t.equal(run.stdout.match(/^not ok/gm)?.length, 1)
  t.match(run.stdout, /^and \d+ cases more for the same reason: /m)
})

t.test('what the first request ends says so', async (t) => {
  const source = `createServer((socket) => socket.on('data', () => {
    console.log('I fall'); process.exit(9) })).listen(port, '127.0.0.1')`
  const { status, stdout } = program(t, source)
  t.equal(status, 3)
  t.match(stdout, /ended when it got its first request, GET \/ \(status 9\)\nI fall$/m)
})

t.test('a program that takes a request is ready, though it dies of less', async (t) => {
  // A beginner's: it indexes what it has not read.
  const source = `createServer((socket) => {
      let got = false
      socket.on('error', () => {})
      socket.on('data', () => { got = true; socket.end('HTTP/1.0 404 Not Found\\r\\n\\r\\n') })
      socket.on('end', () => { if (!got) { console.error('IndexError'); process.exit(1) } })
    }).listen(port, '127.0.0.1')`
  const { status, stdout } = program(t, source)
  t.equal(status, 3)
  t.match(
    stdout,
    /the server is gone \(status 1\): a connection that is opened and closed again, without a request, ends it$/m,
  )
  t.match(stdout, /^ {4}stderr IndexError$/m)
})

t.test('a response without end is left, and its line not printed', async (t) => {
  const run = await judge(
    t,
    server({
      serve: `const block = 'x'.repeat(1 << 20)
        const pour = () => { while (!socket.destroyed && socket.write(block)); socket.once('drain', pour) }
        pour()`,
    }),
  )
  t.equal(run.status, 1)
  t.match(run.stdout, /^ {4}the response has no end: more than 64 MiB came$/m)
  t.ok(run.stdout.length < 10_000)
})

t.test('a server that says nothing is not waited for in every case', async (t) => {
  const run = await judge(t, server({ serve: '' }), { args: ['--only', 'errors/'] })
  t.equal(run.status, 1)
  t.match(run.stdout, /nothing more came for 10 s: nothing was received/)
})

t.test('a handler that throws shows its own line, in TypeScript, in the first ten', async (t) => {
  const library = JSON.stringify(pathToFileURL(join(TOP, 'dist/lib/index.js')).href)
  const source = `import { BaseHTTPRequestHandler } from ${library}
interface Thing { name: string }

class Mine extends BaseHTTPRequestHandler {
  do_GET(): void {
    console.log('my own print')
    const thing = undefined as unknown as Thing
    this.wfile.write(thing.name)
  }
}
export default { errors: Mine }`
  const { status, stdout } = await judge(t, source, { name: 'mine.ts' })
  t.equal(status, 1)
  const ten = stdout.split('\n').slice(0, 10).join('\n')
  t.match(ten, /^ {4}threw {2}TypeError: Cannot read properties of undefined \(reading 'name'\)$/m)
  t.match(ten, /^ {11}at Mine\.do_GET \(\.\/student\.mjs:8:28\)$/m)
  t.match(stdout, /^ {4}stdout my own print$/m)
})

// -- One line, at once -----------------------------------------------------------------------

function conformance(...args: string[]) {
  const command = ['dist/conformance/run/main.js', ...args]
  const options = { cwd: TOP, encoding: 'utf8', timeout: HANG_LIMIT } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, command, options)
  return { status, stdout, stderr }
}

t.test('a URL that nobody answers, or a port that is taken: one line, and exit 3', async (t) => {
  const other = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const taken = conformance('--only', 'errors/404', '--repro', '--port', String(port))
  t.same(taken, {
    status: 3,
    stdout: '',
    stderr: `Port ${String(port)} is in use: another server listens there\n`,
  })
  await new Promise((resolve) => other.close(resolve))
  t.same(conformance('--target', `url:http://127.0.0.1:${String(port)}`, '--app', 'errors'), {
    status: 3,
    stdout: '',
    stderr: `Cannot connect to http://127.0.0.1:${String(port)}: nobody listens there\n`,
  })
})

t.test('flags that the rules do not know are refused', async (t) => {
  t.match(conformance('--profile', 'rfc', '--shard', '1/2'), {
    status: 2,
    stderr: '--shard is not for the profile rfc\n',
  })
})
