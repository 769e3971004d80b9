/**
 * What the fuzzer sends: conversations by the grammar, for which it is known how many responses
 * come and what they say, with bodies in chunks and broken ones among them (`chunks.ts`); targets of files, with one response each; and recorded requests with
 * something broken in them, about which nothing is known.
 *
 * Each body contains a whole request, for a path that no conversation asks for. A server that loses
 * count of a body's bytes responds to it. And a response tells what the server understood, which
 * must be what was sent, wherever it was cut: a server that drops a byte says something else.
 *
 * Forms stay below the limits of the handler or exceed one of them, by a byte or by very many. And
 * clients differ: some send bytes after their last request, some begin to read late, some let the
 * server end the connection, and some reset it.
 *
 * @module
 */

import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import type { RecordedCase } from '../recordings/recording.ts'
import { faultless, inChunks, plan } from './chunks.ts'
import type { Plan } from './chunks.ts'

/** The path that the server must never see requested. */
export const SMUGGLED = '/inside-a-body'

/** What is sent over one connection. */
export interface Conversation {
  /** ISO 8859-1. */
  readonly text: string
  /** Where the text is cut into packets. */
  readonly cuts: readonly number[]
  /** The responses that must come, if they are known. */
  readonly expected: readonly ExpectedResponse[] | undefined
  /**
   * How our side ends: in order; by a reset, after which it is not known what comes; or only after
   * the server has ended its own.
   */
  readonly ends?: 'fin' | 'reset' | 'after-the-server'
  /** Sent in a packet of its own, a moment after the text. It is not a valid request. */
  readonly late?: string
  /** How long the client does not read, in milliseconds. Default: 0. */
  readonly deaf?: number
}

/** What is known about a response, and about its request. */
export interface ExpectedResponse {
  /** The hundred of the status; 0 where any will do. */
  readonly hundred: 0 | 1 | 2 | 4
  readonly method: string
  readonly version: string
  /** The body, where it is known; see {@link told}. */
  readonly body?: string
}

/** What a request is, as the response must tell it. */
export function told(
  path: string,
  fields: readonly (readonly [name: string, value: string])[],
  content: string,
  trailers: readonly (readonly [name: string, value: string])[] = [],
): string {
  const lines = (some: typeof fields) => some.map((field) => field.join(':'))
  return [path, ...lines(fields), content, ...lines(trailers)].join('\n')
}

/** The length of the response to LARGE: more than can be sent to a client that does not read. */
export const LARGE = 1_000_000

const CRLF = '\r\n'
/** The rest of a request with nothing in it. */
const HOST = `${CRLF}Host: x${CRLF}${CRLF}`

// -- By the grammar --------------------------------------------------------------------------

/** Text of characters that may appear in a header's value. */
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
  fc.nat({ max: 300 }).map((length) => `GET ${SMUGGLED} HTTP/1.1${CRLF}`.padStart(length, '.')),
)

