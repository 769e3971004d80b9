/**
 * `npm run fuzz -- --runs N --seed S`: hold conversations that nobody has thought of; with
 * `--only TEXT`, the kinds that have it in their name. `--first` shows what is found as it was found,
 * and does not look for the smallest conversation that shows it.
 *
 * @module
 */

import { parseArgs } from 'node:util'
import { isInstalled } from '../attacks/front-ends.ts'
import { fuzz, FRONT_END } from './fuzz.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
    first: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
})
const [runs, seed] = [Number(values.runs), Number(values.seed)]
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  console.error(
    'usage: npm run fuzz -- [--runs N] [--seed S] [--only TEXT] [--first], N and S whole numbers',
  )
  process.exit(2)
}
console.log(`seed ${String(seed)}, ${String(runs)} conversations of each of 13 kinds`)
if (!isInstalled(FRONT_END)) {
  console.log(`not held, this machine has none: conversations behind ${FRONT_END.name}`)
}
const start = performance.now()
const found = await fuzz({ runs, seed, only: values.only, first: values.first })
for (const one of found) {
  console.log(`\n${one}`)
}
const seconds = ((performance.now() - start) / 1000).toFixed(0)
console.log(`${String(found.length)} found, in ${seconds} s`)
// Without this, a server that hangs would keep the program from ending.
process.exit(found.length === 0 ? 0 : 1)
