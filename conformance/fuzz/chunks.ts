/**
 * Bodies in chunks, as clients may send them: sizes in any spelling, extensions, trailers; or with one
 * thing in them that is wrong; or cut off.
 *
 * What is in the chunks is known because they are made from it, and not because anybody decodes them.
 *
 * @module
 */

import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'

/** How to send some content in chunks. */
export interface Plan {
  /** Bytes of data in each chunk, again and again. */
  readonly sizes: readonly number[]
  readonly zeros: number
  readonly upper: boolean
  readonly extension: string
  /** Field lines. */
  readonly trailers: readonly string[]
  /** What is wrong. */
  readonly flaw: Flaw | undefined
  /** Where the body breaks off, as a fraction of its length; undefined: nowhere. */
  readonly cut: number | undefined
}

/** Something wrong: in the first chunk, the last one, or the trailers. */
type Flaw =
  | { readonly in: 'size'; readonly spell: (size: number, digits: string) => string }
  | { readonly in: 'extension' | 'line end' | 'data end' | 'trailers'; readonly text: string }

/** A body in chunks. */
export interface Chunked {
  readonly text: string
  readonly trailers: readonly string[]
  /** A body that is cut off in its trailers has broken fields, one that is cut off before is not whole. */
  readonly state: 'whole' | 'broken' | 'cut' | 'cut trailers'
}

const CRLF = '\r\n'

/** Send some content as the plan says. */
export function inChunks(content: string, plan: Plan): Chunked {
  const { sizes, trailers } = plan
  // Where there is no data, what surrounds it cannot be wrong without being the end of the body.
  const surrounds = plan.flaw?.in === 'line end' || plan.flaw?.in === 'data end'
  const flaw = content === '' && surrounds ? undefined : plan.flaw
  const text = (where: 'extension' | 'line end' | 'data end' | 'trailers', usual: string) =>
    flaw?.in === where ? flaw.text : usual
  // Of a large body, fewer chunks than bytes.
  const scale = content.length > 5000 ? 200 : 1
  const chunks: string[] = []
  for (let at = 0, index = 0; at < content.length; index++) {
    const data = content.slice(at, at + (sizes[index % sizes.length] as number) * scale)
    at += data.length
    chunks.push(data)
  }
  // The last chunk has no data.
  chunks.push('')
  const body = chunks.map((data, index) => {
    const hex = data.length.toString(16).padStart(1 + plan.zeros, '0')
    const digits = plan.upper ? hex.toUpperCase() : hex
    const flawed = index === 0
    const size = flawed && flaw?.in === 'size' ? flaw.spell(data.length, digits) : digits
    // Beside an extension these may be none: white space before it is allowed, as in `5 ;a`; and without a
    // line end, it goes on in the data.
    const isBare = flawed && (flaw?.in === 'size' || flaw?.in === 'line end')
    const usual = isBare ? '' : plan.extension
    const extension = flawed ? text('extension', usual) : plan.extension
    const end = flawed ? text('line end', CRLF) : CRLF
    const dataEnd = data === '' ? '' : flawed ? text('data end', CRLF) : CRLF
    return size + extension + end + data + dataEnd
  })
  const section = text('trailers', trailers.map((line) => line + CRLF).join(''))
  const whole = body.join('') + section + CRLF
  if (plan.cut !== undefined) {
    const text = whole.slice(0, Math.floor(plan.cut * whole.length))
    const isInTrailers = text.length >= body.join('').length
    return { text, trailers, state: isInTrailers ? 'cut trailers' : 'cut' }
  }
  return { text: whole, trailers, state: flaw === undefined ? 'whole' : 'broken' }
}

