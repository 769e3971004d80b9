/**
 * The suite against those who would mislead it: servers that are wrong only now and then, modules
 * that write what they are judged by, and runs in which nothing is judged.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { CASES, TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { judge, server } from '../testing.ts'

// Each test starts processes, and a busy machine takes its time.
t.setTimeout(5 * HANG_LIMIT)

function temporary(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-trust-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** A server that is right except the first time that one is started. */
function firstTime(folder: string, wrong: string) {
  const marker = JSON.stringify(join(folder, 'started'))
  return `
    import { existsSync, appendFileSync } from 'node:fs'
    let first
    ${server({ response: `first ? ${wrong} : right` }).replace(
      'async start(app, { port }) {',
      (start) => `${start} first = !existsSync(${marker}); appendFileSync(${marker}, 'x');`,
    )}`
}

// -- A second look ---------------------------------------------------------------------------

t.test('what is wrong only once is unsteady: both are printed, and exit 1', async (t) => {
  const { status, stdout } = await judge(t, firstTime(temporary(t), "right.replace('447', '448')"))
  t.equal(status, 1)
  t.match(stdout, /^not ok errors\/404 {3}unsteady, must, article:Handling Errors$/m)
  t.match(stdout, /the header says 448, the body has 447 bytes/)
  t.match(stdout, /^ {4}again {2}alone, on a fresh server: pass$/m)
  t.match(stdout, /0 passed, 0 failed, 1 unsteady\n$/)
})

t.test('what is wrong twice is a failure, and was played on two servers', async (t) => {
  const folder = temporary(t)
  const source = firstTime(folder, 'right').replace('first ? right : right', 'right.slice(0, -1)')
  const { status, stdout } = await judge(t, source)
  t.equal(status, 1)
  t.match(stdout, /0 passed, 1 failed\n$/)
  t.notMatch(stdout, /unsteady/)
  t.equal(readFileSync(join(folder, 'started'), 'latin1'), 'xx')
})

t.test('a server that dies once is unsteady', async (t) => {
  const folder = temporary(t)
  const { status, stdout } = await judge(t, firstTime(folder, 'process.exit(7)'))
  t.equal(status, 1)
  t.match(stdout, /^not ok errors\/404 {3}unsteady/m)
  t.match(stdout, /^ {4}the server is gone \(status 7\): it ended (?:while|after) this case/m)
})

// -- Nothing judged --------------------------------------------------------------------------

t.test('an app that no case needs: one line that names the near one, and exit 2', async (t) => {
  const source = server().replace("apps: ['errors']", "apps: ['error']")
  const { status, stdout, stderr } = await judge(t, source)
  t.equal(status, 2)
  t.equal(stdout, '')
  t.match(
    stderr,
    /^Nothing of \.\/student\.mjs can be judged: no case needs an app "error"; did you mean "errors"\? There are custom11, .*\n$/,
  )
})

t.test('cases of other apps than the target has: exit 2', async (t) => {
  const { status, stderr } = await judge(t, server(), { args: ['--cases', pageFor(t, 'shop')] })
  t.equal(status, 2)
  t.match(stderr, /^Nothing of .* can be judged: no case needs an app "errors"; There are shop\n$/)
})

