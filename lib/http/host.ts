/**
 * Which host a request is for, and which path there.
 *
 * ```text
 *   GET /a?b HTTP/1.1                       GET http://example.org/a?b HTTP/1.1
 *   Host: example.org                       Host: example.org
 *       origin-form, as clients send it         absolute-form, as they send it to proxies
 * ```
 *
 * Where several sites share an address, a proxy goes by the host, and a cache by host and path. So what
 * could be taken to be for two different hosts is refused.
 *
 * @module
 */

import { isIPv6 } from '../stdlib/urls.ts'
import { isNamed } from './message.ts'
import { RequestError } from './request-error.ts'
import type { Field } from './message.ts'

/**
 * Check that a request names no more than one host; and, in HTTP/1.1, one that is valid. If its target
 * names one, `http://example.org/`, that has the last word, and takes the place of the one in `Host`.
 *
 * Differs: in HTTP/1.1, a 400 for a request without `Host`, and for one that is not a host with or without
 * a port; a 400 for a target that no URI can be, and a 421 for one of `https:` that did not come over TLS; and
 * the host of the target counts. To Python, `Host` is a field like any other, and a target is a path, whatever
 * it is.
 *
 * @param isEncrypted - whether the server speaks TLS
 * @returns the fields.
 * @throws {@link RequestError} with a 400 or 421.
 * @see [RFC 9112 §3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2), and §3.2.2
 */
export function checkHost(
  fields: Field[],
  target: string,
  isHTTP11: boolean,
  isEncrypted: boolean,
): Field[] {
  let host: string | undefined
  for (const [name, value] of fields) {
    if (isNamed(name, 'host')) {
      if (host !== undefined) {
        throw badHost('more than one Host header')
      }
      host = value
    }
  }
  if (!isHTTP11) {
    return fields
  }
  if (host === undefined || !isHost(host)) {
    throw badHost('HTTP/1.1 requires a Host header: a host, with or without a port')
  }
  // Other forms than a path and a URL are `*`, for OPTIONS, and `example.org:443`, for CONNECT. The part of
  // a URL after a `#` is for the client alone.
  if (!TARGET.test(target)) {
    throw new RequestError(
      400,
      'Bad request target',
      'a target is a path that begins with a slash, or a URL, in ASCII without controls and without a ' +
        'fragment (RFC 9112 section 3.2)',
    )
  }
  if (target.startsWith('/')) {
    return fields
  }
  const [, scheme, wanted] = ORIGIN.exec(target) ?? []
  if (scheme === undefined || wanted === undefined) {
    return fields
  }
  // RFC 9110 §7.4: whoever asks for https MUST NOT be served without it. What is private there may be wanted
  // by somebody in between.
  if (scheme.toLowerCase() === 'https' && !isEncrypted) {
    throw new RequestError(
      421,
      'Misdirected Request',
      'this is not a connection over TLS (RFC 9110 section 7.4)',
    )
  }
  // RFC 9110 §4.2.1: a URI of http without a host is not valid.
  if (!isHost(wanted) || wanted === '' || wanted.startsWith(':')) {
    throw badHost('the target must name a host, with or without a port')
  }
  return fields.map(([name, value]) => [name, isNamed(name, 'host') ? wanted : value])
}

/** Take scheme and host off a target; the path then begins with one slash. */
export function withoutOrigin(target: string): string {
  return ORIGIN.test(target) ? target.replace(ORIGIN, '').replace(/^\/*/, '/') : target
}

/** Whether a text is a host with or without a port; the host may be empty. */
function isHost(text: string): boolean {
  if (!text.startsWith('[')) {
    return HOST.test(text)
  }
  const address = LITERAL.exec(text)?.[1]
  return address !== undefined && (/^v/i.test(address) || isIPv6(address))
}

function badHost(explain: string): RequestError {
  return new RequestError(400, 'Bad Host header', `${explain} (RFC 9112 section 3.2)`)
}

// What RFC 3986 §2 allows nowhere in a URI, and browsers send all the same, is let through: `|` and `"`.
const TARGET = /^(?:\/|[A-Za-z][-+.A-Za-z0-9]*:|\*$|[^/?]*:[0-9]+$)[!"$-~]*$/
const ORIGIN = /^(https?):\/\/([^/?#]*)/i

// uri-host [ ":" port ], RFC 9110 §7.2 and RFC 3986 §3.2.2: a name, or an address in brackets, of IPv6 or of
// what may come after it. A run of characters at a time: each request is checked.
const CHARACTERS = "[-!$&'()*+,;=.~\\w]*"
const NAME = `${CHARACTERS}(?:%[0-9A-Fa-f]{2}${CHARACTERS})*`
const PORT = '(?::[0-9]*)?[ \\t]*$'
const HOST = new RegExp(`^${NAME}${PORT}`)
const LITERAL = new RegExp(
  `^\\[([0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\\.[-!$&'()*+,;=.~\\w:]+)\\]${PORT}`,
)
