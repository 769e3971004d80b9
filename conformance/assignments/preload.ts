/**
 * Takes from a submission, before it is loaded, what would let it reach other processes, in each of its threads. A
 * seat belt, and not a wall.
 *
 * @module
 */

import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'
import type { WorkerOptions } from 'node:worker_threads'

/** Fasten it. The text of this function goes into threads, too, so it knows nothing but what it is given. */
function fasten(threads: object & { Worker: unknown }, publish: () => void): void {
  const refuse = (what: string) => {
    throw new Error(`${what} is not for a submission`)
  }
  for (const name of [
    'kill',
    '_kill',
    '_debugProcess',
    '_debugEnd',
    'abort',
    'dlopen',
    'binding',
  ]) {
    Object.defineProperty(process, name, {
      value: () => refuse(`process.${name}()`),
      writable: false,
      configurable: false,
    })
  }
  const Worker = threads.Worker as typeof import('node:worker_threads').Worker
  threads.Worker = new Proxy(Worker, {
    construct(_, [program, given]: [string | URL, WorkerOptions?], made) {
      const options = { ...given }
      // A thread with flags of its own has none of the process's permissions to heed.
      if (options.execArgv !== undefined) {
        refuse('execArgv of a Worker')
      }
      // What is preloaded gets into a thread that is a file, but not into one that is a text.
      const belt = `(${fasten.toString()})(require('node:worker_threads'), require('node:module').syncBuiltinESMExports);`
      const text = options.eval === true ? `${belt}${String(program)}` : program
      return Reflect.construct(Worker, [text, options], made) as object
    },
  })
  publish()
}

fasten(threads, syncBuiltinESMExports)
