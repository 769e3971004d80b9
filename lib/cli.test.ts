import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { Agent, request } from 'undici'
import { HANG_LIMIT } from '../conformance/patience.ts'
import { parseArguments, UsageError } from './cli-arguments.ts'
import type { Arguments } from './cli-arguments.ts'
import { colored, wantsColors } from './cli-colors.ts'
import { directoryProblem } from './stdlib/files.ts'
import { CERTIFICATE, PRIVATE_KEY } from './testing/certificate.ts'
import { readAll, readUntil } from './testing/helpers.ts'

const PROGRAM = join(import.meta.dirname, 'cli.js')
const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1')
const NO_IPV6 = HAS_IPV6 ? false : 'this machine has no ::1'

/** Run the command to its end. */
function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    timeout: HANG_LIMIT,
  })
  return { status, stdout, stderr }
}

interface Running {
  child: ChildProcessWithoutNullStreams
  /** The first line. */
  banner: string
  port: number
  stdout(): string
  stderr(): string
  /** Send a signal, and wait for the end. */
  end(signal: NodeJS.Signals): Promise<[code: number | null, signal: string | null]>
}

/** Start the command, and wait until it serves. */
function start(t: Test, ...args: string[]): Promise<Running> {
  return watch(t, spawn(process.execPath, [PROGRAM, ...args]))
}

async function watch(t: Test, child: ChildProcessWithoutNullStreams): Promise<Running> {
  t.teardown(() => child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>
  while (!output.stdout.includes('\n')) {
    await Promise.race([once(child.stdout, 'data'), exited])
    if (child.exitCode !== null) {
      throw new Error(output.stderr)
    }
  }
  const banner = (output.stdout.split('\n') as [string])[0]
  return {
    child,
    banner,
    port: Number(/ port (\d+) /.exec(banner)?.[1]),
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    end(signal) {
      child.kill(signal)
      return exited
    },
  }
}

function dial(port: number, host = '127.0.0.1') {
  const socket = connect({ port, host })
  socket.on('error', () => {})
  return socket
}

async function ask(port: number, text: string, host?: string): Promise<string> {
  const socket = dial(port, host)
  socket.write(text)
  return readAll(socket)
}

/** Wait until no connection is taken any more, because the first signal has arrived. */
async function refused({ port }: Running): Promise<void> {
  while ((await ask(port, 'HEAD / HTTP/1.0\r\n\r\n')) !== '') {
    // Again.
  }
}

/** Wait until something is so; tap's time limit bounds it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A directory with files in it, which disappears with the test. */
function folder(t: Test): string {
  const root = fs.mkdtempSync(join(tmpdir(), 'basehttp-cli-'))
  t.teardown(() => {
    fs.rmSync(root, { recursive: true })
  })
  fs.writeFileSync(join(root, 'index.rst'), 'Title\n=====\n')
  fs.writeFileSync(join(root, 'large'), Buffer.alloc(30_000_000))
  fs.writeFileSync(join(root, 'cert.pem'), CERTIFICATE)
  fs.writeFileSync(join(root, 'key.pem'), PRIVATE_KEY)
  return root
}

t.test('it serves a directory, logs, and ends on Ctrl-C', async (t) => {
  const server = await start(t, '0', '-d', folder(t))
  t.equal(server.banner, `Serving HTTP on 0.0.0.0 port ${String(server.port)} ...`)
  const response = await ask(server.port, 'HEAD /index.rst HTTP/1.1\r\nHost: x\r\n\r\n')
  t.match(response, /^HTTP\/1\.0 200 OK\r\nServer: SimpleHTTP\/0\.6 Node\/\S+\r\nDate: /)
  t.match(response, /\r\nContent-type: application\/octet-stream\r\nContent-Length: 12\r\n/)
  t.match(server.stderr(), /^127\.0\.0\.1 - - \[.*\] "HEAD \/index\.rst HTTP\/1\.1" 200 -\n$/)
  t.same(await server.end('SIGINT'), [0, null])
  t.ok(server.stdout().endsWith(' ...\n\nKeyboard interrupt received, exiting.\n'))
})

t.test('Ctrl-C is quick, even with open connections and a download', async (t) => {
  const server = await start(t, '0', '-d', folder(t), '-p', 'HTTP/1.1')
  const silent = dial(server.port)
  const kept = dial(server.port)
  kept.write('HEAD /index.rst HTTP/1.1\r\nHost: x\r\n\r\n')
  await readUntil(kept, '\r\n\r\n')
  const loading = dial(server.port)
  loading.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
  await readUntil(loading, '\r\n\r\n')
  loading.pause()
  t.same(await server.end('SIGINT'), [0, null])
  silent.destroy()
  kept.destroy()
  loading.destroy()
})

t.test('SIGTERM lets the requests end that have come', async (t) => {
  const server = await start(t, '0', '-d', folder(t), '-p', 'HTTP/1.1')
  const silent = dial(server.port)
  const kept = dial(server.port)
  kept.write('HEAD /index.rst HTTP/1.1\r\nHost: x\r\n\r\n')
  await readUntil(kept, '\r\n\r\n')
  const loading = dial(server.port)
  loading.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
  const head = await readUntil(loading, '\r\n\r\n')
  loading.pause()
  const body = head.length - head.indexOf('\r\n\r\n') - 4

  const ended = server.end('SIGTERM')
  // The idle ones end by themselves, and nobody new is let in.
  await readAll(silent)
  await readAll(kept)
  t.equal(await ask(server.port, 'GET / HTTP/1.0\r\n\r\n'), '')
  t.equal(server.child.exitCode, null)
  const rest = readAll(loading)
  loading.resume()
  t.equal(body + (await rest).length, 30_000_000)
  t.same(await ended, [0, null])
  t.notMatch(server.stdout(), /Keyboard/)
  t.notMatch(server.stderr(), /Connection lost|Exception/)
})

t.test('a request that has begun before SIGTERM is the last of its connection', async (t) => {
  const server = await start(t, '0', '-d', folder(t), '-p', 'HTTP/1.1')
  const begun = dial(server.port)
  begun.write('HEAD /index.rst HTTP/1.1\r\nHost: x\r\n')
  // Taken in order: when this one is answered, the other one's first bytes have been seen.
  await ask(server.port, 'HEAD / HTTP/1.0\r\n\r\n')
  const ended = server.end('SIGTERM')
  await refused(server)
  begun.write('\r\nHEAD /index.rst HTTP/1.1\r\nHost: x\r\n\r\n')
  t.match(await readAll(begun), /^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)+Connection: close\r\n\r\n$/)
  t.same(await ended, [0, null])
})

