/**
 * Every variant of three assignments, each solution by `--thorough`, and reports beside a busy machine.
 * All variants of all assignments take half an hour: `npm run assignment -- check`, which is a job of its
 * own in the workflow.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { ASSIGNMENTS, SOLUTIONS } from '../paths.ts'
import { assignments, readAssignment } from './assignment.ts'
import { prove } from './prove.ts'
import type { Report } from './report.ts'
import { gradeFile } from './submit.ts'

// Most of a grading is waiting, so some go side by side; all of it takes minutes.
t.setTimeout(900_000)

/** Those whose variants are proved here. */
const WHOLE = ['01-hello', '03-notes', '08-range']

t.test('each assignment', { jobs: 4 }, (t) => {
  for (const entry of assignments()) {
    t.test(entry.name, async (t) => {
      const variants = WHOLE.includes(entry.name)
      for await (const { what, flaws } of prove(entry, { seeds: [2], variants })) {
        t.same(flaws, [], what)
      }
      const solution = join(SOLUTIONS, entry.name, 'solution.ts')
      const thorough = { seed: 1, thorough: true }
      const report = await gradeFile(readAssignment(entry, 1), solution, thorough)
      t.equal(report.points, report.of, 'in two pieces, and by another client')
    })
  }
  t.end()
})

t.test('beside four busy loops, ten reports are the same', async (t) => {
  const loops = Array.from({ length: 4 }, () => spawn(process.execPath, ['-e', 'for (;;);']))
  t.teardown(() => {
    for (const loop of loops) {
      loop.kill('SIGKILL')
    }
  })
  const found = ({ points, cases }: Report) => [
    points,
    cases.map(({ id, findings, threw }) => [id, findings.map(({ flaw }) => flaw), threw?.error]),
  ]
  for (const name of WHOLE) {
    const entry = assignments().find((one) => one.name === name)
    if (entry === undefined) {
      throw new Error(`There is no assignment ${name}`)
    }
    for (const file of [
      join(SOLUTIONS, name, 'solution.ts'),
      join(ASSIGNMENTS, name, 'starter.ts'),
    ]) {
      const grade = () => gradeFile(readAssignment(entry, 1), file, { seed: 1 })
      // Five at once, twice.
      const reports = []
      for (let n = 0; n < 2; n++) {
        reports.push(...(await Promise.all(Array.from({ length: 5 }, grade))))
      }
      const [first, ...others] = reports.map(found)
      for (const report of others) {
        t.same(report, first, file)
      }
    }
  }
})
