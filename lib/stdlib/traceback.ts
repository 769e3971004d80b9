/**
 * What Python's `traceback` prints of an exception.
 *
 * @module
 */

import { inspect } from 'node:util'
import { escapeCharacter } from './format.ts'

/**
 * Tell all that is known of an exception: its stack, its cause, further fields.
 *
 * Security: the message may quote what a client sent, a path for instance. Control characters are
 * escaped as in the log, and lines behind the first are indented, so that none of them can be taken
 * for a line of the log. Differs: Python prints the message as it is.
 *
 * @python traceback.format_exception
 */
export function formatException(error: unknown): string {
  return describe(error)
    .replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, escapeCharacter)
    .replace(/\n(?![ }])/g, '\n    ')
}

/**
 * Say what an exception is, and never throw another: anything can be thrown, an error whose
 * `stack` is a getter that throws, a revoked Proxy. A report that fails would take the server with
 * it.
 *
 * @added What Python prints in such a place: `<exception str() failed>`.
 */
export function describe(error: unknown): string {
  try {
    return inspect(error)
  } catch {
    return '<exception str() failed>'
  }
}
