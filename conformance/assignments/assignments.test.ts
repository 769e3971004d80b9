import t from 'tap'
import { assignments } from './assignment.ts'
import { prove } from './prove.ts'

// 01 whole, and of the others what needs no process of a variant: `assignments.long.test.ts` proves all.
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