t.test('a request that is on its way at SIGTERM is answered', async (t) => {
  const server = await start(t, '0', '-d', folder(t), '-p', 'HTTP/1.1')
  const kept = Array.from({ length: 20 }, () => dial(server.port))
  await Promise.all(
    kept.map((socket) => {
      socket.write('HEAD /index.rst HTTP/1.1\r\nHost: x\r\n\r\n')
      return readUntil(socket, '\r\n\r\n')
    }),
  )
  for (const socket of kept) {
    socket.write('HEAD /index.rst HTTP/1.1\r\nHost: x\r\n\r\n')
  }
  const ended = server.end('SIGTERM')
  for (const answer of await Promise.all(kept.map((socket) => readAll(socket)))) {
    t.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  }
  t.same(await ended, [0, null])
})

t.test('a second signal ends at once', async (t) => {
  for (const second of ['SIGTERM', 'SIGINT'] as const) {
    const server = await start(t, '0', '-d', folder(t))
    const loading = dial(server.port)
    loading.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
    await readUntil(loading, '\r\n\r\n')
    loading.pause()
    server.child.kill('SIGTERM')
    await refused(server)
    t.same(await server.end(second), [0, null])
    loading.destroy()
  }
})

t.test('the flags do what they say', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'noext'), 'x')
  const server = await start(
    t,
    ...[
      '0',
      '--directory',
      root,
      '--protocol=HTTP/1.1',
      '-b127.0.0.1',
      '--content-type',
      'text/plain',
    ],
    ...['-H', 'X-One: 1', '--header=Cache-Control:no-store'],
  )
  t.equal(server.banner, `Serving HTTP on 127.0.0.1 port ${String(server.port)} ...`)
  const answer = await ask(
    server.port,
    'HEAD /noext HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  )
  t.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  t.match(answer, /\r\nContent-type: text\/plain\r\n/)
  t.match(answer, /\r\nX-One: 1\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n$/)
  t.notMatch(await ask(server.port, 'HEAD /none HTTP/1.0\r\n\r\n'), /X-One/)
  await server.end('SIGTERM')
})

