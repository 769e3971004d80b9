/**
 * Where things are: data beside the sources, programs compiled in `dist/`.
 *
 * @module
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top of the repository, or of the suite's package, from the sources as well as from `dist/`. */
export const TOP = fileURLToPath(new URL('.', import.meta.url)).replace(
  /(?:[/\\]dist)?[/\\]conformance[/\\]$/,
  '',
)

/** The folder of the case pages. */
export const CASES = join(TOP, 'conformance', 'cases')

/** The folder of the rule pages. */
export const RULES = join(TOP, 'conformance', 'rules')

/** The JSON Schema of what `--export` writes. */
export const EXPORT_SCHEMA = join(TOP, 'conformance', 'export.schema.json')

/** The folder of the programs that are targets, as sources. */
export const TARGETS = join(TOP, 'conformance', 'targets')

/** A compiled program of `conformance/targets`. */
export function targetProgram(name: string): string {
  return join(TOP, 'dist', 'conformance', 'targets', name)
}

/** What runs the suite: a script of the repository, or the command of a package that has no library. */
export const COMMAND = existsSync(join(TOP, 'dist', 'lib'))
  ? 'npm run conformance --'
  : 'npx basehttp-conformance'

/** The folder of the recordings. */
export const RECORDINGS = join(TOP, 'conformance', 'recordings')

/** The folder of the declared deviations, a file for each target. */
export const DEVIATIONS = join(TOP, 'conformance', 'deviations')

/** The article's transcripts, each line with what is known about it. */
export const TRANSCRIPTS = join(TOP, 'conformance', 'run', 'transcripts.json')

/** The folder of the assignments, as students see them. */
export const ASSIGNMENTS = join(TOP, 'docs', 'assignments')

/** The folder of what belongs to them, and students need not see. */
export const SOLUTIONS = join(TOP, 'conformance', 'assignments')
