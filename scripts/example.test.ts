import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { TOP } from '../conformance/paths.ts'

const PROGRAM = join(import.meta.dirname, 'example.js')

t.test('each program runs, says so, answers, and ends on Ctrl-C', async (t) => {
  const programs: [string, RegExp][] = [
    ['http_server_GET', /^HTTP\/1\.0 200 OK\r\n[^]*CLIENT VALUES:/],
    ['http_server_POST', /^HTTP\/1\.0 501 Unsupported method \('GET'\)\r\n/],
    ['http_server_errors', /^HTTP\/1\.0 404 Not Found\r\n/],
    ['http_server_send_header', /\r\n\r\nResponse body\n$/],
    ['http_server_threads', /\r\n\r\nThread-1\n$/],
    ['http_server_events', /\r\n\r\ndata: [0-9T:.-]+Z\n\n$/],
    ['http_server_forks', /\r\n\r\nProcess [0-9]+\n$/],
  ]
  for (const [name, expected] of programs) {
    t.same(await serve(t, [PROGRAM, name], expected), [0, null], 'Ctrl-C is a clean end')
  }
})

t.test('each program runs behind a symbolic link', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-linked-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const examples = join(TOP, 'dist/docs/examples')
  for (const file of readdirSync(examples).filter((name) => name.endsWith('.js'))) {
    const link = join(folder, file)
    try {
      symlinkSync(join(examples, file), link)
    } catch {
      t.comment('skipped: no symbolic links may be made here')
      return
    }
    await serve(t, [link], /^HTTP\/1\.0 [0-9]{3} [^]*\r\n\r\n/)
  }
})

t.test('a program runs as TypeScript, and so do its threads and children', async (t) => {
  // From 22.18 on, Node takes the types away itself. Before, a loader does, which the threads and
  // children must inherit; the condition that finds the sources of "basehttp", they always must.
  const loader = new URL('../conformance/targets/typescript-loader.js', import.meta.url).href
  const register = `import { register } from 'node:module'; register(${JSON.stringify(loader)})`
  const hasTypes = Boolean((process.features as { typescript?: unknown }).typescript)
  const flags = [
    '--conditions=basehttp-source',
    ...(hasTypes ? [] : [`--import=data:text/javascript,${encodeURIComponent(register)}`]),
  ]
  await serve(t, [...flags, 'docs/examples/http_server_threads.ts'], /\r\n\r\nThread-1\n$/)
  if (hasTypes) {
    await serve(t, [...flags, 'docs/examples/http_server_forks.ts'], /\r\n\r\nProcess [0-9]+\n$/)
  } else {
    // Known on Node 20: in a child with a loader, `import()` of the handler may never end.
    t.comment('skipped: children, because this Node needs a loader for TypeScript')
  }
})

/** Start a program, make a request, interrupt it, and return how it ended. */
async function serve(t: Test, args: readonly string[], expected: RegExp): Promise<unknown> {
  // A program takes a port and does not tell which it got, so it cannot be asked for any free
  // one: this one is outside the range that the system gives out.
  const port = 20000 + (process.pid % 10000)
  const child = spawn(process.execPath, [...args, String(port)], { cwd: TOP })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  // A program that takes itself for an import ends without a word.
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  if (!t.equal(stdout, 'Starting server, use <Ctrl-C> to stop\n', args.join(' '))) {
    return undefined
  }
  t.match(await ask(port, expected), expected, args.join(' '))
  const exited = once(child, 'exit')
  child.kill('SIGINT')
  return exited
}

t.test('an unknown name or a bad port is one line', async (t) => {
  for (const args of [['nothing'], [], ['http_server_GET', '80x']]) {
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' })
    t.equal(status, 2)
    t.match(stderr, /^usage: npm run example -- NAME \[PORT\], where NAME is one of .*\n$/)
  }
})

/** Make a request once something listens; resolves when the response matches, or ends. */
async function ask(port: number, expected: RegExp): Promise<string> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' })
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (expected.test(received)) {
        socket.destroy()
      }
    })
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    try {
      await once(socket, 'close')
      return received
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
