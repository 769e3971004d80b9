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
 * Write a time as HTTP wants it, RFC 9110's IMF-fixdate: `Thu, 06 Oct 2016 20:44:11 GMT`.
 *
 * @param timestamp - seconds since 1970, UTC
 * @throws {@link ValueError} when the year has not one to four digits.
 * @python email.utils.formatdate
 * @see [RFC 9110 §5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)
 */
export function formatDate(timestamp: number): string {
  // Python rounds to microseconds and then drops them: 11.9999999 is 12, and 11.99 is 11.
  const whole = Math.trunc(timestamp)
  const seconds = Math.floor(whole + Math.round((timestamp - whole) * 1e6) / 1e6)
  if (seconds === lastSeconds) {
    return lastDate
  }
  const date = new Date(seconds * 1000)
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) {
    throw new ValueError(`Cannot format the date ${String(timestamp)}: the year must be 1 to 9999`)
  }
  // ECMAScript fixed this format in 2018, and it is IMF-fixdate to the letter.
  lastSeconds = seconds
  lastDate = date.toUTCString()
  return lastDate
}

let lastSeconds = NaN
let lastDate = ''

/** A time as the clock on the wall shows it. */
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
 * Tell a time in the machine's own time zone.
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
