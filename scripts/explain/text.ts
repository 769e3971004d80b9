/**
 * An explanation as text, for a terminal.
 *
 * ```text
 *   read by handleOneRequest, lib/http/base-handler.ts:129
 *     GET           method                        RFC 9110 §9.3.1
 *                     becomes command, #parseRequestline, lib/http/base-handler.ts:328
 *                     used by #callMethod, lib/http/base-handler.ts:385
 * ```
 *
 * @module
 */

import { format } from 'basehttp'
import type { Piece } from './pieces.ts'
import type { Explanation } from './serve.ts'
import type { Place } from './trace.ts'
import { visible } from './visible.ts'

/** The most characters of a piece that are shown. */
const MOST_SHOWN = 60

/** Write an explanation, line by line. */
export function textOf({ exchanges, log, error, isEndedByServer }: Explanation): string[] {
  const lines = exchanges.flatMap(({ request, response }, index) => {
    const number = exchanges.length === 1 ? '' : ` ${String(index + 1)}`
    return [
      ...part(`Request${number}`, request, 'read'),
      ...part(`Response${number}`, response, 'written'),
    ]
  })
  const end = isEndedByServer
    ? 'The server ends the connection.'
    : 'The server waits for more, and the client ends the connection.'
  const thrown =
    error === undefined ? [] : [`The handler has thrown ${visible(format('%s', [error]))}`]
  return [...lines, end, ...log.map((line) => `Log: ${visible(line)}`), ...thrown]
}

function part(title: string, pieces: readonly Piece[], verb: string): string[] {
  const bytes = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0)
  const lines = [`${title}, ${String(bytes)} bytes`]
  let before = ''
  for (const piece of pieces) {
    const calls = callLines(piece.calls, verb)
    if (calls.join() !== before) {
      lines.push('', ...calls)
      before = calls.join()
    }
    lines.push(...describe(piece))
  }
  return [...lines, '']
}

function callLines(calls: readonly Place[], verb: string): string[] {
  const [first, ...others] = calls.map(nameOf)
  return first === undefined
    ? [`not ${verb}`]
    : [`${verb} by ${first}`, ...others.map((other) => `  called by ${other}`)]
}

function describe({ bytes, what, section, becomes, uses }: Piece): string[] {
  const text = visible(bytes.toString('latin1'))
  const shown =
    text.length > MOST_SHOWN
      ? `${text.slice(0, MOST_SHOWN)}... (${String(bytes.length)} bytes)`
      : text
  const about = `${what.padEnd(28)}  RFC ${section}`
  const fits = shown.length <= COLUMN
  return [
    ...(fits ? [] : [`    ${shown}`]),
    `    ${(fits ? shown : '').padEnd(COLUMN)}  ${about}`,
    ...(becomes === undefined ? [] : [`becomes ${becomes.name} in ${nameOf(becomes.place)}`]).map(
      indent,
    ),
    ...uses.map((user) => indent(`used by ${nameOf(user)}`)),
  ]
}

/** How wide the bytes are, at most, if something follows on the same line. */
const COLUMN = 24

function indent(text: string): string {
  return `${' '.repeat(COLUMN + 8)}${text}`
}

function nameOf(place: Place | undefined): string {
  return place === undefined ? '?' : `${place.name}, ${place.path}:${String(place.line)}`
}