t.test('-b :: takes both families, -b ::1 the one', { skip: NO_IPV6 }, async (t) => {
  const root = folder(t)
  const both = await start(t, '0', '-d', root, '-b', '::')
  t.equal(both.banner, `Serving HTTP on :: port ${String(both.port)} ...`)
  t.match(await ask(both.port, 'GET / HTTP/1.0\r\n\r\n'), / 200 OK/)
  t.match(await ask(both.port, 'GET / HTTP/1.0\r\n\r\n', '::1'), / 200 OK/)
  t.match(both.stderr(), /^::ffff:127\.0\.0\.1 - - .*\n::1 - - /)
  await both.end('SIGTERM')
  const one = await start(t, '0', '-d', root, '-b', '::1')
  t.equal(one.banner, `Serving HTTP on ::1 port ${String(one.port)} ...`)
  t.match(await ask(one.port, 'GET / HTTP/1.0\r\n\r\n', '::1'), / 200 OK/)
  t.equal(await ask(one.port, 'GET / HTTP/1.0\r\n\r\n', '127.0.0.1'), '')
  await one.end('SIGTERM')
})

t.test('on a terminal, the first line has a link, and a second one the address', async (t) => {
  // script(1) lends a terminal.
  if (spawnSync('script', ['--version']).error !== undefined) {
    t.comment('skipped: there is no script(1) on this machine')
    return
  }
  // `exec`: some shells stay, are interrupted too, and then speak of that instead.
  const command = `exec ${process.execPath} ${PROGRAM} 0 -b 127.0.0.1`
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: { ...process.env, SHELL: '/bin/sh' },
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  t.match(
    line,
    /^Serving HTTP on 127\.0\.0\.1 port (\d+) \(http:\/\/127\.0\.0\.1:\1\/\) \.\.\.\r\n/,
  )
  // This address is this machine's alone.
  t.notMatch(line, /On this network/)
  // Ctrl-C, as the terminal sends it.
  child.stdin.write('\x03')
  t.same(await once(child, 'exit'), [0, null])
})

t.test('on a terminal, an address that others can type is printed', async (t) => {
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ family, internal }) => family === 'IPv4' && !internal)
  if (!outside || spawnSync('script', ['--version']).error !== undefined) {
    t.comment('skipped: this machine has no such address, or no script(1)')
    return
  }
  const command = `exec ${process.execPath} ${PROGRAM} 0`
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: { ...process.env, SHELL: '/bin/sh' },
  })
  t.teardown(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  await until(() => text.split('\n').length > 2)
  t.match(
    text,
    /^Serving HTTP on 0\.0\.0\.0 port (\d+) \(http:\/\/0\.0\.0\.0:\1\/\) \.\.\.\r\nOn this network: http:\/\/[\d.]+:\1\/\r\n$/,
  )
  child.stdin.write('\x03')
  t.same(await once(child, 'exit'), [0, null])
})

t.test('what reads the output may go away', async (t) => {
  const server = await start(t, '0', '-d', folder(t))
  server.child.stdout.destroy()
  server.child.stderr.destroy()
  for (let count = 0; count < 3; count++) {
    t.match(await ask(server.port, 'HEAD / HTTP/1.0\r\n\r\n'), / 200 OK/)
  }
  t.same(await server.end('SIGINT'), [0, null])
})

