/**
 * What is wrong with a request, as an exception.
 *
 * @module
 */

/**
 * Something is wrong with a request, in the words of `sendError(code, message, explain)`. A `do_POST()` or
 * the like may throw it, or let through what `FieldStorage.parse()` throws for a form: the client gets that
 * response, unless another one has begun, and the connection ends.
 *
 * @added In Python such a thing is a `ValueError`, and the client gets no response.
 */
export class RequestError extends Error {
  /** The name of the class, for reports. */
  override readonly name: string = 'RequestError'
  /**
   * The status code of the response.
   *
   * @added As {@link RequestError}.
   */
  readonly code: number
  /**
   * The longer text for the error page; undefined: the description of the code.
   *
   * @added As {@link RequestError}.
   */
  readonly explain: string | undefined

  /** Say what is wrong, in the words of `sendError(code, message, explain)`. */
  constructor(code: number, message: string, explain?: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.explain = explain
  }
}
