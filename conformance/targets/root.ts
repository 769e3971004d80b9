/**
 * The folder that the `rfc` profile judges a file server by: what the rules that need files rely on.
 *
 * @module
 */

import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TargetError } from './target.ts'

/** The text of `hello.txt`. */
export const HELLO = 'Hello, world!'

/** The time of the files, but for `future.txt`: a Thursday, long ago. */
const DATE = new Date('Thu, 06 Oct 2016 20:44:11 GMT')

/** The time of `future.txt`: after any that a server may call the present. */
const FUTURE = new Date('Wed, 01 Jan 2121 00:00:00 GMT')

/** The file that says whose folder it is. */
const MARK = 'made-by-the-conformance-suite.txt'

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  [MARK]: 'A folder for a server to be judged by. The suite writes these files, and may again.\n',
  'hello.txt': HELLO,
  'empty.txt': '',
  'page.html': '<!DOCTYPE html>\n<title>A page</title>\n<p>A page.</p>\n',
  'future.txt': 'Its date is in the future.',
  'with space.txt': 'A name with a space.',
  'folder/inside.txt': 'Inside a folder.',
  // 1 MiB of all bytes, in no order that compresses.
  'large.bin': Buffer.alloc(1 << 20).map((_, at) => (at * at + (at >> 8)) & 0xff),
}

/**
 * Write the folder.
 *
 * @throws {@link TargetError} when there is one that is not empty, and not ours.
 */
export function makeRoot(folder: string): void {
  const there = contentsOf(folder)
  if (there.length > 0 && !there.includes(MARK)) {
    throw new TargetError(
      `"${folder}" is not empty ("${String(there[0])}") and not made by --make-root; name another folder`,
    )
  }
  for (const [name, content] of Object.entries(FILES)) {
    const path = join(folder, name)
    try {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, content)
      const date = name === 'future.txt' ? FUTURE : DATE
      utimesSync(path, date, date)
    } catch (error) {
      throw new TargetError(`Cannot make "${path}": ${(error as Error).message}`)
    }
  }
  utimesSync(join(folder, 'folder'), DATE, DATE)
}

/**
 * What stands in a folder that is to be made.
 *
 * @returns nothing, if there is no such folder yet.
 * @throws {@link TargetError} when it cannot be one.
 */
export function contentsOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      return []
    }
    throw new TargetError(`Cannot make the folder "${folder}": ${message}`)
  }
}
