/**
 * Python's `repr()` and its `%` operator, as far as `http.server` needs them.
 *
 * The results of both go onto the wire and into the log (`Bad request version ('HTTP/x')`), so they
 * must equal Python's character by character.
 *
 * @module
 */

import { ValueError } from './errors.ts'

// -- repr ------------------------------------------------------------------------------------

const SHORT_ESCAPES: Record<string, string> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
}

// Python escapes the characters of the Unicode categories Other and Separator, except the plain
// space. U+00AD, the soft hyphen, belongs to Other.
const UNPRINTABLE = /[\p{C}\p{Z}]/u

/**
 * Write a value as Python source: `'text'`, `b'bytes'`, `('127.0.0.1', 52934)`,
 * `None`, `True`, `TimeoutError('timed out')`.
 *
 * An array is written as a tuple, because the arrays of this library are Python's tuples.
 *
 * @python builtins.repr
 */
export function repr(value: unknown): string {
  if (typeof value === 'string') {
    return reprText(value)
  }
  if (value instanceof Uint8Array) {
    return reprBytes(value)
  }
  if (Array.isArray(value)) {
    const items = value.map(repr)
    return items.length === 1 ? `(${String(items[0])},)` : `(${items.join(', ')})`
  }
  if (value instanceof Error) {
    return `${value.name}(${reprText(value.message)})`
  }
  return str(value)
}

/** What Python's `str()` prints: text as it is, everything else as {@link repr} has it. */
function str(value: unknown): string {
  switch (value) {
    case true:
      return 'True'
    case false:
      return 'False'
    case null:
    case undefined:
      return 'None'
  }
  if (value instanceof Error) {
    return value.message
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  }
  return value instanceof Uint8Array || Array.isArray(value) ? repr(value) : String(value)
}

function reprText(text: string): string {
  const quote = quoteFor(text)
  let out = quote
  for (const character of text) {
    if (character === quote) {
      out += `\\${quote}`
    } else if (character !== ' ' && (character === '\\' || UNPRINTABLE.test(character))) {
      out += SHORT_ESCAPES[character] ?? escapeCharacter(character)
    } else {
      out += character
    }
  }
  return out + quote
}

function reprBytes(bytes: Uint8Array): string {
  // Each byte becomes the character of the same number; those outside ASCII are escaped below.
  let text = ''
  for (const byte of bytes) {
    text += String.fromCharCode(byte)
  }
  return `b${reprText(text).replace(/[^\0-\x7f]/g, escapeCharacter)}`
}

/** Single quotes, unless they would need escapes and double quotes would not. */
function quoteFor(text: string): string {
  return text.includes("'") && !text.includes('"') ? '"' : "'"
}

/** Write a character as Python's source can: `\x1b`, `\u2028`, `\U0001f600`. */
export function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) as number
  const hex = code.toString(16)
  if (code < 0x100) {
    return `\\x${hex.padStart(2, '0')}`
  }
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

/**
 * Escape the C0 and C1 controls and DEL, as `\x1b`; a backslash is doubled, so that an escape cannot be
 * forged.
 */
export function escapeControls(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f\\]/g, (character) => {
    return character === '\\' ? '\\\\' : escapeCharacter(character)
  })
}

// -- The % operator --------------------------------------------------------------------------

/** The arguments of a format: in order, or by name for `%(name)s`. */
export type FormatArguments = readonly unknown[] | Readonly<Record<string, unknown>>

