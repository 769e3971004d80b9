/**
 * Where everything is declared that the source pages link to, by names that survive edits:
 * `BaseHTTPRequestHandler.sendError`.
 *
 * @module
 */

import ts from 'typescript'

/** A declaration at the top of a file, or of a member of one. */
export interface Place {
  /** The `id` on the page of its file. */
  readonly anchor: string
  readonly file: ts.SourceFile
  /** Its line, counted from 0: that of the name. */
  readonly line: number
}

/** The declarations of some files, and what a name means where it is used. */
export class Places {
  readonly checker: ts.TypeChecker
  readonly #byNode = new Map<ts.Node, Place>()
  readonly #byFile = new Map<ts.SourceFile, Map<string, Place>>()

  constructor(checker: ts.TypeChecker, files: readonly ts.SourceFile[]) {
    this.checker = checker
    for (const file of files) {
      const places = new Map<string, Place>()
      this.#byFile.set(file, places)
      for (const { node, ...place } of declarationsOf(file)) {
        // The second of two declarations, a setter or an overload, is found under the first.
        const first = places.get(place.anchor) ?? place
        places.set(place.anchor, first)
        this.#byNode.set(node, first)
      }
    }
  }

  /** The declarations of a file, by their lines. */
  of(file: ts.SourceFile): Place[] {
    return [...(this.#byFile.get(file)?.values() ?? [])]
  }

  /** The place of an anchor in a file. */
  at(file: ts.SourceFile, anchor: string): Place | undefined {
    return this.#byFile.get(file)?.get(anchor)
  }

  /** Where that is declared which an identifier names; undefined for what is local, or not ours. */
  ofIdentifier(node: ts.Node): Place | undefined {
    return this.#ofSymbol(this.checker.getSymbolAtLocation(node))
  }

  /**
   * What a `{@link}` in a comment means: a member of the class around it, a name of its file, or one
   * that only one file has.
   */
  ofName(name: string, node: ts.Node): Place | undefined {
    const [first = '', ...rest] = name.split(/[.#]/)
    for (let symbol of this.#candidates(first, node)) {
      for (const word of rest) {
        const member = this.#member(symbol, word)
        if (member === undefined) {
          break
        }
        symbol = member
      }
      const place = this.#ofSymbol(symbol)
      if (
        place !== undefined &&
        (rest.length === 0 || place.anchor.endsWith(`.${rest.at(-1) ?? ''}`))
      ) {
        return place
      }
    }
    return undefined
  }

  *#candidates(name: string, node: ts.Node): Generator<ts.Symbol> {
    for (let around = node; !ts.isSourceFile(around); around = around.parent) {
      if (ts.isClassLike(around) || ts.isInterfaceDeclaration(around)) {
        const symbol = around.name && this.checker.getSymbolAtLocation(around.name)
        const member = symbol && this.#member(symbol, name)
        if (member !== undefined) {
          yield member
        }
      }
    }
    const files = [node.getSourceFile(), ...this.#byFile.keys()]
    for (const file of files) {
      for (const statement of file.statements) {
        for (const declared of namesOf(statement)) {
          const symbol = this.checker.getSymbolAtLocation(declared)
          if (symbol !== undefined && declared.text === name) {
            yield symbol
          }
        }
      }
    }
  }

  #member(symbol: ts.Symbol, name: string): ts.Symbol | undefined {
    const real = this.#resolve(symbol)
    const type = this.checker.getDeclaredTypeOfSymbol(real)
    return (
      this.checker.getPropertyOfType(type, name) ??
      real.members?.get(ts.escapeLeadingUnderscores(name)) ??
      real.exports?.get(ts.escapeLeadingUnderscores(name))
    )
  }

  #resolve(symbol: ts.Symbol): ts.Symbol {
    return (symbol.flags & ts.SymbolFlags.Alias) === 0
      ? symbol
      : this.checker.getAliasedSymbol(symbol)
  }

  #ofSymbol(symbol: ts.Symbol | undefined): Place | undefined {
    const declarations = (symbol && this.#resolve(symbol).declarations) ?? []
    return declarations.map((node) => this.#byNode.get(node)).find((place) => place !== undefined)
  }
}

/** All declarations at the top of a file, and of their members, from top to bottom. */
export function declarationsOf(file: ts.SourceFile): (Place & { node: ts.Node })[] {
  const enter = (node: ts.Node, prefix: string): (Place & { node: ts.Node })[] =>
    [...namesOf(node)].flatMap((name) => {
      const anchor = prefix + name.text
      const line = file.getLineAndCharacterOfPosition(name.getStart(file)).line
      const members =
        ts.isClassLike(node) || ts.isInterfaceDeclaration(node) ? [...node.members] : []
      return [
        { anchor, file, line, node: name.parent },
        ...members.flatMap((member) => enter(member, `${anchor}.`)),
      ]
    })
  return file.statements.flatMap((statement) => enter(statement, ''))
}

type Name = ts.Identifier | ts.PrivateIdentifier | ts.StringLiteral

/** What a statement or a member declares, or a statement imports. */
function* namesOf(node: ts.Node): Generator<Name> {
  if (ts.isVariableStatement(node)) {
    for (const { name } of node.declarationList.declarations) {
      if (ts.isIdentifier(name)) {
        yield name
      }
    }
  } else if (
    ts.isFunctionDeclaration(node) ||
    ts.isClassElement(node) ||
    ts.isTypeElement(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node)
  ) {
    const { name } = node
    if (
      name &&
      (ts.isIdentifier(name) || ts.isPrivateIdentifier(name) || ts.isStringLiteral(name))
    ) {
      yield name
    }
  }
}
