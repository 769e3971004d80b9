/**
 * The ways through the site: the doors at the top of each page, and the list of all pages beside it. It
 * is plain HTML, for readers without JavaScript, too.
 *
 * @module
 */

import type { DeclarationReflection, DocumentReflection, ProjectReflection } from 'typedoc'
import { escapeHtml } from './html.ts'

/** A page, as the list of all pages has it. */
interface Entry {
  readonly text: string
  /** Its place in its group, if its front matter says so. */
  readonly order?: number
  /** From the top of the site. */
  readonly url: string
}

/** What belongs together. */
interface Group {
  readonly title: string
  readonly entries: readonly Entry[]
}

/** The groups of documents, in this order; what names another one in its front matter comes after. */
const GROUPS = [
  'Use it',
  'Read it',
  'Prove it',
  'Cases',
  'Rules',
  'Teach with it',
  'Course',
  'The project',
]

/** What the API is grouped by, in this order. */
export const PURPOSES: readonly string[] = [
  'Servers',
  'Handlers',
  'Mix-ins',
  'Forms',
  'Connections and streams',
  'Messages and tables',
  'What Python lends',
]

/** What an export of the package is for, by its name, or else by its folder. */
export function purposeOf({ name, sources }: DeclarationReflection): string {
  const folder = /\blib\/(\w+)\//.exec(sources?.[0]?.fileName ?? '')?.[1]
  return name.endsWith('Server')
    ? 'Servers'
    : /Handler(?:Class)?$/.test(name)
      ? 'Handlers'
      : name.endsWith('MixIn')
        ? 'Mix-ins'
        : folder === 'cgi'
          ? 'Forms'
          : folder === 'http'
            ? 'Messages and tables'
            : folder === 'socketserver'
              ? 'Connections and streams'
              : 'What Python lends'
}

/** The group of a document: what it says itself, or else its folder's. */
export function groupOf(document: DocumentReflection, url: string): string {
  const group = document.frontmatter.group
  return typeof group === 'string'
    ? group
    : url.startsWith('conformance/cases/')
      ? 'Cases'
      : url.startsWith('conformance/rules/')
        ? 'Rules'
        : url.startsWith('conformance/')
          ? 'Prove it'
          : url.startsWith('docs/')
            ? 'Read it'
            : 'The project'
}

/** Gather all pages but those of the source and of exchanges, which have lists of their own. */
export function groupsOf(
  project: ProjectReflection,
  urlOf: (reflection: DeclarationReflection | DocumentReflection) => string,
): Group[] {
  const groups = new Map(GROUPS.map((title) => [title, [] as Entry[]]))
  for (const document of project.documents ?? []) {
    const url = urlOf(document)
    if (/^(?:source|exchanges)\//.test(url) && !/^\w+\/index\.html$/.test(url)) {
      continue
    }
    const title = groupOf(document, url)
    const text = document.name.replace(new RegExp(`^${title}: `), '')
    const order = Number(document.frontmatter.order ?? 9)
    groups.set(title, [...(groups.get(title) ?? []), { text, url, order }])
  }
  for (const entries of groups.values()) {
    entries.sort((one, other) => (one.order ?? 9) - (other.order ?? 9))
  }
  for (const title of PURPOSES) {
    const members = (project.children ?? []).filter((child) => purposeOf(child) === title)
    const names = new Map(
      members.map((child) => [child.name, urlOf(child)]).reverse() as [string, string][],
    )
    const entries = [...names].map(([text, url]) => ({ text, url }))
    groups.set(
      `API: ${title}`,
      entries.sort((one, other) => (one.text < other.text ? -1 : 1)),
    )
  }
  return [...groups]
    .map(([title, entries]) => ({ title, entries }))
    .filter(({ entries }) => entries.length > 0)
}

/** The list of all pages, as seen from one of them. */
export function writeNavigation(
  groups: readonly Group[],
  current: string,
  relative: (url: string) => string,
): string {
  return groups
    .map(({ title, entries }) => {
      const isHere = entries.some(({ url }) => url === current)
      const items = entries.map(({ text, url }) => {
        const here = url === current ? ' class="current" aria-current="page"' : ''
        return `<li><a href="${relative(url)}"${here}>${escapeHtml(text)}</a></li>`
      })
      const open = isHere || GROUPS.indexOf(title) in [0, 1, 2] ? ' open' : ''
      return `<details${open}><summary>${escapeHtml(title)}</summary><ul>${items.join('')}</ul></details>`
    })
    .join('')
}

/** The doors, from the top of the site. */
const DOORS: readonly Entry[] = [
  { text: 'Guide', url: 'docs/guide.html' },
  { text: 'Tour', url: 'docs/tour.html' },
  { text: 'Source', url: 'source/index.html' },
  { text: 'API', url: 'api.html' },
  { text: 'Playground', url: 'play/index.html' },
  { text: 'Conformance', url: 'conformance/README.html' },
]

/** The doors as links. */
export function writeDoors(current: string, relative: (url: string) => string): string {
  return DOORS.map(({ text, url }) => {
    const here = url === current ? ' aria-current="page"' : ''
    return `<a href="${relative(url)}"${here}>${text}</a>`
  }).join('\n')
}
