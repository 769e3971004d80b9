/**
 * The part of Python's `socketserver` that knows no sockets: the loop, and the order in which a
 * request passes through a server. Left out: `UDPServer` and its kind.
 *
 * ```text
 *   serveForever() ---.
 *                      >-- getRequest() -> verifyRequest() -> processRequest()
 *   handleRequest() --'                                            |
 *                            AsyncMixIn, ThreadingMixIn and ForkingMixIn override this one
 *                                                                  |
 *                                                                  |-- finishRequest()
 *                                                                  |     '-- handler.run()
 *                                                                  '-- shutdownRequest()
 *                                                                        '-- closeRequest()
 * ```
 *
 * The words handling, getting, processing and finishing are CPython's, whose own source calls the
 * distinction "fairly arbitrary". Remember: `handleRequest()` is the top, waits, and calls the others;
 * `getRequest()` differs from transport to transport; `processRequest()` is where a thread or a child may
 * take over; `finishRequest()` makes the handler, and lets it run.
 *
 * One request is handled at a time. While a client keeps the handler waiting, all the others wait too:
 * that is not a flaw of this class but its lesson, and the reason for the mix-ins. A request, here and in
 * the next two files, is a whole connection; the HTTP requests that arrive over it are the handler's
 * business.
 *
 * `@python` names what a thing is in Python, where it is not the same in snake_case; `@added` says that
 * Python lacks it, and what it has instead; `Differs:` what else is different. `bpo-` and `gh-` are CPython's
 * issues, `Production:` is what a production server would do, and `Security:` which attack is meant.
 *
 * Reading path: 1 of 10. Next: tcp-server.ts.
 *
 * @module
 */

import { Condition } from '../stdlib/asyncio.ts'
import { milliseconds, monotonic } from '../stdlib/dates.ts'
import { refusedInsideHandler, runHandler } from './current-request.ts'
import { endRequest, reportError, writeReport } from './error-report.ts'
import { sampleHandler, setOptions } from './handler-options.ts'
import type { HandlerOptions } from './handler-options.ts'
import { IdleConnections } from './idle-connections.ts'
import type {
  Address,
  BaseRequestHandler,
  Connection,
  RequestHandlerClass,
} from './request-handler.ts'

/**
 * The base of all servers: the loop and its hooks, without a transport.
 *
 * For the caller: {@link serveForever} and {@link shutdown}, or {@link handleRequest};
 * {@link serverClose}, or `await using`; {@link bindAndActivate}, to know the port before serving.
 *
 * Methods that may be overridden: {@link serverBind}, {@link serverActivate}, {@link serverClose};
 * {@link getRequest}, {@link verifyRequest}, {@link processRequest}, {@link finishRequest};
 * {@link shutdownRequest}, {@link closeRequest}; {@link serviceActions}, {@link handleTimeout},
 * {@link handleError}. Fields: {@link timeout}, {@link closeGrace}, {@link handlerOptions}.
 *
 * An exception in a hook that is called for one request, from {@link verifyRequest} to
 * {@link handleError}, ends that request and no other, with every mix-in. One in {@link getRequest} or
 * {@link serviceActions} ends the loop, as in Python; system errors in {@link getRequest} are ignored. A
 * hook may return a promise, and nothing limits how long it takes: every client waits for those that
 * the loop awaits.
 *
 * For derived classes and handlers: {@link closing}, {@link idleConnections}, {@link endConnections};
 * {@link hasRequest} and {@link requestArrived}, for a class with a socket of its own.
 *
 * @typeParam ServerAddress - what the server listens on
 * @python socketserver.BaseServer
 */
export class BaseServer<ServerAddress = unknown> implements AsyncDisposable {
  /** How long {@link handleRequest} waits for a request, in seconds; null for ever. */
  timeout: number | null = null

  /** Where the server listens. Once it is bound, the real address: port 0 has become a port. */
  serverAddress: ServerAddress
  /** The class whose objects handle the requests. */
  readonly RequestHandlerClass: RequestHandlerClass