/** Spellings of a size, each of which is a number to some program. */
const wrongSize = fc.constantFrom<((size: number, digits: string) => string)[]>(
  (_, digits) => `0x${digits}`,
  (_, digits) => `+${digits}`,
  (_, digits) => `-${digits}`,
  (_, digits) => ` ${digits}`,
  (_, digits) => `\t${digits}`,
  (_, digits) => `${digits} `,
  (_, digits) => `${digits}\t`,
  (_, digits) => `${digits}h`,
  (_, digits) => `0_${digits}`,
  (_, digits) => `${digits}.0`,
  (_, digits) => `${digits},`,
  (_, digits) => `"${digits}"`,
  (_, digits) => `${digits} ${digits}`,
  (_, digits) => `\0${digits}`,
  (_, digits) => `\xef\xbb\xbf${digits}`,
  // These numbers overflow to the right one.
  (size) => (2n ** 32n + BigInt(size)).toString(16).padStart(17, 'f'),
  (size) => (2n ** 64n + BigInt(size)).toString(16),
  () => '20000000000000',
  () => '',
  () => 'g',
  (size) => (size + 1).toString(16),
  (size) => (size === 0 ? '-0' : `${(size - 1).toString(16)}x`),
)

/** One thing that is wrong. */
const flaw: Arbitrary<Flaw> = fc.oneof(
  { weight: 2, arbitrary: wrongSize.map((spell) => ({ in: 'size' as const, spell })) },
  fc
    .constantFrom(
      ...[
        ';',
        ';;a',
        ';=b',
        ';a=',
        ';a="b',
        ';a="b"c',
        ';a b',
        ';a\rb',
        ';a\0',
        ';"a"',
        ' a',
        '\v',
      ],
      ...[
        ';a="\r\n"',
        ';\r',
        ';a=\x80',
        ';a,b',
        `;${'a'.repeat(4096)}`,
        `;a=${'b'.repeat(70_000)}`,
      ],
    )
    .map((text) => ({ in: 'extension' as const, text })),
  fc
    .constantFrom('\n', '\r', '\r\r\n', '\n\r', '\r\n\r\n', '')
    .map((text) => ({ in: 'line end' as const, text })),
  fc
    .constantFrom('\n', '\r', '', '\n\r', '\r\r\n', '.\r\n', ' \r\n', '\r\n\r\n')
    .map((text) => ({ in: 'data end' as const, text })),
  fc
    .constantFrom(
      ...['x', ': x', 'a : x', ' a: x', 'a: x\r\n b: y', 'a: \0', 'a: b\rc', 'a b: c', 'a\xe4: c'],
      ...['a: b\r\n'.repeat(99) + 'a: b', `a: ${'b'.repeat(65_536)}`, 'GET / HTTP/1.1'],
    )
    .map((text) => ({ in: 'trailers' as const, text: text + CRLF })),
)

/** Fields that would be dangerous if they counted. */
const trailer = fc.constantFrom(
  ...['X-Sum: 5d41', 'x-empty:', 'X-Bytes:  \x80\xff "', 'Content-Length: 7', 'Host: y'],
  ...['Transfer-Encoding: chunked', 'Connection: close', 'Expect: 100-continue'],
)

/** How to send a body that is as it should be. */
export const faultless: Arbitrary<Plan> = fc.record({
  sizes: fc.array(fc.constantFrom(1, 2, 9, 10, 15, 16, 17, 26, 255, 256), {
    minLength: 1,
    maxLength: 4,
  }),
  zeros: fc.constantFrom(0, 0, 0, 1, 15, 200),
  upper: fc.boolean(),
  extension: fc.constantFrom(
    ...['', '', '', '', ';a', ';a=b', ';a=b;c', ' ; a', '\t;a = "b;\\"\\\\ \xff"', ';0=""'],
  ),
  trailers: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(trailer, { minLength: 1, maxLength: 3 }),
    fc.constant(Array<string>(99).fill('a: b')),
  ),
  flaw: fc.constant(undefined),
  cut: fc.constant(undefined),
})

/** How to send a body, usually as it should be. */
export const plan: Arbitrary<Plan> = fc.oneof(
  { weight: 3, arbitrary: faultless },
  {
    weight: 3,
    arbitrary: fc.tuple(faultless, flaw).map(([plan, flaw]) => ({ ...plan, flaw })),
  },
  fc
    .tuple(faultless, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
    .map(([plan, cut]) => ({ ...plan, cut })),
)
