/**
 * The page: what each server did with the bytes of each attack.
 *
 * @module
 */

import { minor } from '../targets/python.ts'
import type { Case } from '../judge/page.ts'
import type { Findings } from './attack.ts'
import { controlLike, CONTROLS } from './controls.ts'
import { PROBES } from './probes.ts'
import type { Finding, Probe } from './probes.ts'
import { GROUPS } from './rows.ts'
import type { Row, TestName } from './rows.ts'
import { RULES } from './rules.ts'
import { COLUMNS } from './servers.ts'
import type { Column, Server } from './servers.ts'

/** All that a run has found out. */
export interface Report {
  readonly cases: ReadonlyMap<string, Case>
  readonly findings: ReadonlyMap<Server, Findings>
  /** What this machine lacks. */
  readonly missing: readonly string[]
  readonly passed: (test: TestName) => boolean
}

/** Make the page. */
export function makePage(report: Report): string {
  return `${head(report)}${summary(report)}${GROUPS.map(
    ({ title, rows }) => `## ${title}\n\n${rows.map((row) => section(row, report)).join('')}`,
  ).join('')}`
}

/** The first column, that of this library, by case and probe. */
export function ownCells(page: string): ReadonlyMap<string, string> {
  const rows = page.matchAll(/^\| *(?:\[(.+?)\]\(.+?\)|(\w[\w ]*?)) *\|.*?(?<!\\)\| *(.*?) *\|/gm)
  return new Map([...rows].map(([, id, name, cell = '']) => [id ?? name ?? '', cell]))
}

/** A cell of the table: `✓ 400, closed`. */
export function cell({ text, holds }: Finding): string {
  return `${holds === undefined ? '' : holds ? '✓ ' : '✗ '}${text}`
}

function head({ findings, missing }: Report): string {
  const named = COLUMNS.flatMap((column) => {
    const versions = serversOf(column, findings).map(({ version }) => version)
    const list = versions.filter((version) => version !== '').join(', ')
    return versions.length === 0 ? [] : [list === '' ? column : `${column} ${list}`]
  })
  const lacking =
    missing.length === 0 ? '' : `\n**Not asked, for want of them: ${missing.join(', ')}.**\n`
  return `---
title: Attacks
group: Prove it
---

# Attacks

This page is made by \`npm run attacks\`, which sends each attack to several servers, and notes what
they do: ${named.join('; ')}. The bytes are those of the cases, which say more.
${lacking}
A ✓ says that what must hold has held, a ✗ that it has not; where nothing of the kind can be said of
all servers, there is neither. Before each attack, and after it, the server gets the same request without
the flaw, and must serve it. If it does not, nothing can be told: a server that refuses everything
is not safe, it is useless.

A dash: the server has no such handler, or serves no files, and was not asked; where only a test of this
library shows something, no other server was. All have their own defaults. Responses are judged by what
must hold, and by nothing else. The versions of CPython share a column, and are named where they
differ.

What this library promises, and what not, is in [SECURITY](../.github/SECURITY.md).

`
}

// -- The summary -----------------------------------------------------------------------------

function summary(report: Report): string {
  const columns = columnsOf(report.findings)
  const lines = GROUPS.flatMap(({ rows }) => rows).map((row) => {
    const cells = columns.map((column) => {
      return idsOf(row).length === 0
        ? byTests(row, column, report)
        : total(row, newest(column, row, report.findings))
    })
    return `| ${[row.name, ...cells].join(' | ')} |`
  })
  return `## In short

Of CPython, the newest that was asked.

${table(['attack', ...columns])}
${lines.join('\n')}

`
}

function byTests({ tests = [] }: Row, column: Column, { passed }: Report): string {
  return column !== 'basehttp' ? '–' : tests.every(passed) ? '✓' : '✗'
}

function total(row: Row, found: Findings | undefined): string {
  const results = idsOf(row).flatMap((id) => found?.get(id) ?? [])
  const judged = results.filter(({ holds }) => holds !== undefined)
  const bad = judged.filter(({ holds }) => holds === false).length
  if (results.length === 0) {
    return '–'
  }
  if (bad === 0 && results.some(({ untold }) => untold === true)) {
    return 'cannot be told'
  }
  if (judged.length === 0) {
    return 'see below'
  }
  return bad === 0
    ? '✓'
    : judged.length === 1
      ? '✗'
      : `✗ ${String(bad)} of ${String(judged.length)}`
}

// -- An attack -------------------------------------------------------------------------------

