/**
 * Servers that run out of descriptors: what they cannot start costs its connection and a line of
 * the log, and nothing else.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { readAll, readUntil } from '../../testing/helpers.ts'

// Compiled: a loader would need descriptors of its own.
const TOP = import.meta.resolve('basehttp/package.json')
const PROGRAM = fileURLToPath(new URL('dist/lib/testing/starved.js', TOP))

function dial(port: number, text: string): Socket {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.write(text)
  return socket
}

/** Start the program with few descriptors. */
function start(t: Test, ...args: string[]) {
  const command = 'ulimit -n 64; exec "$0" "$@"'
  const child = spawn('sh', ['-c', command, process.execPath, PROGRAM, ...args])
  t.teardown(() => child.kill('SIGKILL'))
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const exited = once(child, 'exit')
  const stdout = child.stdout as unknown as Socket
  return {
    exited,
    port: readUntil(stdout, '\n').then(Number),
    log: () => log,
    /** Wait until the log has a text in it. */
    async logged(text: string): Promise<void> {
      while (!log.includes(text) && child.exitCode === null && child.signalCode === null) {
        await Promise.race([once(child.stderr, 'data'), exited])
      }
    },
    /** Have it close itself: nothing is left that serverClose() would wait for. */
    async close(): Promise<void> {
      const closed = readUntil(stdout, 'closed\n')
      child.stdin.end()
      t.equal(await closed, 'closed\n')
      t.same(await exited, [0, null], log)
    },
  }
}

const SKIP = process.platform === 'win32' ? 'Windows has no such limit' : false

for (const kind of ['thread', 'child']) {
  t.test(`a ${kind} that cannot be started costs its connection`, { skip: SKIP }, async (t) => {
    const server = start(t, kind)
    const port = await server.port

    // More than there can be threads or children for, and each holds its own.
    const holders = Array.from({ length: 60 }, () => dial(port, 'echo\nx\n'))
    await server.logged(' could not be started (')
    t.match(
      server.log(),
      /^(?:Thread-\d+|A child) could not be started \(.*EMFILE\) while handling .*'127\.0\.0\.1', \d+\)$/m,
    )
    for (const holder of holders) {
      holder.destroy()
    }

    // With descriptors again, threads and children are there again.
    let answer = ''
    while (answer === '') {
      answer = await readAll(dial(port, 'who\n'))
    }
    t.match(answer, /"nativeId"/)
    const [first, second] = [dial(port, 'echo\none\n'), dial(port, 'echo\ntwo\n')]
    t.equal(await readUntil(first, '\n'), 'one\n')
    t.equal(await readUntil(second, '\n'), 'two\n')
    first.destroy()
    second.destroy()
    await server.close()
  })
}

t.test('a child without a descriptor for its connection is replaced', { skip: SKIP }, async (t) => {
  const server = start(t, 'child', '1')
  const port = await server.port
  t.equal(await readAll(dial(port, 'hoard\n')), '')
  // The first ones may be handled before it has them all.
  while ((await readAll(dial(port, 'count\n'))) !== '') {
    // Once more.
  }
  await server.logged(' could not take the connection')
  t.match(
    server.log(),
    /^Child \d+ could not take the connection, for want of descriptors, while handling the request/m,
  )
  t.equal(await readAll(dial(port, 'count\n')), '1\n')
  await server.close()
})
