/**
 * What Node has as globals, and a browser's worker has not. To be imported before all that uses them.
 *
 * @module
 */

import { Buffer } from './buffer.ts'

const {
  setTimeout: start,
  clearTimeout: stop,
  setInterval: repeat,
} = globalThis as unknown as {
  setTimeout: (callback: () => void, ms?: number) => number
  clearTimeout: (id: number | undefined) => void
  setInterval: (callback: () => void, ms?: number) => number
}

/** A timer as Node has it, which can be begun again. */
class Timer {
  readonly #callback: () => void
  readonly #ms: number | undefined
  id: number

  constructor(callback: () => void, ms?: number) {
    this.#callback = callback
    this.#ms = ms
    this.id = start(callback, ms)
  }

  refresh(): this {
    stop(this.id)
    this.id = start(this.#callback, this.#ms)
    return this
  }

  unref(): this {
    return this
  }
}

const clear = (timer: Timer | number | undefined): void => {
  stop(timer instanceof Timer ? timer.id : timer)
}

/** What is to be run when all microtasks are done: a timer would wait for four milliseconds. */
const turns = new Map<number, () => void>()
let lastTurn = 0
const { port1, port2 } = new MessageChannel() as unknown as {
  port1: { onmessage: (event: { data: number }) => void }
  port2: { postMessage(turn: number): void }
}
port1.onmessage = ({ data }) => {
  const turn = turns.get(data)
  turns.delete(data)
  turn?.()
}

function inTurn(callback: (...args: unknown[]) => void, ...args: unknown[]): number {
  turns.set(++lastTurn, () => {
    callback(...args)
  })
  port2.postMessage(lastTurn)
  return lastTurn
}

/** The browser's name and version, as a product: `Chromium/156.0.0.0`. */
function browser(): string {
  const { userAgent } = (globalThis as unknown as { navigator: { userAgent: string } }).navigator
  const [, name = '', version = ''] = /(Firefox|Chrome|Version)\/([0-9.]+)/.exec(userAgent) ?? []
  const names: Readonly<Record<string, string>> = { Chrome: 'Chromium', Version: 'Safari' }
  return name === '' ? 'Browser/0' : `${names[name] ?? name}/${version}`
}

Object.assign(globalThis, {
  Buffer,
  setTimeout: (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
    new Timer(() => {
      callback(...args)
    }, ms),
  clearTimeout: clear,
  setInterval: repeat,
  setImmediate: inTurn,
  clearImmediate: (turn: number) => turns.delete(turn),
  process: {
    argv: [],
    env: {},
    platform: 'browser',
    version: '',
    versions: { browser: browser() },
    cwd: () => '/',
    // Called from a microtask, it comes after them all.
    nextTick: inTurn,
    stderr: {
      writableLength: 0,
      listenerCount: () => 1,
      write: (text: string) => {
        console.log(text)
      },
    },
  },
})
