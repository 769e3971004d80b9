/**
 * The program in the README is the one in `docs/examples`, letter for letter.
 *
 * The documentation includes regions of the examples by itself; on the front page of a repository
 * nothing is included, so a copy stands there, and this keeps it one.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { report, TOP } from './sources.ts'

const EXAMPLE = 'docs/examples/http_server_GET.ts'

const readme = readFileSync(join(TOP, 'README.md'), 'utf8')
const example = readFileSync(join(TOP, EXAMPLE), 'utf8')
const shown = /^```ts\n([^]*?)^```$/m.exec(readme)?.[1]
const region = /^\/\/ #region handler\n([^]*?)^\/\/ #endregion handler$/m.exec(example)?.[1]
report(
  'readme',
  region !== undefined && shown === region ? [] : [`README.md: not the program of ${EXAMPLE}`],
)
