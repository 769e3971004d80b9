import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { inRange, minor, PYTHONS } from './python.ts'
import { BasehttpTarget } from './library.ts'
import { chooseTarget } from './target.ts'

// Each test starts processes, and a busy machine takes its time.
t.setTimeout(5 * HANG_LIMIT)

function conformance(...args: string[]) {
  const command = ['dist/conformance/run/main.js', '--only', 'errors/404', ...args]
  const options = { cwd: TOP, encoding: 'utf8', timeout: HANG_LIMIT } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, command, options)
  return { status, stdout, stderr }
}

t.test('url: judges a running server, and leaves it running', async (t) => {
  const app = await new BasehttpTarget().start('errors')
  const url = `url:http://127.0.0.1:${String(app.port)}`
  t.match(conformance('--target', url, '--app', 'errors'), {
    status: 0,
    stdout: /conformance of http:\/\/127\.0\.0\.1:\d+: 1 passed, 0 failed\n$/,
  })
  t.ok(app.alive())
  await app.stop()
  t.match(conformance('--target', url, '--app', 'errors'), {
    status: 3,
    stdout: '',
    stderr: /^Cannot connect to http:\/\/127\.0\.0\.1:\d+: nobody listens there\n$/,
  })
  t.match(conformance('--target', 'url:ftp://x', '--app', 'errors'), { status: 2 })
})

t.test('basehttp:async, :threads and :forks are this library with a mixin', async (t) => {
  for (const mixin of ['async', 'threads', 'forks']) {
    const run = conformance('--target', `basehttp:${mixin}`)
    t.match(run, { status: 0, stdout: `conformance of basehttp:${mixin}: 1 passed, 0 failed` })
  }
})

t.test('basehttp:in-process runs without a process of its own', async (t) => {
  t.match(conformance('--target', 'basehttp:in-process'), { status: 0 })
})

// A server in another language: its log and its responses are the article's, written by hand.
const PERL = `
use strict; use warnings; use IO::Socket::INET; use POSIX qw(strftime);
my ($app, $port, $page) = @ARGV;
open(my $in, '<', $page); local $/; my $body = <$in>;
my $server = IO::Socket::INET->new(
  LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 64, ReuseAddr => 1) or die;
$| = 1;
while (my $client = $server->accept()) {
  local $/ = "\\r\\n\\r\\n";
  my $request = <$client>;
  if (defined $request && $request =~ /\\r\\n\\r\\n$/) {
    my $time = strftime('%d/%b/%Y %H:%M:%S', localtime);
    print STDERR "127.0.0.1 - - [$time] code 404, message Not Found\\n";
    print STDERR "127.0.0.1 - - [$time] \\"GET / HTTP/1.1\\" 404 -\\n";
    my $date = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime);
    print $client "HTTP/1.0 404 Not Found\\r\\nServer: BaseHTTP/0.6 Perl/5\\r\\nDate: $date\\r\\n" .
      "Connection: close\\r\\nContent-Type: text/html;charset=utf-8\\r\\n" .
      "Content-Length: 447\\r\\n\\r\\n$body";
  }
  close $client;
}
`

const hasPerl = spawnSync('perl', ['-v']).status === 0

t.test('cmd: judges any program', { skip: !hasPerl && 'this machine has no perl' }, async (t) => {
  const folder = temporary(t)
  const path = join(folder, 'server.pl')
  const page = join(TOP, 'conformance/cases/files/error-404.html')
  writeFileSync(path, PERL)
  const line = `perl ${path} {app} {port} ${page}`
  const { status, stdout } = conformance('--target', `cmd:${line}`, '--app', 'errors')
  t.equal(status, 0, stdout)
  writeFileSync(path, PERL.replace('404, message', '404: message'))
  const wrong = conformance('--target', `cmd:${line}`, '--app', 'errors')
  t.equal(wrong.status, 1)
  t.match(wrong.stdout, /the log must have ", message Not Found" here/)
  t.notOk(spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout.includes(path))
  t.match(conformance('--target', 'cmd:perl', '--app', 'errors'), {
    status: 2,
    stderr: /"cmd:perl" must take its port/,
  })
})

