/**
 * A log on a disk that is full, and has room again: `npm run siege -- disk`. Only root may mount such
 * a disk; otherwise the log goes to `/dev/full`.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../measured-server.ts'
import { ask, check, isWhole, startCommandLine } from './trial.ts'

/** Make `count` requests while the disk is full, and as many once it has room. */
export async function disk(root: string, count: number): Promise<void> {
  const mount = temporaryFolder('disk')
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount]).status === 0
  const log = mounted ? join(mount, 'log') : '/dev/full'
  try {
    const server = await startCommandLine(root, { logFile: log })
    const answered = async () => {
      let whole = 0
      for (let number = 0; number < count; number++) {
        whole += isWhole(await ask(server)) ? 1 : 0
      }
      check(whole === count, 'every client gets a response')
      return `${String(whole)} of ${String(count)} answered`
    }
    const lines = () => (mounted ? readFileSync(log, 'latin1').split('\n').length - 1 : 0)
    console.log(`the log goes to ${mounted ? 'a disk of 64 KiB' : log}: ${await answered()}`)
    const full = lines()
    check(full < count, 'the disk is full')
    if (mounted) {
      check(statSync(log).size === 64 * 1024, 'to the last byte')
      spawnSync('mount', ['-o', 'remount,size=16m', mount])
      console.log(`the disk has room again: ${await answered()}`)
      console.log(`lines in the log: ${String(full)} when it was full, ${String(lines())} now`)
      check(lines() === full + count, 'and each has its line again')
    }
    server.child.kill('SIGTERM')
    await server.exited
  } finally {
    if (mounted) {
      spawnSync('umount', [mount])
    }
  }
}
