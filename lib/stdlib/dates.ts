/**
 * Clock and calendar: Python's `time` and `email.utils`.
 *
 * Times are Python's: seconds since 1970-01-01T00:00:00Z, with a fraction. JavaScript's
 * milliseconds stay inside this file.
 *
 * @module
 */

import { ValueError } from './errors.ts'
import { repr } from './format.ts'

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

/**
 * Warn about a time zone that Node may not know.
 *
 * @param zone - the value of `TZ`
 * @returns null if there is nothing to warn about.
 */
export function zoneWarning(zone: string | undefined): string | null {
  if (zone === undefined || zone === '') {
    return null
  }
  try {
    // Throws for an unknown zone. POSIX allows the leading colon, and Node skips it.
    new Intl.DateTimeFormat('en', { timeZone: zone.replace(/^:/, '') })
    return null
  } catch {
    const minutes = -new Date().getTimezoneOffset()
    const [hour, minute] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
    const offset = [hour, minute].map((part) => String(part).padStart(2, '0')).join(':')
    return (
      `the time zone TZ=${repr(zone)} is not known by name: the times in the log are those of ` +
      `UTC${minutes < 0 ? '-' : '+'}${offset}`
    )
  }
}

/**
 * Read a date in one of the three formats of HTTP. Like all of HTTP's dates, it is in UTC:
 *
 * ```text
 *   Thu, 06 Oct 2016 21:12:10 GMT      IMF-fixdate, the only one that is sent
 *   Thursday, 06-Oct-16 21:12:10 GMT   RFC 850
 *   Thu Oct  6 21:12:10 2016           asctime() of C
 * ```
 *
 * RFC 9110 §5.6.7: a year of two digits that appears to be more than 50 years in the future MUST be
 * taken for the last one in the past with the same digits.
 *
 * Differs: Python reads a date as its e-mail package does, which takes nearly anything that holds a
 * day, a month by name, a year and a time; and to it, 69 to 99 are always in the last century.
 *
 * @param text - the value of a field; white space around it does not belong to it
 * @param today - when the 50 years begin, in seconds since 1970
 * @returns seconds since 1970; null when it is not a valid date.
 * @python email.utils.parsedate_to_datetime
 * @see [RFC 9110 §5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)
 */
export function parseDate(text: string, today = now()): number | null {
  const parts = FORMATS.map((form) => form.exec(text)?.groups).find(
    (groups) => groups !== undefined,
  )
  if (parts === undefined) {
    return null
  }
  const month = MONTHS.indexOf(parts.month as string)
  const time = 3600 * Number(parts.hour) + 60 * Number(parts.minute) + Number(parts.second)
  const midnight = (year: number) =>
    new Date(0).setUTCFullYear(year, month, Number(parts.day)) / 1000
  let year = Number(parts.year)
  if (parts.year?.length === 2) {
    const horizon = new Date(today * 1000)
    const thisYear = horizon.getUTCFullYear()
    horizon.setUTCFullYear(thisYear + 50)
    year += thisYear - (thisYear % 100)
    year -= 1000 * (midnight(year) + time) > horizon.getTime() ? 100 : 0
  }
  // The 31st of September would become the 1st of October.
  const exists = new Date(1000 * midnight(year)).getUTCMonth() === month
  return exists ? midnight(year) + time : null
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const MONTH = `(?<month>${MONTHS.join('|')})`
const DAY = '(?<day>0[1-9]|[12][0-9]|3[01])'
// A minute may have a leap second.
const TIME = '(?<hour>[01][0-9]|2[0-3]):(?<minute>[0-5][0-9]):(?<second>[0-5][0-9]|60)'

const FORMATS = [
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ${DAY} ${MONTH} (?<year>[0-9]{4}) ${TIME} GMT`,
  `(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, ${DAY}-${MONTH}-(?<year>[0-9]{2}) ${TIME} GMT`,
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} ${DAY.replace('0[', '[ 0][')} ${TIME} (?<year>[0-9]{4})`,
].map((form) => new RegExp(`^[ \\t]*${form}[ \\t]*$`))
