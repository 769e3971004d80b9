/**
 * The page of a source file: prose on the left, the code that it is about on the right.
 *
 * ```text
 *   the head, at full width
 *   the imports, folded
 *   a banner                      is a heading
 *   a comment         |  code     as far as the next comment, or the next declaration without one
 * ```
 *
 * Every line of the file has its place, `#L519`, and every declaration a name that survives edits,
 * `#BaseHTTPRequestHandler.sendError`.
 *
 * @module
 */

import ts from 'typescript'
import { linesOf } from './code.ts'
import type { Links } from './code.ts'
import type { Comment } from './comments.ts'
import { escapeHtml } from './html.ts'
import type { Place, Places } from './symbols.ts'

/** A file that has a page. */
export interface SourceFile {
  /** From the top of the repository: `lib/http/message.ts`. */
  readonly path: string
  readonly tree: ts.SourceFile
  readonly comments: readonly Comment[]
}

/** What a page needs to know of the rest of the site. */
export interface Surroundings extends Links {
  readonly places: Places
  /** The HTML of a comment's Markdown, in which all links are resolved. */
  prose(markdown: string): string
  /** Where a `{@link}` leads, or undefined if nowhere. */
  link(name: string, node: ts.Node): string | undefined
  /** What to do with a `{@link}` that leads nowhere. */
  broken(name: string, line: number): void
  /** The address of a name of Python's. */
  python(name: string): string
  /**
   * What stands below a paragraph: what holds its lines in place.
   *
   * @param first - counted from 0, as `next`, which is the line after the last
   * @param anchors - what they declare
   */
  proof(first: number, next: number, anchors: readonly string[]): string
}

/** A comment and the code that it is about: lines from `first` up to `next`. */
interface Row {
  readonly comment: Comment | undefined
  readonly first: number
  next: number
}

/** A heading of a page, for its outline. */
export interface Heading {
  readonly id: string
  readonly text: string
}

/** Make the page of a file. */
export function sourcePage(
  source: SourceFile,
  around: Surroundings,
): { html: string; headings: Heading[] } {
  const { tree, comments } = source
  const code = linesOf(tree, comments, around.places, around)
  const declared = new Map<number, Place[]>()
  for (const place of around.places.of(tree)) {
    declared.set(place.line, [...(declared.get(place.line) ?? []), place])
  }
  const texts = tree.text.split('\n')
  if (texts.at(-1) === '') {
    texts.pop()
  }
  const headings: Heading[] = []
  const folded = importsOf(tree)
  let html = ''
  for (const row of rowsOf(source, texts.length)) {
    html += writeRow(row)
  }
  return { html, headings }

  function writeRow({ comment, first, next }: Row): string {
    const marks = comment === undefined ? '' : anchors(comment.first, comment.last + 1)
    // Empty lines between two rows are there, but take no room.
    let end = next
    while (end > first && texts[end - 1]?.trim() === '') {
      end--
    }
    let start = first
    while (start < end && texts[start]?.trim() === '') {
      start++
    }
    const rest = anchors(first, start) + anchors(end, next)
    // A link to what a comment declares shows the comment, too.
    const titled = comment?.kind === 'doc' ? declared.get(start)?.[0] : undefined
    const id = titled === undefined ? '' : ` id="${escapeHtml(titled.anchor)}"`
    const lines = Array.from({ length: end - start }, (_, index) =>
      writeLine(start + index, titled),
    ).join('')
    const pre = lines === '' ? '' : `<pre class=c>${lines}</pre>`
    if (comment?.kind === 'banner') {
      const id = comment.text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
      headings.push({ id, text: comment.text })
      const heading = `<h2 id="${id}">${marks}${rest}${escapeHtml(comment.text)}</h2>`
      return heading + (pre === '' ? '' : `<div class=r><div class=p></div>${pre}</div>`)
    }
    const prose = comment === undefined ? '' : writeComment(comment, source, around)
    if (comment?.kind === 'head') {
      return `<div class=head>${marks}${prose}</div>${rest}${pre}`
    }
    if (comment === undefined && folded?.first === start) {
      const count = folded.count === 1 ? '1 import' : `${String(folded.count)} imports`
      return `<details class=imports><summary>${count}</summary>${pre}</details>${rest}`
    }
    const anchorsHere = Array.from({ length: end - start }, (_, index) => start + index)
      .flatMap((line) => declared.get(line) ?? [])
      .map(({ anchor }) => anchor)
    const proof = around.proof(start, end, anchorsHere)
    return `<div class=r${id}><div class=p>${marks}${prose}${rest}${proof}</div>${pre}</div>`
  }

  function writeLine(line: number, titled: Place | undefined): string {
    const number = String(line + 1)
    const places = declared.get(line) ?? []
    const names = places.map((place) => {
      const { anchor } = place
      const name = escapeHtml(anchor)
      const id = place === titled ? '' : ` id="${name}"`
      return `<a class=y${id} href="#${encodeURIComponent(anchor)}" title="A link to ${name} that survives edits">¶</a>`
    })
    // What is too long for its room goes on below, further to the right than it begins.
    const text = texts[line] ?? ''
    const indent = text.length > 40 ? /^ */.exec(text)?.[0].length : 0
    const style = indent ? ` style=--i:${String(indent)}` : ''
    return `<span class=l${style}><a id=L${number} href=#L${number}>${number}</a>${names.join('')}${code[line] ?? ''}\n</span>`
  }
}

