/**
 * The parts of Python's `urllib.parse` that a server needs: splitting a request target, and
 * percent-encoding.
 *
 * Why not `new URL()`? It repairs what it reads (`/a/../b` becomes `/b`, a tab disappears, a bad
 * escape stays), requires a scheme and a host, and loses the difference between `/?` and `/`. A
 * server must see what the client sent.
 *
 * ```text
 *   http://example.org:80/dir/page;v=1?q=x#top
 *   ---- ---------------- -------- --- --- ---
 *   scheme    netloc        path params query fragment
 * ```
 *
 * @module
 */

import { isIPv4, isIPv6 } from 'node:net'
import { decodeUtf8, encodeUtf8 } from './bytes.ts'
import { ValueError } from './errors.ts'
import { decodeSurrogatepass, encodeSurrogatepass } from './surrogates.ts'

export { isIPv6 }

/**
 * What {@link urlsplit} finds. A part that is absent is the empty string.
 *
 * @python urllib.parse.SplitResult
 */
export interface SplitResult {
  /** In lower case, without the colon. */
  scheme: string
  /** Host and port, with the user name and password if there are any. */
  netloc: string
  /** Not decoded. */
  path: string
  /** What follows `?`, without it. Not decoded. */
  query: string
  /** What follows `#`, without it. */
  fragment: string
}

/**
 * What {@link urlparse} finds: {@link SplitResult}, and the parameters of the last path segment.
 *
 * @python urllib.parse.ParseResult
 */
export interface ParseResult extends SplitResult {
  /** What follows `;` in the last segment of the path, without it. */
  params: string
}

// The schemes that have parameters according to Python; the empty one is that of a path alone.
const USES_PARAMS = new Set(
  ' ftp hdl prospero http imap https shttp rtsp rtsps rtspu sip sips mms sftp tel'.split(' '),
)

/**
 * Split a URL into its parts, without decoding any of them.
 *
 * @throws {@link ValueError} for a host with only one of `[` and `]`, or with something other
 * than an IPv6 address between them.
 * @python urllib.parse.urlsplit
 * @see [RFC 3986 §3](https://www.rfc-editor.org/rfc/rfc3986#section-3)
 */