t.test('a log that cannot be written costs the log, and nothing else', async (t) => {
  if (!fs.existsSync('/dev/full')) {
    t.comment('skipped: there is no /dev/full on this machine')
    return
  }
  const command = 'exec "$0" "$@" 2>/dev/full'
  const args = [PROGRAM, '0', '-b', '127.0.0.1', '-d', folder(t)]
  const server = await watch(t, spawn('sh', ['-c', command, process.execPath, ...args]))
  for (let count = 0; count < 20; count++) {
    t.match(await ask(server.port, 'HEAD / HTTP/1.0\r\n\r\n'), / 200 OK/)
  }
  t.same(await server.end('SIGTERM'), [0, null])
})

t.test('short of descriptors, it says so once, goes on, and recovers', async (t) => {
  if (process.platform === 'win32') {
    t.comment('skipped: Windows has no such limit')
    return
  }
  const root = folder(t)
  const command = `ulimit -n 60 && exec '${process.execPath}' '${PROGRAM}' 0 -b 127.0.0.1 -d '${root}'`
  const server = await watch(t, spawn('sh', ['-c', command]))
  const silent = Array.from({ length: 30 }, () => {
    return dial(server.port)
  })
  await Promise.all(silent.map((socket) => once(socket, 'connect')))
  await until(() => server.stderr() !== '')
  t.match(
    server.stderr(),
    /^Connection from .* dropped, and so are further ones: 10 are open, see maxConnections\n$/,
  )
  // One of those that were taken is answered, with a file that exists.
  const first = silent[0]
  first?.write('GET /index.rst HTTP/1.0\r\n\r\n')
  t.match(first && (await readAll(first)), / 200 OK/)
  for (const socket of silent) {
    socket.destroy()
  }
  await until(async () => (await ask(server.port, 'HEAD / HTTP/1.0\r\n\r\n')).includes(' 200 OK'))
  t.same(await server.end('SIGTERM'), [0, null])
})

t.test('-h and -V', async (t) => {
  const { status, stdout, stderr } = run('-h')
  t.same([status, stderr], [0, ''])
  t.match(stdout, /^usage: basehttp \[-h\] /)
  t.same(run('--help', '80x').stdout, stdout)
  t.match(run('--version'), { status: 0, stdout: /^basehttp \d+\.\d+\.\d+\n$/, stderr: '' })
})

