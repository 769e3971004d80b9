/**
 * A row of the result, and how it reads.
 *
 * @module
 */

/** The result of the rounds. */
export interface Measured {
  /** The median over the rounds. */
  readonly value: number
  /** The lowest and the highest round. */
  readonly spread: readonly [lowest: number, highest: number]
}

/** What was promised: a limit, and what to aim at. */
export interface Promised {
  readonly atLeast?: number | undefined
  readonly atMost?: number | undefined
  readonly aim?: number | undefined
}

/** A ratio, and what was promised of it. */
export interface Row extends Measured, Promised {
  readonly id: string
  readonly title: string
  readonly what: string
  /** How many times our CPU time per request the peer needs. */
  readonly cpu?: Measured | undefined
  /** Whether the promise was kept; undefined if there was none. */
  readonly reached: boolean | undefined
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2
}

/** The median of the rounds, and their range. */
export function measured(values: readonly number[]): Measured {
  return { value: median(values), spread: [Math.min(...values), Math.max(...values)] }
}

/** Make a row of the rounds' ratios. */
export function makeRow(
  { id, title, what }: Pick<Row, 'id' | 'title' | 'what'>,
  rounds: readonly number[],
  { atLeast, atMost, aim }: Promised = {},
  cpu?: readonly number[],
): Row {
  const main = measured(rounds)
  const reached =
    atLeast !== undefined
      ? main.value >= atLeast
      : atMost !== undefined
        ? main.value <= atMost
        : undefined
  return { id, title, what, ...main, cpu: cpu && measured(cpu), atLeast, atMost, aim, reached }
}

/** The cells of a row: its words, the ratio, the CPU ratio, what was promised, and the verdict. */
export function cells(row: Row): string[] {
  const { what, cpu, atLeast, atMost, aim, reached } = row
  return [
    what,
    written(row),
    cpu === undefined ? '' : written(cpu),
    atLeast !== undefined
      ? `at least ${String(atLeast)}`
      : atMost !== undefined
        ? `at most ${String(atMost)}`
        : '',
    aim === undefined ? '' : String(aim),
    reached === undefined ? '' : reached ? 'reached' : 'MISSED',
  ]
}

const WIDTHS = [58, 23, 26, 13, 9, 7]

/** A row for the terminal. */
export function line(row: Row): string {
  const [what = '', value = '', cpu = '', promised = '', aim = '', reached = ''] = cells(row)
  const words = [what, value, cpu && `CPU ${cpu}`, promised, aim && `aim ${aim}`, reached]
  return `  ${words.map((word, column) => word.padEnd(WIDTHS[column] ?? 0)).join(' ')}`.trimEnd()
}

function written({ value, spread: [lowest, highest] }: Measured): string {
  return lowest === highest
    ? short(value)
    : `${short(value)} (${short(lowest)} to ${short(highest)})`
}

/** Three digits, whatever the size. */
export function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
