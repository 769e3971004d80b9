/**
 * From compiled code back to the lines of its source.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { join, posix, relative } from 'node:path'
import { TOP } from '../checks/sources.ts'

/** A stretch of compiled code, and how often it has run. */
interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

/** A compiled module, line by line. */
export class LineMap {
  /** The source, from the top of the repository: `lib/http/message.ts`. */
  readonly source: string
  /** The first word of each line: where it is, and the line of the source that it comes from. */
  readonly #words: readonly { offset: number; line: number }[]

  private constructor(source: string, words: readonly { offset: number; line: number }[]) {
    this.source = source
    this.#words = words
  }

  /** Read a compiled module, and the map beside it. */
  static read(file: string): LineMap {
    const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')) as never)
    const words: { offset: number; line: number }[] = []
    let offset = 0
    for (const [index, text] of readFileSync(file, 'utf8').split('\n').entries()) {
      const column = text.search(/[^\s})\];]/)
      const entry: { generatedLine?: number; originalLine?: number } =
        column === -1 ? {} : map.findEntry(index, column)
      // A line of a comment has no entry of its own; the nearest is of a line before it.
      if (entry.generatedLine === index && entry.originalLine !== undefined) {
        words.push({ offset: offset + column, line: entry.originalLine + 1 })
      }
      offset += text.length + 1
    }
    const compiled = relative(join(TOP, 'dist'), file).replaceAll('\\', '/')
    return new LineMap(posix.normalize(compiled.replace(/\.js$/, '.ts')), words)
  }

  /** The lines that have run. Of ranges within each other, the inner one comes last, and counts. */
  linesOf(ranges: readonly Range[]): Set<number> {
    const ran = new Set<number>()
    for (const { offset, line } of this.#words) {
      const inner = ranges.findLast(
        ({ startOffset, endOffset }) => startOffset <= offset && offset < endOffset,
      )
      if (inner !== undefined && inner.count > 0) {
        ran.add(line)
      }
    }
    return ran
  }

  /** The line of the source for a place in the compiled code. */
  lineAt(offset: number): number | undefined {
    return this.#words.findLast((word) => word.offset <= offset)?.line
  }
}
