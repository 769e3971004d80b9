/**
 * Which section of which RFC is about what stands in a head.
 *
 * @module
 */

/** The fields that have a section of their own. */
export const FIELDS: Readonly<Record<string, string>> = {
  accept: '9110 §12.5.1',
  'accept-charset': '9110 §12.5.2',
  'accept-encoding': '9110 §12.5.3',
  'accept-language': '9110 §12.5.4',
  'accept-ranges': '9110 §14.3',
  allow: '9110 §10.2.1',
  authorization: '9110 §11.6.2',
  connection: '9110 §7.6.1',
  'content-encoding': '9110 §8.4',
  'content-language': '9110 §8.5',
  'content-length': '9110 §8.6',
  'content-location': '9110 §8.7',
  'content-range': '9110 §14.4',
  'content-type': '9110 §8.3',
  date: '9110 §6.6.1',
  etag: '9110 §8.8.3',
  expect: '9110 §10.1.1',
  from: '9110 §10.1.2',
  host: '9112 §3.2',
  'if-match': '9110 §13.1.1',
  'if-modified-since': '9110 §13.1.3',
  'if-none-match': '9110 §13.1.2',
  'if-range': '9110 §13.1.5',
  'if-unmodified-since': '9110 §13.1.4',
  'last-modified': '9110 §8.8.2',
  location: '9110 §10.2.2',
  'max-forwards': '9110 §7.6.2',
  range: '9110 §14.2',
  referer: '9110 §10.1.3',
  'retry-after': '9110 §10.2.3',
  server: '9110 §10.2.4',
  te: '9110 §10.1.4',
  trailer: '9110 §6.6.2',
  'transfer-encoding': '9112 §6.1',
  upgrade: '9110 §7.8',
  'user-agent': '9110 §10.1.5',
  vary: '9110 §12.5.5',
  via: '9110 §7.6.3',
  'www-authenticate': '9110 §11.6.1',
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE']

/** What a field's value may be: its own section, or that about all fields. */
export function sectionOfField(name: string): string {
  const known = name.toLowerCase()
  return Object.hasOwn(FIELDS, known) ? (FIELDS[known] as string) : '9110 §5.5'
}

/** What a method means. */
export function sectionOfMethod(method: string): string {
  const at = METHODS.indexOf(method)
  return at === -1 ? '9110 §9.1' : `9110 §9.3.${String(at + 1)}`
}

/** The form that a target has. */
export function sectionOfTarget(target: string, method: string): string {
  return target.startsWith('/')
    ? '9112 §3.2.1'
    : target === '*'
      ? '9112 §3.2.4'
      : method === 'CONNECT'
        ? '9112 §3.2.3'
        : target.includes('://')
          ? '9112 §3.2.2'
          : '9112 §3.2'
}

/** The first and the last code of each class that RFC 9110 has a section for, and that section. */
const CODES: readonly (readonly [first: number, last: number, section: string])[] = [
  [100, 101, '15.2'],
  [200, 206, '15.3'],
  [300, 305, '15.4'],
  [307, 308, '15.4'],
  [400, 418, '15.5'],
  [421, 422, '15.5'],
  [426, 426, '15.5'],
  [500, 505, '15.6'],
]

/** What a status code means. */
export function sectionOfCode(code: number): string {
  if (code === 431) {
    return '6585 §5'
  }
  const [first, , section] = CODES.find(([from, to]) => from <= code && code <= to) ?? [0, 0, '15']
  const number = section === '15' ? 0 : (NUMBERS[code] ?? code - first + 1)
  return number === 0 ? '9110 §15' : `9110 §${section}.${String(number)}`
}

/** Where sections and codes do not go together. */
const NUMBERS: Readonly<Record<number, number>> = { 307: 8, 308: 9, 421: 20, 422: 21, 426: 22 }
