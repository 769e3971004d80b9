/**
 * How long to wait: limits in time that a busy machine does not reach.
 *
 * A limit is an upper bound on a hang, never what a test or a case is about. On a machine that has
 * far more to do than it can, `TEST_PATIENCE=5 npm test` makes each of them five times as long.
 *
 * @module
 */

/** What multiplies every limit in time. */
export const PATIENCE = Number(process.env.TEST_PATIENCE ?? 1)

/** A limit in milliseconds, for as much patience as is asked for. */
export function patiently(ms: number): number {
  return ms * PATIENCE
}

/** How long to wait, in milliseconds, for what comes at once unless something hangs. */
export const HANG_LIMIT = patiently(60_000)
