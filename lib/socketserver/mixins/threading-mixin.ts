/**
 * Python's `ThreadingMixIn`: every connection is handled in a thread.
 *
 * ```text
 *   main thread                                         worker thread
 *     loop: getRequest -> verifyRequest -> processRequest
 *                                             |
 *     task: the first byte has come <---------'
 *           take a worker from the pool ------- job --> finishRequest: make a handler, run it
 *           Relay <------------------------- frames --> PortStream
 *           shutdownRequest  <---------------- done --- the worker is free for the next
 * ```
 *
 * Its purpose: a handler that computes holds up only its own thread, and with two processors, two
 * of them run at the same time. Waiting for a file or a client needs no thread in Node: see
 * `async-mixin.ts`, which is much cheaper.
 *
 * Differs: in Python, all threads see the same objects. Here each thread has its own copy of every
 * module, and of the `handlerOptions`; nothing is shared. A counter in the handler's class counts
 * separately in each thread.
 *
 * Differs: in Python, a silent client occupies a thread. Here it does not until it has sent a byte
 * or closed its side; see `waitsForClient`. If the handler has a `timeout`, the connection is closed
 * after it, without a line in the log.
 *
 * A handler's thread is free again when the last 256 KiB have been posted to the main thread. The
 * client has another `timeout` seconds to receive them.
 *
 * Production: `maxThreads` clients that send one byte each and then nothing occupy all threads.
 * Give the handler a `timeout`.
 *
 * Read before: `remote.ts`, `pool.ts`, `port-stream.ts`. Next: `thread-main.ts`, which runs in the
 * worker; `forking-mixin.ts`.
 *
 * @module
 */

import { Worker } from 'node:worker_threads'
import type { BaseServer } from '../base-server.ts'
import { reportError } from '../error-report.ts'
import { sampleHandler } from '../handler-options.ts'
import { AsyncMixIn } from './async-mixin.ts'
import type { Constructor } from './async-mixin.ts'
import { logLost, PoolWorker, WorkerLost, Pool } from './pool.ts'
import { memoryOf, Relay } from './port-stream.ts'
import type { Frame } from './port-stream.ts'
import { checkHandler, isReport, locationOf, timeoutOf, unpackError, written } from './remote.ts'
import type { Closing, Done, Job, Report, HandlerLocation } from './remote.ts'
import type { Address, Connection } from '../request-handler.ts'
import { TCPServer } from '../tcp-server.ts'
import { UnixStreamServer } from '../unix-server.ts'

/** What {@link ThreadingMixIn} adds to a server. */
export interface ThreadingMixIn extends AsyncMixIn {
  /**
   * Whether the program may end while requests are being handled. If so, `serverClose()` does not
   * wait for them either.
   *
   * @python socketserver.ThreadingMixIn.daemon_threads
   */
  daemonThreads: boolean
  /**
   * How many connections may be handled at the same time; further ones wait for a thread. Set it
   * before the server is activated.
   *
   * @added Python has no limit.
   */
  maxThreads: number
  /**
   * Whether a connection gets its thread only when the client has sent something. Set it to false
   * for a protocol in which the server speaks first.
   *
   * @added Python's threads start at once, and a thousand silent clients occupy a thousand of them.
   */
  waitsForClient: boolean
}

/** How many connections this process has given the name of a thread. */
let count = 0

/**
 * Let a server handle every connection in a thread of its own:
 * `class ThreadedHTTPServer extends ThreadingMixIn(HTTPServer) {}`.
 *
 * The module of the handler's class must export it, and the class must name the module:
 * `static readonly module = import.meta.url`. If it does not, the constructor throws a `TypeError`;
 * if the class is not exported, `bindAndActivate()` does.
 *
 * @param Base - the class of the server
 * @python socketserver.ThreadingMixIn
 */
