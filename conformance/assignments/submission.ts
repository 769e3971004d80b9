/**
 * What somebody has handed in: a file of TypeScript or JavaScript, checked, and compiled to what every
 * Node runs alike.
 *
 * ```text
 *   08-range.ts  --->  faults: line and column, TypeScript's own words
 *                      a folder of JavaScript, with source maps that name the author's lines
 * ```
 *
 * A fault in the types costs no points by itself: what the code does is judged. A fault in the grammar
 * does, because there is nothing to run. What the file is called decides nothing.
 *
 * @module
 */

import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** A place where the compiler finds fault. */
export interface Fault {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly code: string
  readonly message: string
}

/** What compiling came to. */
export interface Compiled {
  readonly faults: readonly Fault[]
  /** The JavaScript of the file; undefined if its grammar is broken, or it cannot be read. */
  readonly main: string | undefined
}

/** The folder of the library, as it is installed or cloned. */
const LIBRARY = dirname(fileURLToPath(import.meta.resolve('basehttp')))

/** How many faults are reported of a file: the rest mostly follows from the first. */
const MOST_FAULTS = 20

/** As strict as the library itself; what a student leaves unused is his business. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  rewriteRelativeImportExtensions: true,
  isolatedModules: true,
  allowJs: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [
    join(dirname(createRequire(import.meta.url).resolve('@types/node/package.json')), '..'),
  ],
  paths: { basehttp: [join(LIBRARY, 'index.d.ts')] },
  inlineSourceMap: true,
  inlineSources: true,
  newLine: ts.NewLineKind.LineFeed,
}

/** What has been read of the library, of Node's types and of the language: the same for everybody. */
const shared = new Map<string, ts.SourceFile>()

/**
 * Check and compile a submission.
 *
 * @param file - what was handed in
 * @param folder - where the JavaScript goes
 * @param called - what it is called in what is said about it
 */
export function compile(file: string, folder: string, called = file): Compiled {
  const path = resolve(file)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    const message = existsSync(path) ? 'this is not a file' : 'there is no such file'
    return { faults: [{ file: called, line: 1, column: 1, code: '', message }], main: undefined }
  }
  const top = dirname(path)
  // TypeScript goes by names; a file with any other is read as TypeScript.
  const known = /\.[mc]?[jt]sx?$/.test(path) && !/\.d\.[mc]?ts$/.test(path)
  const name = known ? path : `${path}.ts`
  const usual = ts.createCompilerHost(OPTIONS)
  const real = (asked: string) => (resolve(asked) === name ? path : asked)
  const written: string[] = []
  const host: ts.CompilerHost = {
    ...usual,
    fileExists: (asked) => usual.fileExists(real(asked)),
    readFile: (asked) => usual.readFile(real(asked)),
    getSourceFile(asked, how) {
      const known = shared.get(asked)
      if (known !== undefined) {
        return known
      }
      const text = usual.readFile(real(asked))
      const read = text === undefined ? undefined : ts.createSourceFile(asked, text, how)
      if (read?.isDeclarationFile === true) {
        shared.set(asked, read)
      }
      return read
    },
    writeFile(to, text) {
      mkdirSync(dirname(to), { recursive: true })
      writeFileSync(to, text)
      written.push(to)
    },
  }
  const options = { ...OPTIONS, rootDir: top, outDir: folder, sourceRoot: top }
  const program = ts.createProgram([name], options, host)
  const grammar = program.getSyntacticDiagnostics()
  const types =
    grammar.length > 0
      ? []
      : [...program.getOptionsDiagnostics(), ...program.getSemanticDiagnostics()]
  const faults = [...grammar, ...types].map((one) => faultOf(one, called, top, name))
  if (grammar.length > 0) {
    return { faults: faults.slice(0, MOST_FAULTS), main: undefined }
  }
  program.emit()
  const main = join(folder, basename(name).replace(/\.([mc]?)[jt]sx?$/, '.$1js'))
  return {
    faults: faults.slice(0, MOST_FAULTS),
    main: written.find((one) => resolve(one) === main),
  }
}

function faultOf(one: ts.Diagnostic, file: string, top: string, main: string): Fault {
  const message = ts.flattenDiagnosticMessageText(one.messageText, '; ').replace(/; +/g, '; ')
  const code = `TS${String(one.code)}`
  if (one.file === undefined) {
    return { file, line: 1, column: 1, code, message }
  }
  const { line, character } = one.file.getLineAndCharacterOfPosition(one.start ?? 0)
  const where =
    resolve(one.file.fileName) === resolve(main) ? file : relative(top, one.file.fileName)
  return { file: where, line: line + 1, column: character + 1, code, message }
}
