/**
 * The part of Python's `socketserver` that knows no sockets: the loop, and the order in which a
 * request passes through a server.
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
 * The words handling, getting, processing and finishing are CPython's, and its own source calls
 * the distinction "fairly arbitrary". Remember:
 *
 * - `handleRequest()` is the top: it waits, then calls the others;
 * - `getRequest()` differs from transport to transport;
 * - `processRequest()` is where a thread or a child may take over;
 * - `finishRequest()` makes the handler, and lets it run; what follows is up to `processRequest()` again.
 *
 * Here, one request is handled at a time. While a client keeps the handler waiting, all the
 * others wait too: that is not a flaw of this class but its lesson, and the reason for the
 * mix-ins. A request, in this module, is a whole connection; the HTTP requests that arrive over it are the
 * handler's business, and are called so in full.
 *
 * In doc comments, `@python` names what a thing is in Python, `@added` says that Python lacks it and
 * what it has instead, and `Differs:` what else is different. `bpo-` and `gh-` are CPython's
 * issues, `Production:` is what a production server would do, and `Security:` which attack is meant.
 *
 * Left out: `UDPServer` and its kind.
 *
 * Reading path: 1 of 9. Next: tcp-server.ts.
 *
 * @module
 */

import { Duplex } from 'node:stream'
import { milliseconds, monotonic } from '../stdlib/dates.ts'
import { repr } from '../stdlib/format.ts'
import { stderr } from '../stdlib/sys.ts'
import { formatException } from '../stdlib/traceback.ts'
import { isInsideHandler, runHandler } from './current-request.ts'
import type { HandlerOptions } from './handler-options.ts'
import type { BaseRequestHandler, Connection, RequestHandlerClass } from './request-handler.ts'

/**
 * The address of an internet socket, Python's tuple `('127.0.0.1', 8080)`.
 *
 * Differs: for IPv6, Python's tuple has two more items, flow info and scope id, which Node does
 * not report.
 */
export type InternetAddress = readonly [host: string, port: number]

/** An address: a pair for an internet socket, a path for a Unix socket. */
export type Address = InternetAddress | string

/** The type of a class, by the type of its instances; for mix-ins. */
// TypeScript asks for `any[]` here, and for nothing else, in a class that can be extended so.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Constructor<Instance> = new (...args: any[]) => Instance

/**
 * The base of all servers: the loop and its hooks, without a transport.
 *
 * Methods for the caller:
 * - {@link serveForever}, {@link shutdown}
 * - {@link handleRequest}, if you do not use `serveForever()`
 * - {@link serverClose}, or `await using server = ...`
 * - {@link bindAndActivate}, to know the port before serving
 *
 * Methods that may be overridden:
 * - {@link serverBind}, {@link serverActivate}, {@link serverClose}
 * - {@link getRequest}, {@link verifyRequest}, {@link processRequest}
 * - {@link shutdownRequest}, {@link closeRequest}
 * - {@link serviceActions}, {@link handleTimeout}, {@link handleError}
 *
 * An exception in a hook that is called for one request, from {@link verifyRequest} to
 * {@link handleError}, ends that request and no other, with every mix-in. One in {@link getRequest},
 * {@link serviceActions} or {@link handleTimeout} ends the loop, as in Python; system errors in
 * {@link getRequest} are ignored. A
 * hook may return a promise, and nothing limits how long it takes: without a mix-in, every client
 * waits for it.
 *
 * Methods and fields for derived classes and handlers:
 * - {@link finishRequest}
 * - {@link closing}, {@link idleConnections} and {@link endConnections}
 * - {@link reportError} and {@link endRequest}, for a mix-in that overrides `processRequest()`
 * - {@link hasRequest} and {@link requestArrived}, which stand for Python's `fileno()` and its
 *   selector
 *
 * Fields that may be overridden:
 * - {@link timeout}, {@link closeGrace}, {@link handlerOptions}
 *
 * @typeParam ServerAddress - what the server listens on
 * @python socketserver.BaseServer
 */
export class BaseServer<ServerAddress = unknown> implements AsyncDisposable {
  /**
   * How long {@link handleRequest} waits for a request, in seconds. Null waits for ever.
   * {@link serveForever} does not look at it.
   */
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
   * Whether connections are encrypted by this process, and so cannot be handed to another. To be
   * overridden by a class that does so.
   *
   * @added In Python, a child has a copy of the keys.
   */
  readonly encrypted: boolean = false

