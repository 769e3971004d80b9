/**
 * Request targets: their parts, and where a request for a directory is sent that lacks its slash, without
 * which the links of the page would lead a level too high.
 *
 * @module
 */

import { urlsplit, urlunsplit } from '../stdlib/urls.ts'
import type { SplitResult } from '../stdlib/urls.ts'

/** Take a request target apart; null for one whose host cannot be: `http://[/..`. */
export function splitTarget(target: string): SplitResult | null {
  try {
    // Security: the slashes that a target begins with have been collapsed, but urlsplit() drops
    // controls in front of it, and `\x01//evil.example` begins with slashes then.
    return urlsplit(target.replace(/^[\0-\x20]+\/+/, '/'))
  } catch {
    return null
  }
}

/** A request target up to its query or fragment. A `?` or `#` that belongs to a name comes escaped. */
export function withoutQuery(target: string): string {
  return /^[^?#]*/.exec(target)?.[0] ?? ''
}

/** The URL of a directory that was asked for without its slash. */
export function withSlash({ scheme, path, query, fragment }: SplitResult): string {
  // Security: a redirect stays on this host. Scheme and host of the target are left out: they may be
  // `http://evil.example/..` or `javascript://x/..`. The path that is left may begin with
  // `//evil.example` itself: so it is cut to exactly one slash, and backslashes, which
  // browsers read as slashes (gh-132826), are escaped.
  const absolute = `${scheme === '' ? '' : '/'}${path}/`.replace(/^\/+/, '/')
  const here = absolute.replaceAll('\\', '%5C')
  const location = urlunsplit({ scheme: '', netloc: '', path: here, query, fragment })
  // Security: a control character may come in a target, and must not go into a header. NUL ends a text
  // for some clients, and ESC moves the cursor where somebody prints the response.
  return location.replace(/[\0-\x1f\x7f]/g, (control) => {
    return `%${control.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}
