/**
 * The comments of a file, found by its syntax tree, since a template may hold what only looks like one.
 *
 * ```text
 *   head       at the top, `@module`: what the file is about
 *   doc        `/**` before what is declared
 *   paragraph  `//` above a block
 *   banner     `// -- Name ----`, between the sections of a file
 *   aside      at the end of a line of code, and what is meant for tools: both stay in the code
 * ```
 *
 * @module
 */

import ts from 'typescript'

/** What a comment is for, which says where it stands on the page. */
export type Kind = 'head' | 'doc' | 'paragraph' | 'banner' | 'aside'

/** A comment: several lines of `//` below each other are one. */
export interface Comment {
  readonly kind: Kind
  readonly pos: number
  readonly end: number
  /** Its lines, counted from 0; `last` is the last of them. */
  readonly first: number
  readonly last: number
  /** What it says, without its marks; the name only, if it is a banner. */
  readonly text: string
}

const BANNER = /^\/\/ -- (.*?) -+$/
const FOR_TOOLS = /^(?:\/\/\/|(?:\/\/|\/\*) *(?:@ts-|eslint|prettier|c8 |v8 |#(?:end)?region\b))/

/** All comments of a file, from top to bottom. */
export function commentsOf(file: ts.SourceFile): Comment[] {
  const comments: Comment[] = []
  for (const range of rangesOf(file)) {
    const one = read(file, range)
    const before = comments.at(-1)
    if (before?.kind === 'paragraph' && one.kind === 'paragraph' && adjoin(file, before, one)) {
      const text = `${before.text}\n${one.text}`
      comments[comments.length - 1] = { ...before, end: one.end, last: one.last, text }
    } else {
      comments.push(one)
    }
  }
  return comments
}

/** Where comments are. Every token is asked, those between two nodes included. */
function rangesOf(file: ts.SourceFile): ts.CommentRange[] {
  const found = new Map<number, ts.CommentRange>()
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) {
      return
    }
    const ranges = [
      ...(ts.getLeadingCommentRanges(file.text, node.getFullStart()) ?? []),
      ...(isToken(node) ? (ts.getTrailingCommentRanges(file.text, node.end) ?? []) : []),
    ]
    for (const range of ranges) {
      found.set(range.pos, range)
    }
    node.getChildren(file).forEach(visit)
  }
  visit(file)
  return [...found.values()].sort((one, other) => one.pos - other.pos)
}

/** Whether a node is one word of the text. After the end of a template's part comes more template. */
function isToken(node: ts.Node): boolean {
  return (
    node.kind <= ts.SyntaxKind.LastToken &&
    node.kind !== ts.SyntaxKind.TemplateHead &&
    node.kind !== ts.SyntaxKind.TemplateMiddle
  )
}

function read(file: ts.SourceFile, { pos, end, kind }: ts.CommentRange): Comment {
  const raw = file.text.slice(pos, end)
  const first = file.getLineAndCharacterOfPosition(pos).line
  const last = file.getLineAndCharacterOfPosition(end).line
  const place = { pos, end, first, last }
  const banner = BANNER.exec(raw)?.[1]
  if (FOR_TOOLS.test(raw) || !isAlone(file, pos, end)) {
    return { ...place, kind: 'aside', text: raw }
  }
  if (banner !== undefined) {
    return { ...place, kind: 'banner', text: banner }
  }
  if (kind === ts.SyntaxKind.SingleLineCommentTrivia) {
    return { ...place, kind: 'paragraph', text: raw.replace(/^\/\/ ?/, '') }
  }
  const text = raw
    .replace(/^\/\*\*?[ \t]?/, '')
    .replace(/\s*\*\/$/, '')
    .replace(/\n[ \t]*\*[ \t]?/g, '\n')
    .trim()
  const isHead = file.text.slice(0, pos).trim() === '' && /^@module\b/m.test(text)
  return { ...place, kind: isHead ? 'head' : raw.startsWith('/**') ? 'doc' : 'paragraph', text }
}

/** Whether nothing else is on the lines of a comment. */
function isAlone(file: ts.SourceFile, pos: number, end: number): boolean {
  const before = file.text.slice(file.text.lastIndexOf('\n', pos - 1) + 1, pos)
  const after = /[^\n]*/.exec(file.text.slice(end))?.[0] ?? ''
  return before.trim() === '' && after.trim() === ''
}

function adjoin(file: ts.SourceFile, before: Comment, after: Comment): boolean {
  return (
    after.first === before.last + 1 &&
    file.getLineAndCharacterOfPosition(before.pos).character ===
      file.getLineAndCharacterOfPosition(after.pos).character
  )
}
