/**
 * The code of a page: coloured by the syntax tree, each name a link to where it is declared.
 *
 * @module
 */

import ts from 'typescript'
import type { Comment } from './comments.ts'
import type { Place, Places } from './symbols.ts'
import { escapeHtml } from './html.ts'

/** What is to be done with a stretch of the text. */
interface Span {
  readonly pos: number
  readonly end: number
  /** How it looks: keyword, string or number, name of a declaration, comment. */
  readonly look?: 'k' | 's' | 'd' | 'c'
  /** Where it leads. */
  readonly href?: string | undefined
  /** Made already, if it is more than text. */
  readonly html?: string
}

/** How a page writes the address of a place, and the text of a comment beside code. */
export interface Links {
  to(place: Place): string
  inComment(text: string): string
}

/** The lines of a file as HTML. */
export function linesOf(
  file: ts.SourceFile,
  comments: readonly Comment[],
  places: Places,
  links: Links,
): string[] {
  const spans = [
    ...tokens(file).map((token) => spanOf(token, file, places, links)),
    ...comments
      .filter(({ kind }) => kind === 'aside')
      .map(({ pos, end, text }): Span => ({ pos, end, look: 'c', html: links.inComment(text) })),
  ].sort((one, other) => one.pos - other.pos)
  let html = ''
  let position = 0
  for (const span of spans) {
    const { pos, end } = span
    html += escapeHtml(file.text.slice(position, pos)) + write(span, file.text.slice(pos, end))
    position = end
  }
  return (html + escapeHtml(file.text.slice(position))).split('\n')
}

/** The words of the text, one by one. */
function tokens(file: ts.SourceFile): ts.Node[] {
  const found: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    const children = ts.isJSDoc(node) ? undefined : node.getChildren(file)
    if (children?.length === 0) {
      found.push(node)
    }
    children?.forEach(visit)
  }
  visit(file)
  return found
}

function spanOf(node: ts.Node, file: ts.SourceFile, places: Places, links: Links): Span {
  const span = { pos: node.getStart(file), end: node.end }
  const { kind } = node
  if (kind >= ts.SyntaxKind.FirstKeyword && kind <= ts.SyntaxKind.LastKeyword) {
    return { ...span, look: 'k' }
  }
  const isWord = kind >= ts.SyntaxKind.FirstLiteralToken && kind <= ts.SyntaxKind.LastTemplateToken
  if (isWord && node.parent.kind !== ts.SyntaxKind.ImportDeclaration) {
    return { ...span, look: 's' }
  }
  if (isWord) {
    const module = places.checker.getSymbolAtLocation(node)?.valueDeclaration
    const there = module && ts.isSourceFile(module) ? places.of(module)[0] : undefined
    return { ...span, look: 's', href: there && links.to(there).replace(/#.*/, '') }
  }
  if (!ts.isIdentifier(node) && !ts.isPrivateIdentifier(node)) {
    return span
  }
  const place = places.ofIdentifier(node)
  const isName = (node.parent as ts.NamedDeclaration).name === node
  if (isName && place?.file === file && place.line === lineOf(file, node)) {
    return { ...span, look: 'd' }
  }
  return { ...span, href: place && links.to(place) }
}

function lineOf(file: ts.SourceFile, node: ts.Node): number {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line
}

/** Write a span; what goes over several lines, a template, is closed and opened again at each end. */
function write({ look, href, html }: Span, text: string): string {
  const [open, close] =
    href !== undefined
      ? [`<a ${look === undefined ? '' : `class=${look} `}href="${escapeHtml(href)}">`, '</a>']
      : look !== undefined
        ? [`<span class=${look}>`, '</span>']
        : ['', '']
  const lines = (html ?? escapeHtml(text)).split('\n')
  return lines.map((line) => (line === '' ? '' : open + line + close)).join('\n')
}
