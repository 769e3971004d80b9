/**
 * What Python's `sys` lends `http.server`: the log's outlet, and the name of what runs the
 * program.
 *
 * @module
 */

/**
 * The name and version of the runtime, as one word of the `Server` header: `Node/20.20.2`.
 *
 * @python sys.version
 */
export const runtime = `Node/${process.versions.node}`

/**
 * Where the log and the reports of exceptions go.
 *
 * @python sys.stderr
 */
export const stderr = {
  /**
   * Write text, in the order of the calls.
   *
   * A reader of the log that goes away (`basehttp 2>&1 | head`) must not end the server: the
   * text is then lost, and nothing is thrown.
   */
  write(text: string): void {
    if (process.stderr.listenerCount('error', ignore) === 0) {
      process.stderr.on('error', ignore)
    }
    process.stderr.write(text)
  },
}

function ignore(): void {
  // Where could it be reported?
}
