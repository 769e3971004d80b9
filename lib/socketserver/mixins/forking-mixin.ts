/**
 * Python's `ForkingMixIn`: every connection is handled in a child process.
 *
 * ```text
 *   parent                                              child
 *     loop: getRequest -> verifyRequest -> processRequest
 *                                             |
 *     task: take a child from the pool  <-----'
 *           hand the socket over ------------- open --> finishRequest: a handler is made, and runs
 *           shutdownRequest  <---------------- done --- the child is free for the next
 * ```
 *
 * The kernel hands the socket itself over, so no byte goes through the parent. A child that dies
 * takes its connection with it and nothing else: not the other children, and not the server.
 *
 * Differs: in Python, a child is a copy of the parent, made for one connection. Node cannot copy
 * itself. A child is a new process, which loads the handler's module and handles one connection
 * after the other; a few always wait, and they take turns. Nothing of the parent is in it but
 * `handlerOptions`.
 *
 * Production: a silent client holds a child, as in Python. Give the handler a `timeout`.
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
import type { Address, BaseServer, Constructor } from '../base-server.ts'
import { AsyncMixIn } from './async-mixin.ts'
import { logLost, Member, MemberLost, Pool } from './pool.ts'
import { checkHandler, siteOf, unpackError } from './remote.ts'
import type { Closing, Count, Done, Opening, Report, Site } from './remote.ts'
import type { Connection } from '../request-handler.ts'
import { TCPServer } from '../tcp-server.ts'
import { UnixStreamServer } from '../unix-server.ts'

/** How many children are kept waiting. */
const SPARE_CHILDREN = 3

/**
 * How often a child that handles a connection is asked whether it has got it, in seconds. One that
 * has no descriptor for the socket gets no message either, and Node tells the parent nothing.
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
   * How many children there may be; further connections wait for one. To be set before the server
   * is activated.
   *
   * @python socketserver.ForkingMixIn.max_children
   */
  maxChildren: number
}

/**
 * Let a server handle every connection in a child process:
 * `class ForkingHTTPServer extends ForkingMixIn(HTTPServer) {}`.
 *
 * The handler's class is exported by its module, and says where that is:
 * `static readonly module = import.meta.url`. Without that, or for a server that encrypts, the
 * constructor throws a `TypeError`; if the module does not export the class, `bindAndActivate()`
 * does.
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
      if (this.encrypted) {
        throw new TypeError(
          'Cannot hand encrypted connections to a child process: the keys stay here; use ' +
            'ThreadingMixIn or AsyncMixIn',
        )
      }
    }

    get activeChildren(): ReadonlySet<number> {
      return new Set([...(this.#pool?.members ?? [])].map(({ processId }) => processId))
    }

    override async serverActivate(): Promise<void> {
      await super.serverActivate()
      await this.#children().warm()
    }

    #children(): Pool<Child> {
      if (this.#pool === undefined) {
        const site = siteOf(this, copyForChild)
        const start = () => new Child(site, this.closing)
        this.#pool = new Pool(start, {
          most: this.maxChildren,
          spare: SPARE_CHILDREN,
          inTurn: true,
        })
      }
      return this.#pool
    }

    override async handleConnection(request: Connection, clientAddress: Address): Promise<void> {
      let child: Child | undefined
      try {
        child = await this.#children().take()
        const { error } = await child.handle(request, clientAddress, this.handlerOptions)
        if (error !== undefined) {
          await this.reportError(request, clientAddress, unpackError(error))
        }
      } catch (error) {
        // `destroy()`, not `end()`: a response that the child has not finished must not look complete.
        request.destroy()
        if (!(error instanceof MemberLost)) {
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
      for (const child of this.#pool?.members ?? []) {
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

/** The program of the child, beside this file and of its kind: `.ts` or `.js`. */
const PROGRAM = fileURLToPath(import.meta.url).replace(/forking-mixin(\.[jt]s)$/, 'child-main$1')

/** Copy options as they come to a child: that is less than what `structuredClone()` can do. */
const copyForChild = (value: unknown): unknown => deserialize(serialize(value))

/** A child process, seen from the server. */
class Child extends Member {
  readonly #child: ChildProcess
  /** How many connections have been sent to it. */
  #sent = 0

  constructor(site: Site, closing: boolean) {
    super()
    this.#child = fork(PROGRAM, {
      execArgv: inheritable(process.execArgv),
    })
    this.#child.on('message', (report) => {
      this.accept(report as Report)
    })
    this.#child.on('error', (error) => {
      if (this.#child.pid === undefined) {
        // There is no process, and so there will be no 'exit'.
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
    // Out of descriptors, Node gives back a child that has no process and, for once, no send().
    if (this.#child.pid !== undefined) {
      this.#send(site)
    }
    if (closing) {
      this.endConnections()
    }
  }

  /** Send something. If that fails, the child is of no use any more: it ends with its channel. */
  #send(message: Site | Opening | Closing | Count, connection?: Socket): void {
    // keepOpen: our copy lasts as long as the child needs its own. A child that dies before it has
    // got one would otherwise leave a connection that nobody can close.
    this.#child.send(message, connection, { keepOpen: true }, (error) => {
      if (error !== null) {
        this.crashed(new MemberLost(`could not be reached (${error.message})`))
        this.kill()
      }
    })
  }

  /** Its process id; 0 as long as it is not known that it could not be started. */
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
      throw new TypeError('Cannot hand this connection to a child process: it is no plain socket')
    }
    const options = this.unlessKnown(handlerOptions, copyForChild)
    const packedOptions = options && serialize(options).toString('base64')
    const opening: Opening = { kind: 'open', clientAddress, packedOptions }
    // Not before all is made that may throw: nobody would await it.
    const done = this.handled()
    this.#send(opening, connection)
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
    // A child ends when it hears that its parent is gone; unless it hears nothing any more.
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
 * The flags of this process that a child needs, loaders and conditions for instance; not those
 * that say what this process alone is to do.
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

/** Debuggers, which need a port each; and what watches, tests or only checks a program. */
const ALONE = /^(?:--inspect.*|--watch.*|--test.*|-c|--check|-i|--interactive|--run)$/
