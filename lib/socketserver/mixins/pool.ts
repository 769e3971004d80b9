/**
 * A pool of workers, which are threads or child processes: each handles one connection at a time.
 *
 * ```text
 *   take() ----> one is idle: taken at once
 *          '---> none is idle: wait; after a while, one more is started, up to the maximum
 *   give() ----> a connection waits: handed on
 *          '---> none waits: idle; workers not needed for 10 s are ended, down to the minimum
 * ```
 *
 * Starting a thread costs about 50 ms of CPU, taking an idle one next to nothing. So one is started
 * only when a connection has waited longer than that.
 *
 * @module
 */

import { milliseconds, monotonic } from '../../stdlib/dates.ts'
import { repr } from '../../stdlib/format.ts'
import { stderr } from '../../stdlib/sys.ts'
import { formatException } from '../../stdlib/traceback.ts'
import type { BaseServer } from '../base-server.ts'
import type { Address } from '../request-handler.ts'
import { checkSendable, unpackError } from './remote.ts'
import type { Copy, Done, Report } from './remote.ts'

/** How long a worker must be superfluous before it is ended, in seconds. */
const IDLE_TIMEOUT = 10

/** How long a connection waits for a busy worker before another one is started, in seconds. */
const PATIENCE = 0.1

/** How many workers may be starting at a time: when processors are busy, more would slow them all. */
const MAX_STARTING = 2

/**
 * How long to wait after a failed start, in seconds. What was missing, descriptors for instance,
 * comes back when connections are closed, and the loop closes those: if the next start followed at
 * once, it would fail as well, and so would each one after it, at the cost of every waiting
 * connection.
 */
const PAUSE = 0.05

/** How long the handler's module may take to load, in seconds. */
const START_LIMIT = 30

/** A connection is lost because its worker died, or could not be started. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost'
}

/** A thread or a child process, seen from the server. */
export abstract class PoolWorker {
  /** Resolves when the worker can handle connections, rejects if it never will. */
  readonly ready: Promise<void>
  /** Resolves when the thread or child is gone. */
  readonly exited: Promise<void>

