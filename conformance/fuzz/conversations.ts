/**
 * What the fuzzer sends: conversations by the grammar, in which it is known how many answers may
 * come, and recorded requests with something broken in them, of which nothing is known.
 *
 * Each body holds a whole request, for a path that no conversation asks for. Whoever loses count
 * of a body's bytes answers it.
 *
 * @module
 */

import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import type { RecordedCase } from '../recording.ts'

/** The path that must never be asked for. */
export const SMUGGLED = '/inside-a-body'

/** What is sent over one connection. */
export interface Conversation {
  /** ISO 8859-1. */
  readonly text: string
  /** Where the text is cut into packets. */
  readonly cuts: readonly number[]
  /** The status of each answer, as far as it is known: `2` and `4` stand for their hundred. */
  readonly answers: readonly (2 | 4)[] | undefined
}

const CRLF = '\r\n'
/** The rest of a request with nothing in it. */
const HOST = `${CRLF}Host: x${CRLF}${CRLF}`

// -- By the grammar --------------------------------------------------------------------------

/** Text of characters that may stand in a header's value. */
const value = fc.string({
  unit: fc.constantFrom(...Array.from('abcXYZ019 \t"\'(),;=<>%\\\x80\xe9\xff')),
  maxLength: 12,
})

const name = fc.string({
  unit: fc.constantFrom(...Array.from("abcdefXYZ0189-_!#$%&'*+.^`|~")),
  minLength: 1,
  maxLength: 8,
})

/** Fields that mean nothing to a server. */
const fields = fc.array(
  fc.tuple(name, value).map(([key, text]) => `X-${key}: ${text}`),
  { maxLength: 4 },
)

const path = fc
  .string({ unit: fc.constantFrom(...Array.from('abc/.%20~?&=\\:;"<>\x80\xff')), maxLength: 12 })
  .map((text) => `/${text}`)

const body = fc.oneof(
  fc.constant(`GET ${SMUGGLED} HTTP/1.1${CRLF}Host: x${CRLF}${CRLF}`),
  fc.constant(`${CRLF}${CRLF}GET ${SMUGGLED} HTTP/1.0${CRLF}${CRLF}`),
  fc
    .uint8Array({ maxLength: 40 })
    .map((bytes) => `GET ${SMUGGLED}\n\n${Buffer.from(bytes).toString('latin1')}`),
)

/** A request, and whether another may be answered after it. */
interface Message {
  readonly text: string
  /** The hundred of its status. */
  readonly answer: 2 | 4
  readonly last: boolean
}

function message(
  method: string,
  target: string,
  version: string,
  lines: readonly string[],
  content: string,
): string {
  return [`${method} ${target} ${version}`, ...lines, '', content].join(CRLF)
}

/** Nothing wrong with it; the method reads the body, or it does not. */
const wellFormed: Arbitrary<Message> = fc
  .record({
    method: fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE'),
    path,
    fields,
    body: fc.option(body, { nil: '' }),
    spaces: fc.constantFrom('', ' ', ' \t '),
    eol: fc.constantFrom(CRLF, CRLF, CRLF, '\n'),
    connection: fc.constantFrom(undefined, undefined, 'keep-alive', 'close'),
  })
  .map(({ method, path, fields, body, spaces, eol, connection }) => {
    const lines = ['Host: x', ...fields]
    if (body !== '' || method === 'PUT') {
      lines.push(`Content-Length:${spaces}${String(body.length)}${spaces}`)
    }
    if (connection !== undefined) {
      lines.push(`Connection: ${connection}`)
    }
    const text = message(method, path, 'HTTP/1.1', lines, '').replaceAll(CRLF, eol) + body
    return { text, answer: 2 as const, last: connection === 'close' }
  })

/** Fields that make it uncertain where a request ends, or that no request may have. */
const ambiguous: Arbitrary<readonly string[]> = fc.oneof(
  fc
    .constantFrom(
      '+5',
      '-5',
      '0x5',
      '5, 5',
      '5 5',
      '1e1',
      '5;',
      '',
      'abc',
      '0_5',
      '99999999999999999999',
    )
    .map((length) => [`Content-Length: ${length}`]),
  fc
    .tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 }))
    .map(([one, two]) => [`Content-Length: ${String(one)}`, `content-length: ${String(two)}`]),
  fc
    .tuple(
      fc.constantFrom('chunked', 'xchunked', 'identity', 'gzip, chunked', '"chunked"', ''),
      fc.boolean(),
    )
    .map(([coding, both]) => [
      ...(both ? ['Content-Length: 5'] : []),
      `Transfer-Encoding: ${coding}`,
    ]),
  fc.constantFrom(
    ['Content-Length : 5'],
    ['Content-Length\t: 5'],
    ['X: a', ' folded: b'],
    ['X: a', '\tContent-Length: 5'],
    [' X: a'],
    ['X: a\rContent-Length: 5'],
    ['X: a\0b'],
    ['no colon'],
    [': no name'],
    ['na me: x'],
    ['n\xe4me: x'],
    ['Host: y'],
  ),
)

