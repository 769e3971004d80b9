/**
 * A pool of threads or of children: each handles one connection at a time.
 *
 * ```text
 *   take() ----> idle: taken at once
 *          '---> none idle: wait; after a while, if there may be more of them, one more is started
 *   give() ----> somebody waits: handed on
 *          '---> nobody waits: idle; those not needed for 10 s are ended, but for a few
 * ```
 *
 * To start a thread costs about 50 ms of CPU, to take one that waits next to nothing. So one is
 * started only when somebody has waited for as long as that takes.
 *
 * @module
 */

import { milliseconds, monotonic } from '../../stdlib/dates.ts'
import { repr } from '../../stdlib/format.ts'
import { stderr } from '../../stdlib/sys.ts'
import { formatException } from '../../stdlib/traceback.ts'
import type { Address, BaseServer } from '../base-server.ts'
import { checkSendable, unpackError } from './remote.ts'
import type { Copy, Done, Report } from './remote.ts'

/** How long members must have been superfluous to be ended, unless it is said, in seconds. */
const REST = 10

/**
 * How long to wait for one that is busy before another is started, in seconds: as long as the last
 * start took, within these bounds. Where a start takes longer, because the processors are busy, one
 * more would make them busier still, and all wait longer.
 */
const LEAST_PATIENCE = 0.05
const MOST_PATIENCE = 0.5

/** How many may be starting at a time. */
const MOST_STARTING = 2

/**
 * How long to wait after a failed start, in seconds. What was missing, descriptors for instance, is
 * there again when connections have been closed, and those are closed by the loop: starts that
 * followed one another at once would all fail, and cost every connection that waits.
 */
const PAUSE = 0.05

/** How long a module may take to load, in seconds. */
const START_LIMIT = 30

/** The connection that a member was to handle is lost, because the member is, or never came to be. */
export class MemberLost extends Error {
  override readonly name = 'MemberLost'
}

/** A thread or a child, seen from the server. */
export abstract class Member {
  /** Resolves when a connection can be handled, rejects when that will never be. */
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
    // Whoever waits for it hears of it; nobody may.
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

  /** End it at once. */
  abstract kill(): void

  /** Let its connections end: the server is being closed. */
  abstract endConnections(): void

  /**
   * Some options, if they are not those that this one has already.
   *
   * @throws `TypeError` for one that cannot be sent.
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

  /** Wait until a connection that was just sent off has been handled, or this member is lost. */
  protected handled(): Promise<Done> {
    return new Promise((resolve, reject) => {
      this.#resolveDone = resolve
      this.#rejectDone = reject
    })
  }

  /** To be called with what the thread or child reports. */
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
        this.crashed(new MemberLost('could not take the connection, for want of descriptors,'))
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

  /** To be called when it is about to end by an exception that nobody caught. */
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

  /** To be called when the system refuses it: no descriptors, no memory, too many processes. */
  protected refused({ message }: Error): void {
    this.#rejectReady(unstartable(message))
    this.lost('could not be started')
  }

  /** To be called when it is gone, however that came. */
  protected lost(how: string): void {
    this.#usable = false
    clearTimeout(this.#startTimer)
    this.#rejectReady(new Error(`Cannot use the handler's module: loading it ${how}`))
    this.#rejectDone?.(new MemberLost(how))
    this.#resolveExited()
  }

  /** Whether it was ready once. */
  get started(): boolean {
    return this.#started
  }

  /** Whether it can still handle a connection. */
  get usable(): boolean {
    return this.#usable
  }
}

function unstartable(reason: string): MemberLost {
  return new MemberLost(`could not be started (${reason})`)
}

/** Report, in a line, that a connection ended with the thread or child that handled it. */
export function logLost(who: string, clientAddress: Address, { message }: MemberLost): void {
  stderr.write(`${who} ${message} while handling the request from ${repr(clientAddress)}\n`)
}

/** How large a pool may be. */
export interface PoolSize {
  /** At the most. */
  readonly most: number
  /** So many are kept, needed or not. */
  readonly spare: number
  /**
   * Whether the one that has rested longest is taken, so that all are. Otherwise it is the one
   * that has just been given back: it is awake, and what it needs is in the processor's cache.
   */
  readonly inTurn: boolean
  /** How long members must have been superfluous to be ended, in seconds. Default: 10. */
  readonly rest?: number
}

/** Somebody who waits for a member. */
interface Waiting<One> {
  readonly resolve: (one: One) => void
  readonly reject: (reason: unknown) => void
  /** Since when, on the clock of `monotonic()`. */
  readonly since: number
}

/** Threads or children, and those who wait for one. */
export class Pool<One extends Member> {
  readonly #start: () => One
  readonly #size: Required<PoolSize>
  readonly #members = new Set<One>()
  readonly #idle: One[] = []
  readonly #waiting: Waiting<One>[] = []
  #starting = 0
  /** Before this time, on the clock of `monotonic()`, none is started: the last start has failed. */
  #pausedUntil = 0
  #closed = false
  /** The fewest that were idle at any time since the last look. */
  #leastIdle = 0
  #timer: NodeJS.Timeout | undefined
  #patience = LEAST_PATIENCE
  #patienceTimer: NodeJS.Timeout | undefined

