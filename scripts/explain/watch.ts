/**
 * How an object is watched from outside, whatever its class does.
 *
 * @module
 */

import { trace } from './trace.ts'
import type { Frame } from './trace.ts'

/** Put an accessor in the place of a field, and tell who sets and gets it. */
export function watch<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  {
    set,
    get,
  }: {
    set?: (value: Owner[Name], frames: readonly Frame[]) => void
    get?: (frames: readonly Frame[]) => void
  },
): void {
  let value = owner[name]
  Object.defineProperty(owner, name, {
    configurable: true,
    enumerable: true,
    get() {
      get?.(trace())
      return value
    },
    set(next: Owner[Name]) {
      value = next
      set?.(next, trace())
    },
  })
}

/** Put a method on an object, in front of that of its class. */
export function wrap<Owner extends object>(
  owner: Owner,
  name: keyof Owner,
  instead: (original: () => unknown, frames: readonly Frame[], first: unknown) => unknown,
): void {
  const method = owner[name] as (...args: unknown[]) => unknown
  const wrapped = (...args: unknown[]): unknown =>
    instead(() => method.apply(owner, args), trace(), args[0])
  Object.defineProperty(owner, name, { configurable: true, writable: true, value: wrapped })
}
