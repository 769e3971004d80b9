/**
 * What a target said while a case was played, for its author: his own error first, then the lines.
 *
 * @module
 */

import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TOP } from '../paths.ts'
import type { Said } from '../targets/target.ts'

/** A line, and where it was printed. */
export interface SaidLine {
  readonly stream: Said['stream']
  readonly line: string
}

/** The pieces that came, as lines; the last of a stream may lack its end. */
export function linesOf(said: readonly Said[] = []): SaidLine[] {
  const lines: SaidLine[] = []
  const rest = { stdout: '', stderr: '' }
  for (const { stream, text } of said) {
    const whole = (rest[stream] + text).split('\n')
    rest[stream] = whole.pop() as string
    lines.push(...whole.map((line) => ({ stream, line: line.trimEnd() })))
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    if (rest[stream] !== '') {
      lines.push({ stream, line: rest[stream] })
    }
  }
  return lines
}

/** How many lines of the log a report shows, and how much of each. */
const MOST_LINES = 12
const WIDTH = 160

/** The log of a case, as a report shows it. */
export function heard(said: readonly Said[] | undefined): string[] {
  return heardLines(linesOf(said).filter(({ line }) => line !== ''))
}

/** The same, of lines. */
export function heardLines(lines: readonly SaidLine[]): string[] {
  const shown = lines.slice(0, MOST_LINES).map(({ stream, line }) => {
    const cut = line.length > WIDTH ? `${line.slice(0, WIDTH)}...` : line
    return `    ${stream} ${printable(cut)}`
  })
  const more = lines.length - shown.length
  return more > 0
    ? [...shown, `    and ${String(more)} more ${more === 1 ? 'line' : 'lines'}`]
    : shown
}

/**
 * The first error that a program reported: what it is, and where its author wrote that.
 *
 * ```text
 *   threw  TypeError: Cannot read properties of undefined (reading 'x')
 *          at MyHandler.do_GET (/home/me/server.ts:12:20)
 * ```
 */
export function thrown(said: readonly Said[] | undefined): string[] {
  const lines = linesOf(said).map(({ line }) => line)
  const found = ofNode(lines) ?? ofPython(lines)
  return found === undefined
    ? []
    : [`    threw  ${printable(found.error)}`, `           ${printable(found.where)}`]
}

/** Frames that are not the author's: Node, what is installed, and this project. */
const NOT_HIS = /\(?(?:node:|internal\/)|[/\\]node_modules[/\\]/

function ofNode(lines: readonly string[]): { error: string; where: string } | undefined {
  const first = lines.findIndex((line) => /^\s+at .*:\d+:\d+\)?$/.test(line))
  if (first < 1) {
    return undefined
  }
  const after = lines.slice(first)
  const end = after.findIndex((line) => !/^\s+at /.test(line))
  const frames = end === -1 ? after : after.slice(0, end)
  const his = frames.find((line) => !NOT_HIS.test(line) && !isOurs(line))
  const where = String(his ?? frames[0])
    .trim()
    .replace(/file:\/\/[^\s)]*/, readable)
  return { error: (lines[first - 1] as string).trim(), where }
}

function isOurs(frame: string): boolean {
  const path = relative(TOP, frame.replace(/^.*?(?:file:\/\/)?(\/.*?):\d+:\d+\)?$/, '$1'))
  return /^(?:dist\/)?(?:lib|conformance)\//.test(path)
}

function readable(url: string): string {
  const [, file = url, place = ''] = /^(.*?)((?::\d+)*)$/.exec(url) ?? []
  return fileURLToPath(file) + place
}

function ofPython(lines: readonly string[]): { error: string; where: string } | undefined {
  const start = lines.indexOf('Traceback (most recent call last):')
  const length = lines.slice(start + 1).findIndex((line) => /^\S/.test(line))
  if (start === -1 || length === -1) {
    return undefined
  }
  const frames = lines.slice(start + 1, start + 1 + length)
  const last = frames.findLast((line) => /^ {2}File "/.test(line)) ?? ''
  return { error: lines[start + 1 + length] as string, where: last.trim() }
}

/** What a program has said, without what would reach the reader's terminal. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?')
}
