/**
 * A handler in another thread or process: how it is found there, and the messages both ways.
 *
 * ```text
 *   the server's side                      |  thread-main.ts, child-main.ts
 *     HandlerLocation: module, class  -->  |  RemoteServer.load() imports the module
 *                                     <--  |  ready, or failed
 *     Job: a connection               -->  |  finishRequest() makes a handler, and runs it
 *                                     <--  |  log, log, ...
 *                                     <--  |  done, with the exception if there was one
 * ```
 *
 * In both cases it is the server's side that closes the connection.
 *
 * A class cannot be sent, only where it is. So it names its module, `import.meta.url`, and the other
 * side loads that module again and runs everything at its top level. Python's threads share all
 * objects, and its children start with a copy of them; here, nothing is shared.
 *
 * Next to read: `pool.ts`, then `threading-mixin.ts`.
 *
 * @module
 */

import { milliseconds } from '../../stdlib/dates.ts'
import { repr } from '../../stdlib/format.ts'
import { stderr } from '../../stdlib/sys.ts'
import { describe } from '../../stdlib/traceback.ts'
import { BaseServer } from '../base-server.ts'
import type { Frame } from './port-stream.ts'
import type {
  Address,
  BaseRequestHandler,
  Connection,
  RequestHandlerClass,
} from '../request-handler.ts'

/** Where a handler class is, and for which server it works. */
export interface HandlerLocation {
  /** The URL of the module that exports the class. */
  readonly module: string
  readonly className: string
  /** The fields of the server that the handler can see. */
  readonly server: { readonly serverAddress: Address }
}

/** To the other side: a connection to handle. */
export interface Job {
  readonly kind: 'job'
  /** `Thread-1`; a child has none. */
  readonly name?: string
  readonly clientAddress: Address
  /** The server's `handlerOptions`, if they have changed since the last job. */
  readonly options?: BaseServer['handlerOptions'] | undefined
  /**
   * For a child, the options as serialized by `node:v8`, in base64. Everything else between the
   * processes is JSON, which costs half as much but lacks many types.
   */
  readonly packedOptions?: string | undefined
  /** For a thread, what has already arrived; a child gets the connection itself. */
  readonly frames?: readonly Frame[]
}

/** To the other side: the server is being closed, so no connection gets another request. */
export interface Closing {
  readonly kind: 'close'
}

/** To a child: how many connections were sent to it. It reports if fewer have arrived. */
export interface Count {
  readonly kind: 'count'
  readonly sent: number
}

/** From the other side. */
export type Report =
  | { readonly kind: 'ready' }
  /** The handler cannot be found; no other report will follow. */
  | { readonly kind: 'failed'; readonly error: SentError }
  /** It is about to end, because of an uncaught exception. */
  | { readonly kind: 'crashed'; readonly error: SentError }
  /** A connection was sent but has not arrived: see `forking-mixin.ts`. */
  | { readonly kind: 'missed' }
  /** Text for the server's standard error. */
  | { readonly kind: 'log'; readonly text: string }
  | Done

/** The connection has been handled. */
export interface Done {
  readonly kind: 'done'
  /** The exception that the handler did not catch. */
  readonly error?: SentError | undefined
  /** How long the handler would have waited for its client; see {@link timeoutOf}. */
  readonly timeout: number | null
  /** From a thread, the last frames of the connection. */
  readonly frames?: readonly Frame[]
}

/** Tell a report from a frame of the connection. */
export function isReport(message: Report | Frame): message is Report {
  return ['ready', 'failed', 'crashed', 'log', 'missed', 'done'].includes(message.kind)
}

// -- Before anything is started --------------------------------------------------------------

/**
 * Check that a handler's class says where it is defined.
 *
 * @throws `TypeError` that says what to add.
 */
export function checkHandler(Handler: RequestHandlerClass, where: string): void {
  if (Handler.name === '') {
    throw new TypeError(
      `Cannot run the handler in ${where}: its class has no name by which it could be found ` +
        'there; export it: export class Handler ...',
    )
  }
  // An inherited `module` says where the base class is.
  const { module } = Object.hasOwn(Handler, 'module') ? (Handler as { module?: unknown }) : {}
  if (typeof module !== 'string') {
    throw new TypeError(
      `Cannot run ${Handler.name} in ${where}: it does not say where it can be found there; add ` +
        'to the class: static readonly module = import.meta.url',
    )
  }
  if (loading) {
    throw new TypeError(
      `Cannot start a server with ${Handler.name} here: its module is being loaded in ${where} of ` +
        'that server; start the server only in the program itself: ' +
        'if (isMain(import.meta))',
    )
  }
}

