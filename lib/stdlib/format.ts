/**
 * Python's `repr()` and its `%` operator, as far as `http.server` and its users need them.
 *
 * Both end up on the wire and in the log (`Bad request version ('HTTP/x')`), so they must agree
 * with Python to the character.
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

// Python prints a character as it is unless Unicode calls it Other or Separator; of the
// separators only the plain space is printed. U+00AD, the soft hyphen, is an Other.
const UNPRINTABLE = /[\p{C}\p{Z}]/u

/**
 * Spell a value as Python would in its source: `'text'`, `b'bytes'`, `('127.0.0.1', 52934)`,
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
    const code = character.codePointAt(0) as number
    if (character === quote) {
      out += `\\${quote}`
    } else if (character !== ' ' && (character === '\\' || UNPRINTABLE.test(character))) {
      out += SHORT_ESCAPES[character] ?? escapeCode(code)
    } else {
      out += character
    }
  }
  return out + quote
}

function reprBytes(bytes: Uint8Array): string {
  // Each byte is the character of the same number; what is not ASCII is not printed.
  let text = ''
  for (const byte of bytes) {
    text += String.fromCharCode(byte)
  }
  return `b${escapeNonAscii(reprText(text))}`
}

/** Single quotes, unless that would need escapes and double quotes would not. */
function quoteFor(text: string): string {
  return text.includes("'") && !text.includes('"') ? '"' : "'"
}

function escapeNonAscii(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, (character) => escapeCode(character.codePointAt(0) as number))
}