// %[(name)][flags, width, precision, length]type
const CONVERSION = /%(?:\(([^)]*)\))?([-+ #0]*[\d*]*(?:\.[\d*]*)?[hlL]?)([^]?)/g

/** One `%` of a format. */
interface Conversion {
  readonly name: string | undefined
  readonly type: string
}

/**
 * Fill a printf-style format: `format('code %d, message %s', [404, 'Not Found'])` is Python's
 * `'code %d, message %s' % (404, 'Not Found')`, and
 * `format('%(code)d', { code: 404 })` its `'%(code)d' % {'code': 404}`.
 *
 * The types are `%s %r %d %i %x %f` and `%%`. The contents of an argument are never treated as a
 * format.
 *
 * Differs: there are no others. Python has further types, and flags, widths and precisions (`%5.2f`);
 * in JavaScript, use `padStart()` and `toFixed()`.
 *
 * @throws `TypeError` for too few or too many arguments, text in place of a number, or an unknown
 * name.
 * @throws {@link ValueError} for any other conversion, which it names, or a format that ends in the
 * middle of one.
 * @python str.__mod__
 */
export function format(template: string, args: FormatArguments): string {
  const named = !Array.isArray(args)
  let next = 0

  function argument(name: string | undefined): unknown {
    if (name !== undefined) {
      if (!named || !Object.hasOwn(args, name)) {
        throw new TypeError(`Cannot format ${repr(template)}: no argument is named ${repr(name)}`)
      }
      return (args as Record<string, unknown>)[name]
    }
    if (named || next >= args.length) {
      throw new TypeError(`Cannot format ${repr(template)}: not enough arguments`)
    }
    return (args as readonly unknown[])[next++]
  }

  let text = ''
  for (const piece of parse(template)) {
    text += typeof piece === 'string' ? piece : convert(argument(piece.name), piece.type)
  }
  if (!named && next < args.length) {
    throw new TypeError(`Cannot format ${repr(template)}: not all arguments were used`)
  }
  return text
}

/**
 * Split a format into text, conversion, text, ... The result is cached, because a program uses a few
 * formats again and again. Measured, CPU of a small file with its log line, together with two smaller
 * changes: 6 % less.
 */
function parse(template: string): readonly (string | Conversion)[] {
  const known = parsed.get(template)
  if (known !== undefined) {
    return known
  }
  const pieces: (string | Conversion)[] = []
  let end = 0
  for (const match of template.matchAll(CONVERSION)) {
    const [whole, name, modifiers, type = ''] = match
    if (type === '') {
      throw new ValueError(`Cannot format ${repr(template)}: it ends inside a conversion`)
    }
    if (modifiers !== '' || !'srdixf%'.includes(type)) {
      throw new ValueError(
        `Cannot format ${repr(template)}: the conversion "${whole}" is not one of ` +
          '%s %r %d %i %x %f %%',
      )
    }
    pieces.push(template.slice(end, match.index), type === '%' ? '%' : { name, type })
    end = match.index + whole.length
  }
  pieces.push(template.slice(end))
  if (parsed.size === MOST_PARSED) {
    parsed.clear()
  }
  parsed.set(template, pieces)
  return pieces
}

const parsed = new Map<string, readonly (string | Conversion)[]>()
const MOST_PARSED = 100

function convert(value: unknown, type: string): string {
  switch (type) {
    case 's':
      return str(value)
    case 'r':
      return repr(value)
    case 'f':
      return fixed(toNumber(value, type))
    default:
      return toInteger(value, type).toString(type === 'x' ? 16 : 10)
  }
}

function toNumber(value: unknown, type: string): number {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
    return Number(value)
  }
  throw new TypeError(`Cannot format ${repr(value)} with "%${type}": a number is required`)
}

function toInteger(value: unknown, type: string): number | bigint {
  if (typeof value === 'bigint') {
    return value
  }
  const number = toNumber(value, type)
  if (!Number.isFinite(number) || (type === 'x' && !Number.isInteger(number))) {
    throw new TypeError(`Cannot format ${String(number)} with "%${type}": an integer is required`)
  }
  const integer = Math.trunc(number)
  // A number prints as 1e+21 where Python's integers have all their digits.
  return Number.isSafeInteger(integer) ? integer : BigInt(integer)
}

/**
 * Six digits after the point. Differs: a number exactly halfway between two results is rounded up,
 * in Python to the even one: `'%f' % 0.0078125` ends in 3, not in 2.
 */
function fixed(number: number): string {
  if (!Number.isFinite(number)) {
    return str(number)
  }
  const size = Math.abs(number)
  const sign = number < 0 || Object.is(number, -0) ? '-' : ''
  // From 1e21 on, toFixed() writes an exponent; but such a number is an integer.
  return sign + (size < 1e21 ? size.toFixed(6) : `${String(BigInt(size))}.000000`)
}
