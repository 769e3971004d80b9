/**
 * Mutants that no program can tell from the original, each with the reason. `mutation.ts` prints
 * them, and does not count them.
 *
 * @module
 */

/** A mutant, by the line that it changes and not by its number: lines move. */
export interface Equivalent {
  /** The file, in `dist/lib/http/`. */
  readonly file: string
  /** The line of the compiled JavaScript, without what it is indented by. */
  readonly line: string
  readonly from: string
  readonly to: string
  readonly because: string
}

export const EQUIVALENT: readonly Equivalent[] = []
