/**
 * The documents that people also read in the repository, where nothing is filled in for them:
 *
 * - below `<!-- include examples/http_server_GET.ts#handler -->` stands that region, letter for letter
 * - ``[`sendError()`][BaseHTTPRequestHandler.sendError]`` leads to the declaration; at the end of the page
 *   stands in which file that is, and the site makes of it a link to the API
 *
 * With `--write`, fill them in.
 *
 * @module
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { declarationsOf } from '../site/symbols.ts'
import { readSources, report, TOP } from './sources.ts'

const INCLUDE = /^<!-- include (\S+)#(\w+) -->\n\n```ts\n[^]*?^```$/gm
const LONE_INCLUDE = /^<!-- include (\S+) -->(?!\n\n```ts\n)/m
const REFERENCE = /`\]\[([A-Za-z]\w*(?:\.\w+)*)\]/g
const FENCE = /^```[^]*?^```$/gm
const MARK = '<!-- Where that is declared, made by scripts/checks/documents.ts -->\n\n'
/** What only TypeDoc fills in. */
const HOLE = /\{@\w+[^}]*\}/

const files = new Map<string, string>()
for (const { path, tree } of readSources(['lib'])) {
  for (const { anchor } of declarationsOf(tree)) {
    // The same name in two files: the package exports the first of them, if any.
    files.set(anchor, files.get(anchor) ?? path)
  }
}

const writes = process.argv.includes('--write')
const inDocs = readdirSync(join(TOP, 'docs'), { encoding: 'utf8', recursive: true })
const documents = ['README.md', ...inDocs.map((name) => `docs/${name}`)]
report(
  'documents',
  documents.filter((path) => path.endsWith('.md')).flatMap((path) => check(path)),
)

function check(path: string): string[] {
  const text = readFileSync(join(TOP, path), 'utf8')
  const flaws: string[] = []
  const filled = text.replace(INCLUDE, (_, file: string, region: string) => {
    const code = regionOf(posix.join(posix.dirname(path), file), region)
    if (code === undefined) {
      flaws.push(`${path}: ${file} has no region ${region}`)
    }
    return `<!-- include ${file}#${region} -->\n\n\`\`\`ts\n${code ?? ''}\`\`\``
  })
  const lone = LONE_INCLUDE.exec(text)?.[1]
  if (lone !== undefined) {
    flaws.push(`${path}: there is no fence below include ${lone}, not even an empty one`)
  }
  const right = withDefinitions(filled, path, flaws)
  const hole = HOLE.exec(text.replace(FENCE, '').replace(/`[^`\n]*`/g, ''))?.[0]
  if (hole !== undefined) {
    flaws.push(`${path}: ${hole} is a hole for whoever reads this in the repository`)
  }
  if (right !== text && writes) {
    writeFileSync(join(TOP, path), right)
  } else if (right !== text) {
    flaws.push(`${path}: not up to date; run node dist/scripts/checks/documents.js --write`)
  }
  return flaws
}

function regionOf(path: string, name: string): string | undefined {
  const text = readFileSync(join(TOP, path), 'utf8')
  return new RegExp(`^// #region ${name}\\n([^]*?)^// #endregion ${name}$`, 'm').exec(text)?.[1]
}

/** Put at the end of a page where the names are declared to which it refers. */
function withDefinitions(text: string, path: string, flaws: string[]): string {
  const [body = ''] = text.split(MARK)
  const names = [...body.replace(FENCE, '').matchAll(REFERENCE)].map(([, name]) => name ?? '')
  const definitions = [...new Set(names)].sort().map((name) => {
    const file = files.get(name)
    if (file === undefined) {
      flaws.push(`${path}: nothing in lib/ is called ${name}`)
    }
    return `[${name}]: ${posix.relative(posix.dirname(path), file ?? '')}#${name}\n`
  })
  return definitions.length === 0 ? body : `${body.trimEnd()}\n\n${MARK}${definitions.join('')}`
}
