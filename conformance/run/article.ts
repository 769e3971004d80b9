/**
 * The executable article: its transcripts beside what a server sends now.
 *
 * ```text
 *   Content-Length: 447     | Content-Length: 447     | must match        ...and how that is known
 *   Date: Thu, 06 Oct 2016  | Date: Mon, 23 Nov 2026  | varies
 *     <head>                |     <head>              | article's editing
 *   * Trying 127.0.0.1...   |                         | not the server's
 * ```
 *
 * The transcripts are kept in `run/transcripts.json`, line by line, each with what is known about
 * it; or they are read directly from a copy of the article, and then every line of them must be
 * known.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { requestOf, sortLines } from '../judge/curl.ts'
import type { TraceLine } from '../judge/curl.ts'
import { deviationsOf } from '../judge/deviations.ts'
import { play } from '../judge/exchange.ts'
import type { Action } from '../judge/exchange.ts'
import type { Conducted } from './lanes.ts'
import { parsePattern } from '../judge/fence.ts'
import { TRANSCRIPTS } from '../paths.ts'
import { patiently } from '../patience.ts'
import { visible } from './report.ts'
import { withDeviations } from './run.ts'
import type { RunningApp, Target } from '../targets/target.ts'
import { judgeLog, judgeText } from '../judge/verdict.ts'

const MARKS = {
  must: 'must match',
  varies: 'varies',
  editing: "article's editing",
  other: "not the server's",
} as const

/** A line of the article, and what is known about it. */
export interface Row {
  readonly mark: keyof typeof MARKS
  /** As the article prints it. */
  readonly line: string
  /** What is on the wire instead, as in a page's fence; undefined if nothing is. */
  readonly live?: string
  /** The number of the line on the wire, where the article has it in another place. */
  readonly at?: number
  /** Whose line it is; the response's, if left out. */
  readonly of?: 'client' | 'log'
  /** How that is known. */
  readonly how: string
}

/** A section of the article that has transcripts. */
export interface Section {
  readonly section: string
  readonly id: string
  readonly app: string
  /** What ends the lines of the body. */
  readonly bodyEnd: '\n' | '\r\n'
  /** The line after which the lines may come in any order. */
  readonly anyOrder?: string
  readonly rows: readonly Row[]
}

/** The transcripts that are kept here. */
export function readSections(): Section[] {
  return JSON.parse(readFileSync(TRANSCRIPTS, 'utf8')) as Section[]
}

// -- Reading the article ---------------------------------------------------------------------

/** The lines of the transcripts in a copy of the article, for each of its sections. */
export function readArticle(text: string, sections: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  let section = ''
  let fenced = false
  // Whether this fence is a transcript. A fence directly after it is a part of it.
  let shell = false
  let first = false
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) {
      fenced = !fenced
      first = fenced
    } else if (!fenced) {
      shell &&= line.trim() === ''
      section = sections.includes(line) ? line : section
    } else if (line.trim() !== '') {
      if (first) {
        shell = line.startsWith('$ ') || shell
        first = false
      }
      if (shell) {
        found.set(section, [...(found.get(section) ?? []), line])
      }
    } else if (shell) {
      found.get(section)?.push('')
    }
  }
  return found
}

/** Put the lines of a transcript beside what is known; null where nothing is. */
export function markLines(lines: readonly string[], rows: readonly Row[]) {
  const left = [...rows]
  const marked: { line: string; row: Row | null }[] = []
  for (const { line } of withoutGaps(sortLines(lines))) {
    const at = left.findIndex((row) => row.line === line)
    const [row] = at === -1 ? [null] : left.splice(at, 1)
    marked.push({ line, row: row ?? null })
  }
  return { marked, missing: left }
}

/** Blank lines around a command are the page's; those within a response are the response's. */
function withoutGaps(lines: readonly TraceLine[]): TraceLine[] {
  const isCommand = (line: TraceLine | undefined) => line === undefined || line.from === 'command'
  return lines.filter(({ line }, at) => {
    const next = lines.slice(at).find((other) => other.line !== '')
    return line !== '' || !(isCommand(lines[at - 1]) || isCommand(next))
  })
}

// -- Asking a server -------------------------------------------------------------------------

/** A row with what actually came. */
export interface Shown {
  readonly row: Row
  readonly live: string
  readonly flaw: string | undefined
}

/** Send what the article sends, and put the responses beside its own. */
export async function askSection(section: Section, app: RunningApp): Promise<Shown[]> {
  const start = app.log()?.length ?? 0
  const shown: Shown[] = []
  for (const rows of commands(section.rows)) {
    const command = rows[0]?.line ?? ''
    if (!command.startsWith('$ curl ')) {
      shown.push(...rows.map((row) => ({ row, live: '', flaw: undefined })))
      continue
    }
    const actions = actionsFor(command, rows)
    // The response cannot be judged before it is whole, when an HTTP/1.0 server closes.
    const expectation = { closes: true, progress: () => 'incomplete' as const }
    const outcome = await play({ actions, expectation }, app)
    const flaw = outcome.closed ? undefined : 'the server keeps the connection open'
    shown.push(...beside(section, rows, command, outcome.received, outcome.clientPort, flaw))
  }
  return judgeLogRows(shown, app, start)
}

