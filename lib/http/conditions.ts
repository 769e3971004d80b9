/**
 * Conditional requests: whether a file is sent, or only what has become of the client's copy of it.
 *
 * Files have no entity tags here, only times. So the conditions that compare tags are met by `*` or
 * not at all.
 *
 * @module
 */

import { now } from '../stdlib/dates.ts'
import { parseDate } from '../stdlib/parse-date.ts'
import { elementsOf } from './message.ts'
import type { HTTPMessage } from './message.ts'

/**
 * Tell whether the client wants a file only as it was before, and it has changed: a 412.
 *
 * The listing of a directory has conditions, too, but no date. RFC 9110 §13.1.3 and §13.1.4: those with a date
 * MUST be ignored then.
 *
 * Differs: Python only looks at `If-Modified-Since`, and only for files, and so do these functions for
 * HTTP/1.0.
 *
 * @param modified - when the file was last modified, in seconds since 1970; null for a listing
 * @see [RFC 9110 §13.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2) for the order
 */
export function isFailedPrecondition(
  headers: HTTPMessage,
  modified: number | null,
  isHTTP11: boolean,
): boolean {
  if (!isHTTP11) {
    return false
  }
  if (headers.has('If-Match')) {
    return !isAny(headers, 'If-Match')
  }
  const before = dateIn(headers, 'If-Unmodified-Since')
  return before !== null && Math.floor(modified ?? NaN) > before
}

/**
 * Tell whether the client's copy of a file is as good as the file: a 304.
 *
 * @param modified - when the file was last modified, in seconds since 1970; null for a listing
 */
export function isFreshByDate(
  headers: HTTPMessage,
  modified: number | null,
  isHTTP11: boolean,
): boolean {
  if (isHTTP11 && isAny(headers, 'If-None-Match')) {
    return true
  }
  // RFC 9110 §13.1.3: a recipient MUST ignore If-Modified-Since beside If-None-Match, also one that
  // does not know the latter.
  const since = headers.has('If-None-Match') ? null : dateIn(headers, 'If-Modified-Since')
  // As precise as dates of HTTP are. NaN is neither earlier nor later than any.
  return since !== null && Math.floor(modified ?? NaN) <= since
}

/**
 * The time that a response gives in `Last-Modified`, in seconds since 1970; null if it has none. To be
 * called before `sendResponse()`.
 *
 * @param modified - when the file was last modified
 */
export function lastModified(modified: number, isHTTP11: boolean): number | null {
  // RFC 9110 §8.8.2.1: not later than Date, not even by the second between the two. A clock that is wrong,
  // or `touch -d`, may have it otherwise.
  const time = isHTTP11 ? Math.min(modified, now()) : modified
  return time < FIRST_YEAR || time >= END_OF_YEARS ? null : time
}

/** Where HTTP's dates begin and end, in seconds: the years 1 to 9999. A file may be of another. */
const FIRST_YEAR = -62135596800
const END_OF_YEARS = 253402300800

/** Whether a list of entity tags is `*`, which matches whatever there is. */
function isAny(headers: HTTPMessage, name: string): boolean {
  return elementsOf(headers, name).join() === '*'
}

/**
 * The date in a field; null if there is none. RFC 9110 §13.1.3 and §13.1.4: a value that is not a valid
 * date MUST be ignored, and so must several. Python takes the first, and much that is not a valid date.
 */
function dateIn(headers: HTTPMessage, name: string): number | null {
  const [date, ...more] = headers.getAll(name)
  return date === undefined || more.length > 0 ? null : parseDate(date)
}
