import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { SOLUTIONS } from '../paths.ts'
import { assignments, readAssignment } from './assignment.ts'
import type { Entry } from './assignment.ts'
import { prove } from './prove.ts'
import type { Report } from './report.ts'
import { gradeFile } from './submit.ts'

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1)

const solutionOf = ({ name }: Entry) => join(SOLUTIONS, name, 'solution.ts')

for (const entry of assignments()) {
  t.test(`${entry.name}: all proofs, with 20 seeds`, async (t) => {
    for await (const { what, flaws } of prove(entry, { seeds: SEEDS, variants: true })) {
      t.same(flaws, [], what)
    }
    const thorough = await gradeFile(readAssignment(entry, 1), solutionOf(entry), {
      seed: 1,
      thorough: true,
    })
    t.equal(thorough.points, thorough.of, 'in two pieces, and by another client')
  })
}

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
  for (const entry of assignments()) {
    const starter = join(SOLUTIONS, '..', '..', 'docs', 'assignments', entry.name, 'starter.ts')
    for (const file of [solutionOf(entry), starter]) {
      let first: unknown
      for (let n = 0; n < 5; n++) {
        const report = found(await gradeFile(readAssignment(entry, 1), file, { seed: 1 }))
        first ??= report
        t.same(report, first, `${entry.name}, ${file === starter ? 'starter' : 'solution'}`)
      }
    }
  }
})
