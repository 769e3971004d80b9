/**
 * Every public name says what it is in Python.
 *
 * Each export of the package carries in its doc comment either `@python dotted.name` or `@added`, with
 * what Python does instead. A public member of a class may leave that out if it is what its name says:
 * `sendError` in a class tagged `@python http.server.BaseHTTPRequestHandler` is that class's
 * `send_error`. `python-names.json` lists what CPython 3.13 has, `python-names-cgi.json` what 3.12 had;
 * `scripts/make-python-names.py` made them.
 * Overriding members inherit the tag of what they override; types have no counterpart in Python, and
 * need none.
 *
 * And every public name of Python has its row in `docs/python-names.md`, with what it is here, or why there
 * is nothing. With `--write`, the page is made again.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { ABSENT } from './python-absent.ts'
import { pythonPage, snakeCase } from './python-table.ts'
import { readSources, report, TOP } from './sources.ts'

const PAGE = 'docs/python-names.md'

/** Whose members need no tag if their names say it. */
const ATTRIBUTES = readNames('python-names.json')

const index = join(TOP, 'lib/index.ts')
const program = ts.createProgram([index], {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
  types: ['node'],
})
const checker = program.getTypeChecker()
const moduleSymbol = checker.getSymbolAtLocation(program.getSourceFile(index) as ts.SourceFile)

const findings: string[] = []
for (const exported of checker.getExportsOfModule(moduleSymbol as ts.Symbol)) {
  const symbol =
    (exported.flags & ts.SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported)
  if ((symbol.flags & ts.SymbolFlags.Value) === 0) {
    continue
  }
  const { added, python } = tagsOf(symbol)
  if (!added && python === undefined) {
    find(symbol, `${exported.name} has neither @python nor @added`)
  }
  for (const declaration of symbol.declarations ?? []) {
    if (ts.isClassDeclaration(declaration)) {
      for (const member of declaration.members) {
        checkMember(member, exported.name, python)
      }
    }
  }
}
findings.push(...checkPage())
report('python-names', findings)

function readNames(name: string): Map<string, string[]> {
  const text = readFileSync(join(TOP, 'scripts/checks', name), 'utf8')
  return new Map(Object.entries(JSON.parse(text) as Record<string, string[]>))
}

/** The table of all names. */
function checkPage(): string[] {
  const names = new Map([...ATTRIBUTES, ...readNames('python-names-cgi.json')])
  const { page, findings } = pythonPage(readSources(['lib']), names, ABSENT)
  const path = join(TOP, PAGE)
  if (process.argv.includes('--write')) {
    writeFileSync(path, page)
  }
  const isRight = existsSync(path) && readFileSync(path, 'utf8') === page
  return isRight
    ? findings
    : [...findings, `${PAGE} is out of date: node dist/scripts/checks/python-names.js --write`]
}

function checkMember(member: ts.ClassElement, className: string, pythonClass?: string): void {
  const modifiers = ts.getCombinedModifierFlags(member)
  const hidden =
    member.name === undefined ||
    ts.isPrivateIdentifier(member.name) ||
    (modifiers & (ts.ModifierFlags.Private | ts.ModifierFlags.Override)) !== 0
  if (hidden || ts.isConstructorDeclaration(member)) {
    return
  }
  const symbol = checker.getSymbolAtLocation(member.name)
  if (symbol === undefined) {
    return
  }
  const name = member.name.getText()
  const { added, python } = tagsOf(symbol)
  const attributes = ATTRIBUTES.get(pythonClass ?? '') ?? []
  const derived = attributes.find((attribute) => [name, snakeCase(name)].includes(attribute))
  if (python === undefined && !added && derived === undefined) {
    find(
      symbol,
      `${className}.${name} has neither @python nor @added, and ` +
        `${pythonClass ?? 'Python'} has no ${snakeCase(name)}`,
    )
  } else if (derived !== undefined && python === `${pythonClass ?? ''}.${derived}`) {
    find(symbol, `${className}.${name}: the tag @python goes without saying`)
  }
}

function tagsOf(symbol: ts.Symbol): { added: boolean; python: string | undefined } {
  const tags = symbol.getJsDocTags(checker)
  const python = tags.find((tag) => tag.name === 'python')
  return {
    added: tags.some((tag) => tag.name === 'added'),
    python: python && ts.displayPartsToString(python.text),
  }
}

function find(symbol: ts.Symbol, finding: string): void {
  const declaration = symbol.declarations?.[0]
  const file = declaration?.getSourceFile()
  const line = file?.getLineAndCharacterOfPosition(declaration?.getStart() ?? 0).line ?? 0
  const path = file?.fileName.slice(TOP.length + 1) ?? '?'
  findings.push(`${path}:${String(line + 1)}: ${finding}`)
}