/** Copies a value the way it is copied to a thread or a child; throws if it cannot be. */
export type Copy = (value: unknown) => unknown

/**
 * Check that `handlerOptions` survive being copied: `structuredClone()` silently turns an instance
 * of a class into a plain object, and the first request would miss its methods.
 *
 * @param copy - copies an option the way it will be sent
 * @throws `TypeError` that names the option, and what is wrong with it.
 */
export function checkSendable(options: BaseServer['handlerOptions'], copy: Copy): void {
  for (const [name, value] of Object.entries(options)) {
    let lost: string | undefined
    try {
      lost = lostClass(value, copy(value), new Set())
    } catch (error) {
      throw new TypeError(
        `Cannot send the handler option ${repr(name)} to another thread or process: only what ` +
          'structuredClone() takes can be sent, which is data without functions; to a process, it ' +
          'must be without shared memory as well',
        { cause: error },
      )
    }
    if (lost !== undefined) {
      throw new TypeError(
        `Cannot send the handler option ${repr(name)} to another thread or process: ${lost}; send ` +
          'the data that it is made from, and make it there',
      )
    }
  }
}

/** Name the class that is lost in the copy of a value, or of something inside it, if one is. */
function lostClass(value: unknown, copy: unknown, seen: Set<unknown>): string | undefined {
  if (typeof value !== 'object' || value === null || seen.has(value)) {
    return undefined
  }
  seen.add(value)
  const prototype = Object.getPrototypeOf(value) as object | null
  // An object without a prototype has no methods to lose.
  if (prototype !== null && prototype !== Object.getPrototypeOf(copy)) {
    return (
      `it holds an object of the class ${value.constructor.name}, of which the copy is of the ` +
      `class ${(copy as object).constructor.name}, without its methods`
    )
  }
  const copies = childrenOf(copy as object)
  for (const [index, child] of childrenOf(value).entries()) {
    const lost = lostClass(child, copies[index], seen)
    if (lost !== undefined) {
      return lost
    }
  }
  return undefined
}

function childrenOf(value: object): unknown[] {
  if (value instanceof Map) {
    return [...value].flat()
  }
  return value instanceof Set ? [...value] : ArrayBuffer.isView(value) ? [] : Object.values(value)
}

/**
 * Say where the handler of a server is defined.
 *
 * @param copy - copies an option the way it will be sent
 * @throws what {@link checkSendable} throws.
 */
export function locationOf(server: BaseServer, copy: Copy = structuredClone): HandlerLocation {
  checkSendable(server.handlerOptions, copy)
  const { RequestHandlerClass: Handler } = server
  const fields = ['serverAddress', 'serverName', 'serverPort', 'encrypted']
  return {
    module: (Handler as unknown as { module: string }).module,
    className: Handler.name,
    server: Object.fromEntries(
      fields.flatMap((name) =>
        name in server ? [[name, (server as unknown as Record<string, unknown>)[name]]] : [],
      ),
    ) as unknown as HandlerLocation['server'],
  }
}

// -- On the other side -----------------------------------------------------------------------

/** Whether this thread or process is loading a handler's module for a server elsewhere. */
let loading = false

/**
 * What a handler in a thread or child finds in `this.server`: the address, and what is derived from
 * it. It is not the server itself, and cannot stop it.
 */
export class RemoteServer extends BaseServer<Address> {
  /**
   * Load the handler's module, and look up the class in it.
   *
   * @throws what the module throws, and `TypeError` when it does not export the class.
   */
  static async load(location: HandlerLocation): Promise<RemoteServer> {
    loading = true
    const exports = (await import(location.module)) as Record<string, unknown>
    const found = new Set(
      Object.values(exports).filter(
        (value) => typeof value === 'function' && value.name === location.className,
      ),
    )
    if (found.size !== 1) {
      const reason =
        found.size === 0
          ? `exports no class of that name; write: export class ${location.className}`
          : 'exports several classes of that name; rename one of them'
      throw new TypeError(`Cannot find ${location.className}: ${location.module} ${reason}`)
    }
    const [Handler] = found as Set<RequestHandlerClass>
    const server = new RemoteServer(location.server.serverAddress, Handler as RequestHandlerClass)
    return Object.assign(server, location.server)
  }

  /** The handler of the current connection, or of the last one. */
  #handler: BaseRequestHandler | undefined

  override makeHandler(...args: Parameters<BaseServer['finishRequest']>): BaseRequestHandler {
    this.#handler = super.makeHandler(...args)
    return this.#handler
  }

