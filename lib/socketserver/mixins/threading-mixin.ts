/**
 * Python's `ThreadingMixIn`: every connection is handled in a thread.
 *
 * ```text
 *   main thread                                         worker thread
 *     loop: getRequest -> verifyRequest -> processRequest
 *                                             |
 *     task: a first byte has come  <----------'
 *           take a worker from the pool ------ open --> finishRequest: a handler is made, and runs
 *           Relay <------------------------- frames --> PortStream
 *           shutdownRequest  <---------------- done --- the worker is free for the next
 * ```
 *
 * What it is for: a handler that computes holds up its own thread, and no other. With two
 * processors, two of them run at the same time. What waits, for a file or a client, needs no
 * thread in Node: see `async-mixin.ts`, which is cheaper by far.
 *
 * Differs: in Python, all threads see the same objects. Here, a thread has its own copy of every
 * module; nothing is shared but `handlerOptions`, which is copied. A counter in the handler's
 * class counts in each thread alone.
 *
 * Differs: in Python, a client that is silent holds a thread. Here it holds none until it has
 * sent a byte, or has closed its side; see `waitsForClient`. If the handler has a `timeout`, the
 * connection is closed after it, and the log does not say so.
 *
 * A handler is done when its last 256 KiB have left for the main thread, and the thread is free for
 * the next. The client has another `timeout` seconds to take them.
 *
 * Production: `maxThreads` clients that send one byte each and then nothing hold all threads.
 * Give the handler a `timeout`.
 *
 * Read before: `remote.ts`, `pool.ts`, `port-stream.ts`. Next: `thread-main.ts`, which runs in the
 * worker; `forking-mixin.ts`.
 *
 * @module
 */

import { Worker } from 'node:worker_threads'
import type { Address, BaseServer, Constructor } from '../base-server.ts'
import { AsyncMixIn } from './async-mixin.ts'
import { logLost, Member, MemberLost, Pool } from './pool.ts'
import { memoryOf, Relay } from './port-stream.ts'
import type { Frame } from './port-stream.ts'
import { checkHandler, isReport, siteOf, timeoutOf, unpackError, written } from './remote.ts'
import type { Closing, Done, Opening, Report, Site } from './remote.ts'
import type { Connection } from '../request-handler.ts'
import { TCPServer } from '../tcp-server.ts'
import { UnixStreamServer } from '../unix-server.ts'

/** What {@link ThreadingMixIn} adds to a server. */
export interface ThreadingMixIn extends AsyncMixIn {
  /**
   * Whether the program may end while requests are being handled. Then `serverClose()` does not
   * wait for them, either.
   *
   * @python socketserver.ThreadingMixIn.daemon_threads
   */
  daemonThreads: boolean
  /**
   * How many connections may be handled at the same time; further ones wait for a thread. To be
   * set before the server is activated.
   *
   * @added Python has no limit.
   */
  maxThreads: number
  /**
   * Whether a connection gets its thread only when the client has sent something. Set it to false
   * for a protocol in which the server speaks first.
   *
   * @added Python's threads begin at once, and a thousand silent clients hold a thousand of them.
   */
  waitsForClient: boolean
}

/** How many connections have been given a thread, or a name for one, in this process. */
let count = 0

/**
 * Let a server handle every connection in a thread of its own:
 * `class ThreadedHTTPServer extends ThreadingMixIn(HTTPServer) {}`.
 *
 * The handler's class is exported by its module, and says where that is:
 * `static readonly module = import.meta.url`. Without that, the constructor throws a `TypeError`;
 * if the module does not export it, `bindAndActivate()` does.
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
    /** Connections that have no thread yet, because nothing has come. */
    readonly #silent = new Set<Connection>()
    /** What was found out about some options. */
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
        const site = siteOf(this)
        const start = () => new WorkerThread(site, this.closing)
        this.#pool = new Pool(start, { most: this.maxThreads, spare: 1, inTurn: false })
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
          await this.reportError(request, clientAddress, unpackError(error))
        }
        // The handler waited until its last bytes had left its thread. They are here now.
        await written(request, timeout)
      } catch (error) {
        relay.detach()
        request.destroy()
        if (!(error instanceof MemberLost)) {
          throw error
        }
        logLost(name, clientAddress, error)
      }
    }

    async #handle(relay: Relay, name: string, clientAddress: Address): Promise<Done> {
      const thread = await this.#threads().take()
      try {
        const opening = { kind: 'open', name, clientAddress } as const
        const { handlerOptions, daemonThreads } = this
        const done = await thread.handle(relay, opening, handlerOptions, daemonThreads)
        relay.detach()
        return done
      } finally {
        this.#threads().give(thread)
      }
    }

    /** How long a handler with the present options would wait for its client. */
    #timeout(): number | null {
      const { handlerOptions } = this
      if (this.#sampled?.handlerOptions !== handlerOptions) {
        this.#sampled = { handlerOptions, timeout: timeoutOf(this.sampleHandler()) }
      }
      return this.#sampled.timeout
    }

    override async endConnections(): Promise<void> {
      await super.endConnections()
      for (const request of this.#silent) {
        request.destroy()
      }
      for (const thread of this.#pool?.members ?? []) {
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

/** Let the program end although this connection is open. */
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

/** The program of the worker, beside this file and of its kind: `.ts` or `.js`. */
const PROGRAM = new URL(import.meta.url.replace(/threading-mixin(\.[jt]s)$/, 'thread-main$1'))

/** A worker, seen from the server. */
class WorkerThread extends Member {
  readonly #worker: Worker
  #relay: Relay | undefined

  constructor(site: Site, closing: boolean) {
    super()
    // The worker is started with the flags of this process, loaders and conditions included.
    this.#worker = new Worker(PROGRAM, { workerData: site })
    this.#worker.on('message', (message: Frame | Report) => {
      if (!isReport(message)) {
        this.#relay?.accept(message)
        return
      }
      if (message.kind === 'ready') {
        // One that waits for work does not keep the program from ending.
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

  /** Handle a connection. While that is so, the program does not end, unless it is a daemon. */
  async handle(
    relay: Relay,
    opening: Opening,
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
    this.#worker.postMessage({ ...opening, options, frames }, memoryOf(frames))
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
