/**
 * A warning for a time zone that Python would know.
 *
 * @module
 */

import { repr } from './format.ts'

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
