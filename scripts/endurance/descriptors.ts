/**
 * More clients than descriptors: `npm run siege -- descriptors`. There is one line in the log, and the
 * server recovers.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { ask, check, dial, isWhole, readAll, SMALL, startCommandLine, until } from './trial.ts'

/** Two rounds of silent clients; each time they go away, the server must be as before. */
export async function descriptors(root: string, count: number): Promise<void> {
  const server = await startCommandLine(root, { shell: 'ulimit -n 100;' })
  const before = server.descriptors()
  for (const round of [1, 2]) {
    const silent = Array.from({ length: count }, () => dial(server))
    let closed = 0
    for (const socket of silent) {
      socket.on('close', () => closed++).resume()
    }
    await until(() => server.log().split('\n').length > round && closed > 0, 60)
    await sleep(500)
    const taken = silent.filter((socket) => !socket.destroyed)
    console.log(
      `round ${String(round)}: of ${String(count)} clients ${String(taken.length)} are taken, ` +
        `${String(server.descriptors())} of 100 descriptors in use`,
    )
    check(taken.length > 0 && taken.length < count, 'some are taken, and some are not')
    // Those are served, and there are descriptors left for their files.
    const responses = await Promise.all(
      taken.map((socket) => {
        socket.write(SMALL)
        return readAll(socket)
      }),
    )
    check(responses.every(isWhole), 'those that are taken get a response')
    for (const socket of silent) {
      socket.destroy()
    }
    while (!isWhole(await ask(server))) {
      await sleep(10)
    }
    const failed = []
    for (let number = 0; number < 100; number++) {
      failed.push(...(isWhole(await ask(server)) ? [] : [number]))
    }
    check(failed.length === 0, 'once they have gone, every client gets a response')
    check(await until(() => server.descriptors() <= before, 60), 'no descriptor is left')
  }
  const lines = server.log().trimEnd().split('\n')
  console.log(lines.join('\n'))
  check(
    lines.length === 2 &&
      lines.every((line) => line.includes(' dropped, and so are further ones: ')),
    'one line in the log for each round',
  )
}