  /**
   * Values for fields of the handlers, set on each before it runs: `{ directory: '/srv' }`. One that
   * is undefined leaves the field as it is.
   *
   * @added Python's `functools.partial(Handler, directory='/srv')` in place of the class.
   */
  handlerOptions: HandlerOptions = {}

  /**
   * Connections that wait for a whole head of an HTTP request. Handlers put theirs here, and take it out
   * when the wait is over; {@link endConnections} ends those that it finds.
   *
   * @added In Python such a connection stays open until its client leaves.
   */
  readonly idleConnections = new IdleConnections()

  /**
   * How long an HTTP request may still take to arrive on an idle connection once the server is being
   * closed, in seconds.
   *
   * @added See {@link idleConnections}.
   */
  closeGrace = 0

  #activation: Promise<void> | undefined
  #closed = false
  #closing = false
  #connectionsEnded: Promise<void> | undefined
  /** Whether {@link processRequest}, as it is here, is handling a request. */
  #handling = false
  #loop: Promise<void> | undefined
  #shutdownRequested = false
  /** Notified when there is a request, or the end has come, and once in each poll interval. */
  readonly #changed = new Condition()

  /** Store the arguments. May be extended; nothing is bound yet, see {@link bindAndActivate}. */
  constructor(serverAddress: ServerAddress, RequestHandlerClass: RequestHandlerClass) {
    this.serverAddress = serverAddress
    this.RequestHandlerClass = RequestHandlerClass
  }

  // -- Starting and stopping -----------------------------------------------------------------

  /**
   * Bind and activate the server, unless that has been done. {@link serveForever} and
   * {@link handleRequest} call it; call it yourself to learn the port first.
   *
   * @throws what {@link serverBind}, {@link serverActivate} or the check of {@link handlerOptions} throws;
   * the server is then closed.
   * @added The constructor of Python's servers does this, unless `bind_and_activate=False`. Ours cannot
   * wait, and Node's `listen()` must be waited for.
   */
  bindAndActivate(): Promise<void> {
    if (this.#closed) {
      return Promise.reject(closedError())
    }
    this.#activation ??= this.#bindAndActivate()
    return this.#activation
  }

