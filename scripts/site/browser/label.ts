/**
 * What each byte is that went over the wire in the browser, and which line has made it.
 *
 * @module
 */

import { explain } from '../../explain/label.ts'
import type { Piece } from '../../explain/pieces.ts'
import type { Line } from '../../explain/tape.ts'
import type { Frame, Place } from '../../explain/trace.ts'
import { rfcAddress } from '../references.ts'
import type { Stretch } from '../wire.ts'
import type { Part } from './orders.ts'

/** For each module of the library, the lines of its source by those of what was compiled. */
export type LineMap = Readonly<Record<string, readonly number[]>>

/** What the reader has written. */
const PROGRAM = 'your program'

/**
 * Label a conversation.
 *
 * @param modules - the address of the folder of modules
 * @param program - the address of the reader's own
 */
export function labelsOf(
  line: Line,
  sent: Uint8Array,
  received: string,
  { modules, program, lines }: { modules: string; program: string; lines: LineMap },
): Part[] {
  const find = ({ name, url, line: number }: Frame): Place | undefined => {
    if (url === program) {
      return { name, path: PROGRAM, line: number }
    }
    const module = url.startsWith(modules) ? url.slice(modules.length) : ''
    const source = lines[module]?.[number - 1]
    return source === undefined
      ? undefined
      : { name, path: module.replace(/\.js$/, '.ts'), line: source }
  }
  const exchanges = explain(line, sent, Buffer.from(received, 'latin1'), find)
  return exchanges.flatMap(({ request, response }, index) => {
    const number = exchanges.length === 1 ? '' : ` ${String(index + 1)}`
    return [
      { title: `The request${number}`, pieces: request.map((one) => stretchOf(one, 'read')) },
      { title: `The response${number}`, pieces: response.map((one) => stretchOf(one, 'written')) },
    ]
  })
}

/** A piece leads to the line that has read or written it. */
function stretchOf({ bytes, what, section, calls }: Piece, verb: string): Stretch {
  const [call] = calls
  const [rfc = '', number] = section.split(' §')
  const own = calls.find(({ path }) => path === PROGRAM)
  const caller =
    own === undefined || own === call ? '' : `, called by line ${String(own.line)} of yours`
  const isSource = call !== undefined && call.path !== PROGRAM
  return {
    text: bytes.toString('latin1'),
    what,
    section,
    by:
      call === undefined
        ? `not ${verb}`
        : `${verb} by ${call.name}, ${call.path}:${String(call.line)}${caller}`,
    href: isSource ? `../source/${call.path}.html#L${String(call.line)}` : rfcAddress(rfc, number),
  }
}
