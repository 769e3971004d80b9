/**
 * What else of Node the library and the judge import, in a browser. What a browser has not says so when
 * it is called.
 *
 * @module
 */

function lacking(what: string): (...args: unknown[]) => never {
  return () => {
    throw new Error(`A browser has no ${what}: run this with Node`)
  }
}

// node:async_hooks. Whose handler runs is not known here, so `await shutdown()` in one waits for ever.
export class AsyncLocalStorage {
  run(_store: unknown, callback: () => unknown): unknown {
    return callback()
  }

  getStore(): undefined {
    return undefined
  }
}

// node:child_process, node:crypto, node:module, node:tls, node:v8
export const fork = lacking('child processes')
export const createHash = lacking('createHash()')
export const randomUUID = (): string => crypto.randomUUID()
export const createRequire = lacking('require()')
export const connect = lacking('sockets for TLS')
export const serialize = lacking('serialize()')
export const deserialize = lacking('deserialize()')

// node:worker_threads
export const isMainThread = true
export const threadId = 0
export const parentPort = null
export const Worker = lacking("threads that are Node's")

// node:dns/promises, node:os
export const lookup = (): Promise<object> => Promise.resolve({ address: '127.0.0.1', family: 4 })
export const hostname = (): string => 'localhost'
export const tmpdir = (): string => '/tmp'

// node:path
export const sep = '/'
export const join = (...words: string[]): string => words.join('/').replace(/\/\/+/g, '/')
export const dirname = (path: string): string => path.replace(/\/[^/]*$/, '')

// node:timers/promises
const sleep = (ms: number, value?: unknown, { signal }: { signal?: AbortSignal } = {}) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, value)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    })
  })
export { sleep as setTimeout }

// node:url
export const fileURLToPath = (url: string | URL): string => new URL(url).pathname

// node:util
export const getSystemErrorMap = (): Map<number, [string, string]> => new Map()

/** What is printed of what was thrown. */
export function inspect(error: unknown): string {
  if (!(error instanceof Error)) {
    return typeof error === 'string' ? `'${error}'` : String(error)
  }
  const { name, message, stack = '' } = error
  const text = stack.includes(message) ? stack : `${name}: ${message}\n${stack}`
  return error.cause === undefined ? text : `${text} {\n  [cause]: ${inspect(error.cause)}\n}`
}
