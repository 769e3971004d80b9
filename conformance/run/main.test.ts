import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'

// Each test starts processes, and a busy machine takes its time.
t.setTimeout(5 * HANG_LIMIT)

/** Run the compiled suite, with the pages of a folder. */
function conformance(args: string[], top = TOP) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/conformance/run/main.js', ...args],
    { cwd: top, encoding: 'utf8', timeout: HANG_LIMIT },
  )
  return { status, stdout, stderr }
}

/** A copy of what the suite needs, in which something can be spoiled. */
function copy(t: Test): string {
  const top = mkdtempSync(join(tmpdir(), 'basehttp-suite-'))
  t.teardown(() => {
    rmSync(top, { recursive: true })
  })
  cpSync(join(TOP, 'dist'), join(top, 'dist'), { recursive: true })
  for (const folder of ['cases', 'deviations', 'recordings']) {
    const path = join('conformance', folder)
    cpSync(join(TOP, path), join(top, path), { recursive: true })
  }
  cpSync(join(TOP, 'package.json'), join(top, 'package.json'))
  symlinkSync(join(TOP, 'node_modules'), join(top, 'node_modules'))
  return top
}

/** Run one case on a library in which one text is replaced by another. */
function spoil(t: Test, file: string, from: string, to: string) {
  const top = copy(t)
  const path = join(top, 'dist', file)
  const source = readFileSync(path, 'utf8')
  t.ok(source.includes(from), `${file} has ${from}`)
  writeFileSync(path, source.replace(from, to))
  return conformance(['--only', 'errors/404'], top)
}

t.test('the suite passes, and prints a table', async (t) => {
  // All of it takes a minute, and npm test runs it once; a topic and a family will do here.
  const { status, stdout, stderr } = conformance(['--only', 'errors/'])
  t.equal(status, 0, stdout + stderr)
  t.match(stdout, /^topic +pass\n/)
  t.match(stdout, /conformance of basehttp: \d+ passed, 0 failed\n$/)
  const redirects = conformance(['--only', 'cpython-3.13/redirect-'])
  t.equal(redirects.status, 0, redirects.stdout + redirects.stderr)
  t.match(redirects.stdout, /^redirect +37\n/m)
})