  constructor(start: () => One, { most, spare, inTurn, rest = REST }: PoolSize) {
    this.#start = start
    this.#size = {
      most: Math.max(1, most),
      spare: Math.max(1, Math.min(spare, most)),
      inTurn,
      rest,
    }
  }

  /** Those that are there, idle or not. */
  get members(): ReadonlySet<One> {
    return this.#members
  }

  /**
   * Start those that are always kept.
   *
   * @throws what keeps them from starting.
   */
  async warm(): Promise<void> {
    const missing = this.#size.spare - this.#members.size
    await Promise.all(Array.from({ length: missing }, () => this.#grow()))
  }

  /**
   * Take one for a connection, as soon as there is one. It must be given back. This wait has no limit
   * of its own: it lasts as long as the connections that hold all the others, which the `timeout` of
   * their handlers ends.
   *
   * @throws what keeps one from starting.
   */
  take(): Promise<One> {
    const one = this.#size.inTurn ? this.#idle.shift() : this.#idle.pop()
    if (one !== undefined) {
      this.#leastIdle = Math.min(this.#leastIdle, this.#idle.length)
      return Promise.resolve(one)
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, since: monotonic() })
      this.#growIfNeeded()
    })
  }

  /** Give one back. If it is gone meanwhile, that is no harm. */
  give(one: One): void {
    if (!one.usable) {
      return
    }
    const next = this.#waiting.shift()
    if (next !== undefined) {
      next.resolve(one)
    } else if (this.#closed) {
      one.kill()
    } else {
      this.#idle.push(one)
      this.#timer ??= setInterval(() => {
        this.#shrink()
      }, milliseconds(this.#size.rest)).unref()
    }
  }

  /**
   * End those that are idle, wait until they have ended, and keep none from here on. Those that
   * handle a connection end after it.
   */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    const idle = this.#idle.splice(0)
    const starting = [...this.#members].filter((one) => !one.started)
    const unneeded = this.#waiting.length === 0 ? [...idle, ...starting] : idle
    for (const one of unneeded) {
      one.kill()
    }
    await Promise.all(unneeded.map((one) => one.exited))
  }

  /** Start more if somebody waits for long, now or when it will be long. */
  #growIfNeeded(): void {
    const first = this.#waiting[0]
    const starting = Math.min(this.#waiting.length, MOST_STARTING)
    if (
      first === undefined ||
      this.#starting >= starting ||
      this.#members.size >= this.#size.most
    ) {
      return
    }
    const left = Math.max(first.since + this.#patience, this.#pausedUntil) - monotonic()
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

  /** Start one more. */
  #grow(): Promise<void> {
    const started = this.#startOne()
    // `warm()` hears of a failure, and whoever waits for the new one. Nobody may.
    started.catch(() => {})
    return started
  }

  async #startOne(): Promise<void> {
    const begun = monotonic()
    this.#starting++
    try {
      const one = this.#begin()
      this.#members.add(one)
      void one.exited.then(() => {
        this.#lose(one)
      })
      await one.ready
      this.#patience = Math.min(Math.max(monotonic() - begun, LEAST_PATIENCE), MOST_PATIENCE)
      this.give(one)
    } catch (error) {
      this.#pausedUntil = monotonic() + PAUSE
      this.#waiting.shift()?.reject(error)
      throw error
    } finally {
      this.#starting--
      this.#growIfNeeded()
    }
  }

  #begin(): One {
    try {
      return this.#start()
    } catch (error) {
      throw unstartable(error instanceof Error ? error.message : String(error))
    }
  }

  #lose(one: One): void {
    this.#members.delete(one)
    const at = this.#idle.indexOf(one)
    if (at !== -1) {
      this.#idle.splice(at, 1)
    }
    this.#growIfNeeded()
    // Replaced, so that the next connection need not wait. One that never was ready would not be
    // the next time either.
    if (!this.#closed && one.started && this.#members.size < this.#size.spare) {
      void this.#grow()
    }
  }

  #shrink(): void {
    const superfluous = Math.min(this.#leastIdle, this.#members.size - this.#size.spare)
    for (const one of this.#idle.splice(0, Math.max(0, superfluous))) {
      one.kill()
    }
    this.#leastIdle = this.#idle.length
    if (this.#members.size <= this.#size.spare) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }
}