/** A request, and whether it is the last one to get a response. */
interface Message {
  readonly text: string
  readonly expected: readonly ExpectedResponse[]
  readonly last: boolean
  /** Whether it is cut off: nothing is sent after it. */
  readonly cut?: boolean
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

/** The most fields, and the longest line with its end, that a server of this kind takes. */
const MOST_FIELDS = 99
const LONGEST_LINE = 65536

/** More fields, or one of this length, beside those that a request has anyway. */
const padding = fc.oneof(
  { weight: 40, arbitrary: fc.constant({ fields: 0, path: 0, line: 0 }) },
  fc.record({
    fields: fc.constantFrom(0, MOST_FIELDS),
    path: fc.constantFrom(0, LONGEST_LINE),
    line: fc.constantFrom(0, LONGEST_LINE),
  }),
)

/** A request, well-formed up to its body, and up to the limits. */
function request(method: Arbitrary<string>, plan: Arbitrary<Plan | undefined>): Arbitrary<Message> {
  return fc
    .record({
      method,
      path,
      version: fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'),
      fields,
      padding,
      body: fc.option(body, { nil: '' }),
      plan,
      coding: fc.constantFrom(
        'chunked',
        'chunked',
        'Chunked',
        ' CHUNKED ',
        'chunked\t',
        ',chunked ,',
      ),
      spaces: fc.constantFrom('', ' ', ' \t '),
      eol: fc.constantFrom(CRLF, CRLF, CRLF, '\n'),
      connection: fc.constantFrom(
        undefined,
        undefined,
        'keep-alive',
        'Keep-Alive',
        'close',
        'Close',
      ),
      expects: fc.constantFrom(false, false, false, true),
      name: fc.constantFrom('Content-Length', 'content-length', 'CONTENT-LENGTH'),
    })
    .map(({ method, path, version, fields, padding, body, spaces, eol, connection, ...more }) => {
      const lines = ['Host: x', ...fields]
      // HTTP/1.0 has no chunks.
      const chunks =
        more.plan === undefined || version === 'HTTP/1.0' ? undefined : inChunks(body, more.plan)
      if (chunks !== undefined) {
        lines.push(`${more.name.replace(/content-length/i, 'Transfer-Encoding')}:${more.coding}`)
      } else if (body !== '' || method === 'PUT') {
        lines.push(`${more.name}:${spaces}${String(body.length)}${spaces}`)
      }
      if (connection !== undefined) {
        lines.push(`Connection: ${connection}`)
      }
      // Of a request that is never whole, a 100 would be the only response.
      const expects = more.expects && chunks?.state !== 'cut'
      if (expects) {
        lines.push('Expect: 100-continue')
      }
      if (padding.line > 0) {
        lines.push('X: '.padEnd(padding.line - eol.length, 'y'))
      }
      while (lines.length < padding.fields) {
        lines.push('Y: z')
      }
      const rest = ` ${version}${eol}`
      // To HTTP/1.1, a target is a URI, and so ASCII.
      const ascii = version === 'HTTP/1.0' ? path : path.replace(/[\x80-\xff]/g, '')
      const target = ascii.padEnd(padding.path - `${method} ${rest}`.length, 'p')
      const head = message(method, target, version, lines, '').replaceAll(CRLF, eol)
      const state = chunks?.state ?? 'whole'
      const request = { method, version }
      const response = {
        ...request,
        hundred: 2 as const,
        ...(['GET', 'PUT', 'LARGE'].includes(method)
          ? {
              body: told(
                target.replace(/^\/+/, '/'),
                lines.map(parted),
                method === 'PUT' ? body : '',
                method === 'PUT' ? chunks?.trailers.map(parted) : [],
              ).padEnd(method === 'LARGE' ? LARGE : 0, '.'),
            }
          : {}),
      }
      const asked = expects && version === 'HTTP/1.1'
      const kept = (connection ?? (version === 'HTTP/1.1' ? 'keep-alive' : 'close')).toLowerCase()
      // Who reads a body hears of it; the others have responded before they know.
      const own =
        state === 'whole' || method !== 'PUT'
          ? [response]
          : state !== 'cut'
            ? [{ ...request, hundred: 4 as const }]
            : []
      return {
        text: head + (chunks?.text ?? body),
        expected: [...(asked ? [{ ...request, hundred: 1 as const }] : []), ...own],
        last: kept === 'close' || state !== 'whole',
        cut: state === 'cut' || state === 'cut trailers',
      }
    })
}

/** Any request; the method may read the body or not. */
const wellFormed = request(
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE') },
    fc.constant('LARGE'),
  ),
  fc.option(plan, { nil: undefined }),
)

/** Name and value of a field line; leading white space does not belong to the value. */
function parted(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+/, '')]
}

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
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        ...['xchunked', 'chunkedx', 'identity', 'gzip, chunked', '"chunked"', '', ','],
        ...['chunked, chunked', 'chunked, gzip', 'chunked;q=1', 'chunked chunked', '\vchunked'],
        ...['chunked\f', '\xa0chunked', '\r\n chunked', 'chunked\rX: y', 'chunked\0'],
        ...['chunked\r\nTransfer-Encoding: chunked', 'gzip\r\nTransfer-Encoding: chunked'],
      )
      .map((coding) => [`Transfer-Encoding: ${coding}`]),
  },
  // Both, in either order; and spelled so that only some see the one of them.
  fc.shuffledSubarray(['Content-Length: 5', 'Transfer-Encoding: chunked'], { minLength: 2 }),
  fc
    .constantFrom('xchunked', 'identity', 'gzip, chunked', '')
    .map((coding) => ['Content-Length: 5', `Transfer-Encoding: ${coding}`]),
  fc.constantFrom(['Transfer-Encoding : chunked'], ['X: a', ' Transfer-Encoding: chunked']),
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