t.test('--repro prints a line that sends the same bytes', async (t) => {
  const server = spawn(
    process.execPath,
    ['dist/conformance/run/main.js', '--only', 'errors/404', '--repro'],
    { cwd: TOP, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  t.teardown(() => server.kill())
  let output = ''
  for await (const text of server.stdout.setEncoding('utf8')) {
    output += String(text)
    if (output.includes('until Ctrl-C')) {
      break
    }
  }
  const line = output.split('\n').find((text) => text.startsWith('printf')) ?? ''
  const { stdout } = spawnSync('sh', ['-c', line], {
    encoding: 'latin1',
    timeout: HANG_LIMIT,
    env: { ...process.env, PATH: withNetcat(t) },
  })
  t.match(stdout, /^HTTP\/1\.0 404 Not Found\r\nServer: BaseHTTP\/0\.6 Node/)
  t.equal(stdout.length - stdout.indexOf('\r\n\r\n') - 4, 447)
})

/** A PATH with nc(1) on it: where there is none, a one-line program stands in. */
function withNetcat(t: Test): string {
  const path = String(process.env.PATH)
  if (spawnSync('sh', ['-c', 'command -v nc']).status === 0) {
    return path
  }
  const folder = temporary(t)
  const program = `#!${process.execPath}
    const socket = process.getBuiltinModule('net').connect(process.argv[3], process.argv[2])
    process.stdin.pipe(socket, { end: false })
    socket.pipe(process.stdout)`
  writeFileSync(join(folder, 'nc'), program, { mode: 0o755 })
  return `${folder}${delimiter}${path}`
}

function temporary(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-target-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

t.test('--tap and --json are for programs', async (t) => {
  const path = join(temporary(t), 'results.json')
  const { status, stdout } = conformance(
    '--tap',
    '--json',
    path,
    '--only',
    'cpython-3.13/redirect-',
  )
  t.equal(status, 0)
  t.match(stdout, /^TAP version 14\n1\.\.38\nok 1 - errors\/404\nok 2 - cpython-3\.13\/redirect-/)
  t.match(JSON.parse(readFileSync(path, 'utf8')), {
    target: 'basehttp',
    exit: 0,
    verdicts: { pass: 38, fail: 0 },
    cases: [
      { id: 'errors/404', verdict: 'pass', level: 'must', source: 'article:Handling Errors' },
    ],
  })
})

// -- Python ----------------------------------------------------------------------------------

t.test('a port that somebody else takes first is left alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-test-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const program = join(folder, 'server.cjs')
  // The first time, it lets somebody else have its port, and then wants it.
  writeFileSync(
    program,
    `const { existsSync, writeFileSync } = require('node:fs')
    const [port] = process.argv.slice(2)
    const listen = () => require('node:http').createServer((_, r) => r.end('mine')).listen(port, '127.0.0.1')
    const file = ${JSON.stringify(join(folder, 'port'))}
    if (existsSync(file)) listen()
    else {
      writeFileSync(file, port)
      const timer = setInterval(() => {
        if (existsSync(file + '.taken')) { clearInterval(timer); listen() }
      }, 5)
    }`,
  )
  const { target } = await chooseTarget(`cmd:exec '${process.execPath}' '${program}' {port}`, [
    'rfc',
  ])
  const starting = target.start('rfc')
  const file = join(folder, 'port')
  while (!existsSync(file) || readFileSync(file, 'utf8') === '') {
    await sleep(5)
  }
  const port = Number(readFileSync(file, 'utf8'))
  const other = createServer((socket) => {
    socket.on('error', () => {})
    socket.end()
  })
  other.listen(port, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => {
    other.close()
  })
  writeFileSync(`${file}.taken`, '')
  const app = await starting
  t.not(app.port, port)
  t.equal(await (await fetch(`http://127.0.0.1:${String(app.port)}/`)).text(), 'mine')
  await app.stop()
})

t.test('inRange() compares versions', async (t) => {
  t.ok(inRange('3.6.15', '<3.7'))
  t.ok(inRange('3.10.1', '>=3.7 <3.11'))
  t.notOk(inRange('3.11.0', '>=3.7 <3.11'))
  t.ok(inRange('3.13.0', '>3.12 <=3.13 =3.13'))
  t.equal(minor('3.13.0'), '3.13')
})

t.test('a machine without Python says what it skips', async (t) => {
  const folder = temporary(t)
  const { status, stdout } = spawnSync(
    process.execPath,
    ['dist/conformance/run/main.js', '--target', 'cpython:all'],
    { cwd: TOP, encoding: 'utf8', env: { PATH: folder, HOME: folder }, timeout: HANG_LIMIT },
  )
  t.equal(status, 0)
  t.equal(
    stdout,
    PYTHONS.map((version) => {
      return `conformance of cpython ${version}: skipped, this machine has no ${version}\n`
    }).join(''),
  )
})
