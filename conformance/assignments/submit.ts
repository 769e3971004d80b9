/**
 * Grade one submission: compile it, start it, play the cases, and report, whatever it does.
 *
 * @module
 */

import { Box } from './box.ts'
import type { Assignment } from './assignment.ts'
import { playCases } from './play.ts'
import { makeReport } from './report.ts'
import type { Report } from './report.ts'
import { compile } from './submission.ts'

/** Grade a file. */
export async function gradeFile(
  assignment: Assignment,
  file: string,
  seed: number,
): Promise<Report> {
  const box = new Box()
  try {
    const { faults, main } = compile(file, box.submission)
    const about = { file, seed, faults }
    if (main === undefined) {
      return makeReport(assignment, { ...about, problem: `${file} cannot be run` }, [])
    }
    const start = () => box.start(main, assignment, `Your program`)
    let app
    try {
      // Whether it starts at all is known before the first case.
      app = await start()
    } catch (error) {
      const problem = (error as Error).message.replaceAll(`file://${box.submission}/`, '')
      return makeReport(assignment, { ...about, problem }, [])
    }
    const ready = [app]
    const subject = { root: box.root, start: () => Promise.resolve(ready.pop() ?? start()) }
    return makeReport(assignment, about, await playCases(assignment, subject))
  } finally {
    box.remove()
  }
}