  #resolveReady!: () => void
  #rejectReady!: (reason: Error) => void
  #resolveExited!: () => void
  readonly #startTimer: NodeJS.Timeout
  #options: BaseServer['handlerOptions'] | undefined
  #started = false
  #usable = true
  #resolveDone: ((done: Done) => void) | undefined
  #rejectDone: ((reason: Error) => void) | undefined

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    // Not an unhandled rejection if nobody is waiting.
    this.ready.catch(() => {})
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve
    })
    this.#startTimer = setTimeout(() => {
      const limit = `${String(START_LIMIT)} s`
      this.#rejectReady(new Error(`Cannot use the handler's module: it did not load in ${limit}`))
      this.kill()
    }, milliseconds(START_LIMIT))
  }

  /** End the worker at once. */
  abstract kill(): void

  /** Tell the worker that the server is being closed: its connection gets no further request. */
  abstract endConnections(): void

  /**
   * The options to send: undefined if this worker has them already.
   *
   * @throws `TypeError` for an option that cannot be sent.
   */
  protected unlessKnown(
    options: BaseServer['handlerOptions'],
    copy: Copy = structuredClone,
  ): BaseServer['handlerOptions'] | undefined {
    if (options === this.#options) {
      return undefined
    }
    checkSendable(options, copy)
    this.#options = options
    return options
  }

  /** Wait until the connection that was just sent has been handled, or this worker is lost. */
  protected handled(): Promise<Done> {
    return new Promise((resolve, reject) => {
      this.#resolveDone = resolve
      this.#rejectDone = reject
    })
  }

  /** To be called with each report of the thread or child. */
  protected accept(report: Report): void {
    switch (report.kind) {
      case 'ready':
        this.#started = true
        clearTimeout(this.#startTimer)
        this.#resolveReady()
        break
      case 'failed':
        this.#rejectReady(unpackError(report.error))
        this.kill()
        break
      case 'crashed':
        this.crashed(unpackError(report.error))
        break
      case 'missed':
        this.crashed(new WorkerLost('could not take the connection, for want of descriptors,'))
        this.kill()
        break
      case 'log':
        stderr.write(report.text)
        break
      case 'done':
        this.#resolveDone?.(report)
        this.#resolveDone = this.#rejectDone = undefined
        break
    }
  }

  /** To be called when an uncaught exception is about to end the worker. */
  protected crashed(error: Error): void {
    this.#usable = false
    this.#rejectReady(error)
    if (this.#rejectDone === undefined) {
      if (this.#started) {
        const report = formatException(error)
        stderr.write(`Exception ignored, no request is being handled: ${report}\n`)
      }
    } else {
      this.#rejectDone(error)
      this.#resolveDone = this.#rejectDone = undefined
    }
  }

  /** To be called when the system cannot start it: no descriptors, no memory, too many processes. */
  protected refused({ message }: Error): void {
    this.#rejectReady(unstartable(message))
    this.lost('could not be started')
  }

  /** To be called when the worker is gone, for whatever reason. */
  protected lost(how: string): void {
    this.#usable = false
    clearTimeout(this.#startTimer)
    this.#rejectReady(new Error(`Cannot use the handler's module: loading it ${how}`))
    this.#rejectDone?.(new WorkerLost(how))
    this.#resolveExited()
  }

  /** Whether the worker has ever been ready. */
  get started(): boolean {
    return this.#started
  }

  /** Whether the worker can still handle connections. */
  get usable(): boolean {
    return this.#usable
  }
}

function unstartable(reason: string): WorkerLost {
  return new WorkerLost(`could not be started (${reason})`)
}

/** Log, in one line, that a connection was lost with its worker. */
export function logLost(who: string, clientAddress: Address, { message }: WorkerLost): void {
  stderr.write(`${who} ${message} while handling the request from ${repr(clientAddress)}\n`)
}

/** The size of a pool. */
export interface PoolSize {
  /** The maximum number of workers. */
  readonly max: number
  /** The number of workers that are kept, needed or not. */
  readonly min: number
  /**
   * Whether to take the worker that has been idle longest, so that they take turns. Otherwise the
   * one that was given back last is taken: what it needs is still in the processor's cache.
   */
  readonly roundRobin: boolean
  /** How long a worker must be superfluous before it is ended, in seconds. Default: 10. */
  readonly idleTimeout?: number
}

/** A connection that waits for a worker. */
interface Waiting<Kind> {
  readonly resolve: (worker: Kind) => void
  readonly reject: (reason: unknown) => void
  /** Since when, on the clock of `monotonic()`. */
  readonly since: number
}

/** Workers, and the connections that wait for one. */
export class Pool<Kind extends PoolWorker> {
  readonly #start: () => Kind
  readonly #size: Required<PoolSize>
  readonly #workers = new Set<Kind>()
  readonly #idle: Kind[] = []
  readonly #waiting: Waiting<Kind>[] = []
  #starting = 0
  /** Until then, on the clock of `monotonic()`, none is started, because the last start failed. */
  #pausedUntil = 0
  #closed = false
  /** The fewest that were idle at any moment since the last #shrink(). */
  #leastIdle = 0
  #timer: NodeJS.Timeout | undefined
  #patienceTimer: NodeJS.Timeout | undefined

  constructor(start: () => Kind, { max, min, roundRobin, idleTimeout = IDLE_TIMEOUT }: PoolSize) {
    this.#start = start
    this.#size = {
      max: Math.max(1, max),
      min: Math.max(1, Math.min(min, max)),
      roundRobin,
      idleTimeout,
    }
  }

  /** All workers, idle or not. */
  get workers(): ReadonlySet<Kind> {
    return this.#workers
  }

  /**
   * Start the minimum number of workers.
   *
   * @throws what keeps them from starting.
   */
  async warm(): Promise<void> {
    const missing = this.#size.min - this.#workers.size
    await Promise.all(Array.from({ length: missing }, () => this.#grow()))
  }

  /**
   * Take a worker for a connection, which must give it back. This wait has no limit of its own: it
   * lasts as long as all workers are busy, which the `timeout` of their handlers bounds.
   *
   * @throws what keeps a worker from starting.
   */
  take(): Promise<Kind> {
    const worker = this.#size.roundRobin ? this.#idle.shift() : this.#idle.pop()
    if (worker !== undefined) {
      this.#leastIdle = Math.min(this.#leastIdle, this.#idle.length)
      return Promise.resolve(worker)
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, since: monotonic() })
      this.#growIfNeeded()
    })
  }

  /** Give a worker back; nothing happens if it is gone by now. */
  give(worker: Kind): void {
    if (!worker.usable) {
      return
    }
    const next = this.#waiting.shift()
    if (next !== undefined) {
      next.resolve(worker)
    } else if (this.#closed) {
      worker.kill()
    } else {
      this.#idle.push(worker)
      this.#timer ??= setInterval(() => {
        this.#shrink()
      }, milliseconds(this.#size.idleTimeout)).unref()
    }
  }

  /**
   * End the idle workers, wait until they have ended, and keep none from now on. A busy one ends
   * after its connection.
   */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    const idle = this.#idle.splice(0)
    const starting = [...this.#workers].filter((worker) => !worker.started)
    const unneeded = this.#waiting.length === 0 ? [...idle, ...starting] : idle
    for (const worker of unneeded) {
      worker.kill()
    }
    await Promise.all(unneeded.map((worker) => worker.exited))
  }

  /** Start more if a connection has waited too long, now or when it will have. */
  #growIfNeeded(): void {
    const first = this.#waiting[0]
    const starting = Math.min(this.#waiting.length, MAX_STARTING)
    if (first === undefined || this.#starting >= starting || this.#workers.size >= this.#size.max) {
      return
    }
    const left = Math.max(first.since + PATIENCE, this.#pausedUntil) - monotonic()
    if (left <= 0) {
      void this.#grow()
      this.#growIfNeeded()
    } else {
      this.#patienceTimer ??= setTimeout(() => {
        this.#patienceTimer = undefined
        this.#growIfNeeded()
      }, milliseconds(left))
    }
  }

  #grow(): Promise<void> {
    const started = this.#startOne()
    // A failure rejects warm(), or a waiting take(); it must not be an unhandled rejection as well.
    started.catch(() => {})
    return started
  }

  async #startOne(): Promise<void> {
    this.#starting++
    try {
      const worker = this.#begin()
      this.#workers.add(worker)
      void worker.exited.then(() => {
        this.#lose(worker)
      })
      await worker.ready
      this.give(worker)
    } catch (error) {
      this.#pausedUntil = monotonic() + PAUSE
      this.#waiting.shift()?.reject(error)
      throw error
    } finally {
      this.#starting--
      this.#growIfNeeded()
    }
  }

  #begin(): Kind {
    try {
      return this.#start()
    } catch (error) {
      throw unstartable(error instanceof Error ? error.message : String(error))
    }
  }

  #lose(worker: Kind): void {
    this.#workers.delete(worker)
    const at = this.#idle.indexOf(worker)
    if (at !== -1) {
      this.#idle.splice(at, 1)
    }
    this.#growIfNeeded()
    // Replaced, so that the next connection need not wait; but not if it has never been ready, since
    // its replacement would not be either.
    if (!this.#closed && worker.started && this.#workers.size < this.#size.min) {
      void this.#grow()
    }
  }

  #shrink(): void {
    const superfluous = Math.min(this.#leastIdle, this.#workers.size - this.#size.min)
    for (const worker of this.#idle.splice(0, Math.max(0, superfluous))) {
      worker.kill()
    }
    this.#leastIdle = this.#idle.length
    if (this.#workers.size <= this.#size.min) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }
}
