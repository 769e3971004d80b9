/**
 * Fields and bodies of a response, judged by what an answer says of them.
 *
 * ```text
 *   Hello, {{re:\w+}}       a text, byte for byte, with holes
 *   {{body}}                what the server gives for a plain GET: for rules
 *
 *   {{json}}                JSON with these values, however it is spaced, its members in any order
 *   {"id": {{number}}}        a hole in a string is a part of its text, outside of one it is a value;
 *   {"id": 7, "...": 0}       "...": more members may follow
 *
 *   {{gunzip}}              gzip; what follows says what must be in it
 *   {{sha256:2cf24d...}}    any body with this digest
 * ```
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { firstLine } from './head.ts'
import { onTheWire, PageError, parsePattern } from './fence.ts'
import type { OwnHole } from './fence.ts'
import type { ParsedResponse } from './invariants.ts'
import type { Hole, Pattern } from './pattern.ts'
import { escaped, keptOf, onlyText } from './saved.ts'
import type { Kept } from './saved.ts'
import { flawOfDate, quote } from './verdict.ts'
import type { Finding } from './verdict.ts'

/** What a field must be like. */
export interface ExpectedField {
  readonly name: string
  /** The value; undefined if there must be no such field. */
  readonly value: { readonly pattern: Pattern; readonly text: string } | undefined
}

/** What a body must be like. */
export type ExpectedBody =
  | { readonly is: 'text'; readonly pattern: Pattern }
  | { readonly is: 'json'; readonly value: unknown; readonly holes: readonly Hole[] }
  | { readonly is: 'gzip'; readonly of: ExpectedBody }
  | { readonly is: 'sha256'; readonly hex: string }

// -- Reading ---------------------------------------------------------------------------------

/**
 * Read a line that says what a field, or anything else with a name, must be like.
 *
 * @throws {@link PageError}
 */
