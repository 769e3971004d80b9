/**
 * Every public name says what it is in Python.
 *
 * Each export of the package, and each public member of its classes, carries in its doc comment
 * either `@python dotted.name` or `@added`, with what Python does instead. Overriding members
 * inherit the word of what they override; types have no counterpart in Python, and need none.
 *
 * @module
 */

import { join } from 'node:path'
import ts from 'typescript'
import { report, TOP } from './sources.ts'

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
  check(symbol, exported.name)
  for (const declaration of symbol.declarations ?? []) {
    if (ts.isClassDeclaration(declaration)) {
      for (const member of declaration.members) {
        checkMember(member, exported.name)
      }
    }
  }
}
report('python-names', findings)

function checkMember(member: ts.ClassElement, className: string): void {
  const modifiers = ts.getCombinedModifierFlags(member)
  const hidden =
    member.name === undefined ||
    ts.isPrivateIdentifier(member.name) ||
    (modifiers & (ts.ModifierFlags.Private | ts.ModifierFlags.Override)) !== 0
  if (hidden || ts.isConstructorDeclaration(member)) {
    return
  }
  const symbol = checker.getSymbolAtLocation(member.name)
  if (symbol !== undefined) {
    check(symbol, `${className}.${member.name.getText()}`)
  }
}

function check(symbol: ts.Symbol, name: string): void {
  const tags = symbol.getJsDocTags(checker).map((tag) => tag.name)
  if (!tags.includes('python') && !tags.includes('added')) {
    const declaration = symbol.declarations?.[0]
    const file = declaration?.getSourceFile()
    const line = file?.getLineAndCharacterOfPosition(declaration?.getStart() ?? 0).line ?? 0
    const path = file?.fileName.slice(TOP.length + 1) ?? '?'
    findings.push(`${path}:${String(line + 1)}: ${name} has neither @python nor @added`)
  }
}
