/**
 * A handler in another thread or process: how it is found there, and what it is told.
 *
 * ```text
 *   server's side                          |  thread-main.ts, child-main.ts
 *     Site: module, name, address   ---->  |  RemoteServer.load() imports the module
 *                                   <----  |  ready, or failed
 *     Opening: a connection         ---->  |  finishRequest() makes a handler, and runs it
 *                                   <----  |  log, log, ...
 *                                   <----  |  done, with the exception if there was one
 * ```
 *
 * The server's side closes the connection, in both cases.
 *
 * A class cannot be sent, only its whereabouts. So it names its module, `import.meta.url`, and the
 * module is loaded again on the other side, with everything at its top level. Python's threads
 * share all objects, and its children begin with a copy of all; here, nothing is shared.
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
import type { Address } from '../base-server.ts'
import type { Frame } from './port-stream.ts'
import type { BaseRequestHandler, Connection, RequestHandlerClass } from '../request-handler.ts'

/** Where a handler is, and for which server it works. */
export interface Site {
  /** The URL of the module that exports the class. */
  readonly module: string
  readonly className: string
  /** The fields of the server that the handler gets to see. */
  readonly server: { readonly serverAddress: Address }
}

/** To the other side: a connection to handle. */
export interface Opening {
  readonly kind: 'open'
  /** `Thread-1`; a child has none. */
  readonly name?: string
  readonly clientAddress: Address
  /** The server's `handlerOptions`, if they are others than the last time. */
  readonly options?: BaseServer['handlerOptions'] | undefined
  /**
   * To a child, the options as `serialize()` of `node:v8` makes them, in base64. All else that is
   * said between processes is JSON, which costs half as much, and knows half as many types.
   */
  readonly packedOptions?: string | undefined
  /** What has come over the connection already; to a child, the connection itself is sent. */
  readonly frames?: readonly Frame[]
}

/** To the other side: let no connection have another request, the server is being closed. */
export interface Closing {
  readonly kind: 'close'
}

/** To a child: that so many connections have been sent to it. It says so if fewer have come. */
export interface Count {
  readonly kind: 'count'
  readonly sent: number
}

/** From the other side. */
export type Report =
  | { readonly kind: 'ready' }
  /** The handler cannot be found; nothing else will come. */
  | { readonly kind: 'failed'; readonly error: SentError }
  /** It is about to end, by an exception that nobody caught. */
  | { readonly kind: 'crashed'; readonly error: SentError }
  /** A connection was sent, and has not come: see `forking-mixin.ts`. */
  | { readonly kind: 'missed' }
  /** Text for the server's standard error. */
  | { readonly kind: 'log'; readonly text: string }
  | Done

/** The handler has ended. */
export interface Done {
  readonly kind: 'done'
  /** What it did not catch. */
  readonly error?: SentError | undefined
  /** How long the handler would have waited for its client; see {@link timeoutOf}. */
  readonly timeout: number | null
  /** From a thread, what goes over the connection before it ends. */
  readonly frames?: readonly Frame[]
}

/** Tell a report from a frame of the connection. */
export function isReport(message: Report | Frame): message is Report {
  return ['ready', 'failed', 'crashed', 'log', 'missed', 'done'].includes(message.kind)
}

// -- Before anything is started --------------------------------------------------------------

/**
 * Check that a handler's class says where it is.
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
  // An inherited one is the whereabouts of the base class.
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

/** Copies a value as it is copied on its way to a thread or to a child; throws if it cannot be. */
export type Copy = (value: unknown) => unknown