/** What the article's client sends, for each `curl` of a section. */
export function requestsIn({ rows }: Section): Buffer[] {
  return commands(rows)
    .filter(([first]) => first?.line.startsWith('$ curl ') === true)
    .map((lines) => {
      const actions = actionsFor(lines[0]?.line ?? '', lines)
      return Buffer.concat(
        actions.flatMap((action) => (action.do === 'send' ? [action.bytes] : [])),
      )
    })
}

/** A command with its lines. */
function commands(rows: readonly Row[]): Row[][] {
  const groups: Row[][] = []
  for (const row of rows) {
    if (row.line.startsWith('$ ')) {
      groups.push([])
    }
    groups.at(-1)?.push(row)
  }
  return groups
}

/** A file as long as the one that the article sends with its form. */
const FILE = '#'.repeat(1611) + '\n'

function actionsFor(command: string, rows: readonly Row[]): Action[] {
  const printed = rows.flatMap(({ of, live }) => (of === 'client' ? [live ?? ''] : []))
  const lines = printed.length > 0 ? printed : requestOf(command)
  const boundary = /boundary=(\S+)/.exec(lines.join('\n'))?.[1]
  const body = boundary === undefined ? '' : form(boundary)
  const head = [...lines, ''].join('\r\n').replace('{{length}}', String(body.length))
  const send = (text: string): Action => ({ do: 'send', bytes: Buffer.from(text, 'latin1') })
  // curl gives a server a second for its 100 Continue; a quarter is enough to see that none comes.
  return body === '' ? [send(head)] : [send(head), { do: 'pause', ms: 250 }, send(body)]
}

function form(boundary: string): string {
  const part = (about: string, value: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; ${about}\r\n\r\n${value}\r\n`
  const file =
    'name="datafile"; filename="http_server_GET.py"\r\nContent-Type: application/octet-stream'
  return (
    part('name="name"', 'dhellmann') +
    part('name="foo"', 'bar') +
    part(file, FILE) +
    `--${boundary}--\r\n`
  )
}

/** Put the lines of a response beside the rows that describe them. */
function beside(
  section: Section,
  rows: readonly Row[],
  command: string,
  received: string,
  clientPort: number,
  flaw: string | undefined,
): Shown[] {
  const response = rows.filter((row) => row.live !== undefined && row.of === undefined)
  // Without -i, -v or -I, curl prints the body alone.
  const all = /\s-(?:i|v|I)\b/.test(command)
  const bodyAt = received.indexOf('\r\n\r\n') + 4
  const lines = (all ? received : received.slice(bodyAt)).split(/(?<=\n)/)
  const order = inOrder(response, lines, section.anyOrder)
  const head = all ? lines.indexOf('\r\n') + 1 : 0
  const shown = rows.map((row): Shown => {
    if (row.of === 'client') {
      return { row, live: `> ${row.live ?? ''}`, flaw: undefined }
    }
    const at = order.indexOf(row)
    if (at === -1) {
      return { row, live: '', flaw: undefined }
    }
    const live = lines[at] ?? ''
    const end = head === 0 && all ? '\r\n' : at < head ? '\r\n' : section.bodyEnd
    const pattern = [...parsePattern(row.live ?? '', section.id), { literal: end }]
    return { row, live, flaw: judgeText([pattern], live, clientPort)[0]?.flaw }
  })
  // The empty line that ends a head without a body is printed by curl, but not by the article.
  const rest = lines.slice(order.length).filter((line, at) => !(at === 0 && line === '\r\n'))
  const excess = rest.join('')
  const why = excess === '' ? flaw : `there is more: ${visible(excess).slice(0, 80)}`
  return why === undefined ? shown : [...shown, { row: NOTHING, live: excess, flaw: why }]
}

const NOTHING: Row = { mark: 'must', line: '', how: 'the article prints nothing more' }

/** The rows in the order of the wire. */
function inOrder(rows: readonly Row[], lines: string[], anyOrder: string | undefined): Row[] {
  const moved = new Map(rows.flatMap((row) => (row.at === undefined ? [] : [[row.at, row]])))
  const rest = rows.filter(({ at }) => at === undefined)
  const order = rows.map((_, index) => moved.get(index + 1) ?? (rest.shift() as Row))
  const from = order.findIndex(({ line }) => line === anyOrder) + 1
  if (from > 0) {
    const place = (row: Row) => lines.findIndex((line) => line.trimEnd() === row.live)
    order.push(...order.splice(from).sort((a, b) => place(a) - place(b)))
  }
  return order
}

/** The log comes a moment after the response. */
async function judgeLogRows(shown: Shown[], app: RunningApp, start: number): Promise<Shown[]> {
  const deadline = Date.now() + patiently(3000)
  while (app.log()?.slice(start) === '' && Date.now() < deadline) {
    await sleep(10)
  }
  const log = app.log()?.slice(start)
  return shown.map((one) => {
    if (one.row.of !== 'log') {
      return one
    }
    if (log === undefined) {
      return { ...one, live: '(its log cannot be read)' }
    }
    const pattern = parsePattern(one.row.live ?? '', 'log')
    return { ...one, live: log, flaw: judgeLog([pattern], log, app.utcOffset)[0]?.flaw }
  })
}

// -- Showing ---------------------------------------------------------------------------------

/**
 * Show all sections.
 *
 * @param file - a copy of the article, if its transcripts are to be read from there
 * @returns the exit status.
 */
export async function runArticle(target: Target, root: string, file?: string): Promise<number> {
  const sections = readSections()
  const deviations = deviationsOf(target)
  const text = file === undefined ? undefined : readFileSync(file, 'utf8')
  const article =
    text &&
    readArticle(
      text,
      sections.map(({ section }) => section),
    )
  const verdicts: string[] = []
  for (const section of sections) {
    console.log(`\n## ${section.section}`)
    if (article) {
      const { marked, missing } = markLines(article.get(section.section) ?? [], section.rows)
      const unknown = marked.filter(({ row }) => row === null)
      for (const { line } of unknown) {
        console.log(`the article has a line about which nothing is known: ${JSON.stringify(line)}`)
      }
      for (const { line } of missing) {
        console.log(`the article lacks a line that is known: ${JSON.stringify(line)}`)
      }
      if (unknown.length + missing.length > 0) {
        verdicts.push('fail')
        continue
      }
    }
    if (!target.apps.has(section.app)) {
      console.log(`skipped: the target has no app "${section.app}"`)
      verdicts.push('skip')
      continue
    }
    verdicts.push(await showSection(section, target, root, deviations))
  }
  const of = (verdict: string) => verdicts.filter((one) => one === verdict).length
  const failed = of('fail') + of('unexpected pass') + of('error')
  const passed = of('pass') + of('expected failure')
  console.log(
    `\narticle on ${target.name}: ${String(passed)} sections passed, ${String(failed)} failed` +
      (of('skip') > 0 ? `, ${String(of('skip'))} skipped` : ''),
  )
  return of('error') > 0 ? 3 : failed > 0 ? 1 : 0
}

