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
 * not move when somebody sets the clock.
 *
 * @python time.monotonic
 */
export function monotonic(): number {
  return performance.now() / 1000
}

/**
 * Turn seconds into what `setTimeout()` takes. It fires at once for more than 24.8 days, so that is
 * the most; and for what is over already Node 24 fires, too, but prints a warning, so that is 0.
 */
export function milliseconds(seconds: number): number {
  return Math.max(0, Math.min(seconds * 1000, 2 ** 31 - 1))
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
  const known = formatted.get(seconds)
  if (known !== undefined) {
    return known
  }
  const date = new Date(seconds * 1000)
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) {
    throw new ValueError(`Cannot format the date ${String(timestamp)}: the year must be 1 to 9999`)
  }
  // ECMAScript fixed this format in 2018, and it is IMF-fixdate to the letter.
  const text = date.toUTCString()
  if (formatted.size === MOST_FORMATTED) {
    formatted.clear()
  }
  formatted.set(seconds, text)
  return text
}

/** The last few dates: now, and when the files that are being served were changed. */
const formatted = new Map<number, string>()
const MOST_FORMATTED = 100

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
 * Say that the time zone which the environment asks for is one that Node may not know.
 *
 * @param zone - the value of `TZ`
 * @returns null when there is nothing to be said.
 */
export function zoneWarning(zone: string | undefined): string | null {
  if (zone === undefined || zone === '') {
    return null
  }
  try {
    // Throws for what it does not know. POSIX allows the colon, and Node skips it.
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
 * Read a date as `If-Modified-Since` has it, and as forgivingly as Python's e-mail package does:
 * the three formats of RFC 9110 §5.6.7, and nearly anything else that holds a day, a month by
 * name, a year and a time.
 *
 * @returns seconds since 1970, or null when it is no date, or a date in a time zone other than
 * UTC. A date that names no zone is in UTC.
 * @python email.utils.parsedate_to_datetime
 */
export function parseDate(text: string): number | null {
  const words = text.split(/\s+/).filter((word) => word !== '')
  if (words.length === 0) {
    return null
  }
  // The name of the day, with or without a comma, says nothing.
  const first = words[0] as string
  if (first.endsWith(',') || DAYS.has(first.toLowerCase())) {
    words.shift()
  } else {
    words[0] = first.slice(first.lastIndexOf(',') + 1)
  }
  // 06-Oct-16 21:12:10 GMT
  const dashed = (words[0] ?? '').split('-')
  if (words.length === 3 && dashed.length === 3) {
    words.splice(0, 1, ...dashed)
  }
  // 06 Oct 2016 21:12:10+0000, or no zone at all
  if (words.length === 4) {
    const time = words[3] as string
    const sign = time.includes('+') ? time.indexOf('+') : time.indexOf('-')
    words.splice(3, 1, ...(sign > 0 ? [time.slice(0, sign), time.slice(sign)] : [time, '']))
  }
  if (words.length < 5) {
    return null
  }

  let [day, month, year, time, zone] = words as [string, string, string, string, string]
  if (!MONTHS.has(month.toLowerCase())) {
    ;[day, month] = [month, day]
  }
  day = day.replace(/,$/, '')
  if (year.indexOf(':') > 0) {
    ;[year, time] = [time, year]
  }
  year = year.replace(/,$/, '')
  if (year === '') {
    return null
  }
  if (!/^[0-9]/.test(year)) {
    ;[year, zone] = [zone, year]
  }
  time = time.replace(/,$/, '')
  const clock = time.includes(':') ? time.split(':') : time.includes('.') ? time.split('.') : []
  if (clock.length < 2 || clock.length > 3 || !isUTC(zone)) {
    return null
  }
  return timestampOf(MONTHS.get(month.toLowerCase()), [year, day, ...clock, '0'].map(integer))
}

/** Whether a zone is UTC; what is no zone at all (`AM`, nothing) says that none is known. */
function isUTC(zone: string): boolean {
  const name = zone.toUpperCase()
  return !OTHER_ZONES.has(name) && (integer(name) ?? 0) === 0
}

/** The timestamp of a date in UTC, or null if there is no such day or time. */
function timestampOf(
  month: number | undefined,
  [year, day, hour, minute, second]: readonly (number | null | undefined)[],
): number | null {
  if (month === undefined || year == null || day == null) {
    return null
  }
  if (hour == null || minute == null || second == null) {
    return null
  }
  // Two digits: POSIX puts 69 to 99 in the last century.
  const fullYear = year < 100 ? year + (year > 68 ? 1900 : 2000) : year
  const date = new Date(0)
  date.setUTCFullYear(fullYear, month, day)
  date.setUTCHours(hour, minute, second)
  const exists =
    fullYear >= 1 &&
    fullYear <= 9999 &&
    date.getUTCFullYear() === fullYear &&
    date.getUTCMonth() === month &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second
  return exists ? date.getTime() / 1000 : null
}

/** Python's `int()`, as far as a date needs it. */
function integer(text: string): number | null {
  return /^[+-]?[0-9]+(?:_[0-9]+)*$/.test(text) ? Number(text.replaceAll('_', '')) : null
}

const DAYS = new Set(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])

const MONTH_NAMES =
  'january february march april may june july august september october november december'

/** Months by their name and by its first three letters; January is 0. */
const MONTHS = new Map(
  MONTH_NAMES.split(' ').flatMap((name, index) => [
    [name, index] as const,
    [name.slice(0, 3), index] as const,
  ]),
)

/** The zones that Python knows by name, but for those that are UTC. */
const OTHER_ZONES = new Set('AST ADT EST EDT CST CDT MST MDT PST PDT'.split(' '))