t.test('--list and --only select', async (t) => {
  const { status, stdout } = conformance(['--list', '--only', 'errors/'])
  t.equal(status, 0)
  t.match(stdout, /^errors\/404$/m)
  t.notMatch(stdout, /methods\//)
  t.match(conformance(['--help']), { status: 0, stdout: /^usage: / })
})

t.test('--verbose shows the wire', async (t) => {
  const { stdout } = conformance(['--only', 'errors/404', '--verbose'])
  t.match(stdout, /^> GET \/ HTTP\/1\.1\\r\\n$/m)
  t.match(stdout, /^< HTTP\/1\.0 404 Not Found\\r\\n$/m)
})

t.test('no case selected, or an unknown flag: one line, and exit 2', async (t) => {
  t.same(conformance(['--only', 'nothing']), {
    status: 2,
    stdout: '',
    stderr: 'No case selected: no id begins with nothing; see --list\n',
  })
  t.match(conformance(['--recordings', '2.7']), {
    status: 2,
    stderr: 'There are no recordings "2.7"; there are 3.13, 3.6, none; --help lists the flags\n',
  })
  t.match(conformance(['--nonsense']), {
    status: 2,
    stderr: "Unknown option '--nonsense'; --help lists the flags\n",
  })
  t.match(conformance(['errors']), { status: 2, stderr: /^Unexpected argument 'errors'; --help/ })
  t.match(conformance(['--port', 'x']), { status: 2, stderr: /^"x" is not a valid port; --help/ })
  const noTarget = /^There is no target "apache"; there are basehttp, .*\n$/
  t.match(conformance(['--target', 'apache']), { status: 2, stderr: noTarget })
  const noModule = 'There is no module "./none.ts"\n'
  t.match(conformance(['--target', './none.ts']), { status: 2, stderr: noModule })
  const noApp = /^Say which app "url:http:\/\/127.0.0.1:1" serves: --app NAME; .*\n$/
  const foreign = ['--target', 'url:http://127.0.0.1:1']
  t.match(conformance([...foreign, '--profile', 'http.server']), { status: 2, stderr: noApp })
  const noPython = 'There is no Python "python-none" on this machine\n'
  t.match(conformance(['--target', 'cpython:python-none']), { status: 3, stderr: noPython })
})

t.test('one byte off in an error page is found, and named', async (t) => {
  const { status, stdout } = spoil(
    t,
    'lib/http/error-page.js',
    '<p>Error code: ',
    '<p>Error Code: ',
  )
  t.equal(status, 1)
  t.match(stdout, /^not ok errors\/404 {3}must, article:Handling Errors$/m)
  t.match(
    stdout,
    / {4} +<p>Error Code: 404<\/p>\\n\n +\^ byte \d+ is "C"; expected here: "code: 404<\/p>\\n"/,
  )
  t.match(stdout, /^ {4}why {4}\S/m)
  t.match(stdout, /^ {4}repro {2}printf 'GET \/ HTTP\/1\.1\\r\\n.*' \| nc 127\.0\.0\.1 \d+$/m)
  t.match(stdout, /0 passed, 1 failed\n$/)
})

t.test('a wrong length, order, log or end of the connection is found', async (t) => {
  const handler = 'lib/http/base-handler.js'
  const length = spoil(
    t,
    handler,
    "'Content-Length', body.length",
    "'Content-Length', body.length + 1",
  )
  t.equal(length.status, 1)
  t.match(length.stdout, /the header says 448, the body has 447 bytes/)
  const order = spoil(t, handler, "'Content-Length', body", "'Content-length', body")
  t.match(order.stdout, /Content-length: 447/)
  const log = spoil(t, handler, 'code %d, message %s', 'code %d message %s')
  t.match(log.stdout, /the log must have ", message Not Found" here/)
})

t.test('a page that is broken: one line, and exit 4', async (t) => {
  const top = copy(t)
  writeFileSync(join(top, 'conformance/cases/zzz.md'), '## Broken\n')
  t.same(conformance([], top), {
    status: 4,
    stdout: '',
    stderr:
      'zzz.md:1: "Broken" is not a valid id; write topic/name, in lower-case letters and hyphens\n',
  })
})

t.test('a target that does not start: exit 3', async (t) => {
  const top = copy(t)
  writeFileSync(
    join(top, 'dist/conformance/targets/basehttp.js'),
    'console.error("no"); process.exit(7)',
  )
  const { status, stdout } = conformance(['--only', 'errors/404'], top)
  t.equal(status, 3)
  t.match(stdout, /The app "errors" ended at its start \(status 7\)/)
})

t.test('a target that dies meanwhile: exit 3', async (t) => {
  const { status, stdout } = spoil(
    t,
    'docs/examples/http_server_errors.js',
    'this.sendError(404)',
    'process.exit(7)',
  )
  t.equal(status, 3)
  t.match(
    stdout,
    /^not ok errors\/404 {3}error, must, article:Handling Errors\n {4}the server is gone/m,
  )
})

t.test('a case that needs another is not judged when that one fails', async (t) => {
  const top = copy(t)
  const page = join(top, 'dist/lib/http/error-page.js')
  writeFileSync(page, readFileSync(page, 'utf8').replace('<p>Error code: ', '<p>Error Code: '))
  const cases = readFileSync(join(top, 'conformance/cases/02-methods.md'), 'utf8').split(
    /^(?=## )/m,
  )
  const needy = cases
    .filter((text) => text.startsWith('## methods/get\n'))
    .join('')
    .replace('methods/get', 'needy/get')
    .replace('"app"', '"needs":["errors/404"],"app"')
  writeFileSync(join(top, 'conformance/cases/needy.md'), needy)
  const { status, stdout } = conformance(['--only', 'errors/404', '--only', 'needy/'], top)
  t.equal(status, 1)
  t.match(stdout, /^needy +\. +1 +\.$/m)
  t.match(stdout, /0 passed, 1 failed, 1 not judged\n$/)
})

t.test('a response that is wrong only the second time is found', async (t) => {
  const top = copy(t)
  const response = (path: string) =>
    'HTTP/1.1 200 OK\nServer: BaseHTTP/0.6 {{runtime}}\nDate: {{http-date}}\n' +
    `Content-Type: text/plain\nContent-Length: 7\n\nGET ${path}\\n`
  const two = [
    '## two/pipelined',
    '<!-- case={"app":"custom11","level":"must","source":"rfc:9112#9.3.2"} -->',
    'Each response belongs to its own request.',
    '```request\nGET /1 HTTP/1.1\nHost: a\n\nGET /2 HTTP/1.1\nHost: a\n\n```',
    `\`\`\`response\n${response('/1')}\n\`\`\``,
    `\`\`\`response\n${response('/2')}\n{{open}}\n\`\`\``,
  ]
  writeFileSync(join(top, 'conformance/cases/two.md'), two.join('\n'))
  t.equal(conformance(['--only', 'two/'], top).status, 0)
  const handler = join(top, 'dist/conformance/targets/custom-handler.js')
  const source = readFileSync(handler, 'utf8')
  writeFileSync(handler, source.replace('${this.command} ${this.path}\\n`', 'GET /1\\n`'))
  const { status, stdout } = conformance(['--only', 'two/'], top)
  t.equal(status, 1)
  t.match(stdout, /^ {4}GET \/1\\n\n {9}\^ byte \d+ is "1"; expected here: "2\\n"/m)
})
