/**
 * Dates that clients send.
 *
 * @module
 */

import { MONTHS, now } from './dates.ts'

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
  const month = MONTHS.indexOf(parts.month as string) - 1
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

const MONTH = `(?<month>${MONTHS.slice(1).join('|')})`
const DAY = '(?<day>0[1-9]|[12][0-9]|3[01])'
// A minute may have a leap second.
const TIME = '(?<hour>[01][0-9]|2[0-3]):(?<minute>[0-5][0-9]):(?<second>[0-5][0-9]|60)'

const FORMATS = [
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ${DAY} ${MONTH} (?<year>[0-9]{4}) ${TIME} GMT`,
  `(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, ${DAY}-${MONTH}-(?<year>[0-9]{2}) ${TIME} GMT`,
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} ${DAY.replace('0[', '[ 0][')} ${TIME} (?<year>[0-9]{4})`,
].map((form) => new RegExp(`^[ \\t]*${form}[ \\t]*$`))