export function parseField(line: string, place: string, own?: OwnHole): ExpectedField {
  const [, not, name = '', value] = /^(!?)([\w!#$%&'*+.^`|~/-]+)(?:: *(.*))?$/.exec(line) ?? []
  if (name === '' || (not === '!') !== (value === undefined)) {
    throw new PageError(place, `"${line}" is not "Name: value", and not "!Name"`)
  }
  if (value === undefined) {
    return { name, value }
  }
  return { name, value: { pattern: parsePattern(value, place, own), text: value } }
}

/**
 * Read what a body must be like.
 *
 * @param body - what `{{body}}` stands for
 * @throws {@link PageError}
 */
export function parseBody(
  lines: readonly string[],
  place: string,
  body: string,
  own?: OwnHole,
): ExpectedBody {
  const [first = '', ...rest] = lines
  if (first === '{{json}}') {
    return parseJson(rest.join('\n'), place, own)
  }
  if (first === '{{gunzip}}') {
    return { is: 'gzip', of: parseBody(rest, place, body, own) }
  }
  const digest = /^\{\{sha256:(.*)\}\}$/.exec(first)?.[1]
  if (digest !== undefined) {
    if (!/^[0-9a-f]{64}$/.test(digest) || rest.length > 0) {
      throw new PageError(place, `"${first}" stands alone, and has 64 hexadecimal digits`)
    }
    return { is: 'sha256', hex: digest }
  }
  const pattern = onTheWire(lines)
    .split('{{body}}')
    .flatMap((text, index) => [
      ...(index === 0 ? [] : [{ literal: body }]),
      ...parsePattern(text, place, own),
    ])
  return { is: 'text', pattern }
}

/** What stands for a hole in JSON: its number, between two characters that are nobody's. */
const MARK = /\uE000([0-9]+)\uE001/g

function parseJson(text: string, place: string, own?: OwnHole): ExpectedBody {
  const holes: Hole[] = []
  let json = ''
  let inside = false
  for (const part of text.split(/(\{\{.*?\}\})/)) {
    if (!/^\{\{.*\}\}$/.test(part)) {
      json += part
      inside = (part.match(/(?<!\\)(?:\\\\)*"/g) ?? []).length % 2 === 1 ? !inside : inside
      continue
    }
    const [token] = parsePattern(part, place, own)
    if (token === undefined || 'literal' in token) {
      json += JSON.stringify(token?.literal ?? '').slice(1, -1)
      continue
    }
    const mark = `\uE000${String(holes.length)}\uE001`
    json += inside ? mark : `"${mark}:"`
    holes.push(token)
  }
  try {
    const value: unknown = JSON.parse(json, (key, one: unknown) => {
      if (key.includes('\uE000')) {
        throw new Error('a hole stands in a value, and not in a name')
      }
      return one
    })
    return { is: 'json', value, holes }
  } catch (error) {
    throw new PageError(place, `what follows {{json}} is not JSON: ${(error as Error).message}`)
  }
}

// -- Fields ----------------------------------------------------------------------------------

/** The fields whose value is a list of tokens; one of them is enough, and case is not told apart. */
export const LISTS: readonly string[] = [
  ...['accept-ranges', 'allow', 'connection', 'transfer-encoding', 'upgrade', 'vary'],
]

/** What is wrong with a response by what must be said of a field. */
export function judgeField(
  { name, value }: ExpectedField,
  { fields }: Pick<ParsedResponse, 'fields'>,
  kept: Kept,
): Finding[] {
  const lower = name.toLowerCase()
  const there = fields.flatMap(([key, text]) => (key === lower ? [text] : []))
  const [first] = there
  if (value === undefined) {
    return first === undefined
      ? []
      : [{ line: `${name}: ${first}`, flaw: `there must be no ${name}` }]
  }
  const wanted = onlyText(value.pattern) ?? value.text
  if (first === undefined) {
    return [{ line: '', flaw: `there is no ${name}; expected "${name}: ${wanted}"` }]
  }
  const list = LISTS.includes(lower)
  const candidates = list
    ? [...there, ...there.flatMap((text) => text.split(',').map((one) => one.trim()))]
    : there
  const flaws: string[] = []
  for (const text of candidates) {
    const flaw = flawOf(value.pattern, text, list ? 'is' : 's', kept)
    if (flaw === undefined) {
      return []
    }
    flaws.push(flaw)
  }
  const flaw = flaws[0] === '' ? `expected "${wanted}"` : flaws[0]
  const about = `${name} is ${quote(first)}: ${String(flaw)}`
  return [{ line: `${name}: ${first}`, column: name.length + 2, length: first.length, flaw: about }]
}

// -- Bodies ----------------------------------------------------------------------------------

/** What is wrong with a body, chunks taken apart. */
export function judgeBody(expected: ExpectedBody, body: string, kept: Kept): Finding[] {
  switch (expected.is) {
    case 'text':
      return judgeText(expected.pattern, body, kept)
    case 'sha256': {
      const hex = createHash('sha256').update(body, 'latin1').digest('hex')
      return hex === expected.hex
        ? []
        : [
            {
              line: firstLine(body),
              flaw: `the body has the SHA-256 ${hex}; expected ${expected.hex}`,
            },
          ]
    }
    case 'gzip': {
      let text: string
      try {
        text = gunzipSync(Buffer.from(body, 'latin1')).toString('latin1')
      } catch (error) {
        return [{ line: '', flaw: `the body is not gzip: ${(error as Error).message}` }]
      }
      const inside = judgeBody(expected.of, text, kept)
      return inside.map((one) => ({ ...one, flaw: `unzipped, ${one.flaw}` }))
    }
    case 'json': {
      let value: unknown
      try {
        value = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'))
      } catch (error) {
        // Node has worded it otherwise in each version.
        const empty = body === '' ? 'it is empty' : (error as Error).name
        return [{ line: firstLine(body), flaw: `the body is not JSON: ${empty}` }]
      }
      const flaw = flawOfJson(expected.value, value, '', { holes: expected.holes, kept })
      return flaw === undefined ? [] : [{ line: firstLine(body), flaw }]
    }
  }
}

function judgeText(pattern: Pattern, body: string, kept: Kept): Finding[] {
  const flaw = flawOf(pattern, body, 's', kept)
  if (flaw === undefined) {
    return []
  }
  const text = onlyText(pattern)
  if (text === undefined) {
    return [{ line: firstLine(body), flaw: `the body is not as expected${flaw && `: ${flaw}`}` }]
  }
  const has = `the body has ${bytes(body)}`
  if (text.length !== body.length) {
    const expected = text === '' ? 'none' : bytes(text)
    return [{ line: firstLine(body), flaw: `${has}; expected ${expected}` }]
  }
  let at = 0
  while (text[at] === body[at]) {
    at++
  }
  const [got, wanted] = [body.charAt(at), text.charAt(at)].map(quote)
  return [
    {
      line: '',
      flaw: `byte ${String(at)} of the body is ${String(got)}; expected ${String(wanted)}`,
    },
  ]
}

function bytes(text: string): string {
  return text.length === 1 ? '1 byte' : `${String(text.length)} bytes`
}

// -- JSON ------------------------------------------------------------------------------------

/** The holes of an expected value, and what is kept of them. */
interface Filling {
  readonly holes: readonly Hole[]
  readonly kept: Kept
}

/** The member that says that others may be there. */
const MORE = '...'

/** Why a value is not the expected one; undefined if it is. */
function flawOfJson(
  wanted: unknown,
  got: unknown,
  path: string,
  about: Filling,
): string | undefined {
  const flaw = `${path === '' ? 'the JSON' : path} is ${shown(got)}; expected ${shown(wanted, about)}`
  if (typeof wanted === 'string') {
    const bare = /^\uE000([0-9]+)\uE001:$/.exec(wanted)
    const text = bare === null ? got : JSON.stringify(got)
    const pattern = patternOf(bare === null ? wanted : wanted.slice(0, -1), about.holes)
    return typeof text === 'string' && flawOf(pattern, text, 's', about.kept) === undefined
      ? undefined
      : flaw
  }
  if (Array.isArray(wanted)) {
    if (!Array.isArray(got)) {
      return flaw
    }
    if (got.length !== wanted.length) {
      const name = path === '' ? 'the JSON' : path
      const has = `${String(got.length)} ${got.length === 1 ? 'element' : 'elements'}`
      const expected =
        wanted.length === 0 ? 'none' : `${String(wanted.length)}: ${shown(wanted, about)}`
      return `${name} has ${has}: ${shown(got)}; expected ${expected}`
    }
    return first(wanted, (one, index) =>
      flawOfJson(one, got[index], `${path}[${String(index)}]`, about),
    )
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof got !== 'object' || got === null || Array.isArray(got)) {
      return flaw
    }
    const members = Object.entries(wanted).filter(([key]) => key !== MORE)
    const there = new Map(Object.entries(got))
    const excess = [...there.keys()].find((key) => !Object.hasOwn(wanted, key))
    return (
      first(members, ([key, value]) =>
        there.has(key)
          ? flawOfJson(value, there.get(key), `${path}.${key}`, about)
          : `there is no ${path}.${key}; expected ${shown(value, about)}`,
      ) ??
      (excess === undefined || Object.hasOwn(wanted, MORE)
        ? undefined
        : `${path}.${excess} is one member more than expected`)
    )
  }
  return Object.is(wanted, got) ? undefined : flaw
}

function first<One>(all: readonly One[], flaw: (one: One, index: number) => string | undefined) {
  for (const [index, one] of all.entries()) {
    const found = flaw(one, index)
    if (found !== undefined) {
      return found
    }
  }
  return undefined
}

/** A value as JSON; of an expected one, with its holes as they stand on the page. */
function shown(value: unknown, about?: Filling): string {
  const text = JSON.stringify(value).replace(/"(\uE000[0-9]+\uE001):"/g, '$1')
  const filled = text.replace(MARK, (_, index: string) => {
    const hole = about?.holes[Number(index)]
    return hole?.filled ?? `{{${String(hole?.hole)}}}`
  })
  return filled.length > 100 ? `${filled.slice(0, 100)}...` : filled
}

function patternOf(text: string, holes: readonly Hole[]): Pattern {
  return text
    .split(MARK)
    .map((part, index) => (index % 2 === 0 ? { literal: part } : (holes[Number(part)] as Hole)))
    .filter((token) => !('literal' in token) || token.literal !== '')
}

// -- Both ------------------------------------------------------------------------------------

/**
 * Why a text as a whole is not what a pattern says: undefined if it is, empty if its form is wrong.
 *
 * @param kept - takes what is to be kept of it
 */
export function flawOf(
  pattern: Pattern,
  text: string,
  flags: string,
  kept: Kept = new Map(),
): string | undefined {
  const only = onlyText(pattern)
  if (only !== undefined && !flags.includes('i')) {
    return only === text ? undefined : ''
  }
  const source = pattern.map((token, index) =>
    'literal' in token ? escaped(token.literal) : `(?<hole${String(index)}>${token.regex.source})`,
  )
  const match = new RegExp(`^${source.join('')}$`, flags).exec(text)
  if (match === null) {
    return ''
  }
  for (const [index, token] of pattern.entries()) {
    const filled = match.groups?.[`hole${String(index)}`] ?? ''
    if ('hole' in token && (token.hole === 'date' || token.hole === 'http-date')) {
      const flaw = flawOfDate(filled, token.hole === 'http-date')
      if (flaw !== undefined) {
        return flaw
      }
    }
  }
  for (const [index, token] of pattern.entries()) {
    const pair =
      'hole' in token ? keptOf(token, match.groups?.[`hole${String(index)}`] ?? '') : undefined
    if (pair !== undefined) {
      kept.set(...pair)
    }
  }
  return undefined
}
