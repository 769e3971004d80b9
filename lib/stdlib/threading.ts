/**
 * What Python's `threading` lends the handlers: the answer to "who am I?"
 *
 * @module
 */

import { threadId } from 'node:worker_threads'

/** A thread, as a handler sees the one that it runs in. */
export interface Thread {
  /** `Thread-1`, `Thread-2`, ... by connection, or `MainThread`. */
  readonly name: string
  /**
   * The number of the worker that runs it; 0 for the main thread. A worker handles one connection
   * after the other, so two threads of different names may have the same number.
   *
   * Differs: in Python, the kernel's number.
   */
  readonly nativeId: number
}

let current: Thread = { name: 'MainThread', nativeId: threadId }

/**
 * The thread that runs the caller.
 *
 * Differs: Python makes a thread for each connection, and here a worker handles one connection
 * after the other; the name is the connection's. A worker that handles none has the name
 * `MainThread`, as has everything that is not run by `ThreadingMixIn`.
 *
 * @python threading.current_thread
 */
export function currentThread(): Thread {
  return current
}

/** Give the thread that runs the caller another name. */
export function renameThread(name: string): void {
  current = { name, nativeId: threadId }
}
