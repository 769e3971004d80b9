/**
 * What is needed of Python's `asyncio`: a pause of no length.
 *
 * @module
 */

/**
 * Let everything else that is ready run first: other connections, timers, signals. Awaiting resolved
 * promises does not: the event loop moves on only after the last pending microtask.
 *
 * @python asyncio.sleep
 */
export function sleep0(): Promise<void> {
  return new Promise(setImmediate)
}
