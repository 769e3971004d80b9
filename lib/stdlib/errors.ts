/**
 * The exceptions that Python's standard library raises and JavaScript lacks, one class each.
 * JavaScript's own `TypeError` stands for Python's.
 *
 * They are for the program: what a *client* does wrong gets a response with a status code instead.
 *
 * @module
 */

/**
 * An argument of the right type with a value that is not valid.
 *
 * @python builtins.ValueError
 */
export class ValueError extends Error {
  /** The name of the class, for reports. */
  override readonly name: string = 'ValueError'
}

/**
 * The peer did not send, or did not read, within the handler's `timeout`.
 *
 * @python builtins.TimeoutError
 */
export class TimeoutError extends Error {
  /** The name of the class, for reports. */
  override readonly name: string = 'TimeoutError'
}

/**
 * The connection is gone. Catch this one to mean all its kinds.
 *
 * @python builtins.ConnectionError
 */
export class ConnectionError extends Error {
  /** The name of the class, for reports. */
  override readonly name: string = 'ConnectionError'
}

/**
 * The peer reset the connection while its bytes were being waited for.
 *
 * @python builtins.ConnectionResetError
 */
export class ConnectionResetError extends ConnectionError {
  /** The name of the class, for reports. */
  override readonly name: string = 'ConnectionResetError'
}

/**
 * The peer went away while bytes were being written to it.
 *
 * @python builtins.BrokenPipeError
 */
export class BrokenPipeError extends ConnectionError {
  /** The name of the class, for reports. */
  override readonly name: string = 'BrokenPipeError'
}

/**
 * Whether an exception means that the connection is gone. What waits with a `signal` throws the
 * signal's reason, or, as most of Node, an `AbortError` with the reason as its cause.
 */
export function isConnectionError(error: unknown): boolean {
  return (
    error instanceof ConnectionError ||
    (error instanceof Error &&
      error.name === 'AbortError' &&
      error.cause instanceof ConnectionError)
  )
}
