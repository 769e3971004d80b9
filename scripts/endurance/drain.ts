/**
 * The end: `npm run siege -- drain`. SIGTERM under load loses no request; a second one ends the
 * server at once.
 *
 * @module
 */

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check, dial, isWhole, MiB, startCommandLine } from './trial.ts'

/**
 * Each client makes one request after the other, on a connection that it keeps for a while; the
 * signal comes in the middle. A connection that is closed without a byte of a response had not been
 * accepted, or was idle; half a response is a loss.
 */
export async function drain(root: string, count: number): Promise<void> {
  for (const clients of [1, 16, 64]) {
    const server = await startCommandLine(root)
    const seen = { answered: 0, cut: 0, afterwards: 0, lost: 0 }
    let signalled = false
    let asked = 0
    const client = async () => {
      for (;;) {
        const socket = dial(server)
        const ended = new Promise((resolve) => socket.on('close', resolve))
        let received = ''
        let answered = () => {}
        socket.setEncoding('latin1').on('data', (chunk: string) => {
          received += chunk
          if (isWhole(received)) {
            answered()
          }
        })
        for (let number = 0; number < 20 && !socket.destroyed; number++) {
          received = ''
          const inTime = !signalled
          const whole = new Promise<void>((resolve) => (answered = resolve))
          socket.write('GET /small HTTP/1.1\r\nHost: x\r\n\r\n')
          asked++
          if (asked === count) {
            server.child.kill('SIGTERM')
            signalled = true
          }
          await Promise.race([whole, ended])
          if (isWhole(received)) {
            seen.answered++
            seen.afterwards += inTime ? 0 : 1
          } else if (received !== '') {
            seen.cut++
          } else if (inTime && number > 0) {
            seen.lost++
          }
        }
        socket.destroy()
        await ended
        if (signalled) {
          return
        }
      }
    }
    await Promise.all(Array.from({ length: clients }, client))
    const [status] = await server.exited
    console.log(
      `${String(clients).padStart(2)} clients: ${String(seen.answered)} answers, of which ` +
        `${String(seen.afterwards)} were asked for after SIGTERM; ${String(seen.cut)} cut short, ` +
        `${String(seen.lost)} lost; exit ${String(status)}`,
    )
    check(
      seen.lost === 0,
      'a request made before the signal, on an accepted connection, gets its response',
    )
    check(seen.cut === 0, 'no response is cut short')
    check(status === 0, 'the server ends with 0')
    check(!/Exception|Error:/.test(server.log()), `no exception: ${server.log().slice(0, 500)}`)
  }

  writeFileSync(join(root, 'large'), Buffer.alloc(32 * MiB))
  const server = await startCommandLine(root)
  const loading = dial(server)
  loading.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(loading, 'readable')
  server.child.kill('SIGTERM')
  await sleep(1000)
  check(server.child.exitCode === null, 'a download delays the end')
  server.child.kill('SIGTERM')
  const [status] = await server.exited
  console.log(
    'a download goes on a second after SIGTERM; a second one ends it, though nobody reads, with ' +
      `exit ${String(status)}`,
  )
  check(status === 0, 'a second signal ends at once')
  loading.destroy()
}
