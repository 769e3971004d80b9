/**
 * Python's `ForkingMixIn`: every connection is handled in a child process.
 *
 * ```text
 *   parent                                              child
 *     loop: getRequest -> verifyRequest -> processRequest
 *                                             |
 *     task: take a child from the pool  <-----'
 *           hand the socket over -------------- job --> finishRequest: make a handler, run it
 *           shutdownRequest  <---------------- done --- the child is free for the next
 * ```
 *
 * The kernel passes the socket itself to the child, so no byte goes through the parent. A child
 * that dies takes only its connection with it, not the other children nor the server.
 *
 * Differs: in Python, a child is a copy of the parent, made for one connection. Node cannot fork in
 * that sense. A child is a new process, which loads the handler's module and handles connections one
 * at a time; a few are always waiting, and they take turns. All that it gets from the parent are the
 * `handlerOptions`.
 *
 * Production: a silent client occupies a child, as in Python. Give the handler a `timeout`.
 *
 * Read before: `threading-mixin.ts`. Next: `child-main.ts`, which runs in the child.
 *
 * @module
 */

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { deserialize, serialize } from 'node:v8'
import { milliseconds } from '../../stdlib/dates.ts'
import type { BaseServer } from '../base-server.ts'
import { reportError } from '../error-report.ts'
import { AsyncMixIn } from './async-mixin.ts'
import type { Constructor } from './async-mixin.ts'
import { logLost, PoolWorker, WorkerLost, Pool } from './pool.ts'
import { checkHandler, locationOf, unpackError } from './remote.ts'
import type { Closing, Count, Done, Job, Report, HandlerLocation } from './remote.ts'
import type { Address, Connection } from '../request-handler.ts'
import { TCPServer } from '../tcp-server.ts'
import { UnixStreamServer } from '../unix-server.ts'

/** How many children are kept when there is nothing to do. */
const MIN_CHILDREN = 3

/**
 * How often a busy child is asked whether it has received its connection, in seconds. A child that
 * has no descriptor left for the socket does not get the message either, and Node does not report
 * that to the parent.
 */
const COUNT_INTERVAL = 2

/** How long a child may take to end, in seconds. */
const KILL_LIMIT = 1

/** What {@link ForkingMixIn} adds to a server. */
export interface ForkingMixIn extends AsyncMixIn {
  /**
   * The process ids of the children, whether or not they handle a connection.
   *
   * @python socketserver.ForkingMixIn.active_children
   */
  readonly activeChildren: ReadonlySet<number>
  /**
   * How many children there may be; further connections wait for one. Set it before the server is
   * activated.
   *
   * @python socketserver.ForkingMixIn.max_children
   */
  maxChildren: number
}

/**
 * Let a server handle every connection in a child process:
 * `class ForkingHTTPServer extends ForkingMixIn(HTTPServer) {}`.
 *
 * The module of the handler's class must export it, and the class must name the module:
 * `static readonly module = import.meta.url`. If it does not, or the server encrypts, the constructor
 * throws a `TypeError`; if the class is not exported, `bindAndActivate()` does.
 *
 * @param Base - the class of the server
 * @python socketserver.ForkingMixIn
 */