  override finishRequest(...args: Parameters<BaseServer['finishRequest']>): Promise<void> {
    const finished = super.finishRequest(...args)
    if (this.closing) {
      // This connection had to wait for us while the server was closed.
      void this.endConnections()
    }
    return finished
  }

  /** Handle a connection, and wait until its last bytes have left. */
  async handle(
    connection: Connection,
    { clientAddress, options }: Pick<Job, 'clientAddress' | 'options'>,
  ): Promise<Done> {
    this.handlerOptions = options ?? this.handlerOptions
    let error: SentError | undefined
    try {
      await this.finishRequest(connection, clientAddress)
    } catch (thrown) {
      error = packError(thrown)
    }
    const timeout = timeoutOf(this.#handler)
    await written(connection, timeout)
    return { kind: 'done', error, timeout }
  }

  /** Called for {@link Closing}. */
  override endConnections(): Promise<void> {
    return super.endConnections()
  }

  override bindAndActivate(): Promise<void> {
    return Promise.reject(elsewhere('serve'))
  }

  override shutdown(): Promise<void> {
    return Promise.reject(elsewhere('shut down'))
  }

  override serverClose(): Promise<void> {
    return Promise.reject(elsewhere('close the server'))
  }
}

function elsewhere(what: string): Error {
  return new Error(
    `Cannot ${what} from a handler in another thread or process: the server is not here, only ` +
      'its address is',
  )
}

/**
 * Load the handler's module, start to listen, and report that: the half that the programs of threads
 * and children share.
 *
 * @param report - sends a message to the server's side
 * @param listen - starts to receive messages from there
 */
export async function serveRemotely(
  location: HandlerLocation,
  report: (message: Report) => void,
  listen: (server: RemoteServer) => void,
): Promise<void> {
  // Each line of the log goes to the server in one message: so lines of several workers do not mix,
  // keep their order relative to the bytes of a response, and are not lost when this worker ends.
  stderr.write = (text) => {
    report({ kind: 'log', text })
  }
  try {
    listen(await RemoteServer.load(location))
    report({ kind: 'ready' })
  } catch (error) {
    report({ kind: 'failed', error: packError(error) })
  }
}

// -- At the end of a connection --------------------------------------------------------------

/** How long a handler waits for its client, in seconds; null, for ever, without a `timeout`. */
export function timeoutOf(handler: object | undefined): number | null {
  const { timeout } = (handler ?? {}) as { timeout?: unknown }
  return typeof timeout === 'number' ? timeout : null
}

/**
 * Wait until everything that was written to a connection has been passed on, by a socket to the
 * kernel, by a port to the main thread, or never will be. If that takes longer than the handler's
 * `timeout`, destroy the connection.
 *
 * @returns undefined if nothing is left to wait for.
 */
export function written(connection: Connection, timeout: number | null): Promise<void> | undefined {
  const nothingLeft = connection.writableLength === 0 && !connection.writableEnded
  if (nothingLeft || connection.destroyed || connection.writableFinished) {
    return undefined
  }
  const timer =
    timeout === null
      ? undefined
      : setTimeout(() => connection.destroy(), milliseconds(timeout)).unref()
  return new Promise<void>((resolve) => {
    connection.on('finish', resolve)
    connection.on('close', resolve)
    if (!connection.writableEnded) {
      connection.write('', () => {
        resolve()
      })
    }
  }).finally(() => {
    clearTimeout(timer)
  })
}

// -- Exceptions ------------------------------------------------------------------------------

/** An exception in a form that can be sent to the server. */
export interface SentError {
  readonly className: string
  readonly message: string
  /** The stack, the cause, further fields. */
  readonly report: string
}

/** Put an exception, or whatever else was thrown, into a form that can be sent. */
export function packError(error: unknown): SentError {
  const report = describe(error)
  try {
    if (error instanceof Error) {
      // Both are strings only by convention, and other values may not survive the way.
      const { message, constructor } = error as { message: unknown; constructor: { name: unknown } }
      return { className: String(constructor.name), message: String(message), report }
    }
  } catch {
    // One of its getters throws.
  }
  return { className: 'Error', message: report, report }
}

/**
 * Turn what was sent into an exception again. It prints as the original; of a class that is not
 * JavaScript's own, only the name is left.
 */
export function unpackError({ className, message, report }: SentError): Error {
  const error = new (errorClass(className))(message)
  error.stack = report
  return error
}

function errorClass(name: string): new (message: string) => Error {
  const known = [Error, TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError]
  const found = known.find((one) => one.name === name)
  return found ?? ({ [name]: class extends Error {} }[name] as new (message: string) => Error)
}
