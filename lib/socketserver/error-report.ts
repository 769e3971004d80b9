/**
 * What a server writes to standard error about an exception that nothing has caught.
 *
 * @module
 */

import { repr } from '../stdlib/format.ts'
import { stderr } from '../stdlib/sys.ts'
import { formatException } from '../stdlib/traceback.ts'
import type { Address } from './request-handler.ts'

/** Report an exception that ended a request, between two lines of dashes, as Python does. */
export function writeReport(clientAddress: Address, error: unknown): void {
  const dashes = '-'.repeat(40)
  stderr.write(
    `${dashes}\n` +
      `Exception occurred during processing of request from ${repr(clientAddress)}\n` +
      `${formatException(error)}\n` +
      `${dashes}\n`,
  )
}

/** Report an exception that is not worth more than this, and where it was ignored. */
export function writeIgnored(where: string, error: unknown): void {
  stderr.write(`Exception ignored ${where}: ${formatException(error)}\n`)
}
