/**
 * Variants of a solution: the same program, changed in a few words.
 *
 * Wrong ones are what students write. Each must lose the case that it names, and every case must be
 * lost by one of them: a case that nobody fails judges nothing. Right ones are what other students
 * write, and must have full points: a grader that accepts one spelling grades spelling.
 *
 * @module
 */

/** The changes that make one: a text that is there exactly once, and what stands in its place. */
export type Edit = readonly [from: string, to: string]

interface Variant {
  readonly id: string
  readonly from?: string
  readonly to?: string
  /** Several changes, where one is not enough. */
  readonly edits?: readonly Edit[]
}

/** A program that is wrong. */
export interface WrongVariant extends Variant {
  /** What somebody took for right. */
  readonly history: string
  /** The case that must find it. */
  readonly killedBy: string
  /** False if the compiler finds it as well. */
  readonly types?: false
}

/** The variants of a solution. */
export interface Variants {
  readonly wrong: readonly WrongVariant[]
  readonly right: readonly Variant[]
}

/** What a variant changes. */
export function editsOf({ from, to, edits = [] }: Variant): readonly Edit[] {
  return from === undefined || to === undefined ? edits : [[from, to], ...edits]
}

/**
 * Make a variant of a solution.
 *
 * @throws Error when a text to replace is not there exactly once.
 */
export function vary(solution: string, variant: Variant): string {
  let text = solution
  for (const [from, to] of editsOf(variant)) {
    const count = text.split(from).length - 1
    if (count !== 1) {
      throw new Error(`"${variant.id}": ${JSON.stringify(from)} is there ${String(count)} times`)
    }
    text = text.replace(from, () => to)
  }
  return text
}
