/**
 * Make `docs/differences.md`: all that this library does otherwise than Python.
 *
 * It is gathered from the places that know: the `Differs:` paragraphs in the comments of `lib/`,
 * and the declared deviations under `conformance/deviations/`. With `--check`, nothing is
 * written, and a page that is out of date is an error.
 *
 * @module
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { rowsOf } from '../../conformance/judge/deviations.ts'
import type { DeviationsFile } from '../../conformance/judge/deviations.ts'
import { readSources, report, TOP } from './sources.ts'
import type { Source } from './sources.ts'

const PAGE = 'docs/differences.md'

const HEAD = `\
---
title: Differences from Python
group: Prove it
---

# Differences from Python

This page is made by \`npm run differences\` from the comments of the source and from the
deviations that the conformance suite allows. An entry says what is done here, and why.

`

interface Difference {
  /** What it is about: \`TCPServer.allowReuseAddress\`, or a file. */
  readonly subject: string
  readonly path: string
  readonly text: string
}

const page = HEAD + inTheSource() + onTheWire()
if (process.argv.includes('--check')) {
  const current = readFileSync(join(TOP, PAGE), 'utf8')
  report('differences', current === page ? [] : [`${PAGE} is out of date; npm run differences`])
} else {
  writeFileSync(join(TOP, PAGE), page)
}

// -- The comments ----------------------------------------------------------------------------

function inTheSource(): string {
  const differences = readSources(['lib']).flatMap(differencesIn)
  const paths = [...new Set(differences.map(({ path }) => path))]
  const sections = paths.map((path) => {
    const items = differences
      .filter((difference) => difference.path === path)
      .map(({ subject, text }) => `- **${subject}**: ${text}\n`)
    return `### ${path}\n\n${items.join('')}\n`
  })
  return `## In the library\n\n${sections.join('')}`
}

function differencesIn(source: Source): Difference[] {
  const text = source.tree.getFullText()
  const seen = new Set<number>()
  const found: Difference[] = []
  const visit = (node: ts.Node): void => {
    for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []) {
      if (!seen.has(range.pos)) {
        seen.add(range.pos)
        // Line comments come as a range for each line; take the block together.
        const comment = commentAt(text, range, seen)
        for (const paragraph of paragraphs(comment)) {
          found.push({ subject: subjectOf(node, comment), path: source.path, text: paragraph })
        }
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source.tree)
  return found
}

function commentAt(text: string, range: ts.CommentRange, seen: Set<number>): string {
  if (range.kind === ts.SyntaxKind.MultiLineCommentTrivia) {
    return text
      .slice(range.pos + 3, range.end - 2)
      .replace(/^[ \t]*\*[ \t]?/gm, '')
      .trim()
  }
  const block = /^(?:[ \t]*\/\/.*\n)+/.exec(text.slice(range.pos))?.[0] ?? ''
  let at = range.pos
  for (const line of block.split('\n')) {
    seen.add(at + line.search(/\S|$/))
    at += line.length + 1
  }
  return block.replace(/^[ \t]*\/\/ ?/gm, '').trim()
}

/** The paragraphs that begin, or go on, with \`Differs:\`; each as one line. */
function paragraphs(comment: string): string[] {
  return comment.split(/\n\s*\n/).flatMap((paragraph) => {
    const at = paragraph.indexOf('Differs: ')
    if (at === -1) {
      return []
    }
    const words = paragraph.slice(at + 'Differs: '.length).split(/\n(?=@|[A-Z][a-z]+: )/)[0] ?? ''
    const line = words
      .replace(/\s+/g, ' ')
      .replace(/\{@link ([^}]+)\}/g, '`$1`')
      .trim()
    return [line.charAt(0).toUpperCase() + line.slice(1)]
  })
}

/** What a comment is about: the declaration that it stands before, or in. */
function subjectOf(node: ts.Node, comment: string): string {
  const names: string[] = []
  for (let at = node; !ts.isSourceFile(at); at = at.parent) {
    const named = at as { name?: ts.Node }
    if (ts.isVariableStatement(at)) {
      names.unshift(at.declarationList.declarations[0]?.name.getText() ?? '')
    } else if (
      (ts.isClassElement(at) || ts.isClassDeclaration(at) || isTopLevel(at)) &&
      named.name !== undefined
    ) {
      names.unshift(named.name.getText())
    }
  }
  return comment.includes('@module') || names.length === 0 ? 'the whole' : `\`${names.join('.')}\``
}

function isTopLevel(node: ts.Node): boolean {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node)
  )
}

// -- The deviations --------------------------------------------------------------------------

/** One item for all names whose rows give the same reason, in the place of the first. */
function items(file: DeviationsFile): string {
  const names = new Map<string, string[]>()
  for (const id of Object.keys(file)) {
    for (const { because, link, versions } of rowsOf(id, file) ?? []) {
      const about = versions === undefined ? '' : ` (${versions})`
      const more = link === undefined ? '' : ` [More](${link}).`
      const text = `${about}: ${because}${more}`
      names.set(text, [...(names.get(text) ?? []), `\`${id}\``])
    }
  }
  return [...names].map(([text, ids]) => `- ${ids.join(', ')}${text}\n`).join('')
}

function onTheWire(): string {
  const folder = join(TOP, 'conformance/deviations')
  const sections = readdirSync(folder)
    .sort()
    .map((name) => {
      const file = JSON.parse(readFileSync(join(folder, name), 'utf8')) as DeviationsFile
      return `### ${name.replace(/\.json$/, '')}\n\n${items(file)}\n`
    })
  return (
    '## On the wire\n\n' +
    'Each entry names cases of the suite in which the answer is another: under `recordings`, than ' +
    'CPython’s; under `cpython`, than the page’s, with the versions of Python that it is about.\n\n' +
    sections.join('').trimEnd() +
    '\n'
  )
}
