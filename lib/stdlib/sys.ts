/**
 * What `http.server` uses of Python's `sys`: the output of the log, and the name of the runtime.
 *
 * @module
 */

// Bun and Deno also name the version of Node that they stand in for. `browser` is a whole product: on the
// published site, this library runs in a page.
const { browser, bun, deno, node } = process.versions

/**
 * The name and version of the runtime, as one word of the `Server` header: `Node/20.20.2`,
 * `Bun/1.4.5` or `Deno/2.9.6`.
 *
 * @python sys.version
 */
export const runtime = browser ?? (bun ? `Bun/${bun}` : deno ? `Deno/${deno}` : `Node/${node}`)

/**
 * Where the log and the reports of exceptions go. In a thread or a child process, `write()` is
 * replaced: what it is given goes to the server.
 *
 * @python sys.stderr
 */
export const stderr = {
  /**
   * Write text, in the order of the calls.
   *
   * A reader of the log that exits (`basehttp 2>&1 | head`) must not end the server: the text is
   * then lost, and nothing is thrown. A reader that stops reading must not fill the memory: anything
   * beyond a megabyte is lost as well. (Python waits for such a reader.)
   *
   * That holds for a pipe. Node writes to terminals and files synchronously, so a terminal that was
   * stopped with Ctrl-S stops the whole server until Ctrl-Q, even its SIGTERM; so does a disk that
   * hangs. Python does the same.
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
  // There is nowhere left to report it.
}
