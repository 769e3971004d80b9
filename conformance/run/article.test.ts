import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { markLines, readArticle, readSections } from './article.ts'
import type { Row } from './article.ts'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { findPython } from '../targets/python.ts'

// Each test starts processes, and a busy machine takes its time.
t.setTimeout(5 * HANG_LIMIT)

// A text in the article's form: transcripts in fences, some of them split by printing.
const TEXT = `
First

\`\`\`
# program.py
import this
\`\`\`

Prose about it.

\`\`\`
$ python3 program.py
\`\`\`

More prose.

\`\`\`
$ curl -i http://127.0.0.1:8080/ \\
-F name=x

HTTP/1.0 200 OK

body
\`\`\`

\`\`\`
the end of the body
\`\`\`

Prose between.

\`\`\`
no transcript
\`\`\`

Second

\`\`\`
$ curl http://127.0.0.1:8080/
Thread-1

$ curl http://127.0.0.1:8080/
Thread-2
\`\`\`
`

t.test('readArticle() finds the transcripts', async (t) => {
  const article = readArticle(TEXT, ['First', 'Second'])
  t.same(article.get('First'), [
    '$ python3 program.py',
    '$ curl -i http://127.0.0.1:8080/ \\',
    '-F name=x',
    '',
    'HTTP/1.0 200 OK',
    '',
    'body',
    'the end of the body',
  ])
  const row = (line: string): Row => ({ mark: 'must', line, how: 'so' })
  const rows = ['$ curl http://127.0.0.1:8080/', 'Thread-1', 'Thread-3'].map(row)
  const { marked, missing } = markLines(article.get('Second') ?? [], rows)
  t.same(
    marked.map(({ line, row: found }) => [line, found?.line]),
    [
      ['$ curl http://127.0.0.1:8080/', '$ curl http://127.0.0.1:8080/'],
      ['Thread-1', 'Thread-1'],
      ['$ curl http://127.0.0.1:8080/', undefined],
      ['Thread-2', undefined],
    ],
  )
  t.same(
    missing.map(({ line }) => line),
    ['Thread-3'],
  )
})

t.test('every line of the transcripts has a mark, and says how it is known', async (t) => {
  const sections = readSections()
  t.equal(sections.length, 6)
  for (const { section, rows } of sections) {
    for (const { mark, line, live, how } of rows) {
      t.ok(
        ['must', 'varies', 'editing', 'other'].includes(mark) && how !== '',
        `${section}: ${line}`,
      )
      t.ok(mark === 'other' ? live === undefined : mark === 'editing' || live !== undefined, line)
    }
  }
})

function article(...args: string[]) {
  const command = ['dist/conformance/run/main.js', '--article', ...args]
  const options = { cwd: TOP, encoding: 'utf8', timeout: HANG_LIMIT } as const
  return spawnSync(process.execPath, command, options)
}

t.test('--article shows the article beside live responses', async (t) => {
  const { status, stdout } = article()
  t.equal(status, 0, stdout)
  t.match(stdout, /^ {2}Content-Length: 447 +\| Content-Length: 447 +\| must match +recorded raw/m)
  t.match(
    stdout,
    /^ {2}Date: Thu, 06 Oct 2016 20:58:08 GMT +\| Date: .* GMT +\| varies +the time$/m,
  )
  t.match(stdout, /^ {4}<head> +\| {5}<head> +\| article's editing re-indented/m)
  t.match(stdout, /^ {2}\* Trying 127.* +\| +\| not the server's +printed by curl/m)
  t.match(stdout, /\narticle on basehttp: \d sections passed, 0 failed/)
})

t.test('--article FILE reads a copy of the article, and knows all its lines', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-article-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, 'article.txt')
  const copy = (change: (line: string) => string) => {
    const text = readSections().map(({ section, rows }) => {
      const lines = rows.map(({ line }) => change(line)).join('\n')
      return `${section}\n\nProse.\n\n\`\`\`\n${lines}\n\`\`\`\n`
    })
    writeFileSync(path, text.join('\n'))
  }
  copy((line) => line)
  t.equal(article(path).status, 0)
  copy((line) => line.replace('Content-Length: 447', 'Content-Length: 448'))
  const { status, stdout } = article(path)
  t.equal(status, 1)
  t.match(stdout, /^the article has a line about which nothing is known: "Content-Length: 448"$/m)
  t.match(stdout, /^the article lacks a line that is known: "Content-Length: 447"$/m)
})

// 3.6 is the nearest to the article's own 3.5; in 3.13 what differs is declared.
for (const version of ['3.6', '3.13']) {
  const lacking = findPython(version) === undefined && `this machine has no Python ${version}`
  t.test(`--article agrees with Python ${version}`, { skip: lacking }, async (t) => {
    const { status, stdout } = article('--target', `cpython:${version}`)
    t.equal(status, 0, stdout)
    t.match(stdout, version === '3.6' ? /6 sections passed, 0 failed\n$/ : /expected failure/)
  })
}
