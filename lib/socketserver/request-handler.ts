/**
 * The request handlers of Python's `socketserver`: what is done with one connection.
 *
 * ```text
 *   server.finishRequest() -> new Handler(request, clientAddress, server).run()
 *                                                       setup() -> handle() -> finish()
 * ```
 *
 * A handler needs a byte stream in each direction, not a socket, so the same class runs on
 * a TCP socket, a Unix socket, a worker thread's port or a test's pair of streams.
 *
 * Left out: `DatagramRequestHandler`, because there are no UDP servers here.
 *
 * Reading path: 3 of 10. Next: stream-reader.ts.
 *
 * @module
 */

import type { Duplex } from 'node:stream'
import type { BaseServer } from './base-server.ts'
import { checkSeconds } from './handler-options.ts'
import type { HandlerOptions } from './handler-options.ts'
import { StreamReader } from './stream-reader.ts'
import { StreamWriter } from './stream-writer.ts'

/**
 * The address of an internet socket, Python's tuple `('127.0.0.1', 8080)`.
 *
 * Differs: for IPv6, Python's tuple has two more items, flow info and scope id, which Node does
 * not report.
 */
export type InternetAddress = readonly [host: string, port: number]

/** An address: a pair for an internet socket, a path for a Unix socket. */
export type Address = InternetAddress | string

/**
 * A connection as a handler sees it: Python's `request` of a stream server. A socket has
 * `setNoDelay()`, other streams need not.
 */
export interface Connection extends Duplex {
  /** Switch Nagle's algorithm off (true) or on (false). */
  setNoDelay?(noDelay: boolean): unknown
}

/** What a server makes its handlers from. */
export interface RequestHandlerClass {
  /** Make a handler for one connection; it does nothing before it is run. */
  new (request: Connection, clientAddress: Address, server: BaseServer): BaseRequestHandler
  /**
   * Check the values of a server's `handlerOptions`, when it is bound.
   *
   * @throws what is to be thrown by `bindAndActivate()`.
   */
  checkOptions?(options: HandlerOptions): void
}

/**
 * The base of all request handlers: one object for one connection.
 *
 * Methods for the caller:
 * - {@link run}
 *
 * Methods that may be overridden:
 * - {@link setup}, {@link handle}, {@link finish}
 *
 * Fields for derived classes:
 * - {@link request}, {@link clientAddress}, {@link server}
 *
 * Differs: Python's constructor does all the work. In JavaScript the fields of a subclass do not
 * exist yet while the constructor of its base class runs, so here the constructor only stores
 * its arguments, and `run()` does the work.
 *
 * @python socketserver.BaseRequestHandler
 */
export class BaseRequestHandler {
  static {
    // For threads and child processes, see `mixins/`: they import the class again, by this URL. A subclass
    // of yours declares `static readonly module = import.meta.url`; the library's classes assign it, or
    // yours would have to write `override` before its own.
    Object.assign(this, { module: import.meta.url })
  }

  /** The connection, paused: it is read through `rfile`, or by whoever resumes it. */
  readonly request: Connection
  /** Who is at the other end: `['127.0.0.1', 52934]`, or the empty string on a Unix socket. */
  readonly clientAddress: Address
  /** The server that made this handler. */
  readonly server: BaseServer

  /**
   * Store the arguments. May be extended; do no work here. A server also makes a handler that it
   * never runs, to check its {@link BaseServer.handlerOptions | handlerOptions}.
   */
  constructor(request: Connection, clientAddress: Address, server: BaseServer) {
    this.request = request
    this.clientAddress = clientAddress
    this.server = server
  }

  /**
   * Handle the connection from beginning to end: `setup()`, `handle()`, `finish()`.
   *
   * `finish()` is called even when `handle()` throws, but not when `setup()` does. What they
   * throw goes on to the server, which reports it with `handleError()`; if both `handle()` and
   * `finish()` throw, the first is the `cause` of the second.
   *
   * @added The constructor of Python's handlers does this.
   */
  async run(): Promise<void> {
    // Awaited only if it is a promise: each trip through the microtask queue costs.
    const ready = this.setup()
    if (ready !== undefined) {
      await ready
    }
    try {
      await this.handle()
    } catch (error) {
      try {
        await this.finish()
      } catch (second) {
        if (second instanceof Error) {
          second.cause ??= error
        }
        throw second
      }
      throw error
    }
    const finished = this.finish()
    if (finished !== undefined) {
      await finished
    }
  }

