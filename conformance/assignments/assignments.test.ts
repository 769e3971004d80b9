import t from 'tap'
import { HANG_LIMIT } from '../patience.ts'
import { assignments } from './assignment.ts'
import { prove } from './prove.ts'

// Most of a grading is waiting, so some go side by side.
t.setTimeout(10 * HANG_LIMIT)

// 01 whole, and of the others what needs no process of a variant: `assignments.long.test.ts` has more.
t.test('each assignment', { jobs: 4 }, (t) => {
  for (const entry of assignments()) {
    const whole = entry.number === '01'
    t.test(
      `${entry.name}: ${whole ? 'all proofs' : 'the pages, the starter and the solution'}`,
      async (t) => {
        for await (const { what, flaws } of prove(entry, { seeds: [1], variants: whole })) {
          t.same(flaws, [], what)
        }
      },
    )
  }
  t.end()
})