  /**
   * Connections that wait for a whole head of an HTTP request: the client has just connected, is between
   * requests, or has sent a part of a head. A handler that waits for one puts its connection here, and
   * takes it out when the wait is over; {@link serverClose} ends those that it finds.
   *
   * @added Python's `server_close()` waits for such a connection until its client leaves.
   */
  readonly idleConnections = new Set<Connection>()

  /**
   * How long an HTTP request that is on its way may take to arrive on an idle connection once the server
   * is being closed, in seconds.
   *
   * @added See {@link idleConnections}.
   */
  closeGrace = 0

  #activation: Promise<void> | undefined
  #closed = false
  #closing = false
  #connectionsEnded: Promise<void> | undefined
  /** Whether the loop itself is handling a request, and waits for it. */
  #handling = false
  #loop: Promise<void> | undefined
  #shutdownRequested = false
  /** Called when there is a request, or the end has come. */
  readonly #waiting = new Set<() => void>()

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
   * Differs: Python's constructor takes `bind_and_activate=False` to leave it. A constructor cannot wait,
   * and Node's `listen()` must be waited for.
   *
   * @throws what {@link serverBind}, {@link serverActivate} or the check of {@link handlerOptions} throws;
   * the server is closed then. A server that is closed already cannot be bound.
   * @added The constructor of Python's servers does this.
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
        this.sampleHandler()
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
   * Take hold of the address. Does nothing here; may be extended.
   *
   * @python socketserver.TCPServer.server_bind
   */
  serverBind(): void | Promise<void> {}

  /** Begin to take requests. Does nothing here; may be extended. */
  serverActivate(): void | Promise<void> {}

  /**
   * Handle requests, one after the other, until {@link shutdown}.
   *
   * @param pollInterval - how often to call {@link serviceActions} while there is nothing else
   * to do, in seconds. In Python it is also how long a `shutdown()` may go unnoticed; here a
   * shutdown is noticed at once.
   * @throws what {@link bindAndActivate} throws. An exception in a handler does not end the loop:
   * see {@link handleError}.
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
      this.#wakeAll()
    }, milliseconds(pollInterval))
    try {
      for (;;) {
        if (!this.#shutdownRequested && !this.hasRequest()) {
          await this.#woken()
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
   * Stop {@link serveForever}: the request that is being handled is the last.
   *
   * Differs: a server that handles one connection at a time ends it after the current HTTP request, or at
   * once if it is idle, see {@link idleConnections}. Python's call waits until the client leaves.
   *
   * A shutdown that comes before `serveForever()` is not lost: the loop then ends before its
   * first request.
   *
   * Differs: without a loop, the promise resolves at once. Python's call waits for a loop to begin
   * and to end.
   *
   * @returns a promise that resolves when the loop has ended. Inside a handler of a server that
   * handles one request at a time it would wait for itself, and rejects at once instead. The
   * shutdown still happens: such a handler must not await it. Nor may a hook that the loop itself
   * waits for, such as {@link serviceActions}; there nothing warns you.
   */
  shutdown(): Promise<void> {
    this.#requestShutdown()
    if (isInsideHandler(this)) {
      const refused = Promise.reject(
        new Error(
          'Cannot wait for shutdown() inside a handler: the server waits for this handler. ' +
            'Call it without await; the server ends after this request',
        ),
      )
      refused.catch(() => {})
      return refused
    }
    return this.#loop?.catch(() => {}) ?? Promise.resolve()
  }