/** A refused request: after it, nothing on this connection may be trusted. */
const refused: Arbitrary<Message> = fc
  .oneof(
    fc
      .record({
        method: fc.constantFrom('GET', 'PUT'),
        path,
        fields,
        ambiguous,
        // Chunks, too: who wrongly believes in them must find them in order.
        body: fc.oneof(
          body,
          fc.tuple(body, faultless).map(([content, plan]) => inChunks(content, plan).text),
        ),
      })
      .map(({ method, path, fields, ambiguous, body }) =>
        message(method, path, 'HTTP/1.1', ['Host: x', ...fields, ...ambiguous], body),
      ),
    fc
      .constantFrom(
        'GET /a b HTTP/1.1',
        'BREW / HTTP/1.1',
        'put / HTTP/1.1',
        'constructor / HTTP/1.1',
        'GET / HTTP/2.0',
        'GET / HTTP/1.1.1',
        'GET / http/1.1',
        'GET / HTTP/+1.1',
        'GET',
        'GET /'.padEnd(LONGEST_LINE - ' HTTP/1.1\r\n'.length + 1, 'x') + ' HTTP/1.1',
        `GET / HTTP/1.1${'\r\nY: z'.repeat(MOST_FIELDS)}`,
        `GET / HTTP/1.1\r\n${'X: '.padEnd(LONGEST_LINE - 1, 'y')}`,
      )
      .map((line) => line + HOST),
  )
  .map((text) => ({
    text,
    expected: [{ hundred: 4 as const, method: text.slice(0, 3), version: 'HTTP/1.1' }],
    last: true,
  }))

/** What a client does besides sending requests: usually nothing. */
const manners = fc.record({
  deaf: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constantFrom(5, 30)),
  late: fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    fc.constantFrom(CRLF, '\n', '\0', `GET ${SMUGGLED} HTTP/1.1${HOST}`, '.'.repeat(70_000)),
  ),
  waits: fc.constantFrom(false, false, true),
})

/** Make a conversation of messages. Those after the last one to get a response get none. */
function conversation(
  messages: Arbitrary<Message[]>,
  furthestCut: number,
): Arbitrary<Conversation> {
  const cuts = fc.array(fc.nat({ max: furthestCut }), { maxLength: 6 })
  return fc.record({ messages, cuts, manners }).map(({ messages, cuts, manners }) => {
    const end = messages.findIndex(({ last }) => last)
    const handled = end === -1 ? messages : messages.slice(0, end + 1)
    const cut = handled.at(-1)?.cut === true
    return {
      text: (cut ? handled : messages).map(({ text }) => text).join(''),
      cuts,
      expected: handled.flatMap(({ expected }) => expected),
      deaf: manners.deaf,
      // If the connection stays open, whatever is sent counts as a request.
      late: end === -1 || cut ? '' : manners.late,
      ends: end !== -1 && !cut && manners.waits ? 'after-the-server' : 'fin',
    }
  })
}

/** By the grammar: some well-formed requests, then perhaps one that is not, then more. */
export const grammatical = conversation(
  fc.array(fc.oneof({ weight: 3, arbitrary: wellFormed }, refused), { minLength: 1, maxLength: 5 }),
  400,
)

/** Bodies in chunks: some as they should be, then perhaps one that is not, then more. */
export const chunked = conversation(
  fc.array(request(fc.constantFrom('PUT', 'PUT', 'GET'), plan), { minLength: 1, maxLength: 4 }),
  400,
)

// -- Forms -----------------------------------------------------------------------------------

/** What a form may cost in these conversations. */
export const LIMITS = {
  maxBytes: 200_000,
  maxFields: 4,
  maxFiles: 2,
  maxPartBytes: 2000,
  maxTextBytes: 2500,
  maxHeaderBytes: 400,
}

/** Parts above this size, together, go to a temporary file. */
export const SPOOL_THRESHOLD = 1000

/** A part of a form. */
interface Part {
  readonly name: string
  /** Null for a text field. */
  readonly filename: string | null
  readonly content: string
  /** Appended to the header of the part, for instance to exceed a limit. */
  readonly padding: number
}