export function urlsplit(url: string): SplitResult {
  // Like Python, follow the WHATWG: leading controls and spaces, and every tab, CR and LF, are
  // removed before parsing.
  let rest = url.replace(/^[\0-\x20]+/, '').replace(/[\t\r\n]/g, '')
  let scheme = ''
  let netloc = ''

  const colon = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(rest)
  if (colon !== null) {
    scheme = (colon[1] as string).toLowerCase()
    rest = rest.slice(colon[0].length)
  }
  if (rest.startsWith('//')) {
    netloc = (/^[^/?#]*/.exec(rest.slice(2)) as RegExpExecArray)[0]
    rest = rest.slice(2 + netloc.length)
    checkNetloc(netloc)
  }
  const [beforeFragment, fragment] = partition(rest, '#')
  const [path, query] = partition(beforeFragment, '?')
  return { scheme, netloc, path, query, fragment }
}

/**
 * Split a URL as {@link urlsplit} does, and the parameters from the last path segment:
 * `/p;q?x=1` has the path `/p`, the parameters `q` and the query `x=1`.
 *
 * @throws {@link ValueError} where {@link urlsplit} does.
 * @python urllib.parse.urlparse
 */
export function urlparse(url: string): ParseResult {
  const parts = urlsplit(url)
  const semicolon = parts.path.indexOf(';', parts.path.lastIndexOf('/') + 1)
  if (semicolon === -1 || !USES_PARAMS.has(parts.scheme)) {
    return { ...parts, params: '' }
  }
  const path = parts.path.slice(0, semicolon)
  return { ...parts, path, params: parts.path.slice(semicolon + 1) }
}

/**
 * Join the parts that {@link urlsplit} found into a URL again.
 *
 * @python urllib.parse.urlunsplit
 */
export function urlunsplit({ scheme, netloc, path, query, fragment }: SplitResult): string {
  let url = path
  if (netloc !== '') {
    url = `//${netloc}${path === '' || path.startsWith('/') ? '' : '/'}${path}`
  } else if (path.startsWith('//')) {
    // Without this, the first segment of the path would be read as a host.
    url = `//${path}`
  }
  return (
    (scheme === '' ? '' : `${scheme}:`) +
    url +
    (query === '' ? '' : `?${query}`) +
    (fragment === '' ? '' : `#${fragment}`)
  )
}

/**
 * Percent-encode text as UTF-8, except letters, digits and `_.-~/`. Lone surrogates are encoded as
 * if they were characters, see `surrogates.ts`.
 *
 * @python urllib.parse.quote
 */
export function quote(text: string): string {
  if (ONLY_SAFE.test(text)) {
    return text
  }
  let out = ''
  for (const byte of encodeSurrogatepass(text)) {
    const character = String.fromCharCode(byte)
    out += /[\w.~/-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

const ONLY_SAFE = /^[\w.~/-]*$/

/**
 * Decode percent escapes as UTF-8: `%C3%A9` becomes `é`, invalid bytes become U+FFFD.
 *
 * A `%` that does not start an escape stays as it is; `decodeURIComponent()` would throw.
 *
 * @param decode - decodes the bytes, if they are in another encoding
 * @python urllib.parse.unquote
 */
export function unquote(text: string, decode: (bytes: Uint8Array) => string = decodeUtf8): string {
  if (!text.includes('%')) {
    return text
  }
  // In some encodings an escape and the letter after it are one character, so ASCII is decoded
  // together with the escapes in it.
  return text.replace(/[\0-\x7f]+/g, (ascii) => decode(unquoteToBytes(ascii)))
}

/**
 * Decode percent escapes as a file name, like Python's `unquote(path, errors='surrogatepass')`.
 * Escapes that cannot be one are decoded as by {@link unquote}, and so lead to no file.
 *
 * @python urllib.parse.unquote
 */
export function unquotePath(path: string): string {
  if (!path.includes('%')) {
    return path
  }
  let decoded = ''
  for (const [index, part] of path.split(/((?:%[0-9A-Fa-f]{2})+)/).entries()) {
    const text = index % 2 === 0 ? part : decodeSurrogatepass(unquoteToBytes(part))
    if (text === null) {
      return unquote(path)
    }
    decoded += text
  }
  return decoded
}

/** Options of {@link parseQsl}. */
export interface ParseQslOptions {
  /** Whether to keep `a=` and `a`, as pairs with an empty value. Default: false. */
  keepBlankValues?: boolean
  /** Decodes the bytes of percent escapes. Default: as UTF-8. */
  decode?: (bytes: Uint8Array) => string
}

/**
 * Parse a query or an urlencoded form: `a=1&b=x+y` becomes `[['a', '1'], ['b', 'x y']]`, in order.
 *
 * @python urllib.parse.parse_qsl
 */
export function parseQsl(
  query: string,
  { keepBlankValues = false, decode = decodeUtf8 }: ParseQslOptions = {},
): [name: string, value: string][] {
  const pairs: [string, string][] = []
  for (const pair of query.split('&')) {
    const [name, value] = partition(pair, '=')
    if (value !== '' || (keepBlankValues && pair !== '')) {
      pairs.push([unquote(plusToSpace(name), decode), unquote(plusToSpace(value), decode)])
    }
  }
  return pairs
}

/** `replaceAll()` takes five times as long for 4 MiB of `+`. */
function plusToSpace(text: string): string {
  return text.split('+').join(' ')
}

/**
 * Decode percent escapes to bytes; characters outside ASCII become their UTF-8 bytes.
 *
 * @python urllib.parse.unquote_to_bytes
 */
export function unquoteToBytes(text: string): Uint8Array {
  const bytes = encodeUtf8(text)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const high = bytes[at] === PERCENT ? hexDigit(bytes[at + 1]) : -1
    const low = high === -1 ? -1 : hexDigit(bytes[at + 2])
    if (low === -1) {
      bytes[length++] = bytes[at] as number
    } else {
      bytes[length++] = 16 * high + low
      at += 2
    }
  }
  return bytes.subarray(0, length)
}

const PERCENT = 0x25

/** The value of a hexadecimal digit; -1 for any other byte, or none. */
function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) {
    return byte - 0x30
  }
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function partition(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

function checkNetloc(netloc: string): void {
  if (netloc.includes('[') !== netloc.includes(']')) {
    throw new ValueError('Invalid IPv6 URL')
  }
  if (netloc.includes('[')) {
    checkBracketedHost(partition(partition(netloc, '[')[1], ']')[0])
  }
  // Security: a resolver normalizes the single character U+2100 to `a/c`, which changes the host.
  // IDNA uses NFKC.
  const plain = netloc.replace(/[@:#?]/g, '')
  const normal = plain.normalize('NFKC')
  if (normal !== plain && /[/?#@:]/.test(normal)) {
    throw new ValueError(`netloc '${netloc}' contains invalid characters under NFKC normalization`)
  }
}

function checkBracketedHost(host: string): void {
  if (host.startsWith('v')) {
    if (!/^v[a-fA-F0-9]+\../.test(host)) {
      throw new ValueError('IPvFuture address is invalid')
    }
  } else if (isIPv4(host)) {
    throw new ValueError('An IPv4 address cannot be in brackets')
  } else if (!isIPv6(host)) {
    throw new ValueError(`'${host}' does not appear to be an IPv4 or IPv6 address`)
  }
}