t.test('bad arguments: the usage, one line, perhaps a hint, and exit 2', (t) => {
  const port = 'the port is given without an option: basehttp 8080'
  const written = 'options are written out: '
  const cases: [args: string[], message: string, hint?: string][] = [
    [['80x'], "argument port: not a number: '80x'"],
    [[''], "argument port: not a number: ''"],
    [['1_000'], "argument port: not a number: '1_000'"],
    [['65536'], "argument port: must be 0-65535: '65536'"],
    [['--', '-1'], "argument port: not a number: '-1'"],
    [['.'], "argument port: not a number: '.'", 'a directory is given with -d: basehttp -d .'],
    [['80', '.'], 'unrecognized arguments: .', 'a directory is given with -d: basehttp -d .'],
    [['1', '2', '3'], 'unrecognized arguments: 2 3'],
    [
      ['[::1]:80'],
      "argument port: not a number: '[::1]:80'",
      'an address is given with -b: basehttp -b [::1] 80',
    ],
    [['-p', '8080'], "argument -p/--protocol: neither HTTP/1.0 nor HTTP/1.1: '8080'", port],
    [['-p', 'HTTP/2'], "argument -p/--protocol: neither HTTP/1.0 nor HTTP/1.1: 'HTTP/2'"],
    [['--port', '8080'], "Unknown option '--port'", port],
    [['--port=8080'], "Unknown option '--port'", port],
    [['--dir', '.'], "Unknown option '--dir'", `${written}--directory`],
    [
      ['--tls', 'x'],
      "Unknown option '--tls'",
      `${written}--tls-cert, --tls-key, --tls-password-file`,
    ],
    [
      ['--cgi'],
      "Unknown option '--cgi'",
      'Python 3.15 has no CGI any more, and here there never was',
    ],
    [['--nonsense', '-x'], "Unknown option '--nonsense'"],
    [['-x'], "Unknown option '-x'"],
    [['-b'], "Option '-b, --bind <value>' argument missing"],
    [['--bind', '--directory'], "Option '--bind' argument is ambiguous"],
    [['--help=x'], "Option '-h, --help' does not take an argument"],
    [['-d', 'missing'], "argument -d/--directory: 'missing': there is none of that name"],
    [['-d', PROGRAM], `argument -d/--directory: '${PROGRAM}': it is a file`],
    [
      ['-H', 'Content-Length', '1'],
      "argument -H/--header: 'Content-Length' is the server's own to send",
    ],
    [['-H', 'no-colon'], "argument -H/--header: not of the form 'Name: value': 'no-colon'"],
    [['-H', 'no colon'], "argument -H/--header: not of the form 'Name: value': 'no colon'"],
    [
      ['-H', 'a: b\r\nc: d'],
      "argument -H/--header: not of the form 'Name: value': 'a: b\\r\\nc: d'",
    ],
    [['--content-type', 'x'], "argument --content-type: not of the form 'type/subtype': 'x'"],
    [['--tls-key', 'x'], '--tls-key requires --tls-cert to be set'],
    [['--tls-password-file', 'x'], '--tls-password-file requires --tls-cert to be set'],
  ]
  for (const [args, message, hint] of cases) {
    const name = args.join(' ')
    try {
      const parsed = parseArguments(args) as Arguments
      t.match(args[0], '-d', name)
      t.match(message, directoryProblem(parsed.directory ?? ''), name)
    } catch (error) {
      t.type(error, UsageError, name)
      t.match(error, { message, hint }, name)
    }
  }
  // And what the program makes of them.
  const usage = 'usage: basehttp [options] [port]; basehttp --help lists the options\n'
  for (const [args, message, hint] of cases.filter(([args]) =>
    /^(?:\.|-d|-x)$/.test(args[0] ?? ''),
  )) {
    const error = `basehttp: error: ${message}\n`
    const stderr = usage + error + (hint === undefined ? '' : `basehttp: hint: ${hint}\n`)
    t.same(run(...args), { status: 2, stdout: '', stderr }, args.join(' '))
  }
  t.match(run('--tls-cert', 'x', '--tls-password-file', 'missing'), {
    status: 2,
    stderr:
      /Failed to read TLS password file: ENOENT: no such file or directory, open 'missing'\n$/,
  })
  t.end()
})

