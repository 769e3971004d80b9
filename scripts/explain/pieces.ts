/**
 * A piece of an exchange, with its label.
 *
 * @module
 */

import type { Frame, Finder, Place } from './trace.ts'

/** A stretch of bytes, and all that is known of it. */
export interface Piece {
  readonly bytes: Buffer
  /** What it is: `method`, `value of Host`. */
  readonly what: string
  /** The section that says so, as `9112 §3`. */
  readonly section: string
  /** The calls that read or wrote it, the innermost first; none if nobody has. */
  readonly calls: readonly Place[]
  /** The field of the handler that it has become, and where. */
  readonly becomes: { readonly name: string; readonly place: Place | undefined } | undefined
  /** Who has asked for it. */
  readonly uses: readonly Place[]
}

/** Make a piece that nobody has asked for yet. */
export function piece(
  bytes: Buffer,
  what: string,
  section: string,
  calls: readonly Place[],
): Piece {
  return { bytes, what, section, calls, becomes: undefined, uses: [] }
}

/** The calls up to the handling of this one request. */
export function callsOf(frames: readonly Frame[], find: Finder): Place[] {
  const places = frames.flatMap((frame) => find(frame) ?? [])
  const end = places.findIndex(({ name }) => name === 'handleOneRequest')
  return end === -1 ? places : places.slice(0, end + 1)
}

/** Who it is that asks, each once. */
export function usersOf(uses: readonly (readonly Frame[])[], find: Finder): Place[] {
  const users = uses.flatMap((frames) => {
    const calls = callsOf(frames, find)
    return calls.find(({ name, path }) => !asksForAnother(name, path)) ?? calls[0] ?? []
  })
  const first = ({ name, path }: Place) =>
    users.findIndex((one) => one.name === name && one.path === path)
  return users.filter((user, index) => first(user) === index)
}

/** Methods whose callers are the ones that want to know. */
function asksForAnother(name: string, path: string): boolean {
  return (
    (name === 'has' && path === 'lib/http/message.ts') ||
    path === 'lib/socketserver/stream-reader.ts'
  )
}