/** A folder of one page with one case, `errors/404-too`, for an app. */
function pageFor(t: Test, app: string): string {
  const folder = temporary(t)
  const text = readFileSync(join(CASES, '07-errors.md'), 'utf8')
  const [, section = ''] = /^(## errors\/404\n[^]*?)^# /m.exec(text) ?? []
  const page = section
    .replace('## errors/404', '## errors/404-too')
    .replace('"app":"errors"', `"app":"${app}"`)
    .replace(
      '{{file:error-404.html}}',
      readFileSync(join(CASES, 'files/error-404.html'), 'utf8')
        .replaceAll('\n', '\\n\\\n')
        .replace(/\\\n$/, ''),
    )
  writeFileSync(join(folder, 'mine.md'), page)
  return folder
}

t.test('--cases takes pages of a folder instead', async (t) => {
  const run = await judge(t, server(), { args: ['--cases', pageFor(t, 'errors')] })
  t.equal(run.status, 0, run.stdout + run.stderr)
  t.match(run.stdout, /: 1 passed, 0 failed\n$/)
  const both = await judge(t, server(), {
    args: ['--cases', CASES, '--cases', pageFor(t, 'errors')],
  })
  t.match(both.stdout, /: 2 passed, 0 failed\n$/)
  const none = await judge(t, server(), { args: ['--cases', '/nowhere'] })
  t.match(none, { status: 2, stderr: 'There is no folder "/nowhere" for --cases\n' })
  const empty = await judge(t, server(), { args: ['--cases', temporary(t)] })
  t.match(empty, { status: 2, stderr: /^There is no page in .*; a page is called NAME\.md\n$/ })
})

t.test('--require names apps that must be judged', async (t) => {
  const required = (apps: string) => judge(t, server(), { args: ['--require', apps] })
  t.match(await required('errors'), { status: 0 })
  t.match(await required('errors,get'), {
    status: 2,
    stderr: '--require: ./student.mjs has no app "get"\n',
  })
  t.match(await required('eror'), {
    status: 2,
    stderr: /^--require: no case needs an app "eror"; did you mean "errors"\?/,
  })
  const source = server({ serve: '' }).replace("apps: ['errors']", "apps: ['errors', 'get']")
  const unjudged = await judge(t, source, { args: ['--require', 'get', '--timeout', '1'] })
  t.equal(unjudged.status, 2)
  t.match(unjudged.stdout, /^--require: no case of "get" has been judged$/m)
})

// -- Deviations ------------------------------------------------------------------------------

const WRONG = "right.replace('447', '448')"
const ROW = { because: 'so', finding: 'the header says 448' }

t.test(
  '--deviations declares what is wrong on purpose, and is not counted as passed',
  async (t) => {
    const file = join(temporary(t), 'mine.json')
    writeFileSync(file, JSON.stringify({ 'errors/404': ROW }))
    const run = await judge(t, server({ response: WRONG }), { args: ['--deviations', file] })
    t.equal(run.status, 0, run.stdout + run.stderr)
    t.match(run.stdout, /^deviations: .*mine\.json, sha256 [0-9a-f]{64}$/m)
    t.match(run.stdout, /: 0 passed, 0 failed, 1 failed as declared\n$/)
  },
)

t.test('a module that writes deviations while it loads gains nothing', async (t) => {
  const file = join(temporary(t), 'mine.json')
  writeFileSync(file, '{}')
  const own = JSON.stringify(join(TOP, 'conformance/deviations/student.json'))
  t.teardown(() => {
    rmSync(JSON.parse(own) as string, { force: true })
  })
  const source = `
    import { writeFileSync } from 'node:fs'
    const rows = ${JSON.stringify(JSON.stringify({ '*/*': { because: 'so', status: '' } }))}
    writeFileSync(${JSON.stringify(file)}, rows)
    writeFileSync(${own}, rows)
    ${server({ response: WRONG })}`
  const run = await judge(t, source, { args: ['--deviations', file] })
  t.equal(run.status, 1, run.stdout + run.stderr)
  t.match(run.stdout, /: 0 passed, 1 failed\n$/)
})

t.test('a module by the name of another target inherits nothing', async (t) => {
  // This is what CPython sends, and may: its deviations say so.
  const source = server({
    response: "right.replace(/<!DOCTYPE[^>]*>/, '<!DOCTYPE HTML>').replace('447', '432')",
  })
  const run = await judge(t, source, { name: 'cpython.mjs' })
  t.equal(run.status, 1, run.stdout + run.stderr)
  t.match(run.stdout, /: 0 passed, 1 failed\n$/)
})

t.test('a file of deviations that cannot be used: one line, and exit 2', async (t) => {
  const file = join(temporary(t), 'mine.json')
  const given = async (text: string | undefined, flaw: RegExp) => {
    if (text !== undefined) {
      writeFileSync(file, text)
    }
    const { status, stdout, stderr } = await judge(t, server(), { args: ['--deviations', file] })
    t.match({ status, stdout, stderr }, { status: 2, stdout: '', stderr: flaw })
  }
  await given(undefined, /^--deviations: ENOENT: .*mine\.json'\n$/)
  await given('{', /^--deviations: .*mine\.json is not valid JSON: .*\n$/)
  await given('[]', /^--deviations: .*mine\.json must be an object: .*\n$/)
  await given('{"a/b":5}', /^--deviations: .*: "a\/b" must be a row, .*\n$/)
  await given('{"a/b":{"because":"so","status":"("}}', /"status" "\(", which is not a valid reg/)
})

// -- Those who want a grade for nothing ------------------------------------------------------

const CHEATS: Record<string, string> = {
  'a handler that is null': `export default { errors: null }`,
  'a server that says 404 to everything': server({
    response: "'HTTP/1.0 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n'",
  }),
  'a server that says NO to everything': server({ response: "'NO'" }),
}

t.test('none of them gets a point, or exit 0', { jobs: 3 }, (t) => {
  for (const [name, source] of Object.entries(CHEATS)) {
    t.test(name, async (t) => {
      const { status, stdout } = await judge(t, source, { args: ['--only', 'errors/'] })
      t.not(status, 0)
      t.notMatch(stdout, /[1-9][0-9]* passed/)
    })
  }
  t.end()
})

/** A server that looks up what the pages want, and fills their holes. */
const PAGE_READER = `
  import { createServer } from 'node:net'
  import { once } from 'node:events'
  import { readFileSync, readdirSync } from 'node:fs'
  const folder = ${JSON.stringify(CASES)}
  const wire = (lines) => lines.join('\\r\\n').replace(/\\\\\\r\\n/g, '').replaceAll('\\\\n', '\\n').replaceAll('\\\\t', '\\t')
    .replace(/{{file:(.*?)}}/g, (_, name) => readFileSync(folder + '/files/' + name, 'latin1'))
  const known = []
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.md'))) {
    for (const section of readFileSync(folder + '/' + name, 'utf8').split(/^## /m)) {
      const fence = (kind) => new RegExp('\`\`\`' + kind + '\\\\n([^]*?)\\\\n?\`\`\`').exec(section)?.[1]
      if (fence('request') !== undefined) {
        known.push({
          app: /"app":"(.*?)"/.exec(section)[1],
          request: wire((fence('request') + '\\n').split('\\n')),
          response: wire((fence('response') ?? '').split('\\n').filter((line) => !/^{{(eof|open)}}$/.test(line))),
          closes: /{{eof}}/.test(section),
          log: fence('log') ?? '',
        })
      }
    }
  }
  const fill = (text, socket) => text
    .replace(/{{http-date}}/g, new Date().toUTCString())
    .replace(/{{runtime}}/g, 'Node/20')
    .replace(/{{client-port}}/g, String(socket.remotePort))
    .replace(/{{log-date}}/g, () => {
      const [, month, day, year, time] = String(new Date()).split(' ')
      return day + '/' + month + '/' + year + ' ' + time
    })
  export default {
    apps: ['errors', 'get'],
    async start(app, { port }) {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        let sent = ''
        socket.on('error', () => {})
        socket.on('end', () => socket.end())
        socket.on('data', (data) => {
          sent += data.toString('latin1')
          const line = (text) => text.split('\\r\\n', 1)[0]
          const whole = sent.endsWith('\\r\\n\\r\\n')
          const found = whole && known.find((one) => one.app === app && line(one.request) === line(sent))
          if (found) {
            if (found.log) console.error(fill(found.log, socket))
            socket.write(fill(found.response, socket))
            if (found.closes) socket.end()
          } else if (whole) socket.end()
        })
      })
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      return { port: server.address().port }
    },
  }`

t.test('who reads the pages does not know the words of a seed', async (t) => {
  const page = await judge(t, PAGE_READER)
  t.equal(page.status, 0, page.stdout + page.stderr)
  for (const seed of ['1', '7']) {
    const args = ['--only', 'names/', '--seed', seed]
    const { status, stdout } = await judge(t, PAGE_READER, { args })
    t.equal(status, 1)
    t.match(stdout, /^not ok names\/errors /m)
    t.match(stdout, /^not ok names\/get /m)
    t.match(stdout, /: 1 passed, 2 failed/)
  }
})
