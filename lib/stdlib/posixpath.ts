/**
 * Three functions of Python's `posixpath`. Node's `path.posix` has similar ones, which differ in the
 * cases that matter to a server.
 *
 * @module
 */

/**
 * Split off the extension: `['/a/b.tar', '.gz']`. Leading dots do not begin one: `.profile` has no
 * extension.
 *
 * @python posixpath.splitext
 */
export function splitext(path: string): [root: string, extension: string] {
  const dot = path.lastIndexOf('.')
  const name = path.lastIndexOf('/') + 1
  if (dot < name || /^\.*$/.test(path.slice(name, dot))) {
    return [path, '']
  }
  return [path.slice(0, dot), path.slice(dot)]
}

/**
 * Resolve `.`, `..` and repeated slashes in a path, without looking at the disk. A path that would
 * lead above the root stays at the root; a relative path may keep leading `..`.
 *
 * @returns a path without a trailing slash; `.` if nothing is left.
 * @python posixpath.normpath
 */
export function normpath(path: string): string {
  // POSIX allows exactly two leading slashes to have a meaning of their own.
  const root = /^\/\/(?!\/)/.test(path) ? '//' : path.startsWith('/') ? '/' : ''
  const words: string[] = []
  for (const word of path.split('/')) {
    if (word === '' || word === '.') {
      continue
    }
    if (word !== '..' || (root === '' && (words.length === 0 || words.at(-1) === '..'))) {
      words.push(word)
    } else {
      words.pop()
    }
  }
  return root + words.join('/') || '.'
}

/**
 * Join a path and a name.
 *
 * @python posixpath.join
 */
export function join(path: string, name: string): string {
  return path === '' || path.endsWith('/') ? path + name : `${path}/${name}`
}
