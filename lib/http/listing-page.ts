/**
 * The page that lists a directory, as Python's `list_directory()` makes it.
 *
 * @module
 */

import { compareCodePoints } from '../stdlib/files.ts'
import { escapeHtml } from '../stdlib/html.ts'
import { encodeSurrogateescape } from '../stdlib/surrogates.ts'
import { quote } from '../stdlib/urls.ts'

/** What a directory holds. */
interface Entry {
  readonly name: string
  /** What it is sorted by: its name in lower case. */
  readonly key: string
  readonly isLink: boolean
  /** Whether it is a directory, or a link to one. */
  readonly isDirectory: boolean
}

/** Make the page. */
export function listingPage(path: string, entries: readonly Entry[]): Buffer {
  const rows = entries
    .toSorted((one, other) => compareCodePoints(one.key, other.key))
    .map(({ name, isLink, isDirectory }) => {
      // A link to a directory is displayed with @, and linked with /.
      const display = isLink ? `${name}@` : isDirectory ? `${name}/` : name
      const href = quote(isDirectory ? `${name}/` : name)
      return `<li><a href="${href}">${escapeHtml(display, false)}</a></li>\n`
    })
  const title = `Directory listing for ${escapeHtml(path, false)}`
  return encodeSurrogateescape(
    '<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n' +
      `<title>${title}</title>\n</head>\n<body>\n<h1>${title}</h1>\n<hr>\n<ul>\n` +
      `${rows.join('')}</ul>\n<hr>\n</body>\n</html>\n`,
  )
}