export function ThreadingMixIn<Base extends Constructor<BaseServer>>(
  Base: Base,
): Constructor<ThreadingMixIn> & Base {
  return class extends AsyncMixIn(Base) implements ThreadingMixIn {
    daemonThreads = false
    maxThreads = 32
    waitsForClient = true

    #pool: Pool<WorkerThread> | undefined
    /** Connections without a thread: their clients have not sent anything yet. */
    readonly #silent = new Set<Connection>()
    /** The timeout of a handler with these options, once it is known. */
    #sampled: Pick<BaseServer, 'handlerOptions' | 'timeout'> | undefined

    // TypeScript asks for `any[]` here, see `Constructor`.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    constructor(...args: any[]) {
      super(...(args as unknown[]))
      checkHandler(this.RequestHandlerClass, 'a thread')
    }

    override async serverActivate(): Promise<void> {
      await super.serverActivate()
      await this.#threads().warm()
    }

    #threads(): Pool<WorkerThread> {
      if (this.#pool === undefined) {
        const location = locationOf(this)
        const start = () => new WorkerThread(location, this.closing)
        this.#pool = new Pool(start, { max: this.maxThreads, min: 1, roundRobin: false })
      }
      return this.#pool
    }

    override async handleConnection(request: Connection, clientAddress: Address): Promise<void> {
      count++
      const name = `Thread-${String(count)}`
      if (this.daemonThreads) {
        unref(request)
      }
      const relay = new Relay(request, this.waitsForClient ? this.#timeout() : null)
      try {
        if (this.waitsForClient) {
          this.#silent.add(request)
          const begun = await relay.begun
          this.#silent.delete(request)
          if (!begun) {
            relay.detach()
            return
          }
        }
        const { error, timeout } = await this.#handle(relay, name, clientAddress)
        if (error !== undefined) {
          await reportError(this, request, clientAddress, unpackError(error))
        }
        // The handler waited until its last bytes had left its thread, so they are here now.
        await written(request, timeout)
      } catch (error) {
        relay.detach()
        request.destroy()
        if (!(error instanceof WorkerLost)) {
          throw error
        }
        logLost(name, clientAddress, error)
      }
    }

    async #handle(relay: Relay, name: string, clientAddress: Address): Promise<Done> {
      const thread = await this.#threads().take()
      try {
        const { handlerOptions, daemonThreads } = this
        const done = await thread.handle(
          relay,
          { name, clientAddress },
          handlerOptions,
          daemonThreads,
        )
        relay.detach()
        return done
      } finally {
        this.#threads().give(thread)
      }
    }

    /** How long a handler with the current options would wait for its client. */
    #timeout(): number | null {
      const { handlerOptions } = this
      if (this.#sampled?.handlerOptions !== handlerOptions) {
        this.#sampled = { handlerOptions, timeout: timeoutOf(sampleHandler(this)) }
      }
      return this.#sampled.timeout
    }

    override async endConnections(): Promise<void> {
      await super.endConnections()
      for (const request of this.#silent) {
        request.destroy()
      }
      for (const thread of this.#pool?.workers ?? []) {
        thread.endConnections()
      }
    }

    override async serverClose(): Promise<void> {
      await super.serverClose()
      await this.#pool?.close()
    }

    override joinTasks(): Promise<void> {
      return this.daemonThreads ? Promise.resolve() : super.joinTasks()
    }
  }
}

/** Let the program end while this connection is open. */
function unref(connection: Connection & { unref?(): unknown }): void {
  connection.unref?.()
}

// -- Servers with it -------------------------------------------------------------------------

/**
 * A TCP server that handles every connection in a thread of its own.
 *
 * @python socketserver.ThreadingTCPServer
 */
export class ThreadingTCPServer extends ThreadingMixIn(TCPServer) {}

/**
 * A server on a Unix stream socket that handles every connection in a thread of its own.
 *
 * @python socketserver.ThreadingUnixStreamServer
 */
export class ThreadingUnixStreamServer extends ThreadingMixIn(UnixStreamServer) {}

// -- A thread --------------------------------------------------------------------------------

/** The program of the worker, next to this file and with the same extension, `.ts` or `.js`. */
const PROGRAM = new URL(import.meta.url.replace(/threading-mixin(\.[jt]s)$/, 'thread-main$1'))

/** A worker thread, seen from the server. */
class WorkerThread extends PoolWorker {
  readonly #worker: Worker
  #relay: Relay | undefined

  constructor(location: HandlerLocation, closing: boolean) {
    super()
    // It inherits the flags of this process, loaders and conditions included.
    this.#worker = new Worker(PROGRAM, { workerData: location })
    this.#worker.on('message', (message: Frame | Report) => {
      if (!isReport(message)) {
        this.#relay?.accept(message)
        return
      }
      if (message.kind === 'ready') {
        // A worker that waits for a job does not keep the program running.
        this.#worker.unref()
      } else if (message.kind === 'done') {
        for (const frame of message.frames ?? []) {
          this.#relay?.accept(frame)
        }
      }
      this.accept(message)
    })
    this.#worker.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_WORKER_INIT_FAILED') {
        this.refused(error)
      } else {
        this.crashed(error)
      }
    })
    this.#worker.on('exit', (code) => {
      this.lost(`ended with exit code ${String(code)}`)
    })
    if (closing) {
      this.endConnections()
    }
  }

  /** Handle a connection. Until it is done the program keeps running, unless this is a daemon. */
  async handle(
    relay: Relay,
    { name, clientAddress }: { readonly name: string; readonly clientAddress: Address },
    handlerOptions: BaseServer['handlerOptions'],
    daemon: boolean,
  ): Promise<Done> {
    const options = this.unlessKnown(handlerOptions)
    if (!daemon) {
      this.#worker.ref()
    }
    const done = this.handled()
    this.#relay = relay
    const frames = relay.attach((frame, transfer) => {
      this.#worker.postMessage(frame, transfer)
    })
    const job: Job = { kind: 'job', name, clientAddress, options, frames }
    this.#worker.postMessage(job, memoryOf(frames))
    try {
      return await done
    } finally {
      this.#relay = undefined
      this.#worker.unref()
    }
  }

  override endConnections(): void {
    this.#worker.postMessage({ kind: 'close' } satisfies Closing)
  }

  override kill(): void {
    void this.#worker.terminate()
  }
}
