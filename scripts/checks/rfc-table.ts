/**
 * What must hold of `docs/rfc.md`, the table of the sections of RFC 9110 and 9112; see `rfc.ts`.
 *
 * @module
 */

import { rfcAddress } from '../site/references.ts'

/** A section of an RFC, as the table names it: `9112 §3.2`. */
export type Section = string

/** All that the table is compared with. */
export interface Facts {
  /** The sections that there are, in order. */
  readonly sections: readonly Section[]
  /** The rules of the judge: the page that each is on, and its section; other sources are left out. */
  readonly rules: readonly {
    readonly id: string
    readonly page: string
    readonly section: Section
  }[]
  /** The sections that the source cites, and where. */
  readonly cited: readonly { readonly place: string; readonly section: Section }[]
  /** Those that the course cites; they need no row. */
  readonly taught: readonly { readonly place: string; readonly section: Section }[]
  /** What is declared in a file of the source, as seen from the table; undefined, if there is no such file. */
  names(address: string): ReadonlySet<string> | undefined
  /** The headings of a page, each as its address; undefined, if there is no such page. */
  anchors(address: string): ReadonlySet<string> | undefined
}

interface Row {
  readonly line: string
  readonly sections: readonly Section[]
  readonly asks: string
  readonly here: string
}

/** The chapters that are read from front to back; of others, the sections that are named. */
const WHOLE = /^(?:9112 §(?:[1-9]|1[01])|9110 §(?:[5-9]|10|1[345]))(?:\.|$)/

const ADDRESSES =
  /(?<=<!-- The addresses, made by [^\n]*-->\n\n)[^]*?(?=<!-- prettier-ignore-end -->)/

/** List what is wrong with the table. */
export function checkTable(page: string, facts: Facts): string[] {
  const rows = rowsOf(page, facts.sections)
  const inTable = rows.flatMap(({ sections }) => sections)
  const known = new Set(facts.sections)
  const present = new Set(inTable)
  const missing = (section: Section, who: string) =>
    !known.has(section)
      ? [`${who}: RFC ${section} does not exist`]
      : present.has(section)
        ? []
        : [`${who}: RFC ${section} has no row`]
  return [
    ...inTable.flatMap((section) => (known.has(section) ? [] : missing(section, 'the table'))),
    ...inTable
      .filter((section, index) => inTable.indexOf(section) !== index)
      .map((section) => `the table: RFC ${section} has two rows`),
    ...facts.sections
      .filter((section) => WHOLE.test(section))
      .flatMap((section) => missing(section, 'the table')),
    ...facts.rules.flatMap(({ id, section }) => missing(section, `rule ${id}`)),
    ...facts.cited.flatMap(({ place, section }) => missing(section, place)),
    ...facts.taught.flatMap(({ place, section }) =>
      known.has(section) ? [] : missing(section, place),
    ),
    ...rows.flatMap(({ sections, asks, here }) =>
      asks === '' || here === '' ? [`RFC ${sections.join()}: a cell of its row is empty`] : [],
    ),
    ...linksOf(page).flatMap((link) => checkLink(link, facts)),
    ...(page === fillTable(page, facts) ? [] : ['the rules or the addresses are out of date']),
  ]
}

/** Fill in the rules of each row, and the addresses of rules and sections. */
export function fillTable(page: string, { sections, rules }: Facts): string {
  const used: string[] = []
  let filled = page
  for (const row of rowsOf(page, sections)) {
    const own = rules.filter(({ section }) => row.sections.includes(section))
    const names = row.sections.length > 0 ? namesIn(row.line.split('|')[1] ?? '') : []
    used.push(...names.map((section) => `[${section}]: ${addressOf(section)}\n`))
    used.push(
      ...own.map(({ id, page: on }) => `[${id}]: ../conformance/rules/${on}#${anchorOf(id)}\n`),
    )
    const cells = row.line.split('|').slice(0, 4).join('|')
    const last = own.map(({ id }) => ` [${id}]`).join('')
    filled = filled.replace(row.line, () => `${cells}|${last === '' ? ' –' : last} |`)
  }
  return filled.replace(ADDRESSES, () => `${used.join('')}\n`)
}

/** The address of a heading in its page. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

/**
 * The sections of some RFCs that a text cites: `RFC 9112 §3.2, and §3.2.2`, or as the address of one, or
 * as the source of a case.
 */
export function citedIn(text: string, rfcs: readonly string[] = ['9110', '9112']): Section[] {
  const found: Section[] = []
  let rfc = ''
  for (const match of text.matchAll(CITATION)) {
    rfc = match[1] ?? match[2] ?? rfc
    const number = match[3]
    if (number !== undefined && rfcs.includes(rfc)) {
      found.push(`${rfc} §${number}`)
    }
  }
  return found
}

// The RFC that was named last is the one whose section follows.
const CITATION =
  /\b(?:RFC |rfc:?)(\d{4})\b|\b(\d{4})(?= §)|(?:§|\bsection |#(?:section|appendix)-|(?<=rfc:\d{4})#)([0-9A-C](?:[0-9]|\.(?=[0-9]))*)/g

function rowsOf(page: string, order: readonly Section[]): Row[] {
  const lines = page.split('\n').filter((line) => line.startsWith('| ['))
  return lines.map((line) => {
    const [, first = '', asks = '', here = ''] = line.split('|').map((cell) => cell.trim())
    const names = namesIn(first)
    const [from = '', to] = names
    const start = order.indexOf(from)
    const end = to === undefined ? -1 : order.indexOf(to)
    const range = start !== -1 && end > start ? order.slice(start, end + 1) : names
    return { line, sections: range, asks, here }
  })
}

/** The names in brackets: `[9112 §11.3]–[9112 §11.4]`. */
function namesIn(cell: string): string[] {
  return [...cell.matchAll(/\[([^\]]+)\]/g)].map(([, name]) => name as string)
}

function addressOf(section: Section): string {
  const [rfc = '', number = ''] = section.split(' §')
  return rfcAddress(rfc, number)
}

interface Link {
  readonly text: string
  readonly address: string
}

function linksOf(page: string): Link[] {
  return [...page.matchAll(/\[([^\]]+)\](?:\(|: )([^)\s]+)/g)]
    .map(([, text, address]) => ({ text: text as string, address: address as string }))
    .filter(({ address }) => !address.startsWith('https:'))
}

function checkLink({ text, address }: Link, facts: Facts): string[] {
  if (address.endsWith('.ts')) {
    const names = facts.names(address)
    const name = /^`([^`]+?)(?:\(\))?`$/.exec(text)?.[1]
    return names === undefined
      ? [`there is no ${address}`]
      : name !== undefined && names.has(name)
        ? []
        : [`${address} does not declare ${text}`]
  }
  const [path = '', anchor] = address.split('#')
  const anchors = facts.anchors(path)
  return anchors === undefined
    ? [`there is no ${path}`]
    : anchor === undefined || anchors.has(anchor)
      ? []
      : [`${path} has no heading #${anchor}`]
}