/** Places for lines that are not shown as code. */
function anchors(first: number, next: number): string {
  let html = ''
  for (let line = first; line < next; line++) {
    html += `<i id=L${String(line + 1)}></i>`
  }
  return html
}

/**
 * Cut a file into rows: at each comment, and at each declaration without one, or the prose before it
 * would seem to speak of it.
 */
function rowsOf({ tree, comments }: SourceFile, length: number): Row[] {
  const shown = comments.filter(({ kind }) => kind !== 'aside')
  const cuts = new Map<number, Comment | undefined>([[0, undefined]])
  const inComment = new Set<number>()
  for (const comment of shown) {
    cuts.set(comment.first, comment)
    for (let line = comment.first; line <= comment.last; line++) {
      inComment.add(line)
    }
  }
  for (const line of declarationsAfterGaps(tree)) {
    if (!inComment.has(line - 1) && !cuts.has(line)) {
      cuts.set(line, undefined)
    }
  }
  const rows: Row[] = []
  for (const [line, comment] of [...cuts].sort(([one], [other]) => one - other)) {
    const before = rows.at(-1)
    if (before !== undefined) {
      before.next = line
    }
    rows.push({ comment, first: comment === undefined ? line : comment.last + 1, next: length })
  }
  return rows.filter(({ comment, first, next }) => comment !== undefined || next > first)
}

/** The lines of declarations that an empty line separates from what is before. */
function declarationsAfterGaps(tree: ts.SourceFile): number[] {
  const lines: number[] = []
  const imports = importsOf(tree)
  const visit = (node: ts.Node): void => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line
    const gap = /\n[ \t]*\n[ \t]*$/.test(tree.text.slice(0, node.getStart(tree)))
    const isImport = ts.isImportDeclaration(node)
    if (isImport ? line === imports?.first : gap) {
      lines.push(line)
    }
    if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
      node.members.forEach(visit)
    }
  }
  tree.statements.forEach(visit)
  return lines
}

/** The line of the first import, and how many there are. */
function importsOf(tree: ts.SourceFile): { first: number; count: number } | undefined {
  const imports = tree.statements.filter((statement) => ts.isImportDeclaration(statement))
  const [start] = imports
  return (
    start && {
      first: tree.getLineAndCharacterOfPosition(start.getStart(tree)).line,
      count: imports.length,
    }
  )
}

const LINK = /\{@link(?:code|plain)?\s+([^\s|}]+)(?:\s*\|\s*|\s+)?([^}]*)\}/g
const LONE_LESS = /^```[^]*?^```$|(`+)(?!`)[^]*?[^`]\1(?!`)|</gm
const TAG_LINE = /^(?=@[a-z]+\b)/im

/** The tags of a doc comment, as the page calls them. */
const TAGS: Readonly<Record<string, string>> = {
  added: 'Not in Python.',
  returns: 'Returns',
  see: 'See',
  throws: 'Throws',
}

function writeComment(comment: Comment, source: SourceFile, around: Surroundings): string {
  const node = nodeAfter(source.tree, comment.end)
  const links = comment.text.replace(LINK, (_, name: string, label: string) => {
    const href = around.link(name, node)
    if (href === undefined) {
      around.broken(name, comment.first + 1)
    }
    return `[${label.trim() || name}](${href ?? ''})`
  })
  const text = links.replace(LONE_LESS, (found) => (found === '<' ? '&lt;' : found))
  const [description = '', ...tags] = text.startsWith('@')
    ? ['', ...text.split(TAG_LINE)]
    : text.split(TAG_LINE)
  const list = tags.map((tag) => around.prose(writeTag(tag.trim(), around)))
  return around.prose(description) + (list.join('') && `<div class=tags>${list.join('')}</div>`)
}

function writeTag(tag: string, around: Surroundings): string {
  const [, name = '', text = ''] = /^@(\w+)\s*([^]*)$/.exec(tag) ?? []
  switch (name) {
    case 'module':
    case 'internal':
      return text
    case 'param':
    case 'typeParam': {
      const [, parameter = '', about = ''] = /^(\S+)\s*(?:-\s*)?([^]*)$/.exec(text) ?? []
      return `\`${parameter}\`: ${about}`
    }
    case 'python': {
      const [, target = '', rest = ''] = /^(\S+)([^]*)$/.exec(text) ?? []
      return `Python: [\`${target}\`](${around.python(target)})${rest}`
    }
    default:
      return `**${TAGS[name] ?? name}** ${text}`
  }
}

/** What a comment stands before: its names are the first that a link in it may mean. */
function nodeAfter(tree: ts.SourceFile, position: number): ts.Node {
  let found: ts.Node = tree
  const visit = (node: ts.Node): void => {
    if (node.getFullStart() <= position && position <= node.end) {
      found = node
      ts.forEachChild(node, visit)
    }
  }
  ts.forEachChild(tree, visit)
  return found
}
