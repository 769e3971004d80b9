/**
 * Python's `mimetypes`: the media type of a file, by its name.
 *
 * The tables are those of CPython 3.13.
 *
 * Differs: Python also reads the tables of the host, such as `/etc/mime.types`, if there are any.
 * Here the same file has the same type on every machine; add further types to `extensionsMap`.
 *
 * @module
 */

import { splitext } from './posixpath.ts'
import { ENCODINGS_MAP, SUFFIX_MAP, TYPES_MAP } from './mimetypes-table.ts'

/**
 * Guess the media type of a file, and its content coding.
 *
 * ```text
 *   data.tgz -> data.tar.gz -> data.tar, coding gzip -> application/x-tar, gzip
 * ```
 *
 * @param path - only the extension matters
 * @returns null for what is not in the tables.
 * @python mimetypes.guess_file_type
 */
export function guessFileType(path: string): [type: string | null, encoding: string | null] {
  let [base, extension] = splitext(path)
  for (;;) {
    const longer = lookup(SUFFIX_MAP, extension.toLowerCase())
    if (longer === null) {
      break
    }
    ;[base, extension] = splitext(base + longer)
  }
  // Here case matters: .Z is compress, .z is nothing.
  const encoding = lookup(ENCODINGS_MAP, extension)
  if (encoding !== null) {
    extension = splitext(base)[1]
  }
  return [lookup(TYPES_MAP, extension.toLowerCase()), encoding]
}

function lookup(table: Readonly<Record<string, string>>, key: string): string | null {
  return Object.hasOwn(table, key) ? (table[key] as string) : null
}
