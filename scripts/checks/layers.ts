/**
 * Imports go down only.
 *
 * ```text
 *   cli -> index -> cgi, http/server -> http/simple-handler -> http/base-handler
 *       -> http/chunked, message and others -> socketserver -> stdlib -> node:*
 * ```
 *
 * A file may import from its own layer and from those below. Files that import each other in a
 * circle are named, with the whole circle; `import type` does not count there, because nothing of
 * it is left when the program runs. The conformance suite and the documentation use the package
 * by its name, as any user would, and never its inside. And some files do without Node, so that
 * they can run elsewhere: no `node:` import, none of Node's globals.
 *
 * @module
 */

import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import ts from 'typescript'
import { placeOf, readSources, report } from './sources.ts'
import type { Source } from './sources.ts'

/** From the top down; the first pattern that fits a file is its layer. */
const LAYERS: readonly RegExp[] = [
  /^lib\/cli(?:-arguments|-colors)?\.ts$/,
  /^lib\/index\.ts$/,
  /^lib\/(?:cgi\/|http\/(?:server|https-server|threading-server)\.ts$)/,
  /^lib\/http\/simple-handler\.ts$/,
  /^lib\/http\/base-handler\.ts$/,
  /^lib\/http\/(?:chunked|chunked-reader|conditions|error-page|host|listing-page|message|methods|redirects|request-error|request-line|status)\.ts$/,
  /^lib\/socketserver\//,
  /^lib\/stdlib\//,
]

/** These import nothing of Node, and use none of its globals. */
const PURE =
  /^lib\/http\/(?:base-handler|error-page|host|message|methods|request-error|request-line|status)\.ts$/
const NODE_GLOBALS = new Set([
  'Buffer',
  'process',
  'global',
  'setImmediate',
  'require',
  '__dirname',
])

interface Import {
  readonly node: ts.Node
  readonly specifier: string
  /** The file, if the import is of a file of the project. */
  readonly path: string | undefined
  readonly typeOnly: boolean
}

const sources = readSources(['lib', 'conformance', 'docs/examples', 'scripts'])
const imports = new Map(sources.map((source) => [source.path, importsOf(source)]))
report('layers', [
  ...sources.flatMap(upwardImports),
  ...sources.flatMap(insideImports),
  ...sources.flatMap(impurities),
  ...cycles(),
])

function importsOf(source: Source): Import[] {
  const found: Import[] = []
  const visit = (node: ts.Node): void => {
    let specifier: ts.Node | undefined
    let typeOnly = false
    if (ts.isImportDeclaration(node)) {
      specifier = node.moduleSpecifier
      typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
    } else if (ts.isExportDeclaration(node)) {
      specifier = node.moduleSpecifier
      typeOnly = node.isTypeOnly
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      specifier = node.arguments[0]
    }
    if (specifier !== undefined && ts.isStringLiteral(specifier)) {
      const { text } = specifier
      const path = text.startsWith('.') ? posix.join(posix.dirname(source.path), text) : undefined
      found.push({ node, specifier: text, path, typeOnly })
    }
    ts.forEachChild(node, visit)
  }
  visit(source.tree)
  return found
}

function layerOf(path: string): number {
  return LAYERS.findIndex((layer) => layer.test(path))
}

function upwardImports(source: Source): string[] {
  if (!source.path.startsWith('lib/')) {
    return []
  }
  const layer = layerOf(source.path)
  if (layer === -1) {
    return [`${source.path}: this file belongs to no layer; say which in scripts/checks/layers.ts`]
  }
  return (imports.get(source.path) ?? [])
    .filter(({ path }) => path !== undefined && layerOf(path) < layer)
    .map(({ node, specifier }) => `${placeOf(source, node)}: imports upwards, "${specifier}"`)
}

function insideImports(source: Source): string[] {
  if (!/^(?:conformance|docs)\//.test(source.path)) {
    return []
  }
  return (imports.get(source.path) ?? [])
    .filter(({ path }) => path?.startsWith('lib/'))
    .map(({ node }) => `${placeOf(source, node)}: reaches inside lib/; import "basehttp"`)
}

function impurities(source: Source): string[] {
  if (!PURE.test(source.path)) {
    return []
  }
  const found = (imports.get(source.path) ?? [])
    .filter(({ specifier }) => isBuiltin(specifier))
    .map(({ node, specifier }) => `${placeOf(source, node)}: imports "${specifier}" of Node`)
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && NODE_GLOBALS.has(node.text) && !isMember(node)) {
      found.push(`${placeOf(source, node)}: uses Node's global "${node.text}"`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source.tree)
  return found
}

/** Whether a name is that of another object's member: `message.process`, not `globalThis.process`. */
function isMember(name: ts.Identifier): boolean {
  return (
    ts.isPropertyAccessExpression(name.parent) &&
    name.parent.name === name &&
    name.parent.expression.getText() !== 'globalThis'
  )
}

/** Every circle of imports, once each. */
function cycles(): string[] {
  const found = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start !== -1) {
      // The same circle is found from each of its files; begin with the first by name.
      const circle = trail.slice(start)
      const first = circle.indexOf([...circle].sort()[0] as string)
      const turned = [...circle.slice(first), ...circle.slice(0, first)]
      found.add(`circle: ${[...turned, turned[0]].join(' -> ')}`)
      return
    }
    for (const { path: next, typeOnly } of imports.get(path) ?? []) {
      if (next !== undefined && !typeOnly) {
        visit(next, [...trail, path])
      }
    }
  }
  for (const { path } of sources) {
    visit(path, [])
  }
  return [...found]
}
