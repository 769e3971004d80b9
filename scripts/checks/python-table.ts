/**
 * `docs/python-names.md`: every public name of the modules of Python that this library mirrors, and what
 * it is here.
 *
 * The names are those that CPython was asked for, by `scripts/make-python-names.py`; what they are here is
 * in the `@python` tags and in the spelling, as `python-names.ts` has it.
 *
 * @module
 */

import ts from 'typescript'
import { pythonAddress } from '../site/references.ts'
import { declarationsOf } from '../site/symbols.ts'
import type { Absent } from './python-absent.ts'
import type { Source } from './sources.ts'

/** The public names of modules and classes of Python, by the dotted name of their owner. */
export type Names = ReadonlyMap<string, readonly string[]>

/** Where something of Python's is declared here. */
interface Counterpart {
  readonly path: string
  /** `BaseHTTPRequestHandler.sendError`. */
  readonly anchor: string
  readonly isCalled: boolean
}

const HEAD = `\
---
title: Python's names
group: Use it
order: 3
---

# Python's names

What each public name of Python's \`http.server\` and \`socketserver\` is called here, of \`cgi\`, and of the message
whose fields are \`self.headers\`; or why it has no counterpart. \`http.server\` and \`socketserver\` are those of
Python 3.13, \`cgi\` is that of 3.12, its last; a few names that are newer have their counterparts, too. What behaves
otherwise under the same name is in [Differences from Python](differences.md).

\`scripts/checks/python-names.ts\` makes this page from the \`@python\` tags of the source.

<!-- prettier-ignore-start -->

`

/** The modules, in the order of the page. */
const MODULES = ['http.server', 'http.client.HTTPMessage', 'socketserver', 'cgi']

/** Where what a class does not have itself comes from: for a mix-in, from what it is mixed into. */
const BASES: Readonly<Record<string, string>> = {
  'http.server.HTTPServer': 'socketserver.TCPServer',
  'socketserver.ForkingMixIn': 'socketserver.ThreadingMixIn',
  'socketserver.TCPServer': 'socketserver.BaseServer',
  'socketserver.ThreadingMixIn': 'socketserver.TCPServer',
  'socketserver.UnixStreamServer': 'socketserver.TCPServer',
}

/** `handleExpect100` as Python spells it: `handle_expect_100`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`)
}

/**
 * Make the page.
 *
 * @returns it, and what is wrong: names without counterpart or reason, reasons that nobody needs.
 */
export function pythonPage(
  sources: readonly Source[],
  names: Names,
  absent: readonly Absent[],
): { page: string; findings: string[] } {
  const here = counterparts(sources, names)
  const findings: string[] = []
  const reasons = new Map<string, string>()
  for (const [owner, members, reason] of absent) {
    for (const member of members.split(' ')) {
      const name = `${owner}.${member}`
      reasons.set(name, reason)
      if (names.get(owner)?.includes(member) !== true) {
        findings.push(`python-absent.ts: ${name} is not a name of Python's`)
      } else if (counterpartOf(name, here) !== undefined) {
        findings.push(`python-absent.ts: ${name} is not absent`)
      }
    }
  }
  const rowsOf = (owner: string): string => {
    const [home] = here.get(owner) ?? []
    const members = new Set([...(names.get(owner) ?? []), ...newer(owner, here)])
    /** Names of the same fate, in a row of their own. */
    const rows = new Map<string, string[]>()
    for (const member of [...members].sort()) {
      const name = `${owner}.${member}`
      const found = counterpartOf(name, here)
      const reason = reasons.get(name)
      if (found === undefined && reason === undefined) {
        findings.push(`${name} has neither a counterpart here nor a reason in python-absent.ts`)
      }
      const cell = found === undefined ? (reason ?? '') : linksTo(found, home?.anchor)
      rows.set(cell, [...(rows.get(cell) ?? []), `\`${member}\``])
    }
    return [...rows].map(([cell, members]) => `| ${members.join(', ')} | ${cell} |\n`).join('')
  }
  const sections = owners(names, here).map((owner) => {
    const [home] = here.get(owner) ?? []
    const ours =
      home === undefined
        ? ''
        : ` Here: ${linksTo([home])}; what it inherits is in the tables of its bases.`
    const about = `[In Python's manual](${addressOf(owner)}).${ours}`
    return `## ${owner}\n\n${about}\n\n| Python | here |\n| --- | --- |\n${rowsOf(owner)}\n`
  })
  return { page: `${HEAD}${sections.join('')}<!-- prettier-ignore-end -->\n`, findings }
}

