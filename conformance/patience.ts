/**
 * How long to wait: time limits that a busy machine does not reach.
 *
 * A limit bounds a hang, and is never what a test or a case is about. On an overloaded machine,
 * `TEST_PATIENCE=5 npm test` makes each limit five times as long.
 *
 * @module
 */

/** The factor for every time limit. */
export const PATIENCE = Number(process.env.TEST_PATIENCE ?? 1)

/** A limit in milliseconds, times the patience that is asked for. */
export function patiently(ms: number): number {
  return ms * PATIENCE
}

/** How long to wait, in milliseconds, for what happens at once unless something hangs. */
export const HANG_LIMIT = patiently(60_000)
