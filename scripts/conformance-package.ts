/**
 * Lay out the package `basehttp-conformance` in a folder: `npm run conformance:package -- DIR`.
 *
 * ```text
 *   conformance/, dist/                 as they are here, so that each file finds the others
 *   conformance/package/package.json    its own name, command and list of files: what npm packs of that
 *   package.json                        version, licence, Node, repository: the same for both packages
 * ```
 *
 * The package has a folder of its own because a `package.json` in `conformance/` would be the nearest
 * one to the suite's sources, which then could no longer import `basehttp` by its name.
 *
 * @module
 */

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TOP } from '../conformance/paths.ts'

/** What is copied; the list of files says what of that is packed. */
const COPIED = [
  'conformance',
  'dist/conformance',
  'dist/docs/examples',
  'docs',
  '.github/SECURITY.md',
  'LICENSE',
]

/** What both packages say in the same words; an owner names the repository once. */
const SHARED = ['version', 'license', 'author', 'engines', 'repository']

type Manifest = Record<string, unknown> & { readonly devDependencies: Record<string, string> }

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: npm run conformance:package -- DIR; DIR must be empty, or not exist')
  process.exit(2)
}
mkdirSync(folder, { recursive: true })
const [there] = readdirSync(folder)
if (there !== undefined) {
  console.error(`"${folder}" is not empty ("${there}"); name another folder`)
  process.exit(2)
}
for (const path of COPIED) {
  cpSync(join(TOP, path), join(folder, path), { recursive: true })
}
// What only the repository has cannot be linked to.
for (const path of readdirSync(join(folder, 'conformance'), {
  recursive: true,
  encoding: 'utf8',
})) {
  if (path.endsWith('.md')) {
    const page = join(folder, 'conformance', path)
    const text = readFileSync(page, 'utf8')
    writeFileSync(page, text.replaceAll(/\[([^\]]+)\]\((?:\.\.\/)+docs\/[^)]*\)/g, '$1'))
  }
}
const own = join(TOP, 'conformance', 'package')
cpSync(join(own, 'README.md'), join(folder, 'README.md'))
const main = read(join(TOP, 'package.json'))
const manifest = {
  ...read(join(own, 'package.json')),
  ...Object.fromEntries(SHARED.flatMap((key) => (key in main ? [[key, main[key]]] : []))),
  dependencies: { undici: main.devDependencies.undici },
  peerDependencies: { basehttp: main.version, typescript: '*' },
}
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)

function read(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest
}
