/**
 * The pages that `npm run docs` has made, taken apart as far as the checks need it.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A page, by what a check asks of it. */
export interface Page {
  /** From the top of the site: `api/HTTPServer.html`. */
  readonly path: string
  readonly html: string
  /** Every `id`, as often as it stands there. */
  readonly ids: readonly string[]
  /** Every `href` and `src`. */
  readonly links: readonly string[]
}

const ATTRIBUTE = /\s(id|href|src)=(?:"([^"]*)"|'([^']*)'|([^\s>"']+))/g
const TAG = /<[a-z](?:[^"'>]|"[^"]*"|'[^']*')*>/gi
const NOT_HTML = /<!--[^]*?-->|(?<=<(script|style)\b[^>]*>)[^]*?(?=<\/\1>)/gi

/** Read all pages below a folder, and its pictures, which have places to link to, too. */
export function readSite(folder: string): Page[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.(html|svg)$/.test(name))
    .sort()
    .map((path) => parsePage(path, readFileSync(join(folder, path), 'utf8')))
}

/** Take a page apart. */
export function parsePage(path: string, html: string): Page {
  const ids: string[] = []
  const links: string[] = []
  for (const [tag] of html.replace(NOT_HTML, '').matchAll(TAG)) {
    for (const [, name, double, single, bare] of tag.matchAll(ATTRIBUTE)) {
      const value = unescapeHtml(double ?? single ?? bare ?? '')
      ;(name === 'id' ? ids : links).push(value)
    }
  }
  return { path, html, ids, links }
}

const INLINE = /^<\/?(?:a|b|code|em|i|small|span|strong)\b/i

/** The text of a piece of HTML. What stands in two blocks is apart. */
export function textOf(html: string): string {
  return unescapeHtml(
    html
      .replace(NOT_HTML, '')
      .replace(/<(?:[^"'>]|"[^"]*"|'[^']*')*>/g, (tag) => (INLINE.test(tag) ? '' : ' ')),
  )
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\xa0',
}

function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, name) =>
    typeof decimal === 'string'
      ? String.fromCodePoint(Number(decimal))
      : typeof hex === 'string'
        ? String.fromCodePoint(parseInt(hex, 16))
        : (ENTITIES[String(name)] ?? whole),
  )
}
