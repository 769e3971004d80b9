/**
 * Handlers for the tests of threads and children, which load this module again. One class does
 * what the client's first line asks for, so that a test needs no class, and no thread, of its own.
 *
 * @module
 */

import { open } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { BaseHTTPRequestHandler } from '../http/base-handler.ts'
import { StreamRequestHandler } from '../socketserver/request-handler.ts'
import { stderr } from '../stdlib/sys.ts'
import { currentThread } from '../stdlib/threading.ts'

const hoard: number[] = []

/** How many requests this copy of the module has seen. */
let requests = 0

/** Obeys the client's first line: a command, and words behind it. */
export class Obedient extends StreamRequestHandler {
  static readonly module = import.meta.url

  greeting = 'hello'

  override async handle(): Promise<void> {
    const line = (await this.rfile.readline()).toString('latin1').trim()
    const [command = '', ...words] = line.split(' ')
    requests++
    await this.#obey(command, words)
  }

  async #obey(command: string, words: readonly string[]): Promise<void> {
    const number = Number(words[0])
    switch (command) {
      case 'who': {
        const { name, nativeId } = currentThread()
        this.#say({ name, nativeId, processId: process.pid, clientAddress: this.clientAddress })
        break
      }
      case 'server':
        this.#say({
          serverAddress: this.server.serverAddress,
          options: this.server.handlerOptions,
          greeting: this.greeting,
        })
        break
      case 'count':
        this.#say(requests)
        break
      case 'echo':
        // Until the client closes its side.
        for await (const more of this.rfile) {
          void this.wfile.write(more)
        }
        break
      case 'take':
        this.#say((await this.rfile.read(number)).length)
        break
      case 'give':
        // One large piece that nobody waits for.
        void this.wfile.write(Buffer.alloc(number, 'x'))
        break
      case 'trickle':
        for (let at = 0; at < number; at += 65536) {
          await this.wfile.write(Buffer.alloc(Math.min(65536, number - at), 'x'))
        }
        break
      case 'sleep':
        this.#say('asleep')
        await sleep(number)
        this.#say('awake')
        break
      case 'log':
        for (let index = 0; index < number; index++) {
          stderr.write(`${String(words[1])} ${String(index)} ${'.'.repeat(200)}\n`)
        }
        break
      case 'fail':
        this.#say('so far')
        throw new RangeError('on purpose', { cause: new Error('the reason') })
      case 'crash':
        setImmediate(() => {
          throw new Error('nobody catches this')
        })
        await sleep(10_000)
        break
      case 'exit':
        this.#say('so far')
        await this.wfile.flush()
        process.exit(number)
        break
      case 'hoard':
        // Leaves this process no descriptor for another connection, nor one that is freed later.
        this.request.on('close', () => {
          setInterval(() => {
            for (let index = 0; index < 100; index++) {
              open('/dev/null', (_error, descriptor) => hoard.push(descriptor))
            }
          }, 1)
        })
        break
      case 'shutdown':
        await this.server.shutdown().catch((error: unknown) => {
          this.#say((error as Error).message)
        })
        break
      case 'destroy':
        this.request.destroy()
        break
      case 'half':
        this.#say('my last word')
        await this.wfile.flush()
        this.request.end()
        this.heard = (await this.rfile.read()).toString()
        stderr.write(`heard ${this.heard}\n`)
        break
      case 'leave':
        // Reads nothing of what the client sends.
        this.#say('enough')
        break
      default:
        this.#say(`no such command: ${command}`)
    }
  }

  heard = ''

  #say(value: unknown): void {
    void this.wfile.write(Buffer.from(JSON.stringify(value) + '\n'))
  }
}

/** Waits for as long as its client is there. */
export class Patient extends BaseHTTPRequestHandler {
  static readonly module = import.meta.url

  override protocolVersion = 'HTTP/1.1'

  async do_GET(): Promise<void> {
    this.sendResponse(200)
    this.endHeaders()
    void this.wfile.flush()
    await sleep(600_000, undefined, { signal: this.signal })
  }
}

/** Speaks first. */
export class Greeter extends StreamRequestHandler {
  static readonly module = import.meta.url

  override handle(): void {
    void this.wfile.write(Buffer.from(`${currentThread().name.replace(/[0-9]/g, '')}\n`))
  }
}

