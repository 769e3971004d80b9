import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
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
import { missingTests } from './tests.ts'

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
  const attacks = [...cases.keys()].filter((id) => id.startsWith('attacks/'))
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
  t.equal(words(''), 'no answer, closed')
  t.equal(words('GET /\n'), 'a body without a head, closed')
  t.equal(words(`${refused}x`), '400 + other bytes, closed')
  t.equal(words('HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n'), '200, closed')
})
