import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { TOP } from '../conformance/paths.ts'

const PROGRAM = join(import.meta.dirname, 'example.js')

t.test('each program runs, says so, answers, and ends on Ctrl-C', async (t) => {
  const programs: [string, RegExp][] = [
    ['http_server_GET', /^HTTP\/1\.0 200 OK\r\n[^]*CLIENT VALUES:/],
    ['http_server_POST', /^HTTP\/1\.0 501 Unsupported method \('GET'\)\r\n/],
    ['http_server_errors', /^HTTP\/1\.0 404 Not Found\r\n/],
    ['http_server_send_header', /\r\n\r\nResponse body\n$/],
    ['http_server_threads', /\r\n\r\nThread-1\n$/],
    ['http_server_forks', /\r\n\r\nProcess [0-9]+\n$/],
  ]
  for (const [name, expected] of programs) {
    // A program takes a port and does not tell which it got, so it cannot be asked for any free
    // one: this one is outside the range that the system gives out.
    const port = 20000 + (process.pid % 10000)
    const child = spawn(process.execPath, [PROGRAM, name, String(port)], { cwd: TOP })
    t.teardown(() => child.kill('SIGKILL'))
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    await once(child.stdout, 'data')
    t.equal(stdout, 'Starting server, use <Ctrl-C> to stop\n')
    t.match(await ask(port), expected, name)
    const exited = once(child, 'exit')
    child.kill('SIGINT')
    t.same(await exited, [0, null], 'Ctrl-C is a clean end')
  }
})

t.test('an unknown name or a bad port is one line', async (t) => {
  for (const args of [['nothing'], [], ['http_server_GET', '80x']]) {
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' })
    t.equal(status, 2)
    t.match(stderr, /^usage: npm run example -- NAME \[PORT\], where NAME is one of .*\n$/)
  }
})

/** Make a request, as soon as somebody listens. */
async function ask(port: number): Promise<string> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' })
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
    })
    socket.write('GET / HTTP/1.1\r\n\r\n')
    try {
      await once(socket, 'close')
      return received
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
