/**
 * A recorded request once more, with a field that it lacks.
 *
 * Most recorded requests of HTTP/1.1 have no Host. A server that must refuse them (RFC 9112 §3.2)
 * never comes to what they were recorded for: so its deviation declares the refusal, and has the
 * request sent once more `"again": "Host: example.org"`, as a case of its own, `ID/again`. To that,
 * the response must be the recorded one, unless another row declares that it is not.
 *
 * @module
 */

import { deviationFor } from '../judge/deviations.ts'
import type { Deviations } from '../judge/deviations.ts'
import type { Action } from '../judge/exchange.ts'
import { expectationOf, nameOf } from './recording.ts'
import type { ReplayCase } from './recording.ts'

/** Add, after each case whose deviation asks for it, the same request with that field. */
export function withAgain(cases: readonly ReplayCase[], deviations: Deviations): ReplayCase[] {
  return cases.flatMap((one) => {
    // As where a verdict is reached: a row may leave out whose recordings they are.
    const rows = [one.id, nameOf(one.id)].flatMap((id) => deviationFor(id, deviations)?.rows ?? [])
    const field = rows.find(({ again }) => again !== undefined)?.again
    return field === undefined ? [one] : [one, withField(one, field)]
  })
}

/** The same request, in which every head of HTTP/1.1 that lacks a field begins with it. */
function withField(one: ReplayCase, field: string): ReplayCase {
  const recording = { ...one.recording, response: withEcho(one.recording.response, field) }
  return {
    ...one,
    id: `${one.id}/again`,
    title: `${one.title}, with ${field}`,
    recording,
    expectation: expectationOf(one.server, recording),
    actions: insertField(one.actions, field),
  }
}

/** A request may follow a body, so its line need not begin where a line does. */
function insertField(actions: readonly Action[], field: string): Action[] {
  const name = field.slice(0, field.indexOf(':'))
  const lines = new RegExp(` HTTP/1\\.[1-9]\\r?\\n(?!(?:[^\\r\\n]+\\r?\\n)*?${name}:)`, 'gi')
  const sent = actions.map((action) => (action.do === 'send' ? action.bytes : Buffer.alloc(0)))
  const text = Buffer.concat(sent).toString('latin1')
  const ends = [...text.matchAll(lines)].map((line) => line.index + line[0].length)
  let start = 0
  return actions.map((action, index) => {
    const from = start
    const to = (start += (sent[index] as Buffer).length)
    if (action.do !== 'send') {
      return action
    }
    // What a line ends with takes the field along: the pauses between the pieces stay.
    const cuts = [from, ...ends.filter((end) => end > from && end <= to), to]
    const pieces = cuts.slice(1).map((cut, at) => text.slice(cuts[at], cut))
    return { ...action, bytes: Buffer.from(pieces.join(`${field}\r\n`), 'latin1') }
  })
}

/** The recorded handler prints the fields of a request (ECHO), or says how many there are (LOOKUP). */
function withEcho(response: string, field: string): string {
  const [name = '', value = ''] = field.split(': ')
  const line = `${JSON.stringify(name)}: ${JSON.stringify(value)}\n`
  return response
    .replace(
      /(?<=^Content-Length: )(\d+)(\r\n\r\ncommand=(?:.*\n){4}close_connection=.*\n)/m,
      (_, length: string, lines: string) => String(Number(length) + line.length) + lines + line,
    )
    .replace(/(?<=^get=.*\nget_all=.*\nin=.*\nlen=)\d+/m, (count) => String(Number(count) + 1))
}
