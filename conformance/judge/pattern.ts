/**
 * What a response must look like: text with holes.
 *
 * ```text
 *   HTTP/1.0 404 Not Found\r\n   literal: byte for byte
 *   Date: {{http-date}}          a hole: a date in the right format, any date
 *   Server: {{re:BaseHTTP\S+}}   a hole: whatever the regular expression matches here
 * ```
 *
 * A pattern is matched from the first byte on, in order, with case, and without backtracking: a
 * hole takes as much as it can, and the rest must follow. So a mismatch has one place, and the
 * report can point at it.
 *
 * Text is ISO 8859-1 throughout, a character for a byte.
 *
 * @module
 */

/** A piece of a pattern. */
export type Token = { readonly literal: string } | Hole

/** What may stand between two literals. */
export interface Hole {
  readonly hole: string
  readonly regex: RegExp
  /** The only text that fills it, where that is known by now: `saved.ts`. */
  readonly filled?: string
}

/** A compiled pattern. */
export type Pattern = readonly Token[]

/** What a match came to. */
export type Match =
  /** All of the pattern is there, up to `end`; `filled` is what stood in its holes, in order. */
  | { readonly kind: 'complete'; readonly end: number; readonly filled: readonly Filling[] }
  /** What is there is right, and more must come. */
  | { readonly kind: 'incomplete' }
  /** The text is wrong at this offset. */
  | { readonly kind: 'mismatch'; readonly at: number; readonly expected: string }

/** A hole, named by the text between its braces, and the text that filled it. */
export interface Filling {
  readonly hole: string
  readonly text: string
}

/** Match a pattern against a text, from an offset on. */
export function matchPattern(pattern: Pattern, text: string, from = 0): Match {
  let at = from
  const filled: Filling[] = []
  for (const token of pattern) {
    if ('literal' in token) {
      const length = commonLength(token.literal, text, at)
      if (length < token.literal.length) {
        return at + length === text.length
          ? { kind: 'incomplete' }
          : { kind: 'mismatch', at: at + length, expected: token.literal.slice(length) }
      }
      at += length
    } else {
      token.regex.lastIndex = at
      const match = token.regex.exec(text)
      if (match === null) {
        // A hole lies within a line. Until the line is whole, more may come to fill it.
        return text.includes('\n', at)
          ? { kind: 'mismatch', at, expected: `{{${token.hole}}}` }
          : { kind: 'incomplete' }
      }
      filled.push({ hole: token.hole, text: match[0] })
      at += match[0].length
    }
  }
  return { kind: 'complete', end: at, filled }
}

/** The part of a pattern up to and including the first occurrence of a text. */
export function upTo(pattern: Pattern, text: string): Pattern {
  const part: Token[] = []
  for (const token of pattern) {
    const at = 'literal' in token ? token.literal.indexOf(text) : -1
    if ('literal' in token && at !== -1) {
      return [...part, { literal: token.literal.slice(0, at + text.length) }]
    }
    part.push(token)
  }
  return part
}

/** How many characters are compared at once. */
const BLOCK = 4096

function commonLength(expected: string, text: string, at: number): number {
  let length = 0
  while (text.startsWith(expected.slice(length, length + BLOCK), at + length)) {
    length += BLOCK
    if (length >= expected.length) {
      return expected.length
    }
  }
  while (length < expected.length && expected[length] === text[at + length]) {
    length++
  }
  return length
}

const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'

/** The holes that have a name. */
const HOLES: Readonly<Record<string, string>> = {
  // RFC 9110 §5.6.7, IMF-fixdate: Thu, 06 Oct 2016 20:44:11 GMT
  'http-date': `${DAY}, \\d\\d ${MONTH} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT`,
  // The same, of any time: of a file, say.
  date: `${DAY}, \\d\\d ${MONTH} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT`,
  // Whatever stands here, on this line.
  any: '.*',
  number: '\\d+',
  // The log's: 06/Oct/2016 17:00:54
  'log-date': `\\d\\d/${MONTH}/\\d{4} \\d\\d:\\d\\d:\\d\\d`,
  // The port of the client's side of the connection; the runner compares it with the real one.
  'client-port': '[1-9]\\d{0,4}',
  // A process; all of a case must differ.
  'process-id': '[1-9]\\d*',
  // What runs the server, and its version, as a product of RFC 9110 §10.1.5: Python/3.13.0
  runtime: "[!#$%&'*+.^_`|~0-9A-Za-z-]+/[0-9][!#$%&'*+.^_`|~0-9A-Za-z-]*",
}

/**
 * Make the token for a hole from the text between its braces.
 *
 * @throws an Error that says what is wrong, when there is no such hole.
 */
export function hole(text: string): Token {
  const source = text.startsWith('re:') ? text.slice('re:'.length) : HOLES[text]
  if (source === undefined) {
    throw new Error(`there is no "{{${text}}}"; there are re:, ${Object.keys(HOLES).join(', ')}`)
  }
  // Sticky: the match begins exactly where the text before it ended.
  return { hole: text, regex: new RegExp(source, 'y') }
}