t.test('--handler serves with a class of one’s own', async (t) => {
  const root = folder(t)
  const file = join(root, 'handlers.mjs')
  const index = pathToFileURL(join(import.meta.dirname, 'index.js')).href
  fs.writeFileSync(
    file,
    `import { BaseHTTPRequestHandler, SimpleHTTPRequestHandler } from '${index}'
    export class Hello extends BaseHTTPRequestHandler {
      do_GET() { this.sendResponse(200); this.endHeaders(); this.wfile.write(Buffer.from('hello')) }
    }
    export class Files extends SimpleHTTPRequestHandler { serverVersion = 'Own/1.0' }
    export const other = 5, helper = () => {}`,
  )
  const hello = await start(t, '0', '--handler', `${file}#Hello`, '-p', 'HTTP/1.1')
  t.match(
    await ask(hello.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello$/,
  )
  t.same(await hello.end('SIGINT'), [0, null])
  const files = await start(t, '0', '--handler', `${file}#Files`, '-d', root)
  t.match(await ask(files.port, 'HEAD /index.rst HTTP/1.0\r\n\r\n'), /200 OK\r\nServer: Own\/1\.0 /)
  t.same(await files.end('SIGINT'), [0, null])

  fs.writeFileSync(join(root, 'none.mjs'), 'export default 5')
  fs.writeFileSync(join(root, 'broken.mjs'), 'export class {')
  const wrong: [argument: string, message: RegExp][] = [
    [file, /: it exports more than one handler class; take one by #NAME: Files, Hello\n/],
    [`${file}#None`, /: it exports no None; take one by #NAME: Files, Hello\n/],
    [join(root, 'none.mjs'), /: it exports no handler class\n/],
    [join(root, 'broken.mjs'), /: Unexpected token '\{'\n/],
    [join(root, 'missing.mjs'), /: Cannot find module /],
  ]
  for (const [argument, message] of wrong) {
    t.match(run('0', '--handler', argument), { status: 2, stdout: '', stderr: message }, argument)
  }
  const given = [
    [['-d', root], '-d/--directory', 'directory'],
    [['-H', 'A', 'b'], '-H/--header', 'extraResponseHeaders'],
    [['--content-type', 'a/b'], '--content-type', 'defaultContentType'],
  ] as const
  for (const [flags, flag, field] of given) {
    const { status, stderr } = run('0', '--handler', `${file}#Hello`, ...flags)
    t.equal(status, 2)
    t.match(stderr, `argument ${flag}: the class of --handler has no field ${field} to set\n`)
  }
})

t.test('wantsColors() goes by terminal, NO_COLOR and FORCE_COLOR', (t) => {
  const terminal = { isTTY: true }
  t.equal(wantsColors(terminal, {}), true)
  t.equal(wantsColors(terminal, { TERM: 'dumb' }), false)
  t.equal(wantsColors(terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }), false)
  t.equal(wantsColors(terminal, { NO_COLOR: '', PYTHON_COLORS: '0' }), true)
  t.equal(wantsColors({}, { TERM: 'xterm' }), false)
  t.equal(wantsColors({}, { FORCE_COLOR: '1' }), true)
  t.end()
})

t.test('colored() adds colours, and nothing else', (t) => {
  const start = '127.0.0.1 - - [06/Oct/2016 17:12:48] '
  const grey = '127.0.0.1 - - <90>[06/Oct/2016 17:12:48]<0> '
  const cases: [line: string, colored: string][] = [
    [`${start}"GET /a b HTTP/1.1" 200 -`, `${grey}"GET <36>/a b<0> HTTP/1.1" <32>200<0> <90>-<0>`],
    [`${start}"GET /" 304 12`, `${grey}"GET <36>/<0>" <96>304<0> <90>12<0>`],
    [`${start}"GET /" 404 -`, `${grey}"GET <36>/<0>" <33>404<0> <90>-<0>`],
    [`${start}"GET /" 500 -`, `${grey}"GET <36>/<0>" <31>500<0> <90>-<0>`],
    [`${start}code 404, message x`, `${grey}<33>code 404, message x<0>`],
    ['TypeError: boom', 'TypeError: boom'],
  ]
  for (const [line, expected] of cases) {
    const text = colored(`${line}\n`)
    t.equal(text.replace(/\x1b\[(\d+)m/g, '<$1>'), `${expected}\n`)
    t.equal(text.replace(/\x1b\[\d+m/g, ''), `${line}\n`)
  }
  t.end()
})

t.test('a log in a file has no colours, unless they are asked for', async (t) => {
  for (const [env, found] of [
    [{ NO_COLOR: '', FORCE_COLOR: '' }, false],
    [{ NO_COLOR: '', FORCE_COLOR: '1' }, true],
  ] as const) {
    const args = [PROGRAM, '0', '-b', '127.0.0.1', '-d', folder(t)]
    const server = await watch(
      t,
      spawn(process.execPath, args, { env: { ...process.env, ...env } }),
    )
    await ask(server.port, 'HEAD / HTTP/1.0\r\n\r\n')
    await until(() => server.stderr().includes('\n'))
    t.equal(server.stderr().includes('\x1b'), found)
    t.notMatch(server.stdout(), '\x1b')
    await server.end('SIGINT')
  }
})

t.test('an address that cannot be had: one line, and exit 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const port = String((other.address() as AddressInfo).port)
  const cases: [string[], RegExp][] = [
    [
      ['-b', '127.0.0.1', port],
      new RegExp(`cannot listen on 127.0.0.1 port ${port}: the address is already in use`),
    ],
    [
      ['-b', '192.0.2.1', '0'],
      /cannot listen on 192\.0\.2\.1 port 0: this machine has no such address/,
    ],
    [
      ['-b', 'fe80::1', '0'],
      /cannot listen on fe80::1 port 0: that is not an address to listen on/,
    ],
    // Whether a name server answers depends on the machine.
    [
      ['-b', 'nonsense.invalid', '0'],
      /cannot listen on nonsense\.invalid: (?:no such name is known|the name server does not answer)/,
    ],
  ]
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = run(...args)
    t.same([status, stdout], [1, ''])
    t.match(stderr, new RegExp(`^basehttp: error: ${message.source}\n$`))
  }
})

// -- TLS -------------------------------------------------------------------------------------

t.test('--tls-cert and its like serve HTTPS', async (t) => {
  const root = folder(t)
  fs.writeFileSync(
    join(root, 'encrypted.pem'),
    createPrivateKey(PRIVATE_KEY).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    }),
  )
  fs.writeFileSync(join(root, 'password'), ' secret\n')
  const server = await start(
    t,
    ...['0', '-d', root, '-b', '127.0.0.1', '--tls-cert', join(root, 'cert.pem')],
    ...['--tls-key', join(root, 'encrypted.pem'), '--tls-password-file', join(root, 'password')],
  )
  t.equal(server.banner, `Serving HTTPS on 127.0.0.1 port ${String(server.port)} ...`)
  const url = `https://127.0.0.1:${String(server.port)}/index.rst`

  const dispatcher = new Agent({ connect: { ca: CERTIFICATE } })
  const answer = await request(url, { dispatcher })
  t.equal(answer.statusCode, 200)
  t.equal(await answer.body.text(), 'Title\n=====\n')
  await dispatcher.destroy()

  const curl = spawnSync('curl', ['-sS', '--cacert', join(root, 'cert.pem'), url], {
    encoding: 'utf8',
  })
  if (curl.error === undefined) {
    t.equal(curl.stdout, 'Title\n=====\n', curl.stderr)
  } else {
    t.comment('skipped: there is no curl on this machine')
  }

  // Somebody who speaks plain HTTP is turned away, and nothing else happens.
  await ask(server.port, 'GET / HTTP/1.0\r\n\r\n')
  t.match(server.stderr(), /closed: it speaks plain HTTP, and this is a port for HTTPS\n$/)
  t.notMatch(server.stderr(), /Exception|Error/)
  t.same(await server.end('SIGINT'), [0, null])
})

