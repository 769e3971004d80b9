/**
 * What the checks of this folder share: the source files, parsed.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** The top of the repository; the checks run compiled, in `dist/scripts`. */
export const TOP = join(import.meta.dirname, '..', '..', '..')

/** A TypeScript file of the project. */
export interface Source {
  /** From the top, with forward slashes: `lib/http/message.ts`. */
  readonly path: string
  readonly tree: ts.SourceFile
}

/** All TypeScript files below some folders, tests left out unless asked for. */
export function readSources(folders: readonly string[], { tests = false } = {}): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts') && (tests || !isTest(path)))
      .sort()
      .map((path) => {
        const text = readFileSync(join(TOP, path), 'utf8')
        return { path, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) }
      }),
  )
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('lib/testing/')
}

/** The place of a node, as editors understand it: `lib/index.ts:12`. */
export function placeOf(source: Source, node: ts.Node): string {
  const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree))
  return `${source.path}:${String(line + 1)}`
}

/** Print what a check found, and end the process with 1 if that is anything. */
export function report(check: string, findings: readonly string[]): void {
  for (const finding of findings) {
    console.error(finding)
  }
  console.log(`${check}: ${findings.length === 0 ? 'ok' : `${String(findings.length)} found`}`)
  process.exitCode = findings.length === 0 ? 0 : 1
}