/** Sends back a line. */
export class OneLine extends StreamRequestHandler {
  static readonly module = import.meta.url

  override async handle(): Promise<void> {
    await this.wfile.write(await this.rfile.readline())
  }
}

/** Throws. */
export class Bad extends StreamRequestHandler {
  static readonly module = import.meta.url

  override handle(): void {
    throw new Error('Test error')
  }
}

/** An error with a property that cannot be read. */
function withThrowing(name: string): Error {
  return Object.defineProperty(new Error('on purpose'), name, {
    get() {
      throw new Error(`${name} cannot be read`)
    },
  })
}

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable(new Error('on purpose'), {})
  revoke()
  return proxy
}

/** What can be thrown, and is hard to report. */
export const EXCEPTIONS: Readonly<Record<string, () => unknown>> = {
  error: () => new Error('on purpose'),
  inspect: () =>
    Object.assign(new Error('on purpose'), {
      [inspect.custom]() {
        throw new Error('not to be inspected')
      },
    }),
  stack: () => withThrowing('stack'),
  message: () => withThrowing('message'),
  name: () => withThrowing('name'),
  constructor: () => withThrowing('constructor'),
  cause: () => new Error('on purpose', { cause: withThrowing('stack') }),
  symbolMessage: () => Object.assign(new Error(), { message: Symbol('message') }),
  functionMessage: () => Object.assign(new Error(), { message: () => 'a message' }),
  numberedClass: () =>
    new (class extends Error {
      static override name = 5 as unknown as string
    })('on purpose'),
  proxy: () =>
    new Proxy(new Error('on purpose'), {
      get() {
        throw new Error('not to be read')
      },
      getPrototypeOf() {
        throw new Error('not to be asked')
      },
    }),
  revoked: revokedProxy,
  noPrototype: () => Object.create(null) as unknown,
  errorWithoutPrototype: () => Object.setPrototypeOf(new Error('on purpose'), null) as unknown,
  undefined: () => undefined,
  null: () => null,
  symbol: () => Symbol('on purpose'),
  function: () => () => {},
}

/** Throws what the path names, where the path says: `/logMessage/revoked`. */
export class Faulty extends BaseHTTPRequestHandler {
  static readonly module = import.meta.url

  override protocolVersion = 'HTTP/1.1'

  #failIn(hook: string): void {
    const [, where, what = ''] = this.path.split('/')
    if (where === hook) {
      throw EXCEPTIONS[what]?.()
    }
  }

  do_GET(): void {
    this.#failIn('do_GET')
    this.sendResponse(200)
    this.sendHeader('Content-Length', 0)
    this.endHeaders()
  }

  /** Takes a byte, and so as long as the client likes. */
  async do_POST(): Promise<void> {
    await this.rfile.read(1)
    this.do_GET()
  }

  /** The same, once the server is being closed; a thread or a child hears of that a moment later. */
  async do_PUT(): Promise<void> {
    while (!this.server.closing) {
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await this.do_POST()
  }

  override addressString(): string {
    this.#failIn('addressString')
    return super.addressString()
  }

  override logMessage(format: string, ...args: readonly unknown[]): void {
    this.#failIn('logMessage')
    super.logMessage(format, ...args)
  }
}

/** Ends its thread or process. */
export class ExitingBad extends StreamRequestHandler {
  static readonly module = import.meta.url

  override handle(): void {
    process.exit(0)
  }
}

/** Is in the module under two names, which is no harm. */
export class Twice extends Greeter {
  static override readonly module = import.meta.url
}
export { Twice as Again }

class Hidden extends Greeter {
  static override readonly module = import.meta.url
}

/** Two classes of one name. */
export class Double extends Greeter {
  static override readonly module = import.meta.url
}
export const other = {
  Double: class Double extends Greeter {},
}.Double

/** Handlers that cannot be found. */
export const unfit = {
  Hidden,
  Double,
  Inherited: class Inherited extends Greeter {},
  anonymous: (() => class extends Greeter {})(),
  Nowhere: class Nowhere extends Greeter {
    static override readonly module = new URL('no-such-file.ts', import.meta.url).href
  },
  Unguarded: class Unguarded extends Greeter {
    static override readonly module = new URL('unguarded.js', import.meta.url).href
  },
}
