/**
 * The RFCs, section by section: `docs/rfc.md` against the RFCs, the rules of the judge, and the source.
 *
 * Every rule has its row, and so has every section that the source cites; no section is cited that does
 * not exist, nor in the course; every symbol, page and heading that is linked is there.
 * `rfc-sections.json` has the tables of contents of some RFCs, a chapter to a line; sections of others
 * are not checked. With `--write`, rules and addresses are filled in.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'
import { readRules } from '../../conformance/judge/rule.ts'
import { anchorOf, checkTable, citedIn, fillTable } from './rfc-table.ts'
import type { Facts } from './rfc-table.ts'
import { readSources, report, TOP } from './sources.ts'

const PAGE = 'docs/rfc.md'
const COURSE = ['docs/assignments', 'conformance/assignments']

const sources = readSources(['lib'])
const chapters = readChapters()
const facts: Facts = {
  sections: Object.entries(chapters).flatMap(([rfc, lines]) =>
    lines.flatMap((line) => line.split(' ')).map((number) => `${rfc} §${number}`),
  ),
  rules: readRules(join(TOP, 'conformance/rules')).flatMap(({ id, place, source }) => {
    const [, rfc, number] = /^rfc:(9110|9112)#(.+)$/.exec(source) ?? []
    const page = place.replace(/:[0-9]+$/, '')
    return rfc === undefined ? [] : [{ id, page, section: `${rfc} §${number as string}` }]
  }),
  cited: sources.flatMap(({ path, tree }) =>
    [...new Set(citedIn(tree.getFullText()))].map((section) => ({ place: path, section })),
  ),
  taught: COURSE.flatMap((folder) =>
    readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(?:md|ts)$/.test(path))
      .map((path) => posix.join(folder, path.replaceAll('\\', '/'))),
  ).flatMap((place) =>
    citedIn(readFileSync(join(TOP, place), 'utf8'), Object.keys(chapters)).map((section) => ({
      place,
      section,
    })),
  ),
  names: (address) => {
    const path = posix.join('docs', address)
    const source = sources.find((one) => one.path === path)
    return source && declaredIn(source.tree)
  },
  anchors: (address) => {
    const path = join(TOP, 'docs', address)
    return existsSync(path)
      ? new Set(
          [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
            anchorOf(heading as string),
          ),
        )
      : undefined
  },
}

const page = readFileSync(join(TOP, PAGE), 'utf8')
const writes = process.argv.includes('--write')
const right = writes ? fillTable(page, facts) : page
if (right !== page) {
  writeFileSync(join(TOP, PAGE), right)
}
report(
  'rfc',
  checkTable(right, facts).map((finding) => `${PAGE}: ${finding}`),
)

function readChapters(): Readonly<Record<string, readonly string[]>> {
  const file = join(TOP, 'scripts/checks/rfc-sections.json')
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string[]>
}

/** All names that are declared in a file, those of members included. */
function declaredIn(tree: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    const { name } = node as { name?: ts.Node }
    const declares =
      ts.isClassElement(node) ||
      ts.isClassDeclaration(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isVariableDeclaration(node)
    if (declares && name !== undefined) {
      names.add(name.getText(tree))
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return names
}
