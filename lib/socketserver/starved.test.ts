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
import { readAll, readUntil } from '../test-helpers.ts'

// Compiled: a loader would need descriptors of its own.
const TOP = import.meta.resolve('basehttp/package.json')
const PROGRAM = fileURLToPath(new URL('dist/lib/test-starved.js', TOP))

function dial(port: number, text: string): Socket {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.write(text)
  return socket
}

for (const kind of ['thread', 'child']) {
  t.test(`a ${kind} that cannot be started costs its connection`, async (t) => {
    if (process.platform === 'win32') {
      t.comment('skipped: Windows has no such limit')
      return
    }
    const command = 'ulimit -n 64; exec "$0" "$@"'
    const child = spawn('sh', ['-c', command, process.execPath, PROGRAM, kind])
    t.teardown(() => child.kill('SIGKILL'))
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
    const exited = once(child, 'exit')
    const runs = () => child.exitCode === null && child.signalCode === null
    const port = Number(await readUntil(child.stdout as unknown as Socket, '\n'))

    // More than there can be threads or children for, and each holds its own.
    const holders = Array.from({ length: 60 }, () => dial(port, 'echo\nx\n'))
    while (!log.includes(' could not be started (') && runs()) {
      await Promise.race([once(child.stderr, 'data'), exited])
    }
    t.match(
      log,
      /^(?:Thread-\d+|A child) could not be started \(.*EMFILE\) while handling .*'127\.0\.0\.1', \d+\)$/m,
    )
    for (const holder of holders) {
      holder.destroy()
    }

    // With descriptors again, threads and children are there again.
    let answer = ''
    while (!answer.includes('nativeId') && runs()) {
      answer = await readAll(dial(port, 'who\n'))
    }
    t.match(answer, /"nativeId"/)
    const [first, second] = [dial(port, 'echo\none\n'), dial(port, 'echo\ntwo\n')]
    t.equal(await readUntil(first, '\n'), 'one\n')
    t.equal(await readUntil(second, '\n'), 'two\n')
    first.destroy()
    second.destroy()

    // Nothing is left that serverClose() would wait for, and no promise that nobody looks at.
    const closed = readUntil(child.stdout as unknown as Socket, 'closed\n')
    child.stdin.end()
    t.equal(await closed, 'closed\n')
    t.same(await exited, [0, null], log)
  })
}