function section(row: Row, report: Report): string {
  const { name, what, note, cases = [], tests = [], history = [] } = row
  const probe: Probe | undefined = row.probe === undefined ? undefined : PROBES[row.probe]
  const says = row.rule !== undefined && cases.length > 0 ? RULES[row.rule].says : probe?.says
  const paragraphs = [
    what,
    ...(says === undefined ? [] : [`What must hold: a server ${says}.`]),
    ...controlsOf(row, report.cases),
    ...(note === undefined ? [] : [note]),
    ...(history.length === 0 ? [] : [`In CPython: ${history.map(tracked).join(', ')}.`]),
  ]
  const columns = columnsOf(report.findings)
  const lines = [
    ...cases.map((id) => ({ id, shown: link(id, report.cases), sent: sent(id, report.cases) })),
    ...(probe === undefined
      ? []
      : [{ id: row.probe ?? '', shown: row.probe ?? '', sent: probe.sends }]),
  ].map(({ id, shown, sent }) => {
    const cells = columns.map((column) => answers(id, serversOf(column, report.findings), report))
    return `| ${[shown, sent, ...cells].join(' | ')} |`
  })
  const answered =
    lines.length === 0 ? '' : `${table(['case', 'sent', ...columns])}\n${lines.join('\n')}\n\n`
  const shown = tests.map(
    (test) => `- ${report.passed(test) ? '✓' : '✗'} ${test[1]} (\`${test[0]}\`)\n`,
  )
  const tested = shown.length === 0 ? '' : `Tests of this library:\n\n${shown.join('')}\n`
  return `### ${name}\n\n${paragraphs.join(' ')}\n\n${answered}${tested}`
}

/** A sentence about what is sent before and after. */
function controlsOf({ control, cases: ids = [], probe }: Row, cases: Report['cases']): string[] {
  const names = [
    ...ids.flatMap((id) => control ?? controlLike(cases.get(id) as Case)),
    ...(probe === undefined ? [] : [(PROBES[probe] as Probe).control]),
  ]
  const sends = [...new Set(names)].map((name) => CONTROLS[name].sends)
  return sends.length === 0 ? [] : [`Without the flaw: ${[...new Set(sends)].join(', ')}.`]
}

/** An entry of a bug tracker, with a link to it. */
function tracked(name: string): string {
  const [kind = '', number = ''] = name.split(/-(.*)/s)
  const trackers: Record<string, string> = {
    gh: 'https://github.com/python/cpython/issues/',
    bpo: 'https://bugs.python.org/issue',
    CVE: 'https://www.cve.org/CVERecord?id=CVE-',
  }
  return `[${name}](${trackers[kind] ?? ''}${number})`
}

/** What the servers of a column did: in one word if all did the same, else by version. */
function answers(id: string, servers: readonly Server[], { findings }: Report): string {
  const runs: { text: string; versions: string[] }[] = []
  for (const server of servers) {
    const found = findings.get(server)?.get(id)
    const text = found === undefined ? '–' : cell(found)
    const last = runs.at(-1)
    if (last?.text === text) {
      last.versions.push(minor(server.version))
    } else {
      runs.push({ text, versions: [minor(server.version)] })
    }
  }
  if (runs.length === 1) {
    return runs[0]?.text ?? ''
  }
  return runs.map(({ text, versions }) => `${range(versions)}: ${text}`).join('; ')
}

function range(versions: readonly string[]): string {
  const [first, last] = [versions[0] ?? '', versions.at(-1) ?? '']
  return first === last ? first : `${first} to ${last}`
}

function link(id: string, cases: ReadonlyMap<string, Case>): string {
  const [page = ''] = (cases.get(id)?.place ?? '').split(':')
  return `[${id}](../conformance/cases/${page})`
}

/** The bytes, cut short, as code. */
function sent(id: string, cases: ReadonlyMap<string, Case>): string {
  const bytes = cases.get(id)?.request.toString('latin1') ?? ''
  // Where there is one Host, it is the same everywhere, and tells nothing.
  const single = bytes.match(/Host:/g)?.length === 1
  const told = single ? bytes.replace(/(?<=\r\n)Host: [\w.:]+\r\n/, '') : bytes
  const visible = told
    .replace(/([a-z])\1{19,}/g, '$1$1$1...')
    .replace(/((?:a=&){3})(?:a=&)+/g, '$1...')
    .replace(/((?:[A-Z]-?\d+: x\r\n){2})(?:X?-?\w+: x\r\n){9,}/g, '$1...')
    .replace(/[\0-\x1f\x7f-\xff]/g, (control) => {
      const short: Record<string, string> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\0': '\\0' }
      return short[control] ?? `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`
    })
    .replaceAll('|', '\\|')
  return `\`${visible.length > 160 ? `${visible.slice(0, 160)}...` : visible}\``
}

// -- Tables ----------------------------------------------------------------------------------

function table(titles: readonly string[]): string {
  return `| ${titles.join(' | ')} |\n|${' --- |'.repeat(titles.length)}`
}

function idsOf({ cases = [], probe }: Row): string[] {
  return probe === undefined ? [...cases] : [...cases, probe]
}

function serversOf(column: Column, findings: ReadonlyMap<Server, Findings>): Server[] {
  return [...findings.keys()].filter((server) => server.column === column)
}

function columnsOf(findings: ReadonlyMap<Server, Findings>): Column[] {
  return COLUMNS.filter((column) => serversOf(column, findings).length > 0)
}

function newest(
  column: Column,
  row: Row,
  findings: ReadonlyMap<Server, Findings>,
): Findings | undefined {
  const asked = serversOf(column, findings).filter((server) => {
    return idsOf(row).some((id) => findings.get(server)?.has(id))
  })
  const last = asked.at(-1)
  return last === undefined ? undefined : findings.get(last)
}
