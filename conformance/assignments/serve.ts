/**
 * `npm run assignment -- serve NN [PORT]`: a student's handler, with the files of the cases, until he ends it.
 *
 * @module
 */

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { UsageError } from '../run/flags.ts'
import { readAssignment } from './assignment.ts'
import type { Entry } from './assignment.ts'
import { Box } from './box.ts'
import { curlOf } from './curl.ts'
import { workFile } from './work.ts'
import { faultLine } from './text.ts'

/** Serve, until the process is ended. */
export async function serveFile(entry: Entry, port = '8080'): Promise<number> {
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65535) {
    throw new UsageError(`"${port}" is not a valid port`)
  }
  const file = workFile(entry)
  if (!existsSync(file)) {
    throw new UsageError(
      `There is no "${file}"; npm run assignment -- start ${entry.number} makes it`,
    )
  }
  const assignment = readAssignment(entry, 1)
  const box = new Box()
  const { compile } = await import('./submission.ts')
  const { faults, main } = compile(file, box.submission)
  for (const fault of faults) {
    console.log(faultLine(fault))
  }
  if (main === undefined) {
    return 3
  }
  let app
  try {
    app = await box.start(main, assignment, { name: 'Your program', port: Number(port) })
  } catch (error) {
    console.error((error as Error).message)
    return 3
  }
  const authority = `127.0.0.1:${String(app.port)}`
  await assignment.prepare(box.root)
  const lines = assignment.cases.flatMap((one) => {
    const { exchange } = one.play({ authority, root: box.root })
    const [first] = exchange.actions.filter(({ do: what }) => what === 'send')
    const line = curlOf(
      (first?.do === 'send' ? first.bytes : Buffer.of()).toString('latin1'),
      authority,
    )
    return one.hidden || line === undefined ? [] : [line]
  })
  console.log([...new Set(lines)].join('\n'))
  console.log(`\nhttp://${authority}/   files: ${box.root}   Ctrl-C ends it\n`)
  let told = 0
  const tell = () => {
    for (const { text } of app.said().slice(told)) {
      process.stdout.write(text.replace(/^\n[0-9a-f]{16} [0-9]+\n/, ''))
      told++
    }
  }
  const timer = setInterval(tell, 100)
  const ended = new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (!app.alive()) {
        clearInterval(look)
        resolve()
      }
    }, 200)
  })
  await Promise.race([ended, once(process, 'SIGINT')])
  clearInterval(timer)
  tell()
  await app.stop()
  return 0
}
