/**
 * Conditional requests: whether a file is sent, or only what has become of the client's copy of it.
 *
 * Files have no entity tags here, only times. So the conditions that compare tags are met by `*` or
 * not at all.
 *
 * @module
 */

import { parseDate } from '../stdlib/parse-date.ts'
import { listOf } from './message.ts'
import type { HTTPMessage } from './message.ts'
import { HTTPStatus } from './status.ts'

/**
 * Evaluate the conditions of a request to GET or HEAD a file that exists.
 *
 * Differs: Python only looks at `If-Modified-Since`, and so does this function for HTTP/1.0.
 *
 * @param modified - when the file was last modified, in seconds since 1970
 * @returns 200 if it is to be sent, 304 if the client's copy is as good, 412 if the client wants it
 * only as it was before.
 * @see [RFC 9110 §13.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2) for the order
 */
export function evaluateConditions(
  headers: HTTPMessage,
  modified: number,
  isHTTP11: boolean,
): HTTPStatus {
  // As precise as dates of HTTP are.
  const seconds = Math.floor(modified)
  if (isHTTP11) {
    const before = dateIn(headers, 'If-Unmodified-Since')
    const isOther = headers.has('If-Match')
      ? !isAny(headers, 'If-Match')
      : before !== null && seconds > before
    if (isOther) {
      return HTTPStatus.PRECONDITION_FAILED
    }
    if (isAny(headers, 'If-None-Match')) {
      return HTTPStatus.NOT_MODIFIED
    }
  }
  // RFC 9110 §13.1.3: a recipient MUST ignore If-Modified-Since beside If-None-Match, also one that
  // does not know the latter.
  const since = headers.has('If-None-Match') ? null : dateIn(headers, 'If-Modified-Since')
  return since !== null && seconds <= since ? HTTPStatus.NOT_MODIFIED : HTTPStatus.OK
}

/** Whether a list of entity tags is `*`, which matches whatever there is. */
function isAny(headers: HTTPMessage, name: string): boolean {
  return listOf(headers.getAll(name).join(',')).join() === '*'
}

/**
 * The date in a field; null if there is none. RFC 9110 §13.1.3 and §13.1.4: a value that is not a valid
 * date MUST be ignored, and so must several. Python takes the first, and much that is not a valid date.
 */
function dateIn(headers: HTTPMessage, name: string): number | null {
  const [date, ...more] = headers.getAll(name)
  return date === undefined || more.length > 0 ? null : parseDate(date)
}