t.test('what is wrong with certificate, key and password is said', async (t) => {
  const root = folder(t)
  const path = (name: string) => join(root, name)
  const key = createPrivateKey(PRIVATE_KEY)
  fs.writeFileSync(
    path('encrypted.pem'),
    key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }),
  )
  fs.writeFileSync(path('wrong'), 'wrong\n')
  fs.writeFileSync(path('nothing.pem'), 'nothing\n')
  fs.writeFileSync(path('cert.der'), new X509Certificate(CERTIFICATE).raw)
  fs.writeFileSync(
    path('chain.pem'),
    `${CERTIFICATE}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
  )
  const cert = path('cert.pem')
  const encrypted = path('encrypted.pem')
  const cases: [string[], string][] = [
    [
      ['--tls-cert', path('no.pem')],
      `Cannot read the certificate '${path('no.pem')}': ENOENT: no such file or directory, open '${path('no.pem')}'`,
    ],
    [
      ['--tls-cert', path('cert.der')],
      `Cannot use the certificate '${path('cert.der')}': it holds none in PEM format`,
    ],
    [
      ['--tls-cert', path('chain.pem')],
      `Cannot use the certificate '${path('chain.pem')}': number 2 in it is broken`,
    ],
    [
      ['--tls-cert', path('nothing.pem')],
      `Cannot use the certificate '${path('nothing.pem')}': it holds none in PEM format`,
    ],
    [
      ['--tls-cert', cert],
      `Cannot use the private key '${cert}': it holds none in PEM format, but a CERTIFICATE`,
    ],
    [
      ['--tls-cert', cert, '--tls-key', encrypted],
      `Cannot use the private key '${encrypted}': it is encrypted, and there is no password`,
    ],
    [
      ['--tls-cert', cert, '--tls-key', encrypted, '--tls-password-file', path('wrong')],
      `Cannot use the private key '${encrypted}': the password does not fit`,
    ],
  ]
  for (const [args, message] of cases) {
    const expected = { status: 1, stdout: '', stderr: `basehttp: error: ${message}\n` }
    t.same(run('0', ...args), expected, args.join(' '))
  }
})
