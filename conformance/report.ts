/**
 * What people get to read of a run: a table by topic, and each failure with what is wrong, why it
 * matters and how to see it again.
 *
 * @module
 */

import type { Exchange } from './exchange.ts'
import type { Result, Verdict } from './run.ts'
import type { Finding } from './verdict.ts'

const COLUMNS: readonly Verdict[] = ['pass', 'deviation', 'warn', 'fail', 'error', 'skip']

/** How many results have each verdict. */
export function count(results: readonly Result[]): Record<Verdict, number> {
  const counts = { pass: 0, deviation: 0, warn: 0, fail: 0, error: 0, skip: 0 }
  for (const { verdict } of results) {
    counts[verdict]++
  }
  return counts
}

/** A table: a row for each topic, a column for each verdict that occurs. */
export function table(results: readonly Result[]): string {
  const topics = [...new Set(results.map(({ topic }) => topic))]
  const totals = count(results)
  const columns = COLUMNS.filter((verdict) => verdict === 'pass' || totals[verdict] > 0)
  const width = Math.max('topic'.length, ...topics.map((topic) => topic.length))
  const row = (name: string, cells: readonly string[]) =>
    `${name.padEnd(width)}${cells.map((cell) => cell.padStart(11)).join('')}`
  const cells = (of: readonly Result[]) => {
    const counts = count(of)
    return columns.map((verdict) => (counts[verdict] === 0 ? '.' : String(counts[verdict])))
  }
  return [
    row('topic', columns),
    ...topics.map((topic) => row(topic, cells(results.filter((one) => one.topic === topic)))),
    row('all', cells(results)),
  ].join('\n')
}

/** A result that is not as it should be, in full. */
export function describe(result: Result): string {
  const { id, verdict, findings } = result
  const lines: string[] = []
  if ('why' in result.case) {
    const { level, source, why } = result.case
    lines.push(`not ok ${id}   ${verdict === 'error' ? 'error, ' : ''}${level}, ${source}`)
    lines.push(...findings.flatMap(show))
    lines.push(`    why    ${why}`)
    if (result.port !== undefined) {
      lines.push(`    repro  ${repro(result.case, result.port)}`)
    }
  } else {
    lines.push(`not ok ${id}   ${verdict === 'error' ? 'error, ' : ''}${result.case.title}`)
    lines.push(...findings.flatMap(show))
    if (result.outcome !== undefined) {
      lines.push(...compareWithRecording(result.case.recording.response, result.outcome.received))
    }
  }
  return lines.join('\n')
}

function show({ line, column, flaw }: Finding): string[] {
  if (line === '') {
    return [`    ${flaw}`]
  }
  const before = column === undefined ? '' : visible(line.slice(0, column))
  const mark = column === undefined ? '^'.repeat(Math.min(visible(line).length, 40)) : '^'
  return [`    ${visible(line)}`, `    ${' '.repeat(before.length)}${mark} ${flaw}`]
}

/** Text as it can be shown in a line: what is not printable ASCII is escaped. */
export function visible(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => {
    const short: Record<string, string> = { '\r': '\\r', '\n': '\\n', '\t': '\\t' }
    const code = character.charCodeAt(0)
    return short[character] ?? `\\x${code.toString(16).padStart(2, '0')}`
  })
}

/** All that a case sends. */
export function sentBytes(one: Exchange): Buffer {
  return Buffer.concat(
    one.actions.flatMap((action) => (action.do === 'send' ? [action.bytes] : [])),
  )
}

/** A shell line that sends the same bytes; start the target's app on that port first. */
export function repro(one: Exchange, port: number): string {
  const bytes = sentBytes(one)
    .toString('latin1')
    .replace(/[\\%]/g, (character) => character.repeat(2))
    .replace(/[^\x20-\x26\x28-\x7e]/g, (character) => {
      const short: Record<string, string> = { '\r': '\\r', '\n': '\\n', '\t': '\\t' }
      return short[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
    })
  return `printf '${bytes}' | nc 127.0.0.1 ${String(port)}`
}

/** The first lines in which two answers differ. */
function compareWithRecording(recorded: string, received: string): string[] {
  const expected = recorded.split('\n')
  const actual = received.split('\n')
  const at = expected.findIndex((line, index) => {
    return line !== actual[index] && !line.includes('@')
  })
  return [
    `    recorded  ${visible(expected[at] ?? '(the end)').slice(0, 200)}`,
    `    received  ${visible(actual[at] ?? '(the end)').slice(0, 200)}`,
  ]
}
