/**
 * Whose handler a piece of code runs for. With this, `await server.shutdown()` inside a handler is an
 * error that says what is wrong; Python's documentation only says that it deadlocks.
 *
 * Used by `base-server.ts`.
 *
 * @module
 */

import { AsyncLocalStorage } from 'node:async_hooks'

const currentRequest = new AsyncLocalStorage<{ readonly server: object; over: boolean }>()

/** Run a handler for a server that waits for it. */
export async function runHandler(server: object, run: () => Promise<void>): Promise<void> {
  const request = { server, over: false }
  try {
    await currentRequest.run(request, run)
  } finally {
    // What a handler starts and leaves behind, a timer for instance, still belongs to it.
    request.over = true
  }
}

/** Whether the caller runs for a handler that the server is waiting for. */
function isInsideHandler(server: object): boolean {
  const request = currentRequest.getStore()
  return request?.server === server && !request.over
}

/** What `shutdown()` returns to a handler that the server is waiting for; undefined to all others. */
export function refusedInsideHandler(server: object): Promise<never> | undefined {
  if (!isInsideHandler(server)) {
    return undefined
  }
  const refused = Promise.reject(
    new Error(
      'Cannot wait for shutdown() inside a handler: the server waits for this handler. ' +
        'Call it without await; the server ends after this request',
    ),
  )
  // A handler that does as it is told does not await it.
  refused.catch(() => {})
  return refused
}
