/**
 * What the tests of the suite share: a way to run it on a server given as text.
 *
 * @module
 */

import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { CASES, TOP } from './paths.ts'
import { HANG_LIMIT } from './patience.ts'

const PAGE = readFileSync(join(CASES, 'files/error-404.html'), 'latin1')

/** What the suite printed, and its exit status. */
export interface Run {
  status: number
  stdout: string
  stderr: string
}

/** How the suite is run on a module. */
interface Circumstances {
  /** The cases; one, if left out. */
  readonly only?: readonly string[]
  /** How patient it is: a factor for its time limits. */
  readonly patience?: number
  readonly args?: readonly string[]
  /** What the module's file is called. */
  readonly name?: string
  /** How long it may take to start, in milliseconds; the usual time, if left out. */
  readonly startLimit?: number
}

/** Run cases on a module, which is given as text. */
export function judge(t: Test, source: string, about: Circumstances = {}): Promise<Run> {
  const { args = [], name = 'student.mjs', startLimit, only = ['errors/404'], patience } = about
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-student-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, name)
  writeFileSync(path, source)
  return new Promise((resolve) => {
    const command = [
      'dist/conformance/run/main.js',
      '--target',
      path,
      ...only.flatMap((id) => ['--only', id]),
      ...args,
    ]
    const options = {
      cwd: TOP,
      timeout: 4 * HANG_LIMIT,
      env: {
        ...process.env,
        ...(patience === undefined ? {} : { TEST_PATIENCE: String(patience) }),
        ...(startLimit === undefined ? {} : { CONFORMANCE_START_LIMIT: String(startLimit) }),
      },
    }
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      const running = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      t.notOk(running.includes(folder), 'nothing is left running')
      const status = error === null ? 0 : Number(error.code)
      const shown = (text: string) =>
        text
          .replaceAll(path, './student.mjs')
          .replace(/\b[1-9][0-9]{3,4}\b(?= *$| --|\))/gm, 'PORT')
      resolve({ status, stdout: shown(stdout), stderr: shown(stderr) })
    })
  })
}

/** A server that is right except for one change to what it does with a connection. */
export function server({
  response = 'right',
  serve = 'socket.end(respond(right()))',
  log = 'right',
} = {}) {
  return `
    import { createServer } from 'node:net'
    import { once } from 'node:events'
    const page = ${JSON.stringify(PAGE)}
    const right = () =>
      'HTTP/1.0 404 Not Found\\r\\nServer: BaseHTTP/0.6 Node/1\\r\\nDate: ' +
      new Date().toUTCString() + '\\r\\nConnection: close\\r\\n' +
      'Content-Type: text/html;charset=utf-8\\r\\nContent-Length: 447\\r\\n\\r\\n' + page
    const respond = (right) => ${response}
    const log = () => {
      const [, , month, year, time] = String(new Date()).split(' ')
      const day = String(new Date().getDate()).padStart(2, '0')
      const [, name] = new Date().toDateString().split(' ')
      const right = '127.0.0.1 - - [' + day + '/' + name + '/' + new Date().getFullYear() + ' ' +
        new Date().toTimeString().slice(0, 8) + '] '
      console.error(${log === 'right' ? "right + 'code 404, message Not Found'" : log})
      console.error(right + '"GET / HTTP/1.1" 404 -')
    }
    let count = 0
    export default {
      apps: ['errors'],
      async start(app, { port }) {
        const server = createServer({ allowHalfOpen: true }, (socket) => {
          let request = ''
          socket.on('error', () => {})
          socket.on('end', () => socket.end())
          socket.on('data', (data) => {
            request += data.toString('latin1')
            if (${serve.includes('EARLY') ? 'true' : "request.endsWith('\\r\\n\\r\\n')"}) {
              count++
              log()
              ${serve}
            }
          })
        })
        server.listen(port, '127.0.0.1')
        await once(server, 'listening')
        return { port: server.address().port }
      },
    }`
}

/** Run the suite as its users do. */
export function conformance(...args: string[]): Promise<Run> {
  const command = [join(TOP, 'dist/conformance/run/main.js'), ...args]
  return new Promise((resolve) => {
    execFile(process.execPath, command, { timeout: 4 * HANG_LIMIT }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

/** Make a folder, which is removed at the end of the test. */
export function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'conformance-test-'))
  t.teardown(() => {
    rmSync(path, { recursive: true })
  })
  return path
}