const word = fc.string({ unit: fc.constantFrom(...Array.from('abcXYZ019-_.')), minLength: 1 })

const content = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', ' ', '-', '--', '\r', '\n', '\r\n', '\r\n--') }),
  // At, below and above a limit; and so far above it that the limit is reached on the way.
  fc
    .constantFrom(0, 999, 1001, 1250, 1999, 2000, 2001, 2500, 2501, 66_000, 150_000)
    .map((size) => 'x'.repeat(size)),
)

const part: Arbitrary<Part> = fc.record({
  name: word,
  filename: fc.option(word),
  content,
  padding: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(100, 400, 70_000)),
})

/** What the response must tell about a form that was understood. */
export function toldForm(fields: readonly Pick<Part, 'name' | 'filename' | 'content'>[]): string {
  return JSON.stringify(fields.map(({ name, filename, content }) => [name, filename, content]))
}

/** Whether these parts, sent as multipart, exceed a limit. */
function exceeds(parts: readonly Part[], body: string): boolean {
  const texts = parts.filter(({ filename }) => filename === null)
  const text = texts.reduce((sum, { content }) => sum + content.length, 0)
  return (
    body.length > LIMITS.maxBytes ||
    texts.length > LIMITS.maxFields ||
    parts.length - texts.length > LIMITS.maxFiles ||
    text > LIMITS.maxTextBytes ||
    parts.some(({ content }) => content.length > LIMITS.maxPartBytes) ||
    parts.some((one) => headerOf(one).length > LIMITS.maxHeaderBytes)
  )
}

function headerOf({ name, filename, padding }: Part): string {
  const file = filename === null ? '' : `; filename="${filename}"`
  const more = padding === 0 ? '' : `X: ${'y'.repeat(padding)}${CRLF}`
  return `Content-Disposition: form-data; name="${name}"${file}${CRLF}${more}`
}

/** The response to a form, and what it must tell. */
function formMessage(
  type: string,
  body: string,
  plan: Plan | undefined,
  fault: boolean,
  told: string,
): Message {
  const [framing, sent] =
    plan === undefined
      ? [`Content-Length: ${String(body.length)}`, body]
      : ['Transfer-Encoding: chunked', inChunks(body, plan).text]
  const head = `POST / HTTP/1.1${CRLF}Host: x${CRLF}Content-Type: ${type}${CRLF}`
  const request = { method: 'POST', version: 'HTTP/1.1' }
  return {
    text: `${head}${framing}${CRLF}${CRLF}${sent}`,
    expected: [fault ? { ...request, hundred: 4 } : { ...request, hundred: 2, body: told }],
    last: fault,
  }
}

const multipart: Arbitrary<Message> = fc
  .record({
    parts: fc.array(part, { minLength: 1, maxLength: 6 }),
    boundary: word.map((text) => `=${text}`),
    around: fc.constantFrom('', '', `nobody reads this${CRLF}`),
    padding: fc.constantFrom('', '', ' ', '\t '),
    cut: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
    plan: fc.option(faultless, { nil: undefined }),
  })
  .map(({ parts, boundary, around, padding, cut, plan }) => {
    const line = `--${boundary}`
    const sections = parts.map(
      (one) => `${line}${padding}${CRLF}${headerOf(one)}${CRLF}${one.content}${CRLF}`,
    )
    // Without the boundary that ends it, it is not a valid form.
    const end = cut ? '' : `${line}--${padding}${CRLF}${around}`
    const body = `${around}${sections.join('')}${end}`
    const fault = cut || exceeds(parts, body)
    const type = `multipart/form-data; boundary="${boundary}"`
    return formMessage(type, body, plan, fault, toldForm(parts))
  })

const urlencoded: Arbitrary<Message> = fc
  .tuple(
    fc.array(fc.tuple(word, fc.oneof(word, content)), { minLength: 1, maxLength: 6 }),
    fc.option(faultless, { nil: undefined }),
  )
  .map(([fields, plan]) => {
    const body = fields.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
    const fault = body.length > LIMITS.maxTextBytes || fields.length > LIMITS.maxFields
    const told = fields
      .filter(([, content]) => content !== '')
      .map(([name, content]) => ({ name, filename: null, content }))
    return formMessage('application/x-www-form-urlencoded', body, plan, fault, toldForm(told))
  })