  /** Prepare for {@link handle}. Does nothing here; may be overridden. */
  setup(): void | Promise<void> {}

  /**
   * Do everything for this connection. Does nothing here; this is the method to override.
   */
  handle(): void | Promise<void> {}

  /** Clean up after {@link handle}. Does nothing here; may be overridden. */
  finish(): void | Promise<void> {}
}

/**
 * A request handler with files to read from and to write to, {@link rfile} and {@link wfile}.
 *
 * Differs: `rbufsize` and `wbufsize` are left out, because both files have a buffer; and so is
 * `connection`, which is {@link request} by another name.
 *
 * Fields that may be overridden:
 * - {@link timeout}, {@link disableNagleAlgorithm}
 *
 * Fields for derived classes, from `setup()` on:
 * - {@link rfile}, {@link wfile}, {@link signal}
 *
 * @python socketserver.StreamRequestHandler
 */
export class StreamRequestHandler extends BaseRequestHandler {
  static {
    Object.assign(this, { module: import.meta.url })
  }

  /**
   * Check that a `timeout` among the options of a server is valid. To be extended by a class that has
   * more to check.
   *
   * @throws `TypeError` when it is neither null nor a number of seconds.
   * @added Python's sockets throw, at the first request.
   */
  static checkOptions(options: HandlerOptions): void {
    checkSeconds(options, 'timeout')
  }

  /**
   * How long each wait for bytes may take, and how long a write may wait to be accepted, in seconds. Then
   * the read or the write fails with a `TimeoutError`. Null waits for ever. A server's `timeout` is another.
   */
  timeout: number | null = null

  /**
   * Whether small packets leave at once.
   *
   * Differs: false in Python. With Nagle's algorithm, the second of two small writes waits for
   * the peer to acknowledge the first, about 40 ms. Since `wfile` gathers small writes itself,
   * the algorithm has nothing left to save.
   */
  disableNagleAlgorithm = true

  /** The input, from the client. */
  rfile!: StreamReader
  /** The output, to the client. */
  wfile!: StreamWriter

  /**
   * Aborted when the client has gone, or the connection has ended: for a method that waits for
   * something other than the client. The {@link StreamReader.signal | signal} of {@link rfile}.
   *
   * A client that only closes its side, and still reads, counts as gone. Most that do so have gone,
   * and the two cannot be told apart.
   *
   * @added In Python, a thread finds out only by reading.
   */
  get signal(): AbortSignal {
    return this.rfile.signal
  }

  override run(): Promise<void> {
    const over = super.run()
    // A `finish()` that does not call this class's, or that throws, must not cost the client what was
    // written: the server closes the connection next, but only after this, which is registered first.
    const flush = () => {
      void (this.wfile as StreamWriter | undefined)?.flush()
    }
    over.then(flush, flush)
    return over
  }

  /**
   * Make {@link rfile} and {@link wfile}. Extend it, and call `super.setup()` first.
   *
   * @python socketserver.StreamRequestHandler.setup
   */
  override setup(): void | Promise<void> {
    const { timeout } = this
    if (!this.disableNagleAlgorithm) {
      this.request.setNoDelay?.(false)
    }
    this.wfile = new StreamWriter(this.request, { timeout })
    this.rfile = new StreamReader(this.request, {
      timeout,
      // The client may be waiting for what wfile still holds.
      beforeWaiting: () => {
        void this.wfile.flush()
      },
    })
  }

  /**
   * Send what is left in {@link wfile}, to the last byte, and close both files. Extend it, and
   * call `super.finish()` last.
   *
   * @python socketserver.StreamRequestHandler.finish
   */
  override finish(): void | Promise<void> {
    const sent = this.wfile.close()
    if (sent === undefined) {
      this.rfile.close()
      return
    }
    return sent
      .catch(() => {
        // The client is gone, or does not read. Python, too, is silent about it here: what `handle()`
        // threw is reported anyway. What was not taken is dropped.
        this.request.destroy()
      })
      .then(() => {
        this.rfile.close()
      })
  }
}
