/**
 * `replay.py` knows nothing but the export, and comes to the verdicts of the suite, rule by rule.
 */

import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { TOP } from '../paths.ts'
import { HANG_LIMIT, patiently } from '../patience.ts'
import { freePort, takesConnections } from '../targets/child.ts'
import { setTimeout as sleep } from 'node:timers/promises'

t.setTimeout(10 * HANG_LIMIT)

const SUITE = join(TOP, 'dist/conformance/run/main.js')
const folder = mkdtempSync(join(tmpdir(), 'conformance-replay-'))
const [site, json] = [join(folder, 'site'), join(folder, 'json')]
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

/** Run a program to its end; give what it prints. Both judges end with 1 where something is lost. */
function run(program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: 8 * HANG_LIMIT, maxBuffer: 1 << 26 }
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null || error.code === 1) {
        resolve(stdout)
      } else {
        reject(new Error(stderr || error.message))
      }
    })
  })
}

async function start(t: Test, program: string, ...args: string[]): Promise<string> {
  const port = await freePort()
  const child = spawn(
    program,
    args.map((word) => word.replace('{port}', String(port))),
    { stdio: 'ignore' },
  )
  t.teardown(() => child.kill('SIGKILL'))
  for (const deadline = Date.now() + patiently(30_000); !(await takesConnections(port));) {
    if (Date.now() > deadline) {
      throw new Error(`${program} did not start`)
    }
    await sleep(50)
  }
  return `http://127.0.0.1:${String(port)}`
}

/** The verdict of each rule, by both judges, one after the other. */
async function compare(t: Test, name: string, url: string): Promise<void> {
  const file = join(folder, `${name}.json`)
  await run(process.execPath, SUITE, url, '--json', file)
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
    cases: { id: string; verdict: string }[]
  }
  const printed = await run('python3', join(TOP, 'conformance/examples/replay.py'), json, url)
  const replayed = printed.matchAll(/^([a-z]+) +(\S+\/\S+)$/gm)
  t.ok(cases.length > 200)
  t.same(
    Object.fromEntries([...replayed].map(([, verdict, id]) => [id, verdict])),
    Object.fromEntries(cases.map(({ id, verdict }) => [id, verdict])),
  )
}

const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))'])
const skip = python.status === 0 ? false : 'there is no python3 from 3.8 on here'

/**
 * Files on `node:http`. It responds at once: if it waited for the file, it would be a matter of chance
 * what of a request that ends too early it has seen by then.
 */
const NODE_HTTP = `
  const { readFileSync } = require('node:fs')
  const [, port, root] = process.argv
  const respond = (request, response) => {
    try {
      const body = readFileSync(root + new URL(request.url, 'http://localhost').pathname)
      response.setHeader('Content-Length', body.length)
      response.end(body)
    } catch {
      response.statusCode = 404
      response.end('Not found')
    }
  }
  require('node:http').createServer(respond).listen(Number(port), '127.0.0.1')
`

t.test('replay.py and the suite agree', { skip }, async (t) => {
  await run(process.execPath, SUITE, '--make-root', site)
  await run(process.execPath, SUITE, '--export', json)
  const library = [join(TOP, 'dist/lib/cli.js'), '{port}', '--protocol', 'HTTP/1.1']
  const servers: Record<string, [string, ...string[]]> = {
    basehttp: [process.execPath, ...library, '--bind', '127.0.0.1', '--directory', site],
    cpython: ['python3', '-m', 'http.server', '{port}', '-b', '127.0.0.1', '-d', site],
    'node-http': [process.execPath, '-e', NODE_HTTP, '{port}', site],
  }
  for (const [name, [program, ...args]] of Object.entries(servers)) {
    await t.test(name, async (t) => {
      await compare(t, name, await start(t, program, ...args))
    })
  }
})
