/**
 * Grade one submission: compile it, start it, play the cases, and report, whatever it does.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { printable } from '../run/said.ts'
import { chooseTarget } from '../targets/target.ts'
import { Box } from './box.ts'
import type { Assignment } from './assignment.ts'
import { playCases } from './play.ts'
import { makeReport } from './report.ts'
import type { Report } from './report.ts'
import { Upstream } from './upstream.ts'

/** How a submission is graded. */
export interface Manner {
  readonly seed: number
  /** Whether each request is sent again, in two pieces, and by another client. */
  readonly thorough?: boolean
  /** What the file is called in the report; as it is, if left out. */
  readonly name?: string
}

/** Grade a file. */
export async function gradeFile(
  assignment: Assignment,
  file: string,
  { seed, thorough = false, name = file }: Manner,
): Promise<Report> {
  const box = new Box()
  const upstream = assignment.proxy ? await Upstream.start() : undefined
  try {
    // The compiler takes a while to load, and is needed here alone.
    const { compile } = await import('./submission.ts')
    const { faults, main } = compile(file, box.submission, name)
    const about = { file: name, seed, faults }
    if (main === undefined) {
      return makeReport(assignment, { ...about, problem: `${name} cannot be run` }, [])
    }
    const env = upstream === undefined ? {} : { UPSTREAM: `http://${upstream.authority}` }
    const start = () => box.start(main, assignment, { name: 'Your program', env })
    let app
    try {
      // Whether it starts at all is known before the first case.
      app = await start()
    } catch (error) {
      const said = (error as Error).message.replaceAll('\r\n', '\n')
      const problem = printable(said.replaceAll(`file://${box.submission}/`, ''))
      return makeReport(assignment, { ...about, problem }, [])
    }
    const ready = [app]
    const subject = {
      root: box.root,
      ...(upstream && { upstream }),
      start: () => Promise.resolve(ready.pop() ?? start()),
    }
    return makeReport(assignment, about, await playCases(assignment.cases, subject, thorough))
  } finally {
    upstream?.stop()
    box.remove()
  }
}

/**
 * Grade a server in any language, or one that runs already.
 *
 * @param spec - a target of the suite: `cmd:'python3 server.py {port} {root}'`, `url:http://127.0.0.1:8080`
 * @throws TargetError when there is no such target.
 */
export async function gradeTarget(
  assignment: Assignment,
  spec: string,
  { seed, thorough = false }: Manner,
): Promise<Report> {
  const about = { file: spec, seed, faults: [] }
  const root = mkdtempSync(join(tmpdir(), 'grade-root-'))
  try {
    const foreign = /^(?:url|cmd):/.test(spec)
    const { target } = await chooseTarget(spec, foreign ? [assignment.app] : [])
    const subject = { root, start: () => target.start(assignment.app, { root }) }
    const played = await playCases(assignment.cases, subject, thorough)
    const started = played.some(({ outcome }) => outcome !== undefined)
    const problem = started ? undefined : played[0]?.findings[0]?.flaw
    return makeReport(assignment, { ...about, ...(problem !== undefined && { problem }) }, played)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
