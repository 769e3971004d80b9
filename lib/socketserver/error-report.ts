/**
 * What becomes of an exception that nothing has caught: it is reported, and costs one connection.
 *
 * Used by `base-server.ts` and the mix-ins.
 *
 * @module
 */

import { repr } from '../stdlib/format.ts'
import { stderr } from '../stdlib/sys.ts'
import { formatException } from '../stdlib/traceback.ts'
import type { Address, Connection } from './request-handler.ts'

/** The hooks of a server that are called here. */
interface Hooks {
  handleError(request: Connection, clientAddress: Address, error: unknown): void | Promise<void>
  shutdownRequest(request: Connection): void | Promise<void>
}

/**
 * Call `handleError()`, and do not throw what it throws: a fault in a report must not cost another
 * connection, nor leave this one open.
 */
export async function reportError(
  server: Hooks,
  request: Connection,
  clientAddress: Address,
  error: unknown,
): Promise<void> {
  try {
    await server.handleError(request, clientAddress, error)
  } catch (second) {
    writeReport(clientAddress, error)
    writeIgnored('in handleError()', second)
  }
}

/** Call `shutdownRequest()`, and do not throw what it throws. */
export async function endRequest(
  server: Hooks,
  request: Connection,
  clientAddress: Address,
): Promise<void> {
  try {
    await server.shutdownRequest(request)
  } catch (error) {
    await reportError(server, request, clientAddress, error)
    request.destroy()
  }
}

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
