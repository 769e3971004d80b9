/**
 * What handlers need of Python's `threading`: the name of the thread that they run in.
 *
 * @module
 */

import { threadId } from 'node:worker_threads'

/** A thread, as a handler sees the one it runs in. */
export interface Thread {
  /** `Thread-1`, `Thread-2`, ... by connection, or `MainThread`. */
  readonly name: string
  /**
   * The number of the worker that runs it; 0 for the main thread. A worker handles many connections,
   * one at a time, so two threads of different names may have the same number.
   *
   * Differs: in Python, the kernel's number.
   */
  readonly nativeId: number
}

let current: Thread = { name: 'MainThread', nativeId: threadId }

/**
 * The thread that runs the caller.
 *
 * Differs: Python makes a thread for each connection. Here a worker handles many, one at a time, and
 * the name is that of the connection. A worker without a connection is named `MainThread`, as is
 * everything that `ThreadingMixIn` does not run.
 *
 * @python threading.current_thread
 */
export function currentThread(): Thread {
  return current
}

/** Rename the thread that runs the caller. */
export function renameThread(name: string): void {
  current = { name, nativeId: threadId }
}
