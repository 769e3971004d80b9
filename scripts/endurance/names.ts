/**
 * A directory of 100,000 names: `npm run siege -- names`.
 *
 * @module
 */

import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, check, isWhole, mib, startCommandLine } from './trial.ts'

/** List the directory three times, while another client asks for a file. */
export async function names(root: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    closeSync(openSync(join(root, `name-${String(index)}`), 'w'))
  }
  const server = await startCommandLine(root)
  await ask(server)
  const before = server.memory()
  for (let round = 0; round < 3; round++) {
    const asked = performance.now()
    const listing = ask(server, 'GET / HTTP/1.0\r\n\r\n')
    await sleep(1)
    check(isWhole(await ask(server)), 'another client gets its response')
    const waited = performance.now() - asked
    const links = (await listing).match(/<li><a href="name-\d+">/g) ?? []
    console.log(
      `${String(links.length)} names in ${(performance.now() - asked).toFixed(0)} ms; another client ` +
        `waits ${waited.toFixed(0)} ms; memory ${mib(before, 1)} before, ${mib(server.memory(), 1)} now`,
    )
    check(links.length === count, 'the listing is complete')
  }
}
