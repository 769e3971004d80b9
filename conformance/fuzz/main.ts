/**
 * `npm run fuzz -- --runs N --seed S`: hold conversations that nobody has thought of.
 *
 * @module
 */

import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
})
const [runs, seed] = [Number(values.runs), Number(values.seed)]
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  console.error('usage: npm run fuzz -- [--runs N] [--seed S], both whole numbers')
  process.exit(2)
}
console.log(`seed ${String(seed)}, ${String(runs)} conversations of each of 9 kinds`)
const start = performance.now()
const found = await fuzz({ runs, seed })
for (const one of found) {
  console.log(`\n${one}`)
}
const seconds = ((performance.now() - start) / 1000).toFixed(0)
console.log(`${String(found.length)} found, in ${seconds} s`)
// Without this, a server that hangs would keep the program from ending.
process.exit(found.length === 0 ? 0 : 1)
