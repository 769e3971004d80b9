/**
 * What Python's `traceback` prints of an exception.
 *
 * @module
 */

import { inspect } from 'node:util'
import { escapeCharacter } from './format.ts'

/**
 * Format all that is known of an exception: its stack, its cause, further fields.
 *
 * Security: the message may quote what a client sent, a path for instance. Control characters are
 * escaped as in the log, and lines after the first are indented, so that none of them can be mistaken
 * for a line of the log. Differs: Python prints the message unchanged.
 *
 * @python traceback.format_exception
 */
export function formatException(error: unknown): string {
  return describe(error)
    .replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, escapeCharacter)
    .replace(/\n(?![ }])/g, '\n    ')
}

/**
 * Describe an exception without ever throwing another. Anything can be thrown, even an error whose
 * `stack` is a getter that throws, or a revoked Proxy; a report that fails would end the server.
 *
 * @added Python prints `<exception str() failed>` in such a case.
 */
export function describe(error: unknown): string {
  try {
    return inspect(error)
  } catch {
    return '<exception str() failed>'
  }
}
