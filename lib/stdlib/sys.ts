/**
 * What Python's `sys` lends `http.server`: the log's outlet, and the name of what runs the
 * program.
 *
 * @module
 */

// Bun and Deno say as well which version of Node they stand in for.
const { bun, deno, node } = process.versions

/**
 * The name and version of the runtime, as one word of the `Server` header: `Node/20.20.2`,
 * `Bun/1.4.5` or `Deno/2.9.6`.
 *
 * @python sys.version
 */
export const runtime =
  bun !== undefined ? `Bun/${bun}` : deno !== undefined ? `Deno/${deno}` : `Node/${node}`

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
   * text is then lost, and nothing is thrown. One that stays and does not read must not fill the
   * memory: anything beyond a megabyte is lost as well. (Python waits for such a reader.)
   *
   * That is so for a pipe. A terminal is written to synchronously, because Node does so, and one that
   * was stopped with Ctrl-S stops the whole server until Ctrl-Q, SIGTERM included; so does a disk
   * that does not answer. As in Python.
   */
  write(text: string): void {
    if (process.stderr.listenerCount('error', ignore) === 0) {
      process.stderr.on('error', ignore)
    }
    if (process.stderr.writableLength < MOST_WAITING) {
      process.stderr.write(text)
    }
  },
}

/** How much of the log may wait for its reader, in bytes. */
const MOST_WAITING = 1024 * 1024

function ignore(): void {
  // Where could it be reported?
}
