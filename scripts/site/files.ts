/**
 * The files that have a page, and the order in which to read them.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSources, TOP } from '../checks/sources.ts'

/** The files whose source is read on the site: those in the order of the tour first, then by folder. */
export function filesToRead(): string[] {
  const tour = readFileSync(join(TOP, 'docs/tour.md'), 'utf8')
  const paths = readSources(['lib', 'docs/examples']).map(({ path }) => path)
  const mentioned = new Map(paths.map((path) => [path, firstMention(tour, path, paths)] as const))
  return paths.sort(
    (one, other) =>
      (mentioned.get(one) as number) - (mentioned.get(other) as number) ||
      folderRank(one) - folderRank(other) ||
      (one < other ? -1 : 1),
  )
}

/** Where a text first names a file, by as much of its path as tells it from others. */
function firstMention(text: string, path: string, paths: readonly string[]): number {
  const words = path.split('/')
  const positions = words.flatMap((_, index) => {
    const name = words.slice(index).join('/')
    const isUnique =
      paths.filter((other) => other.endsWith(`/${name}`) || other === name).length === 1
    const position = text.search(new RegExp(`(?<![\\w/.-])${name.replaceAll('.', '\\.')}\\b`))
    return isUnique && position >= 0 ? [position] : []
  })
  return Math.min(Infinity, ...positions)
}

/** The examples, which are the other half of the guide, come last. */
function folderRank(path: string): number {
  return path.startsWith('lib/') ? 0 : 1
}

/** Finds files of the repository by as much of their path as tells one from all others. */
export class FileNames {
  readonly #paths: readonly string[]

  constructor() {
    this.#paths = [
      ...readdirSync(TOP).filter((name) => /\.(?:ts|md)$/.test(name)),
      ...['lib', 'docs', 'conformance', 'scripts', '.github'].flatMap((folder) =>
        readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' })
          .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
          .filter((name) => /\.(?:ts|md)$/.test(name)),
      ),
    ]
  }

  /** The path of a file, or undefined if there is no such file, or more than one. */
  find(name: string): string | undefined {
    if (this.#paths.includes(name)) {
      return name
    }
    const found = this.#paths.filter((path) => path.endsWith(`/${name}`))
    return found.length === 1 ? found[0] : undefined
  }
}