/** Refused: and then nothing that follows on this connection may be believed. */
const refused: Arbitrary<Message> = fc.oneof(
  fc
    .record({ method: fc.constantFrom('GET', 'PUT'), path, fields, ambiguous, body })
    .map(({ method, path, fields, ambiguous, body }) => ({
      text: message(method, path, 'HTTP/1.1', ['Host: x', ...fields, ...ambiguous], body),
      answer: 4 as const,
      last: true,
    })),
  fc
    .constantFrom(
      'GET /a b HTTP/1.1',
      'BREW / HTTP/1.1',
      'GET / HTTP/2.0',
      'GET / HTTP/1.1.1',
      'GET / http/1.1',
      'GET / HTTP/+1.1',
      'GET',
    )
    .map((line) => ({ text: line + HOST, answer: 4 as const, last: true })),
)

/** By the grammar: some requests that are well formed, then perhaps one that is not, then more. */
export const grammatical: Arbitrary<Conversation> = fc
  .record({
    messages: fc.array(fc.oneof({ weight: 3, arbitrary: wellFormed }, refused), {
      minLength: 1,
      maxLength: 5,
    }),
    cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 3 }),
  })
  .map(({ messages, cuts }) => {
    const end = messages.findIndex(({ last }) => last)
    const answered = end === -1 ? messages : messages.slice(0, end + 1)
    return {
      text: messages.map(({ text }) => text).join(''),
      cuts,
      answers: answered.map(({ answer }) => answer),
    }
  })

// -- By accident -----------------------------------------------------------------------------

/** What often confuses a parser. */
const tokens = fc.constantFrom(
  ...['\r', '\n', '\r\n', '\0', ' ', '\t', ':', ',', '%', '%00', '%2e%2e/', '../', '//', '\\'],
  ...['\x1b[31m', '\x85', '\xa0', '\xff', '<script>', 'HTTP/1.1', 'HTTP/0.9', '-1', '9999999999'],
  ...['Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Expect: 100-continue\r\n'],
  ...['Connection: keep-alive\r\n', 'A'.repeat(70_000)],
)

type Mutation = (text: string) => string

/** A change at a place, which is given as a fraction of the length. */
const mutation: Arbitrary<Mutation> = fc
  .record({
    kind: fc.constantFrom('insert', 'delete', 'repeat', 'flip', 'swap'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 1, max: 30 }),
    token: tokens,
    bit: fc.nat({ max: 7 }),
  })
  .map(({ kind, at, length, token, bit }) => (text) => {
    const place = Math.floor(at * text.length)
    const [before, piece, after] = [
      text.slice(0, place),
      text.slice(place, place + length),
      text.slice(place + length),
    ]
    switch (kind) {
      case 'insert':
        return before + token + piece + after
      case 'delete':
        return before + after
      case 'repeat':
        return before + piece + piece + after
      case 'flip':
        return (
          before +
          String.fromCharCode((text.charCodeAt(place) ^ (1 << bit)) & 0xff) +
          text.slice(place + 1)
        )
      case 'swap':
        return after + piece + before
    }
  })

/** Recorded requests, one to three behind each other, with something broken in them. */
export function accidental(recorded: readonly RecordedCase[]): Arbitrary<Conversation> {
  const texts = recorded.map(sentText).filter((text) => text.length < 100_000)
  return fc
    .record({
      texts: fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 3 }),
      mutations: fc.array(mutation, { minLength: 1, maxLength: 4 }),
      cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 3 }),
    })
    .map(({ texts, mutations, cuts }) => ({
      text: mutations.reduce((text, mutate) => mutate(text), texts.join('')),
      cuts,
      answers: undefined,
    }))
}

/** All that a recorded client sends. */
function sentText({ send }: RecordedCase): string {
  return send
    .map((step) => {
      if ('latin1' in step) {
        return step.latin1.repeat(step.times ?? 1)
      }
      if ('base64' in step) {
        return Buffer.from(step.base64, 'base64')
          .toString('latin1')
          .repeat(step.times ?? 1)
      }
      return ''
    })
    .join('')
}
