import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { makeDocumentRoot } from '../recordings/document-root.ts'
import { TOP } from '../paths.ts'
import { attackWithCases, attackWithProbe, readCases } from './attack.ts'
import { cell, ownCells } from './page.ts'
import { makeProbeRoot } from './probes.ts'
import type { ProbeName } from './probes.ts'
import { ROWS } from './rows.ts'
import { brief, RULES, see } from './rules.ts'
import type { RuleName } from './rules.ts'
import { ours } from './servers.ts'
import type { Server } from './servers.ts'
import { missingTests } from './tests.ts'
import type { Target } from '../targets/target.ts'

const page = readFileSync(join(TOP, 'docs/attacks.md'), 'utf8')

t.test('every attack has cases or tests, and all of them exist', async (t) => {
  const cases = readCases()
  for (const { name, cases: ids = [], probe, tests = [] } of ROWS) {
    t.ok(ids.length + tests.length > 0 || probe !== undefined, name)
    t.same(
      ids.filter((id) => !cases.has(id)),
      [],
      name,
    )
    t.ok(page.includes(`\n### ${name}\n`), `docs/attacks.md has "${name}"; npm run attacks`)
  }
  t.same(missingTests(ROWS), [])
  const row = { name: 'x', what: 'x', tests: [['lib/cli.test.ts', 'no such test']] } as const
  t.same(missingTests([row]), ['lib/cli.test.ts: no such test'])
  const all = ROWS.flatMap(({ cases: ids = [] }) => ids)
  t.equal(new Set(all).size, all.length, 'no case stands in two rows')
  // The app `guarded` has what is off by default, and nobody else has it.
  const attacks = [...cases].flatMap(([id, { app }]) =>
    id.startsWith('attacks/') && app !== 'guarded' ? [id] : [],
  )
  const elsewhere = ['attacks/up-and-down', 'attacks/directory-above', 'attacks/line-feed']
  t.same(
    attacks.filter((id) => !all.includes(id)),
    elsewhere,
    'what the page of attacks has, but for what must be served',
  )
})

t.test('this library stands, and docs/attacks.md says how', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-attacks-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const root = join(folder, 'cases')
  mkdirSync(root)
  makeDocumentRoot(root)
  const found = await attackWithCases(ours(), ROWS, root)
  const probeRoot = makeProbeRoot(folder)
  // The slow ones take minutes: `npm run attacks`.
  for (const name of ['link', 'fifo', 'leaves'] satisfies ProbeName[]) {
    const finding = await attackWithProbe(ours(), name, probeRoot)
    if (finding !== undefined) {
      found.set(name, finding)
    }
  }
  const written = ownCells(page)
  for (const { name, cases: ids = [], probe } of ROWS) {
    for (const id of [...ids, ...(probe === undefined || probe === 'slow head' ? [] : [probe])]) {
      const finding = found.get(id)
      t.ok(finding, `${name}: ${id}`)
      if (finding !== undefined) {
        t.not(finding.holds, false, `${name}: ${id} ${finding.text}`)
        t.equal(written.get(id), cell(finding), `docs/attacks.md, ${id}; npm run attacks`)
      }
    }
  }
  t.match(written.get('slow head'), /^✓ closed after 3[0-3] s$/)
})