/**
 * Check that the copy of some `handlerOptions` is what they are: `structuredClone()` makes a plain
 * object of an object of a class, without a word, and its methods are missed at the first request.
 *
 * @param copy - how they are copied on their way
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

/** Say which class is lost in the copy of a value, or of something in it, if one is. */
function lostClass(value: unknown, copy: unknown, seen: Set<unknown>): string | undefined {
  if (typeof value !== 'object' || value === null || seen.has(value)) {
    return undefined
  }
  seen.add(value)
  const prototype = Object.getPrototypeOf(value) as object | null
  // One that has no prototype has no methods to lose.
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
 * Say where the handler of a server is.
 *
 * @param copy - how the `handlerOptions` are copied on their way
 * @throws what {@link checkSendable} throws.
 */
export function siteOf(server: BaseServer, copy: Copy = structuredClone): Site {
  checkSendable(server.handlerOptions, copy)
  const { RequestHandlerClass: Handler } = server
  const fields = ['serverAddress', 'serverName', 'serverPort']
  return {
    module: (Handler as unknown as { module: string }).module,
    className: Handler.name,
    server: Object.fromEntries(
      fields.flatMap((name) =>
        name in server ? [[name, (server as unknown as Record<string, unknown>)[name]]] : [],
      ),
    ) as unknown as Site['server'],
  }
}

// -- On the other side -----------------------------------------------------------------------

/** Whether this thread or process is loading a handler's module for a server elsewhere. */
let loading = false

/**
 * What a handler finds in `this.server` in a thread or child: the address, and what is made of it.
 * It is not the server, and cannot be told to stop.
 */
export class RemoteServer extends BaseServer<Address> {
  /**
   * Load the handler's module, and find the class in it.
   *
   * @throws what the module throws, and `TypeError` when it does not export the class.
   */
  static async load(site: Site): Promise<RemoteServer> {
    loading = true
    const exports = (await import(site.module)) as Record<string, unknown>
    const found = new Set(
      Object.values(exports).filter(
        (value) => typeof value === 'function' && value.name === site.className,
      ),
    )
    if (found.size !== 1) {
      const reason =
        found.size === 0
          ? `exports no class of that name; write: export class ${site.className}`
          : 'exports several classes of that name; rename one of them'
      throw new TypeError(`Cannot find ${site.className}: ${site.module} ${reason}`)
    }
    const [Handler] = found as Set<RequestHandlerClass>
    const server = new RemoteServer(site.server.serverAddress, Handler as RequestHandlerClass)
    return Object.assign(server, site.server)
  }

  /** The handler of this connection, or of the last one. */
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
  async handle(connection: Connection, { clientAddress, options }: Opening): Promise<Done> {
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

  /** What {@link Closing} asks for. */
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
 * The half that both programs share: load the handler's module, say so, and listen.
 *
 * @param listen - begins to take connections
 */
export async function serveRemotely(
  site: Site,
  report: (message: Report) => void,
  listen: (server: RemoteServer) => void,
): Promise<void> {
  // A line of the log goes to the server in one message: so lines of several threads or children do
  // not mix, come in order with the bytes of a response, and are not lost when this one ends.
  stderr.write = (text) => {
    report({ kind: 'log', text })
  }
  try {
    listen(await RemoteServer.load(site))
    report({ kind: 'ready' })
  } catch (error) {
    report({ kind: 'failed', error: packError(error) })
  }
}

// -- At the end of a connection --------------------------------------------------------------

/** How long a handler waits for its client, in seconds; null, for ever, if it has no `timeout`. */
export function timeoutOf(handler: object | undefined): number | null {
  const { timeout } = (handler ?? {}) as { timeout?: unknown }
  return typeof timeout === 'number' ? timeout : null
}

/**
 * Wait until the other side has all that was written to a connection, or will not take it any more:
 * the kernel behind a socket, the main thread behind a port. If that takes longer than the handler's
 * `timeout`, the connection is destroyed.
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

/** An exception on its way to the server. */
export interface SentError {
  readonly className: string
  readonly message: string
  /** All that is to be said of it: the stack, the cause, further fields. */
  readonly report: string
}

/** Make an exception ready to be sent, whatever was thrown; see {@link describe}. */
export function packError(error: unknown): SentError {
  const report = describe(error)
  try {
    if (error instanceof Error) {
      // Both are text by custom only, and nothing else may get into a message to another thread.
      const { message, constructor } = error as { message: unknown; constructor: { name: unknown } }
      return { className: String(constructor.name), message: String(message), report }
    }
  } catch {
    // It cannot be asked what it is.
  }
  return { className: 'Error', message: report, report }
}

/**
 * Make an exception of what was sent. Printed, it is what it was; but of its class, if that is none
 * of JavaScript's own, only the name is left.
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
