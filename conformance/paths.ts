/**
 * Where things are: data beside the sources, programs compiled in `dist/`.
 *
 * @module
 */

import { join } from 'node:path'

/** The top of the repository, from the sources as well as from `dist/`. */
export const TOP = import.meta.dirname.replace(/(?:[/\\]dist)?[/\\]conformance$/, '')

/** The folder of the case pages. */
export const CASES = join(TOP, 'conformance', 'cases')

/** The folder of the rule pages. */
export const RULES = join(TOP, 'conformance', 'rules')

/** The folder of the programs that are targets, as sources. */
export const TARGETS = join(TOP, 'conformance', 'targets')

/** A compiled program of `conformance/targets`. */
export function targetProgram(name: string): string {
  return join(TOP, 'dist', 'conformance', 'targets', name)
}

/** The command line, compiled. */
export const COMMAND_LINE = join(TOP, 'dist', 'lib', 'cli.js')

/** The folder of the recordings. */
export const RECORDINGS = join(TOP, 'conformance', 'recordings')

/** The folder of the declared deviations, a file for each target. */
export const DEVIATIONS = join(TOP, 'conformance', 'deviations')

/** The article's transcripts, each line with what is known about it. */
export const TRANSCRIPTS = join(TOP, 'conformance', 'run', 'transcripts.json')