async function showSection(
  section: Section,
  target: Target,
  root: string,
  deviations: ReturnType<typeof deviationsOf>,
): Promise<string> {
  let shown: Shown[]
  try {
    const app = await target.start(section.app, { root })
    shown = await askSection(section, app).finally(() => app.stop())
  } catch (error) {
    console.log(`not ok ${section.id}   error\n    ${(error as Error).message}`)
    return 'error'
  }
  console.log(sideBySide(shown))
  const findings = shown.flatMap(({ live, flaw }) => {
    return flaw === undefined ? [] : [{ line: live, flaw }]
  })
  const response = shown.map(({ row, live }) => (row.of === undefined ? live : '')).join('')
  const seen = { response, closed: true, findings }
  const judged: Conducted = { verdict: findings.length === 0 ? 'pass' : 'fail', findings }
  const { verdict } = withDeviations(section.id, seen, true, deviations, judged)
  console.log(`${verdict === 'pass' ? 'ok' : verdict} ${section.id}`)
  return verdict
}

/** How wide a column may be. */
const WIDEST = 66

function sideBySide(shown: readonly Shown[]): string {
  const cell = (text: string) => (text.length > WIDEST ? text.slice(0, WIDEST - 1) + '…' : text)
  const rows = shown.map(({ row, live, flaw }) => [
    cell(row.line.replaceAll('\n', ' ')),
    cell(visible(live).replace(/(?:\\r)?\\n$/, '')),
    `${MARKS[row.mark]}${' '.repeat(18 - MARKS[row.mark].length)}${row.how}`,
    flaw,
  ])
  const width = (column: number) => Math.max(...rows.map((row) => (row[column] ?? '').length))
  const [left, right] = [width(0), width(1)]
  return rows
    .map(([line = '', live = '', mark = '', flaw]) => {
      const text = `${flaw === undefined ? ' ' : 'X'} ${line.padEnd(left)} | ${live.padEnd(right)} | ${mark}`
      return flaw === undefined ? text : `${text}\n  ${' '.repeat(left)} | ^ ${flaw}`
    })
    .join('\n')
}