/** A module's own page has no place for it. */
function addressOf(owner: string): string {
  return MODULES.includes(owner) && !/[A-Z]/.test(owner)
    ? pythonAddress(owner).replace(/#.*/, '')
    : pythonAddress(owner)
}

/** The modules, each with its classes that have members here. */
function owners(names: Names, here: ReadonlyMap<string, readonly Counterpart[]>): string[] {
  const classes = new Set(
    [...names].flatMap(([owner, members]) => (members.length > 0 ? [owner] : [])),
  )
  for (const name of here.keys()) {
    classes.add(name.replace(/\.\w+$/, ''))
  }
  return MODULES.flatMap((module) => [
    module,
    ...[...classes]
      .filter((owner) => owner.startsWith(`${module}.`) && here.has(owner))
      .filter((owner) => !owner.includes('._'))
      .sort(),
  ])
}

/** What is tagged with a name that the Python which was asked does not have yet, or only as a method. */
function newer(owner: string, here: ReadonlyMap<string, readonly Counterpart[]>): string[] {
  return [...here.keys()].flatMap((name) => {
    const member = name.slice(owner.length + 1)
    return name.startsWith(`${owner}.`) && /^(?:[a-zA-Z]\w*|__\w+__)$/.test(member) ? [member] : []
  })
}

/** What a name is here: of several, that of its own class; or what the class inherits. */
function counterpartOf(
  name: string,
  here: ReadonlyMap<string, readonly Counterpart[]>,
): readonly Counterpart[] | undefined {
  const [, owner = '', member = ''] = /^(.*)\.(\w+)$/.exec(name) ?? []
  const found = here.get(name)
  const homes = (here.get(owner) ?? []).map(({ anchor }) => `${anchor}.`)
  const own = found?.filter(({ anchor }) => homes.some((home) => anchor.startsWith(home))) ?? []
  const base = BASES[owner]
  return own.length > 0
    ? own
    : (found ?? (base === undefined ? undefined : counterpartOf(`${base}.${member}`, here)))
}

/** Links to declarations; a member of the class that the table is about needs no class before it. */
function linksTo(counterparts: readonly Counterpart[], home = ''): string {
  const links = counterparts.map(({ path, anchor, isCalled }) => {
    const name = anchor.startsWith(`${home}.`) ? anchor.slice(home.length + 1) : anchor
    return `[\`${name}${isCalled ? '()' : ''}\`](../${path}#${anchor})`
  })
  return [...new Set(links)].join(', ')
}

/** All declarations that say what they are in Python, or whose spelling says so. */
function counterparts(sources: readonly Source[], names: Names): Map<string, Counterpart[]> {
  const here = new Map<string, Counterpart[]>()
  const classes = new Map<string, string>()
  for (const { path, tree } of sources) {
    for (const { anchor, node } of declarationsOf(tree)) {
      const [name = '', member] = anchor.split('.')
      const tags = tagsOf(node)
      const [tag] = tags
      if (member === undefined && tag !== undefined) {
        classes.set(name, tag)
      }
      const owner = classes.get(name) ?? ''
      const spelled = names
        .get(owner)
        ?.find((one) => member !== undefined && [member, snakeCase(member)].includes(one))
      const derived = spelled === undefined || tags.length > 0 ? [] : [`${owner}.${spelled}`]
      for (const python of [...tags, ...derived]) {
        const isCalled = ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)
        here.set(python, [...(here.get(python) ?? []), { path, anchor, isCalled }])
      }
    }
  }
  return here
}

function tagsOf(node: ts.Node): string[] {
  return ts
    .getJSDocTags(node)
    .filter(({ tagName }) => tagName.text === 'python')
    .map(({ comment }) => /^\S+/.exec(ts.getTextOfJSDocComment(comment) ?? '')?.[0] ?? '')
}