  async #bindAndActivate(): Promise<void> {
    try {
      this.RequestHandlerClass.checkOptions?.(this.handlerOptions)
      if (Object.keys(this.handlerOptions).length > 0) {
        // So that a misspelt option is found now, and not by the first client.
        sampleHandler(this)
      }
      await this.serverBind()
      await this.serverActivate()
    } catch (error) {
      await this.serverClose()
      throw error
    }
    // Closed while it was being bound: what was bound must not stay.
    if (this.#closed) {
      await this.serverClose()
    }
  }

  /**
   * Take hold of the address. Hooks with an empty body here are for derived classes to fill.
   *
   * @python socketserver.TCPServer.server_bind
   */
  serverBind(): void | Promise<void> {}

  /** Begin to take requests. */
  serverActivate(): void | Promise<void> {}

  /**
   * Handle requests, one after the other, until {@link shutdown}. An exception in a handler does not end
   * the loop: see {@link handleError}.
   *
   * @param pollInterval - how often to call {@link serviceActions} while there is nothing else to do, in
   * seconds. In Python it is also how long a `shutdown()` may go unnoticed; here, no time at all.
   * @throws what {@link bindAndActivate} throws.
   */
  serveForever(pollInterval = 0.5): Promise<void> {
    if (this.#loop !== undefined) {
      return Promise.reject(new Error('Cannot serve: the server is serving already'))
    }
    this.#loop = this.#serve(pollInterval).finally(() => {
      this.#shutdownRequested = false
      this.#closing = this.#closed
      this.#loop = undefined
    })
    return this.#loop
  }

  async #serve(pollInterval: number): Promise<void> {
    await this.bindAndActivate()
    const poll = setInterval(() => {
      this.#changed.notifyAll()
    }, milliseconds(pollInterval))
    try {
      for (;;) {
        if (!this.#shutdownRequested && !this.hasRequest()) {
          await this.#changed.wait()
        }
        // A shutdown is noticed before the next request is begun, not after it (bpo-35017).
        if (this.#shutdownRequested) {
          return
        }
        if (this.hasRequest()) {
          await this.#handleRequestNoblock()
        }
        const actions = this.serviceActions()
        if (actions !== undefined) {
          await actions
        }
      }
    } finally {
      clearInterval(poll)
    }
  }

  /**
   * Stop {@link serveForever}: the request that is being handled is the last. A call before
   * `serveForever()` is not lost: the loop then ends before its first request.
   *
   * Differs: a server that handles one connection at a time ends it after the current HTTP request, or at
   * once if it is idle, see {@link idleConnections}. Python's call waits until the client leaves.
   *
   * Differs: without a loop, the promise resolves at once. Python's call waits for a loop to begin
   * and to end.
   *
   * @returns a promise that resolves when the loop has ended. Inside a handler that the loop waits for,
   * it rejects at once instead, and the shutdown still happens: such a handler must not await it. Nor
   * may a hook that the loop waits for, such as {@link serviceActions}; there nothing warns you.
   */
  shutdown(): Promise<void> {
    this.#shutdownRequested = true
    this.#changed.notifyAll()
    if (this.#handling && this.#loop !== undefined) {
      void this.endConnections()
    }
    return refusedInsideHandler(this) ?? this.#loop?.catch(() => {}) ?? Promise.resolve()
  }

  /**
   * Let go of the address and of every request not yet begun. Connections that are idle are ended, the
   * others end after the HTTP request that is being handled. A server that is closed cannot be used again.
   *
   * Differs: a running {@link serveForever} ends as if by {@link shutdown}, but is not waited for;
   * a waiting {@link handleRequest} rejects. In Python both go on with a socket that is gone.
   */
  serverClose(): void | Promise<void> {
    this.#closed = true
    if (this.#loop !== undefined) {
      this.#shutdownRequested = true
    }
    this.#changed.notifyAll()
    this.#connectionsEnded ??= this.endConnections()
    return this.#connectionsEnded
  }

  /**
   * Whether the connections are being ended, so that none has another HTTP request.
   *
   * @added Python's handlers go on until their clients leave.
   */
  get closing(): boolean {
    return this.#closing
  }

  /**
   * Set {@link closing}, and end the {@link idleConnections}. To be extended by a mix-in whose handlers
   * run elsewhere.
   *
   * @added See both.
   */
  endConnections(): Promise<void> {
    this.#closing = true
    // After the grace, a server that was shut down may be serving again.
    return this.idleConnections.end(this.closeGrace, () => this.closing)
  }

  /**
   * Python's `with`: `await using server = new HTTPServer(...)` closes it at the end of the block.
   *
   * @python socketserver.BaseServer.__exit__
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.serverClose()
  }

  // -- Waiting for a request -----------------------------------------------------------------

  /**
   * Handle one request; or call {@link handleTimeout}, if none comes within {@link timeout} seconds, or
   * before a running loop is shut down. Throws as {@link bindAndActivate}.
   */
  async handleRequest(): Promise<void> {
    await this.bindAndActivate()
    const deadline = this.timeout === null ? Infinity : monotonic() + this.timeout
    while (!this.hasRequest() && !this.#closed && monotonic() < deadline) {
      await this.#changed.waitUpTo(deadline - monotonic())
      if (this.#shutdownRequested && this.#loop !== undefined) {
        break
      }
    }
    if (this.hasRequest()) {
      await this.#handleRequestNoblock()
    } else if (this.#closed) {
      throw closedError()
    } else {
      await this.handleTimeout()
    }
  }

  /** Called when {@link handleRequest} has waited in vain. */
  handleTimeout(): void | Promise<void> {}

  /** Called by {@link serveForever} after each request, and each poll interval without one. */
  serviceActions(): void | Promise<void> {}

  /**
   * Whether {@link getRequest} has one to give. To be overridden by the class that has the socket, which
   * also calls {@link requestArrived}; together they are Python's `fileno()` and its selector.
   *
   * @python socketserver.BaseServer.fileno
   */
  hasRequest(): boolean {
    return false
  }

  /**
   * To be called when a request has come.
   *
   * @added See {@link hasRequest}.
   */
  requestArrived(): void {
    this.#changed.notifyAll()
  }

  // -- The path of a request -----------------------------------------------------------------

  /** Handle a request that is known to be there. */
  async #handleRequestNoblock(): Promise<void> {
    let request, clientAddress
    try {
      // Up to finishRequest(), only a promise is awaited: each trip through the microtask queue costs.
      const got = this.getRequest()
      ;[request, clientAddress] = got instanceof Promise ? await got : got
    } catch (error) {
      // Python's `except OSError`: a connection that failed before it began is not worth a report.
      if (error instanceof Error && 'errno' in error) {
        return
      }
      throw error
    }
    try {
      const verified = this.verifyRequest(request, clientAddress)
      if (verified === true || (await verified)) {
        const processed = this.processRequest(request, clientAddress)
        if (processed !== undefined) {
          await processed
        }
        return
      }
    } catch (error) {
      await reportError(this, request, clientAddress, error)
    }
    await endRequest(this, request, clientAddress)
  }

  /**
   * Take the next request: a connection and its client's address. May be overridden, to wrap the connection.
   *
   * @python socketserver.TCPServer.get_request
   */
  getRequest(): [Connection, Address] | Promise<[Connection, Address]> {
    throw new Error('Cannot get a request: this class has no transport; override getRequest()')
  }

  /**
   * Decide whether a request shall be handled at all, before a byte of it is read: here, always. False
   * closes the connection without a response.
   *
   * Differs: an exception here is reported with {@link handleError}. In Python it ends the loop.
   */
  verifyRequest(request: Connection, clientAddress: Address): boolean | Promise<boolean> {
    return true
  }

  /** Finish the request and shut it down. The mix-ins override this method to come back sooner. */
  processRequest(request: Connection, clientAddress: Address): void | Promise<void> {
    return this.#processRequest(request, clientAddress)
  }

  async #processRequest(request: Connection, clientAddress: Address): Promise<void> {
    this.#handling = true
    try {
      await runHandler(this, () => this.finishRequest(request, clientAddress))
    } catch (error) {
      await reportError(this, request, clientAddress, error)
    } finally {
      this.#handling = false
    }
    await endRequest(this, request, clientAddress)
  }

  /** Make a handler for the request, and let it run. May be extended. Throws what the handler throws. */
  async finishRequest(request: Connection, clientAddress: Address): Promise<void> {
    await this.makeHandler(request, clientAddress).run()
  }

  /**
   * Make a handler for a connection, and give it the {@link handlerOptions}.
   *
   * @throws `TypeError` for one that is not a field of the handler.
   * @added A part of Python's `finish_request()`.
   */
  makeHandler(request: Connection, clientAddress: Address): BaseRequestHandler {
    const handler = new this.RequestHandlerClass(request, clientAddress, this)
    setOptions(handler, this.handlerOptions)
    return handler
  }

  /**
   * End the connection. Here, {@link closeRequest} does it all.
   *
   * Differs: an exception here or in {@link closeRequest} is reported with {@link handleError}, and
   * the connection is destroyed. In Python it ends the loop of a server without a mix-in, and
   * leaves the connection open.
   */
  shutdownRequest(request: Connection): void | Promise<void> {
    return this.closeRequest(request)
  }

  /** Close the connection. */
  closeRequest(request: Connection): void | Promise<void> {}

  /**
   * Report an exception in a handler or a hook, to standard error. Only its connection is closed.
   *
   * Differs: when an override throws an exception of its own, both are written to standard error,
   * and the server goes on. In Python that ends the loop of a server without a mix-in.
   *
   * @param error - what was thrown, which can be anything; in Python, `sys.exc_info()`
   */
  handleError(request: Connection, clientAddress: Address, error: unknown): void | Promise<void> {
    writeReport(clientAddress, error)
  }
}

function closedError(): Error {
  return new Error('Cannot serve: the server is closed')
}
