/**
 * What Python's `asyncio` lends `http.server`: a pause of no length.
 *
 * @module
 */

/**
 * Let everything else that is ready go on first: other connections, timers, signals. Promises
 * alone never do that; the event loop does not move before the last of them has been served.
 *
 * @python asyncio.sleep
 */
export function sleep0(): Promise<void> {
  return new Promise(setImmediate)
}
