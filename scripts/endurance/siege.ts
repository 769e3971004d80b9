/**
 * What the command line server stands: `npm run siege -- NAME [COUNT]`, on Linux. Each siege is a
 * file of its own here, and ends with 0 if the server stood it.
 *
 * The server is a process of its own, measured from outside. Threads, children and kills are in
 * `mixins.ts`, forms and their temporary files in `uploads.ts`.
 *
 * @module
 */

import { descriptors } from './descriptors.ts'
import { disk } from './disk.ts'
import { drain } from './drain.ts'
import { heads } from './heads.ts'
import { loris } from './loris.ts'
import { names } from './names.ts'
import { finish, makeRoot } from './trial.ts'

type Siege = (root: string, count: number) => Promise<void>

const SIEGES: Readonly<Record<string, readonly [siege: Siege, count: number]>> = {
  loris: [loris, 500],
  descriptors: [descriptors, 300],
  heads: [heads, 1000],
  names: [names, 100_000],
  disk: [disk, 2000],
  drain: [drain, 2000],
}

const [name = '', count] = process.argv.slice(2)
const [siege, usual] = SIEGES[name] ?? []
if (siege === undefined || !/^[1-9][0-9]*$/.test(count ?? '1')) {
  console.error(`usage: npm run siege -- ${Object.keys(SIEGES).join(' | ')} [COUNT]`)
  process.exit(2)
}
await siege(makeRoot('siege'), Number(count ?? usual))
finish()
