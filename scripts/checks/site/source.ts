/**
 * The annotated source is the source: its lines are those of the files, byte for byte, and its prose is
 * what their comments say.
 *
 * @module
 */

import { gzipSync } from 'node:zlib'
import ts from 'typescript'
import type { Source } from '../sources.ts'
import { textOf } from './pages.ts'
import type { Page } from './pages.ts'

/** The most that the page of a file may weigh, in bytes, as it is and compressed. */
const WEIGHT = { plain: 160_000, compressed: 30_000 }

/** How much of the comments must be found, by kind. */
const SHARE = 0.99

const LINE =
  /<span class=l(?: style=--i:\d+)?><a id=L(\d+) href=#L\1>\1<\/a>(?:<a class=y [^>]*>¶<\/a>)*([^\n]*)\n<\/span>/g

/** How many words of a kind of comment there are, and how many the pages have. */
export type Tally = Record<string, { words: number; found: number }>

/** Compare the pages of files with the files. */
export function checkSources(
  sources: readonly Source[],
  pages: readonly Page[],
): { findings: string[]; tally: Tally; heaviest: number } {
  const findings: string[] = []
  const tally: Tally = {}
  let heaviest = 0
  for (const { path, tree } of sources) {
    const page = pages.find((one) => one.path === `source/${path}.html`)
    if (page === undefined) {
      findings.push(`${path}: has no page`)
      continue
    }
    const comments = commentLines(tree)
    findings.push(...checkLines(path, tree.text, comments, page))
    const plain = Buffer.byteLength(page.html)
    heaviest = Math.max(heaviest, plain)
    if (plain > WEIGHT.plain || gzipSync(page.html).length > WEIGHT.compressed) {
      findings.push(`${path}: its page is too heavy: ${String(plain)} bytes`)
    }
    if (path.startsWith('lib/')) {
      checkWords(path, comments, page)
    }
  }
  for (const [kind, { words, found }] of Object.entries(tally)) {
    if (found < words * SHARE) {
      findings.push(
        `of the words of ${kind} comments, ${String(found)} of ${String(words)} are there`,
      )
    }
  }
  return { findings, tally, heaviest }

  function checkWords(path: string, comments: Map<number, CommentLine>, page: Page): void {
    const text = wordsOf(textOf(page.html))
    const there = ` ${text.join(' ')} `
    for (const [line, { kind, text }] of comments) {
      const words = wordsOf(withoutMarkup(text))
      const one = (tally[kind] ??= { words: 0, found: 0 })
      one.words += words.length
      if (there.includes(` ${words.join(' ')} `) || words.length === 0) {
        one.found += words.length
      } else if (process.argv.includes('--verbose')) {
        console.log(`${path}:${String(line)}: not found: ${words.join(' ')}`)
      }
    }
  }
}

/** Each line of a file is on its page once, as code or as a comment's, and the code is unchanged. */
function checkLines(
  path: string,
  text: string,
  comments: Map<number, CommentLine>,
  page: Page,
): string[] {
  const shown = new Map<number, string>()
  for (const [, number, html] of page.html.matchAll(LINE)) {
    shown.set(Number(number), textOf(html ?? ''))
  }
  const lines = text.replace(/\n$/, '').split('\n')
  return lines.flatMap((line, index) => {
    const number = index + 1
    const code = shown.get(number)
    const places = page.ids.filter((id) => id === `L${String(number)}`).length
    return [
      ...(places === 1
        ? []
        : [`${path}:${String(number)}: has ${String(places)} places on its page`]),
      ...(code === undefined
        ? line.trim() === '' || comments.get(number)?.whole === true
          ? []
          : [`${path}:${String(number)}: is not on its page`]
        : code === line
          ? []
          : [`${path}:${String(number)}: differs on its page: ${code}`]),
    ]
  })
}

/** A line of a comment. */
interface CommentLine {
  readonly kind: string
  readonly text: string
  /** Whether there is nothing else on the line. */
  readonly whole: boolean
}

/**
 * The lines of a file's comments, by number from 1: all that is neither a token nor white space. (The
 * plugin asks TypeScript for comments instead, so neither can overlook what the other does.)
 */
function commentLines(tree: ts.SourceFile): Map<number, CommentLine> {
  const found = new Map<number, CommentLine>()
  const lines = tree.text.split('\n')
  const add = (pos: number, end: number): void => {
    const gap = tree.text.slice(pos, end)
    let kind = 'paragraph'
    let line = tree.getLineAndCharacterOfPosition(pos).line
    for (const part of gap.split('\n')) {
      line++
      const text = part.trim()
      if (text === '') {
        continue
      }
      const whole = lines[line - 1]?.trim() === text
      if (text.startsWith('/**')) {
        kind = /^\/\*\*[^]*?@module[^]*?\*\//.test(gap.trim()) && line === 1 ? 'head' : 'doc'
      } else if (text.startsWith('//')) {
        kind = !whole ? 'trailing' : text.startsWith('// -- ') ? 'banner' : 'paragraph'
      }
      const words = text.replace(/^(?:\/\*\*?|\*\/|\*(?!\/)|\/\/+)|\*\/$/g, '')
      found.set(line, { kind, text: words, whole })
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) {
      return
    }
    const children = node.getChildren(tree)
    if (children.length === 0) {
      add(node.getFullStart(), node.getStart(tree))
    }
    children.forEach(visit)
  }
  visit(tree)
  return found
}

function withoutMarkup(text: string): string {
  return text
    .replace(/^\s*@(?:param|typeParam|module|internal|added|returns|see|throws|python)\b/, '')
    .replace(/\{@link\s+[^\s|}]+\s*\|?\s+([^}]+)\}/g, '$1')
    .replace(/\{@link\s+([^}]+)\}/g, '$1')
    .replace(/\{@link\b|\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s*```\w*/, '')
}

function wordsOf(text: string): string[] {
  return text.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')
}
