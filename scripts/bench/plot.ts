/**
 * The rows as a picture: a bar for each ratio on a logarithmic scale, a mark for what was promised.
 *
 * @module
 */

import type { Row } from './table.ts'

const BAR = 18
const TEXT = 380
const CHART = 420

/** Draw rows as SVG. */
export function plot(rows: readonly Row[]): string {
  const ratios = rows.filter(({ id }) => id !== 'memory')
  const highest = Math.max(2, ...ratios.map(({ value }) => value))
  const lowest = Math.min(0.5, ...ratios.map(({ value }) => value))
  const x = (value: number) =>
    TEXT + (CHART * Math.log(value / lowest)) / Math.log(highest / lowest)
  const bars = ratios.flatMap(({ id, what, value, atLeast, atMost, reached }, row) => {
    const y = row * (BAR + 8) + 24
    const promised = atLeast ?? atMost
    const [from, to] = [x(1), x(value)].sort((a, b) => a - b) as [number, number]
    const color = reached === false ? '#c0392b' : '#2d7dd2'
    return [
      text(TEXT - 8, y, `${id}: ${what}`, 'end'),
      `<rect x="${from.toFixed(1)}" y="${String(y - 13)}" width="${(to - from).toFixed(1)}" height="${String(BAR)}" fill="${color}"/>`,
      text(Math.max(from, to) + 6, y, value.toPrecision(3), 'start'),
      ...(promised === undefined ? [] : [line(x(promised), y - 15, y + 7, '#333')]),
    ]
  })
  const height = ratios.length * (BAR + 8) + 32
  const width = TEXT + CHART + 70
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    line(x(1), 8, height - 8, '#999'),
    ...bars,
    '</svg>\n',
  ].join('\n')
}

function text(x: number, y: number, words: string, anchor: 'start' | 'end'): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${String(y)}" text-anchor="${anchor}">${escaped}</text>`
}

function line(x: number, from: number, to: number, color: string): string {
  return `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${String(from)}" y2="${String(to)}" stroke="${color}"/>`
}
