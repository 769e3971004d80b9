/**
 * A row of the result, and how it reads.
 *
 * @module
 */

/** A ratio, and what it was to be. */
export interface Row {
  readonly id: string
  readonly what: string
  /** The median over the rounds. */
  readonly value: number
  /** The lowest and the highest round. */
  readonly spread: readonly [lowest: number, highest: number]
  /** How many times our CPU time per request the peer needs. */
  readonly cpu?: number | undefined
  readonly atLeast?: number | undefined
  readonly atMost?: number | undefined
  readonly aim?: number | undefined
  /** Whether it is what was promised; undefined if nothing was. */
  readonly reached: boolean | undefined
  readonly text: string
}

/** The middle one; of two, their mean. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2
}

/** Make a row of the ratios of the rounds. */
export function ratioRow({
  id,
  what,
  ratios,
  ...rest
}: {
  id: string
  what: string
  ratios: readonly number[]
  cpu?: number | undefined
  atLeast?: number | undefined
  atMost?: number | undefined
  aim?: number | undefined
}): Row {
  const value = median(ratios)
  const spread = [Math.min(...ratios), Math.max(...ratios)] as const
  const { cpu, atLeast, atMost, aim } = rest
  const promised = atLeast ?? atMost
  const reached =
    promised === undefined
      ? undefined
      : atLeast === undefined
        ? value <= promised
        : value >= promised
  const text = [
    `  ${reached === undefined ? '   ' : reached ? 'ok ' : 'NO '}`,
    what.padEnd(52),
    round(value).padStart(7),
    ` (${round(spread[0])} to ${round(spread[1])})`,
    cpu === undefined ? '' : `, CPU ${round(cpu)}`,
    promised === undefined
      ? ''
      : `; ${atLeast === undefined ? 'at most' : 'at least'} ${String(promised)}`,
    aim === undefined ? '' : `, aim ${String(aim)}`,
  ].join('')
  return { id, what, value, spread, ...rest, reached, text }
}

/** Three digits, whatever the size. */
function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
