/**
 * Python's `if __name__ == '__main__'`: whether a module is the program, or has only been imported.
 *
 * @module
 */

import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

/**
 * Tell whether a module is the program that Node was started with.
 *
 * ```ts
 * if (isMain(import.meta)) {
 *   await server.serveForever()
 * }
 * ```
 *
 * A program may be named without its extension, by its folder, or by a symbolic link, so comparing
 * with `process.argv[1]` is not enough. Node 24.2 has `import.meta.main`; this also works before that.
 *
 * @param meta - `import.meta` of the module that asks
 * @returns false also in the threads of a program, and in the children of a server, which load its
 * module again; true in a child that `fork()` or `cluster.fork()` starts with this very file.
 * @added A call; Python's is a variable of each module.
 */
export function isMain({ url }: { readonly url: string }): boolean {
  const [, program] = process.argv
  if (program === undefined || !isMainThread) {
    return false
  }
  try {
    // `require.resolve()` looks for a path as Node looks for that of a program: with the extensions
    // it knows, then as a folder with a `package.json` or an index.
    const found = createRequire(import.meta.url).resolve(program)
    return realpathSync(found) === realpathSync(fileURLToPath(url))
  } catch {
    // One of the two is not a file: code from the command line, or from the network.
    return false
  }
}