export function ForkingMixIn<Base extends Constructor<BaseServer>>(
  Base: Base,
): Constructor<ForkingMixIn> & Base {
  return class extends AsyncMixIn(Base) implements ForkingMixIn {
    maxChildren = 40

    #pool: Pool<Child> | undefined

    // TypeScript asks for `any[]` here, see `Constructor`.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    constructor(...args: any[]) {
      super(...(args as unknown[]))
      checkHandler(this.RequestHandlerClass, 'a child process')
      if ((this as { encrypted?: boolean }).encrypted === true) {
        throw new TypeError(
          'Cannot hand encrypted connections to a child process: the keys stay here; use ' +
            'ThreadingMixIn or AsyncMixIn',
        )
      }
    }

    get activeChildren(): ReadonlySet<number> {
      return new Set([...(this.#pool?.workers ?? [])].map(({ processId }) => processId))
    }

    override async serverActivate(): Promise<void> {
      await super.serverActivate()
      await this.#children().warm()
    }

    #children(): Pool<Child> {
      if (this.#pool === undefined) {
        const location = locationOf(this, copyForChild)
        const start = () => new Child(location, this.closing)
        const size = { max: this.maxChildren, min: MIN_CHILDREN, roundRobin: true }
        this.#pool = new Pool(start, size)
      }
      return this.#pool
    }

    override async handleConnection(request: Connection, clientAddress: Address): Promise<void> {
      let child: Child | undefined
      try {
        child = await this.#children().take()
        const { error } = await child.handle(request, clientAddress, this.handlerOptions)
        if (error !== undefined) {
          await reportError(this, request, clientAddress, unpackError(error))
        }
      } catch (error) {
        // `destroy()`, not `end()`: a response that the child has not finished must not look complete.
        request.destroy()
        if (!(error instanceof WorkerLost)) {
          throw error
        }
        const who = child === undefined ? 'A child' : `Child ${String(child.processId)}`
        logLost(who, clientAddress, error)
      } finally {
        if (child !== undefined) {
          this.#children().give(child)
        }
      }
    }

    override async endConnections(): Promise<void> {
      await super.endConnections()
      for (const child of this.#pool?.workers ?? []) {
        child.endConnections()
      }
    }

    override async serverClose(): Promise<void> {
      await super.serverClose()
      await this.#pool?.close()
    }
  }
}

// -- Servers with it -------------------------------------------------------------------------

/**
 * A TCP server that handles every connection in a child process.
 *
 * @python socketserver.ForkingTCPServer
 */
export class ForkingTCPServer extends ForkingMixIn(TCPServer) {}

/**
 * A server on a Unix stream socket that handles every connection in a child process.
 *
 * @python socketserver.ForkingUnixStreamServer
 */
export class ForkingUnixStreamServer extends ForkingMixIn(UnixStreamServer) {}

// -- A child ---------------------------------------------------------------------------------

/** The program of the child, next to this file and with the same extension, `.ts` or `.js`. */
const PROGRAM = fileURLToPath(import.meta.url).replace(/forking-mixin(\.[jt]s)$/, 'child-main$1')

/** Copy options as they are copied to a child, which takes less than `structuredClone()`. */
const copyForChild = (value: unknown): unknown => deserialize(serialize(value))

/** A child process, seen from the server. */
class Child extends PoolWorker {
  readonly #child: ChildProcess
  /** How many connections have been sent to it. */
  #sent = 0

  constructor(location: HandlerLocation, closing: boolean) {
    super()
    this.#child = fork(PROGRAM, {
      execArgv: inheritable(process.execArgv),
    })
    this.#child.on('message', (report) => {
      this.accept(report as Report)
    })
    this.#child.on('error', (error) => {
      if (this.#child.pid === undefined) {
        // There is no process, so there will be no 'exit' event.
        this.refused(error)
      } else {
        this.crashed(error)
      }
    })
    this.#child.on('exit', (code, signal) => {
      this.lost(
        signal === null ? `ended with exit code ${String(code)}` : `was killed by ${signal}`,
      )
    })
    // Without descriptors, Node returns a child that has no process and, in that case, no send().
    if (this.#child.pid !== undefined) {
      this.#send(location)
    }
    if (closing) {
      this.endConnections()
    }
  }

  /** Send a message. If that fails, the channel is broken and the child useless: it is ended. */
  #send(message: HandlerLocation | Job | Closing | Count, connection?: Socket): void {
    // keepOpen: keep our own handle of the socket. If a child died before it received the socket,
    // nobody could close the connection otherwise.
    this.#child.send(message, connection, { keepOpen: true }, (error) => {
      if (error !== null) {
        this.crashed(new WorkerLost(`could not be reached (${error.message})`))
        this.kill()
      }
    })
  }

  /** Its process id; 0 if it could not be started, until that is known. */
  get processId(): number {
    return this.#child.pid ?? 0
  }

  /** Hand a connection over, and wait until it has been handled. */
  async handle(
    connection: Connection,
    clientAddress: Address,
    handlerOptions: BaseServer['handlerOptions'],
  ): Promise<Done> {
    if (!(connection instanceof Socket)) {
      throw new TypeError(
        'Cannot hand this connection to a child process: it is not a plain socket',
      )
    }
    const options = this.unlessKnown(handlerOptions, copyForChild)
    const packedOptions = options && serialize(options).toString('base64')
    const job: Job = { kind: 'job', clientAddress, packedOptions }
    // After everything that may throw: otherwise nobody would await it.
    const done = this.handled()
    this.#send(job, connection)
    this.#sent++
    const timer = setInterval(() => {
      this.#send({ kind: 'count', sent: this.#sent })
    }, milliseconds(COUNT_INTERVAL)).unref()
    try {
      return await done
    } finally {
      clearInterval(timer)
    }
  }

  override endConnections(): void {
    if (this.usable && this.processId !== 0) {
      this.#send({ kind: 'close' })
    }
  }

  override kill(): void {
    // A child exits when it is disconnected, unless it no longer listens; hence the signal.
    if (this.#child.connected) {
      this.#child.disconnect()
    }
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), milliseconds(KILL_LIMIT))
    void this.exited.then(() => {
      clearTimeout(timer)
    })
  }
}

/**
 * The flags of this process that its children need, such as loaders and conditions, without those
 * that concern this process alone.
 */
export function inheritable(execArgv: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index < execArgv.length; index++) {
    const flag = execArgv[index] as string
    const [name = ''] = flag.split('=', 1)
    if (WITH_VALUE.has(name)) {
      index += flag.includes('=') ? 0 : 1
    } else if (!ALONE.test(name)) {
      kept.push(flag)
    }
  }
  return kept
}

/** Flags whose value may be the next argument. */
const WITH_VALUE = new Set([
  ...['-e', '--eval', '-p', '--print', '-pe', '--input-type'],
  ...['--inspect-port', '--debug-port', '--watch-path', '--title'],
])

/** Debuggers, which need a port each; and flags that watch, test or only check a program. */
const ALONE = /^(?:--inspect.*|--watch.*|--test.*|-c|--check|-i|--interactive|--run)$/
