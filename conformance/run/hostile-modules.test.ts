/**
 * The suite against modules that try to end it, or cheat it.
 */

import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { judge, server } from '../testing.ts'

// Each test starts processes, and a busy machine takes its time.
t.setTimeout(5 * HANG_LIMIT)

t.test('a target that breaks: exit 3, and why', { jobs: 4 }, (t) => {
  const broken = (name: string, source: string, about: RegExp, startLimit?: number) => {
    t.test(name, async (t) => {
      const { status, stdout, stderr } = await judge(
        t,
        source,
        startLimit === undefined ? {} : { startLimit },
      )
      t.equal(status, 3)
      t.match(stdout + stderr, about)
    })
  }
  broken('while (true) at import', 'while (true);', /student\.mjs did not end within 3 s/, 3000)
  broken(
    'process.exit(0) at import',
    'process.exit(0)',
    /student\.mjs ended before it said what it exports/,
  )
  broken('a throw at import', 'throw new Error("no such thing")', /Error: no such thing/)
  broken('no default export', 'export const x = 1', /must have a default export: handler classes/)
  broken(
    'a server that prints nothing and does not listen',
    'export default { apps: ["errors"], start: () => new Promise(() => setInterval(() => {}, 9)) }',
    /The app "errors" of \.\/student\.mjs did not start within 6 s/,
    6000,
  )
  broken(
    'process.exit(0) in a handler',
    server({ serve: 'process.exit(0)' }),
    /^not ok errors\/404 {3}error, .*\n {4}the server is gone/m,
  )
  broken(
    'a port on which nobody listens',
    'export default { apps: ["errors"], start: () => ({ port: 1 }) }; setInterval(() => {}, 1e6)',
    /Cannot connect to 127\.0\.0\.1:1/,
  )
  t.end()
})

t.test('a port that is not its own', async (t) => {
  const other = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const source = `setInterval(() => {}, 1e6)
    export default { apps: ['errors'], start: () => ({ port: ${String(port)} }) }`
  const { status, stdout } = await judge(t, source)
  other.close()
  t.equal(status, 3)
  t.match(
    stdout,
    /has ended, and port PORT still takes connections: the port is not its own|not its own/,
  )
})

// -- What a module may export ----------------------------------------------------------------

t.test('handler classes, in TypeScript', async (t) => {
  const examples = join(TOP, 'dist/docs/examples/http_server_errors.js')
  const source = `import { ErrorHandler } from ${JSON.stringify(pathToFileURL(examples).href)}
    const handlers: Record<string, typeof ErrorHandler> = { errors: ErrorHandler }
    export default handlers`
  const run = await judge(t, source, { args: ['--only', 'methods/get'], name: 'student.ts' })
  t.equal(run.status, 0, run.stdout + run.stderr)
  t.match(run.stdout, /^skipped: 1 cases, the target has no app "get"$/m)
  t.match(run.stdout, /1 passed, 0 failed, 1 skipped\n$/)
})
