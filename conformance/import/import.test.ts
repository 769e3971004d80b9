import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { makeDocumentRoot } from '../recordings/document-root.ts'
import { importTrace } from './import.ts'
import { parsePage } from '../judge/page.ts'
import type { Case } from '../judge/page.ts'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { runPages } from '../run/run.ts'
import { BasehttpTarget } from '../targets/library.ts'

const TRACE = [
  '*   Trying 127.0.0.1:8080...',
  '* Connected to 127.0.0.1 (127.0.0.1) port 8080 (#0)',
  '> GET /?foo=bar HTTP/1.1\r',
  '> Host: 127.0.0.1:8080\r',
  '> User-Agent: curl/7.88.1\r',
  '> \r',
  '< HTTP/1.1 200 OK\r',
  '< Server: BaseHTTP/0.6 Python/3.6.15\r',
  '< Date: Thu, 06 Oct 2016 20:44:11 GMT\r',
  '< Content-Length: 38\r',
  '< \r',
  '{ [38 bytes data]',
  "('127.0.0.1', 52934) {{x}} \\\xe9\r",
  'a\tb',
  'end* Connection #0 to host 127.0.0.1 left intact',
  '',
].join('\n')

const OPTIONS = { id: 'topic/name', app: 'get' }

function read(page: string): Case {
  return parsePage(page, 'page.md', () => '')[0] as Case
}

t.test('importTrace() makes a page', async (t) => {
  const page = importTrace(TRACE, OPTIONS)
  t.equal(
    page.slice(page.indexOf('```request')),
    [
      '```request',
      'GET /?foo=bar HTTP/1.1',
      'Host: 127.0.0.1:8080',
      'User-Agent: curl/7.88.1',
      '',
      '```',
      '',
      '```response',
      'HTTP/1.1 200 OK',
      'Server: BaseHTTP/0.6 {{runtime}}',
      'Date: {{http-date}}',
      'Content-Length: 38',
      '',
      "('127.0.0.1', {{client-port}}) {\\x7bx}} \\\\\\xe9",
      'a\\x09b\\n\\',
      'end',
      '{{open}}',
      '```',
      '',
    ].join('\n'),
  )
  const one = read(page)
  t.equal(
    one.request.toString('latin1'),
    'GET /?foo=bar HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\n\r\n',
  )
  const response = [
    'HTTP/1.1 200 OK',
    'Server: BaseHTTP/0.6 Node/20.1.0',
    `Date: ${new Date().toUTCString()}`,
    'Content-Length: 38',
    '',
    "('127.0.0.1', 52934) {{x}} \\\xe9",
    'a\tb\nend',
  ]
  t.equal(one.expectation.progress(response.join('\r\n')), 'complete')
})

t.test('importTrace() refuses what cannot become a case', async (t) => {
  const flaw = (trace: string, more = {}) => {
    try {
      return importTrace(trace, { ...OPTIONS, ...more })
    } catch (error) {
      return (error as Error).message
    }
  }
  t.match(flaw(''), /^The trace holds no request; make it with curl -sv/)
  t.match(flaw(TRACE + TRACE), /^The trace holds several requests/)
  t.match(flaw(TRACE.replace(': 38', ': 39')), /^The trace has 38 bytes of a body of 39; /)
  const post = TRACE.replace('> \r', '> Content-Length: 5\r\n> \r')
  t.match(flaw(post), /^The request has a body of 5 bytes, and curl does not show it; /)
  const page = flaw(post, { body: Buffer.from('a\r\nb\n') })
  t.match(read(page).request.toString(), /\r\n\r\na\r\nb\n$/)
})

t.test('npm run conformance:import prints a page, or says why not', async (t) => {
  const run = (input: string, ...args: string[]) =>
    spawnSync(process.execPath, ['dist/conformance/import/main.js', ...args], {
      cwd: TOP,
      input: Buffer.from(input, 'latin1'),
      encoding: 'utf8',
      timeout: HANG_LIMIT,
    })
  t.match(run(TRACE, '--id', 'a/b'), { status: 0, stdout: /^# a\/b\n\n## a\/b\n/ })
  t.match(run('nothing'), { status: 2, stderr: /^The trace holds no request/ })
  t.match(run(TRACE, '--id', 'no id'), { status: 2, stderr: /"no id" is not a valid id/ })
  t.match(run(TRACE, '--else'), { status: 2, stderr: /usage: curl -sv/ })
})

const hasCurl = spawnSync('curl', ['--version']).status === 0

t.test(
  'what curl has seen, the suite sees again',
  { skip: !hasCurl && 'this machine has no curl' },
  async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'basehttp-root-'))
    t.teardown(() => {
      rmSync(root, { recursive: true })
    })
    makeDocumentRoot(root)
    const target = new BasehttpTarget()
    const flags: [app: string, path: string, flags: string[]][] = [
      ['get', '/?foo=bar', ['-sv', '-i']],
      ['errors', '/', ['-sv']],
      ['simple', '/index.rst', ['-sv', '-I']],
      ['simple11', '/crlf.txt', ['-v']],
      ['simple11', '/binary.bin', ['-sv']],
    ]
    for (const [app, path, args] of flags) {
      const running = await target.start(app, { root })
      const trace = await new Promise<string>((resolve) => {
        const url = `http://127.0.0.1:${String(running.port)}${path}`
        // As people do it: both streams into one file.
        const line = `exec curl ${args.join(' ')} '${url}' 2>&1`
        execFile('sh', ['-c', line], { encoding: 'latin1', timeout: HANG_LIMIT }, (_, stdout) => {
          resolve(stdout)
        })
      })
      await running.stop()
      const one = read(importTrace(trace, { id: 'a/b', app }))
      const [result] = await runPages(target, [one], { root, deviations: new Map(), scan: false })
      t.match(result, { verdict: 'pass', findings: [] }, `${app} ${path} ${args.join(' ')}`)
    }
  },
)