/** Forms, some on each connection, until one of them is refused. */
export const forms = conversation(
  fc.array(fc.oneof({ weight: 3, arbitrary: multipart }, urlencoded, wellFormed), {
    minLength: 1,
    maxLength: 3,
  }),
  3000,
)

// -- Targets ---------------------------------------------------------------------------------

/** Pieces for the target of a request that lead out, or back, or nowhere. */
const segment = fc.constantFrom(
  ...['', '.', '..', '%2e%2e', '..%2f', '%2f', 'sub', 'data', 'hello.txt', 'a%20b', 'evil.example'],
  ...['\\', '%5c', '..\\', '%00', '\0', '\x01', '\x1b', '\x7f', '\xff', '%ff', '%ed%a0%80'],
  ...['%f0%9f%98%80', '%', '%zz', '?', '#', ';', '[', ']', '@', ':', 'http:', '<b>', '"', '%0d%0a'],
)

/** Requests for a file, one per connection: there is one response, whatever the target. */
export const targets: Arbitrary<Conversation> = fc
  .record({
    method: fc.constantFrom('GET', 'HEAD'),
    start: fc.constantFrom(
      '/',
      '/',
      '//',
      '/\\',
      '',
      '\x01/',
      '\0//',
      'http:',
      'http://',
      'http:///',
      'x://h/',
    ),
    segments: fc.array(segment, { minLength: 1, maxLength: 6 }),
    up: fc.nat({ max: 8 }),
    goal: fc.constantFrom('', 'sub', 'sub/', 'sub?', 'hello.txt', 'missing'),
  })
  .map(({ method, start, segments, up, goal }) => {
    const target = start + [...segments, ...Array<string>(up).fill('..'), goal].join('/')
    return {
      text: message(method, target, 'HTTP/1.1', ['Host: x'], ''),
      cuts: [],
      expected: [{ hundred: 0 as const, method, version: 'HTTP/1.1' }],
    }
  })
  .filter(({ text }) => !/^\w+  HTTP/.test(text))

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
const mutation = (token: Arbitrary<string>): Arbitrary<Mutation> =>
  fc
    .record({
      kind: fc.constantFrom('insert', 'delete', 'repeat', 'flip', 'swap'),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.integer({ min: 1, max: 30 }),
      token,
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

/** Recorded requests, one to three in a row, with something broken in them. */
export function accidental(recorded: readonly RecordedCase[]): Arbitrary<Conversation> {
  const texts = recorded.map(sentText).filter((text) => text.length < 100_000)
  return fc
    .record({
      texts: fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 3 }),
      mutations: fc.array(mutation(tokens), { minLength: 1, maxLength: 4 }),
      cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 3 }),
      ends: fc.constantFrom('fin', 'fin', 'fin', 'reset'),
    })
    .map(({ texts, mutations, cuts, ends }) => ({
      text: mutations.reduce((text, mutate) => mutate(text), texts.join('')),
      cuts,
      expected: undefined,
      ends,
    }))
}

/** What often confuses a parser of chunks. */
const framingTokens = fc.constantFrom(
  ...['\r', '\n', '\r\n', '\0', ' ', '\t', ';', ';a', '"', '0', '5', 'f', '0x', '+', '-', '_'],
  ...['0\r\n\r\n', '\r\n0\r\n', '5\r\n', 'a: b\r\n', `GET ${SMUGGLED} HTTP/1.1${HOST}`],
  ...['Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'chunked', ', chunked', ', ', ':'],
)

/** Requests, many of them in chunks, with little or nothing broken in them. */
export const framed: Arbitrary<Conversation> = fc
  .record({
    messages: fc.array(fc.oneof({ weight: 12, arbitrary: wellFormed }, refused), {
      minLength: 2,
      maxLength: 4,
    }),
    mutations: fc.array(mutation(framingTokens), { maxLength: 2 }),
    cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 3 }),
  })
  .map(({ messages, mutations, cuts }) => ({
    text: mutations.reduce(
      (text, mutate) => mutate(text),
      messages.map(({ text }) => text).join(''),
    ),
    cuts,
    expected: undefined,
  }))

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