  #requestShutdown(): void {
    this.#shutdownRequested = true
    this.#wakeAll()
    if (this.#handling && this.#loop !== undefined) {
      void this.endConnections()
    }
  }

  /**
   * Let go of the address and of every request not yet begun. Connections that are idle are ended,
   * see {@link idleConnections}; the others end after the HTTP request that is being handled. May be
   * extended. A server that is closed cannot be used again.
   *
   * Differs: a running {@link serveForever} ends as if by {@link shutdown}, but is not waited for;
   * a waiting {@link handleRequest} rejects. In Python both go on with a socket that is gone.
   */
  serverClose(): void | Promise<void> {
    this.#closed = true
    if (this.#loop !== undefined) {
      this.#shutdownRequested = true
    }
    this.#wakeAll()
    this.#connectionsEnded ??= this.endConnections()
    return this.#connectionsEnded
  }

  /**
   * Whether connections end after the HTTP request that is being handled, because the server is being
   * shut down or closed.
   *
   * @added Python's handlers go on until their clients leave.
   */
  get closing(): boolean {
    return this.#closing
  }

  /**
   * Let no connection have another HTTP request, and end those that are idle. To be extended by a mix-in
   * whose handlers are elsewhere.
   *
   * @added See {@link closing} and {@link idleConnections}.
   */
  async endConnections(): Promise<void> {
    this.#closing = true
    // Only those that are idle now: one that arrives meanwhile may bring a request, and its handler looks
    // at `closing` after that.
    const idle = [...this.idleConnections]
    // Node polls for input between timers and immediates: bytes that arrived before this timer have
    // reached their handler when the immediate runs.
    await new Promise((resolve) =>
      setTimeout(resolve, milliseconds(idle.length > 0 ? this.closeGrace : 0)),
    )
    await new Promise((resolve) => setImmediate(resolve))
    for (const connection of idle) {
      // After a shutdown(), the server may be serving again by now.
      if (this.closing && this.idleConnections.has(connection)) {
        // To its handler, this looks as if the client had closed its side.
        connection.push(null)
      }
    }
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
   * Handle one request, and leave the others waiting. If none comes within {@link timeout}
   * seconds, call {@link handleTimeout} instead.
   *
   * @throws what {@link bindAndActivate} throws.
   */
  async handleRequest(): Promise<void> {
    await this.bindAndActivate()
    const deadline = this.timeout === null ? Infinity : monotonic() + this.timeout
    while (await this.#select(deadline)) {
      // Another waiter may have taken it first.
      if (this.hasRequest()) {
        await this.#handleRequestNoblock()
        return
      }
    }
    if (this.#closed) {
      throw closedError()
    }
    await this.handleTimeout()
  }

  /**
   * Called when {@link handleRequest} has waited {@link timeout} seconds for nothing. Does
   * nothing here; may be overridden.
   */
  handleTimeout(): void | Promise<void> {}

  /**
   * Called by {@link serveForever} after each request, and each poll interval without one. Does
   * nothing here; may be overridden.
   */
  serviceActions(): void | Promise<void> {}

  /**
   * Tell whether {@link getRequest} has one to give. To be overridden by the class that has the
   * socket, which also calls {@link requestArrived}; together they are Python's `fileno()`.
   *
   * @python socketserver.BaseServer.fileno
   */
  hasRequest(): boolean {
    return false
  }

  /**
   * To be called by the class that has the socket when a request has come.
   *
   * @added Python asks its selector, which asks the kernel.
   */
  requestArrived(): void {
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) {
      wake()
    }
    this.#waiting.clear()
  }

  /** Wait until something has happened: a request, the end, or a turn of the clock. */
  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
    })
  }

  /**
   * Wait for a request, up to a time on the clock of `monotonic()`; Python's selector. Ends early
   * when the server is shut down or closed.
   */
  async #select(deadline: number): Promise<boolean> {
    while (!this.hasRequest() && !this.#closed && monotonic() < deadline) {
      const timer = setTimeout(
        () => {
          this.#wakeAll()
        },
        milliseconds(deadline - monotonic()),
      )
      await this.#woken()
      clearTimeout(timer)
      if (this.#shutdownRequested && this.#loop !== undefined) {
        break
      }
    }
    return this.hasRequest()
  }

  // -- The path of a request -----------------------------------------------------------------

  /** Handle a request that is known to be there. */
  async #handleRequestNoblock(): Promise<void> {
    let request, clientAddress
    try {
      // Here and below, only a promise is awaited: each trip through the microtask queue costs.
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
      await this.reportError(request, clientAddress, error)
    }
    await this.endRequest(request, clientAddress)
  }

  /**
   * Take the next request. To be overridden by the class that has the socket; may be overridden
   * again, to wrap the connection for instance.
   *
   * @returns the connection and its client's address.
   * @python socketserver.TCPServer.get_request
   */
  getRequest(): [Connection, Address] | Promise<[Connection, Address]> {
    throw new Error('Cannot get a request: this class has no transport; override getRequest()')
  }

  /**
   * Decide whether a request shall be handled at all, before a byte of it is read. May be
   * overridden.
   *
   * Differs: an exception here is reported with {@link handleError}. In Python it ends the loop.
   *
   * @returns true here, always. False closes the connection without a response.
   */
  verifyRequest(request: Connection, clientAddress: Address): boolean | Promise<boolean> {
    return true
  }

  /**
   * Finish the request and shut it down, and come back when both are done: one at a time. The
   * mix-ins override this method to come back sooner.
   */
  processRequest(request: Connection, clientAddress: Address): void | Promise<void> {
    return this.#processRequest(request, clientAddress)
  }

  async #processRequest(request: Connection, clientAddress: Address): Promise<void> {
    this.#handling = true
    try {
      await runHandler(this, () => this.finishRequest(request, clientAddress))
    } catch (error) {
      await this.reportError(request, clientAddress, error)
    } finally {
      this.#handling = false
    }
    await this.endRequest(request, clientAddress)
  }

  /**
   * Make a handler for the request, give it the {@link handlerOptions}, and let it run. May be
   * extended.
   *
   * @throws `TypeError` for an option that is not a field of the handler.
   */
  async finishRequest(request: Connection, clientAddress: Address): Promise<void> {
    await this.makeHandler(request, clientAddress).run()
  }

  /**
   * Make a handler for a connection, and give it the {@link handlerOptions}.
   *
   * @throws `TypeError` for an option that is not a field of the handler.
   * @added A part of Python's `finish_request()`.
   */
  makeHandler(request: Connection, clientAddress: Address): BaseRequestHandler {
    const handler = new this.RequestHandlerClass(request, clientAddress, this)
    for (const [name, value] of Object.entries(this.handlerOptions)) {
      if (!(name in handler)) {
        throw new TypeError(
          `Cannot set the handler option ${repr(name)}: ${this.RequestHandlerClass.name} has no ` +
            'such field',
        )
      }
      if (value !== undefined) {
        Object.assign(handler, { [name]: value })
      }
    }
    return handler
  }

  /**
   * Make a handler that is never run, to see what its fields are. So a misspelt option is found
   * when the server is bound, and not by the first client.
   *
   * @throws what {@link makeHandler} throws.
   * @added In Python, fields are those of the class, and can be seen without an object.
   */
  sampleHandler(): BaseRequestHandler {
    return this.makeHandler(new Duplex(), '')
  }

  /**
   * End the connection. Here that is {@link closeRequest}, which over TCP also tells the peer that nothing
   * more will come. May be overridden.
   *
   * Differs: an exception here or in {@link closeRequest} is reported with {@link handleError}, and
   * the connection is destroyed. In Python it ends the loop of a server without a mix-in, and
   * leaves the connection open.
   */
  shutdownRequest(request: Connection): void | Promise<void> {
    return this.closeRequest(request)
  }

  /** Close the connection. Does nothing here; may be overridden. */
  closeRequest(request: Connection): void | Promise<void> {}

  /**
   * Report an exception that a handler did not catch, to standard error. The connection is
   * closed, the server goes on. May be overridden.
   *
   * Differs: when an override throws an exception of its own, both are written to standard error,
   * and the server goes on. In Python that ends the loop of a server without a mix-in.
   *
   * @param error - what was thrown, which can be anything; in Python, `sys.exc_info()`
   */
  handleError(request: Connection, clientAddress: Address, error: unknown): void | Promise<void> {
    writeReport(clientAddress, error)
  }

  // -- When a hook throws --------------------------------------------------------------------

  /**
   * Call {@link handleError}, and do not throw what it throws. Everything that handles a request, in
   * the loop or beside it, reports an exception this way: a fault in a report must not cost another
   * connection, nor leave this one open.
   *
   * @added In Python the exception goes on to the loop or the thread.
   */
  async reportError(request: Connection, clientAddress: Address, error: unknown): Promise<void> {
    try {
      await this.handleError(request, clientAddress, error)
    } catch (second) {
      writeReport(clientAddress, error)
      stderr.write(`Exception ignored in handleError(): ${formatException(second)}\n`)
    }
  }

  /**
   * Call {@link shutdownRequest}, and do not throw what it throws: report it, and destroy the
   * connection.
   *
   * @added In Python the exception goes on to the loop or the thread.
   */
  async endRequest(request: Connection, clientAddress: Address): Promise<void> {
    try {
      await this.shutdownRequest(request)
    } catch (error) {
      await this.reportError(request, clientAddress, error)
      request.destroy()
    }
  }
}

function writeReport(clientAddress: Address, error: unknown): void {
  const dashes = '-'.repeat(40)
  stderr.write(
    `${dashes}\n` +
      `Exception occurred during processing of request from ${repr(clientAddress)}\n` +
      `${formatException(error)}\n` +
      `${dashes}\n`,
  )
}

function closedError(): Error {
  return new Error('Cannot serve: the server is closed')
}
