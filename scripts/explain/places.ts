/**
 * From the compiled program back to its source, by the maps that `tsc` has left beside it.
 *
 * @module
 */

import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TOP } from '../../conformance/paths.ts'
import type { Frame, Place } from './trace.ts'

const maps = new Map<string, SourceMap | undefined>()

/** Find a frame in the source; undefined for what is Node's, somebody else's, or the recorder's own. */
export function placeOf({ name, url, line, column }: Frame): Place | undefined {
  if (!url.startsWith('file:') || RECORDER.includes(url)) {
    return undefined
  }
  const file = fileURLToPath(url)
  const map = mapOf(file)
  const entry = map?.findEntry(line - 1, column - 1)
  const isMapped = entry !== undefined && 'originalSource' in entry
  const source = isMapped ? resolve(dirname(file), entry.originalSource) : file
  const path = relative(TOP, source).replaceAll('\\', '/')
  return path.startsWith('..') || path.startsWith('node_modules')
    ? undefined
    : { name, path, line: isMapped ? entry.originalLine + 1 : line }
}

const RECORDER = ['tape.js', 'watch.js'].map((name) => new URL(name, import.meta.url).href)

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) {
    const path = `${file}.map`
    const payload = existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as ConstructorParameters<typeof SourceMap>[0])
      : undefined
    maps.set(file, payload && new SourceMap(payload))
  }
  return maps.get(file)
}
