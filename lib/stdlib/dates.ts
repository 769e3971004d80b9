/**
 * Clock and calendar: Python's `time` and `email.utils`.
 *
 * Times are Python's: seconds since 1970-01-01T00:00:00Z, with a fraction. JavaScript's
 * milliseconds stay inside this file.
 *
 * @module
 */

import { ValueError } from './errors.ts'

/**
 * The current time, in seconds.
 *
 * @python time.time
 */
export function now(): number {
  return Date.now() / 1000
}

/**
 * A time that only goes forward, in seconds from some point in the past. For deadlines, which must
 * not move when the clock is set.
 *
 * @python time.monotonic
 */
export function monotonic(): number {
  return performance.now() / 1000
}

/**
 * The time on the clock of {@link monotonic} in so many seconds; null for never.
 *
 * @added For deadlines.
 */
export function deadlineIn(seconds: number | null): number | null {
  return seconds === null ? null : monotonic() + seconds
}

/**
 * Convert seconds for `setTimeout()`. It fires at once for more than 24.8 days, so that is the
 * maximum; for negative numbers Node 24 prints a warning, so 0 is the minimum.
 */
export function milliseconds(seconds: number): number {
  return Math.max(0, Math.min(seconds * 1000, 2 ** 31 - 1))
}

/**
 * Format a time for HTTP, as RFC 9110's IMF-fixdate: `Thu, 06 Oct 2016 20:44:11 GMT`.
 *
 * @param timestamp - seconds since 1970, UTC
 * @throws {@link ValueError} when the year is not 1 to 9999.
 * @python email.utils.formatdate
 * @see [RFC 9110 §5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)
 */
export function formatDate(timestamp: number): string {
  // Python rounds to microseconds and then drops them: 11.9999999 is 12, and 11.99 is 11.
  const whole = Math.trunc(timestamp)
  const seconds = Math.floor(whole + Math.round((timestamp - whole) * 1e6) / 1e6)
  const known = formatted.get(seconds)
  if (known !== undefined) {
    return known
  }
  const date = new Date(seconds * 1000)
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) {
    throw new ValueError(`Cannot format the date ${String(timestamp)}: the year must be 1 to 9999`)
  }
  // ECMAScript has specified this format since 2018, and it is exactly IMF-fixdate.
  const text = date.toUTCString()
  if (formatted.size === MOST_FORMATTED) {
    formatted.clear()
  }
  formatted.set(seconds, text)
  return text
}

/** A cache of the last few dates: now, and the modification times of the files being served. */
const formatted = new Map<number, string>()
const MOST_FORMATTED = 100

/** A time as a clock on the wall shows it. */
export interface LocalTime {
  year: number
  /** 1 is January. */
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

/**
 * Convert a time to the local time zone of the machine.
 *
 * Differs: `TZ` may name a zone (`Europe/Berlin`), but not describe one, as POSIX allows
 * (`CET-1CEST,M3.5.0,M10.5.0/3`): to Node, most of those are UTC. The command line says so when it
 * starts.
 *
 * @param timestamp - seconds since 1970, UTC
 * @python time.localtime
 */
export function localTime(timestamp: number): LocalTime {
  const date = new Date(timestamp * 1000)
  return {
    year: date.getFullYear(),
    month: date.getMonth() + 1,
    day: date.getDate(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
  }
}

/** The days of the week, Monday first. */
export const WEEKDAYS: readonly string[] = 'Mon Tue Wed Thu Fri Sat Sun'.split(' ')

/** The months, with nothing at 0, so that January is 1. */
export const MONTHS: readonly (string | null)[] = [
  null,
  ...'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' '),
]