/** A server for every app, which is this function of the request's first line. */
function serverOf(t: Test, respond: (line: string) => string): Server {
  const target: Target = {
    name: 'wrong',
    apps: new Set([...ours().target.apps]),
    async start() {
      const server = createServer((socket) => {
        let received = ''
        socket.on('error', () => {})
        socket.on('data', (data) => {
          received += data.toString('latin1')
          if (received.includes('\r\n\r\n')) {
            socket.end(respond(received.slice(0, received.indexOf('\r\n'))))
          }
        })
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.teardown(() => server.close())
      return {
        ...{ host: '127.0.0.1', port: (server.address() as AddressInfo).port },
        utcOffset: undefined,
        log: () => undefined,
        said: () => [],
        ending: async () => undefined,
        alive: () => true,
        stop: async () => {
          server.close()
        },
      }
    },
  }
  return { column: 'CPython', version: '', target, runsHandlers: true }
}

const RESPONSE_HEAD = 'Date: Thu, 06 Oct 2016 21:12:10 GMT\r\nConnection: close\r\nContent-Length:'

t.test('a server that refuses everything holds nothing', async (t) => {
  const nothing = serverOf(t, () => `HTTP/1.1 404 Not Found\r\n${RESPONSE_HEAD} 0\r\n\r\n`)
  const found = await attackWithCases(nothing, ROWS, '/')
  t.equal(found.size, ROWS.flatMap(({ cases: ids = [] }) => ids).length)
  for (const [id, finding] of found) {
    t.equal(finding.holds, undefined, id)
    t.match(cell(finding), /^cannot be told: `[^`]+` gets 404, closed$/, id)
  }
  const probe = await attackWithProbe(nothing, 'fifo', '/')
  t.equal(probe?.untold, true)
})

t.test('a server that takes no POST is not praised for refusing one', async (t) => {
  const files = serverOf(t, (line) => {
    const body = 'Hello, world\n'
    const length = String(body.length)
    return /^(?:GET|HEAD) \/(?:hello\.txt)? HTTP\/1\.1$/.test(line)
      ? `HTTP/1.1 200 OK\r\n${RESPONSE_HEAD} ${length}\r\n\r\n${line.startsWith('HEAD') ? '' : body}`
      : `HTTP/1.1 404 Not Found\r\n${RESPONSE_HEAD} 0\r\n\r\n`
  })
  const found = await attackWithCases(files, ROWS, '/')
  t.equal(found.get('bodies/length-twice')?.untold, true)
  t.equal(found.get('attacks/smuggled-behind-chunks')?.untold, true)
  t.equal(found.get('redirects/two-slashes')?.untold, true, 'it redirects nothing')
  t.equal(found.get('attacks/dots')?.holds, true, 'it serves files')
  t.equal(found.get('headers/two-hosts')?.holds, false)
})

t.test('a server that an attack stops has not withstood it', async (t) => {
  let gone = false
  const brittle = serverOf(t, (line) => {
    gone ||= line.includes('%zz')
    const body = line.startsWith('HEAD') ? '' : 'Hello, world\n'
    const status = gone || line.includes('%zz') ? '404 Not Found' : '200 OK'
    return `HTTP/1.1 ${status}\r\n${RESPONSE_HEAD} 13\r\n\r\n${body}`
  })
  const rows = ROWS.filter(({ name }) => name === 'Malformed escapes')
  const found = await attackWithCases(brittle, rows, '/')
  const { holds, text = '' } = found.get('attacks/bad-escapes') ?? {}
  t.equal(holds, false)
  t.match(text, /^404, closed, and then the server no longer serves `HEAD \/hello\.txt`$/)
})

t.test('each rule tells a server that stands from one that does not', async (t) => {
  const answer = (head: string, body = '') =>
    `HTTP/1.1 ${head}\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`
  const refused = answer('400 No\r\nConnection: close')
  const post = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab'
  type Sample = readonly [received: string, closed: boolean, log?: string]
  const samples: Record<RuleName, { good: Sample[]; bad: Sample[] }> = {
    refused: {
      good: [[refused, true]],
      bad: [
        [refused, false],
        ['', true],
        [answer('200 OK'), true],
        [refused + refused, true],
        [`${refused}x`, true],
      ],
    },
    error: {
      good: [[refused, false]],
      bad: [
        [answer('200 OK'), true],
        ['', true],
      ],
    },
    'own bytes': {
      good: [
        [answer('200 OK'), false],
        [refused, true],
      ],
      bad: [
        [answer('200 OK') + refused, true],
        [answer('200 OK', 'GET /smuggled\n'), false],
        [answer('200 OK') + '<html>', true],
        ['', true],
      ],
    },
    'no tag': {
      good: [[answer('200 OK', '&lt;b>'), true]],
      bad: [
        [answer('200 OK', '<script>alert(1)'), true],
        [answer('200 OK', '<li>a<b>.txt'), true],
        ['', true],
      ],
    },
    'no control': {
      good: [['', true, '"GET /\\x1b[31m" 200\n"GET /a\\\\x1b"\n']],
      bad: [
        ['', true, '"GET /\x1b[31m" 200\n'],
        ['', true, '"GET /\x9b31m" 200\n'],
        ['', true, '"GET /a\\x1b" 200\n'],
      ],
    },
    'own host': {
      good: [
        [answer('301 Moved\r\nLocation: /evil.example/'), true],
        [answer('301 Moved\r\nLocation: http://127.0.0.1/evil.example/'), true],
        ['', true],
      ],
      bad: [
        [answer('301 Moved\r\nLocation: //evil.example/'), true],
        [answer('301 Moved\r\nLocation: /\\evil.example/'), true],
        [answer('301 Moved\r\nlocation: http://evil.example/'), true],
      ],
    },
    'no line': {
      good: [
        ['', true],
        [answer('200 OK\r\nX: Set-Cookie: stolen=1'), true],
      ],
      bad: [
        [answer('200 OK\r\nSet-Cookie: stolen=1'), true],
        [answer('200 OK\rSet-Cookie: stolen=1'), true],
      ],
    },
    'no remains': {
      good: [['', true]],
      bad: [[answer('200 OK\r\nX-Left: over'), true]],
    },
    lives: {
      good: [['', true]],
      bad: [
        ['', false],
        [refused, true],
      ],
    },
  }
  for (const name of Object.keys(samples) as RuleName[]) {
    const { good, bad } = samples[name]
    const judge = ([received, closed, log]: Sample) =>
      RULES[name].holds(see({ received, closed }, Buffer.from(post), log))
    for (const sample of good) {
      t.equal(judge(sample), true, `${name}: ${JSON.stringify(sample)}`)
    }
    for (const sample of bad) {
      t.equal(judge(sample), false, `${name}: ${JSON.stringify(sample)}`)
    }
  }
  t.equal(
    RULES['no control'].holds(see({ received: '', closed: true }, Buffer.from(post))),
    undefined,
  )
  const words = (received: string) => brief(see({ received, closed: true }, Buffer.from(post)))
  t.equal(words(refused), '400, closed')
  t.equal(words(''), 'no response, closed')
  t.equal(words('GET /\n'), 'a body without a head, closed')
  t.equal(words(`${refused}x`), '400 + other bytes, closed')
  t.equal(words('HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n'), '200, closed')
})
