/**
 * The second half of `npm run build`: takes `#private` out of the declarations that `tsc` has made.
 *
 * TypeScript writes it into a class that has fields such as `#queue`, so that no look-alike is taken
 * for one. It also keeps users from what a mix-in is: a function that returns a class made from
 * ours, exported, and compiled with `declaration: true`, is an error then (TS4094; TypeScript 6 and
 * later). `protected` does the same, so no exported class has such members.
 *
 * A line is emptied and not removed, so that the maps beside the declarations stay right.
 *
 * And what a deleted source has left in `dist/lib` is removed, or it would be packed.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TOP } from './sources.ts'

const folder = join(TOP, 'dist/lib')
for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
  const source = join(TOP, 'lib', name.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts'))
  if (!existsSync(source)) {
    rmSync(join(folder, name), { recursive: true, force: true })
  } else if (name.endsWith('.d.ts')) {
    const text = readFileSync(join(folder, name), 'utf8')
    const open = text.replaceAll(/^ *#private;$/gm, '')
    if (open !== text) {
      writeFileSync(join(folder, name), open)
    }
  }
}