function escapeCode(code: number): string {
  const hex = code.toString(16)
  if (code < 0x100) {
    return `\\x${hex.padStart(2, '0')}`
  }
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

// -- The % operator --------------------------------------------------------------------------

/** The arguments of a format: in order, or by name for `%(name)s`. */
export type FormatArguments = readonly unknown[] | Readonly<Record<string, unknown>>

// %[(name)][flags][width][.precision][length]type; the length means nothing, as in Python.
const CONVERSION = /%(?:\(([^)]*)\))?([-+ #0]*)(\d*)(?:\.(\d*))?[hlL]?([^]?)/g

/** One `%` of a format. */
interface Conversion {
  name: string | undefined
  flags: string
  width: number
  precision?: number
  /** Empty if the format ends before it. */
  type: string
}

/**
 * Fill a printf-style format: `format('code %d, message %s', [404, 'Not Found'])` is Python's
 * `'code %d, message %s' % (404, 'Not Found')`, and
 * `format('%(code)d', { code: 404 })` its `'%(code)d' % {'code': 404}`.
 *
 * The types are `s r a d i u x X o c f F e E g G` and `%%`, with Python's flags, width and
 * precision; a width or precision of `*` is not taken. What an argument holds is never read as
 * a format again.
 *
 * @throws `TypeError` for too few or too many arguments, a text where a number must stand, or a
 * name that is not there.
 * @throws {@link ValueError} for a type that does not exist, or a format that ends in the middle.
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
    if (typeof piece === 'string') {
      text += piece
    } else if (piece.type === '') {
      throw new ValueError(`Cannot format ${repr(template)}: it ends inside a conversion`)
    } else {
      text += convert(argument(piece.name), piece)
    }
  }

  if (!named && next < args.length) {
    throw new TypeError(`Cannot format ${repr(template)}: not all arguments were used`)
  }
  return text
}

/**
 * Take a format apart: text, conversion, text, ... A program has few formats, and uses each again
 * and again. Measured, CPU of a small file with its log line, together with two smaller
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
    const [whole, name, flags = '', width, precision, type = ''] = match
    pieces.push(template.slice(end, match.index))
    end = match.index + whole.length
    pieces.push(
      type === '%'
        ? '%'
        : {
            name,
            flags,
            width: Number(width),
            ...(precision === undefined ? {} : { precision: Number(precision) }),
            type,
          },
    )
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

function convert(value: unknown, conversion: Conversion): string {
  const { type, flags, width, precision } = conversion
  let sign = ''
  let prefix = ''
  let body: string
  if ('diuxXo'.includes(type)) {
    const integer = toInteger(value, type)
    sign = signOf(integer < 0, flags)
    prefix = flags.includes('#') ? (PREFIXES[type] ?? '') : ''
    body = digits(integer < 0 ? -integer : integer, conversion)
  } else if ('fFeEgG'.includes(type)) {
    const number = toNumber(value, type)
    sign = signOf(number < 0 || Object.is(number, -0), flags)
    body = decimal(Math.abs(number), conversion)
  } else {
    body = textual(value, type).slice(0, precision)
  }

  const room = width - sign.length - prefix.length - body.length
  if (room <= 0) {
    return sign + prefix + body
  }
  if (flags.includes('-')) {
    return sign + prefix + body + ' '.repeat(room)
  }
  const zeros = flags.includes('0') && !'srac'.includes(type)
  return zeros ? sign + prefix + '0'.repeat(room) + body : ' '.repeat(room) + sign + prefix + body
}

/** What `#` puts in front of a number. */
const PREFIXES: Readonly<Record<string, string>> = { x: '0x', X: '0X', o: '0o' }

function signOf(negative: boolean, flags: string): string {
  if (negative) {
    return '-'
  }
  return flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : ''
}

function textual(value: unknown, type: string): string {
  switch (type) {
    case 's':
      return str(value)
    case 'r':
      return repr(value)
    case 'a':
      return escapeNonAscii(repr(value))
    case 'c':
      return character(value)
    default:
      throw new ValueError(`Cannot format with the unsupported conversion "%${type}"`)
  }
}

function character(value: unknown): string {
  if (typeof value === 'number') {
    return String.fromCodePoint(value)
  }
  if (typeof value === 'string' && /^.$/su.test(value)) {
    return value
  }
  throw new TypeError(`Cannot format ${repr(value)} with "%c": one character is required`)
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
  if (!Number.isFinite(number) || ('xXo'.includes(type) && !Number.isInteger(number))) {
    throw new TypeError(`Cannot format ${String(number)} with "%${type}": an integer is required`)
  }
  const integer = Math.trunc(number)
  // A number prints as 1e+21 where Python's integers have all their digits.
  return Number.isSafeInteger(integer) ? integer : BigInt(integer)
}

function digits(integer: number | bigint, { type, precision }: Conversion): string {
  const base = type === 'o' ? 8 : type === 'x' || type === 'X' ? 16 : 10
  const text = integer.toString(base).padStart(precision ?? 0, '0')
  return type === 'X' ? text.toUpperCase() : text
}

function decimal(number: number, { type, flags, precision = 6 }: Conversion): string {
  if (!Number.isFinite(number)) {
    const word = str(number)
    return type === type.toLowerCase() ? word : word.toUpperCase()
  }
  switch (type) {
    case 'f':
    case 'F':
      return fixed(number, precision)
    case 'e':
    case 'E':
      return exponent(number.toExponential(precision), type)
    default:
      return general(number, type, precision === 0 ? 1 : precision, flags.includes('#'))
  }
}

/**
 * All digits of a number. Differs: a number just between two that can be printed goes up, in
 * Python to the even one: `'%.0f' % 2.5` is 3, and not 2.
 */
function fixed(number: number, precision: number): string {
  if (number < 1e21) {
    return number.toFixed(precision)
  }
  // From here on, toFixed() gives up and writes an exponent; but then it is an integer.
  return BigInt(number).toString() + (precision > 0 ? `.${'0'.repeat(precision)}` : '')
}

/** JavaScript writes `1e+5`, Python and C at least two digits: `1e+05`. */
function exponent(text: string, type: string): string {
  const padded = text.replace(/e([+-])(\d)$/, 'e$10$2')
  return type === 'E' || type === 'G' ? padded.toUpperCase() : padded
}

/** `%g`: so many significant digits, in the shorter of the two forms, no zeros at the end. */
function general(number: number, type: string, significant: number, zeros: boolean): string {
  const scientific = number.toExponential(significant - 1)
  const power = Number(scientific.slice(scientific.indexOf('e') + 1))
  const point = (text: string) => (text.includes('.') ? text : `${text}.`)
  const trim = (text: string) => (zeros ? point(text) : point(text).replace(/\.?0*$/, ''))
  if (power < -4 || power >= significant) {
    const [mantissa, rest] = scientific.split('e') as [string, string]
    return exponent(`${trim(mantissa)}e${rest}`, type)
  }
  return trim(number.toFixed(significant - 1 - power))
}
