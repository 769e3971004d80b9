/**
 * The results as pictures.
 *
 * @module
 */

import type { Growth } from './growth.ts'
import { short } from './table.ts'
import type { Row } from './table.ts'

const BLUE = '#2d7dd2'
const RED = '#c0392b'
const GREY = '#999999'

// -- Ratios ----------------------------------------------------------------------------------

const BAR = 18
const TEXT = 430
const CHART = 400

/** Draw a bar for each ratio, on a logarithmic scale; a line is what was promised, a dot the aim. */
export function plotRatios(rows: readonly Row[]): string {
  const ratios = rows.filter(({ id }) => id !== 'memory')
  const highest = Math.max(2, ...ratios.map(({ value, aim = 1 }) => Math.max(value, aim)))
  const lowest = Math.min(0.5, ...ratios.map(({ value }) => value))
  const x = (value: number) =>
    TEXT + (CHART * Math.log(value / lowest)) / Math.log(highest / lowest)
  const bars = ratios.flatMap(({ id, what, value, atLeast, atMost, aim, reached }, row) => {
    const y = row * (BAR + 8) + 24
    const promised = atLeast ?? atMost
    const [from, to] = [x(1), x(value)].sort((a, b) => a - b) as [number, number]
    return [
      text(TEXT - 8, y, `${id}: ${what}`, 'end'),
      rect(from, y - 13, to - from, BAR, reached === false ? RED : BLUE),
      text(Math.max(from, to, x(aim ?? 1)) + 8, y, short(value), 'start'),
      ...(promised === undefined ? [] : [line(x(promised), y - 15, x(promised), y + 7, '#000000')]),
      ...(aim === undefined ? [] : [dot(x(aim), y - 4, '#000000')]),
    ]
  })
  const height = ratios.length * (BAR + 8) + 32
  return svg(TEXT + CHART + 70, height, 'Ratios to other servers', [
    line(x(1), 8, x(1), height - 8, GREY),
    ...bars,
  ])
}

// -- Growth ----------------------------------------------------------------------------------

const PANEL = { width: 300, height: 230, left: 70, top: 40, right: 20, bottom: 40 }
const COLUMNS = 3

/** Draw the curves, both scales logarithmic; the dashed line grows linearly. */
export function plotGrowth(growths: readonly Growth[]): string {
  const panels = growths.map((growth, index) => {
    const [column, row] = [index % COLUMNS, Math.floor(index / COLUMNS)]
    const place = `translate(${String(column * PANEL.width)} ${String(row * PANEL.height)})`
    return `<g transform="${place}">\n${panel(growth).join('\n')}\n</g>`
  })
  return svg(
    COLUMNS * PANEL.width,
    Math.ceil(growths.length / COLUMNS) * PANEL.height,
    'CPU time by connections, requests, headers, bytes and names',
    panels,
  )
}

function panel({ title, unit, points, linear }: Growth): string[] {
  // 0 has no logarithm; it is drawn where a tenth of the next value would be.
  const smallest = Math.min(...points.map(({ x }) => x).filter((x) => x > 0))
  const places = points.map(({ x }) => Math.log10(x === 0 ? smallest / 10 : x))
  const costs = points.map(({ cost }) => Math.log10(cost.value))
  const scale = (values: readonly number[], from: number, to: number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return (value: number) => from + ((value - low) / Math.max(high - low, 0.1)) * (to - from)
  }
  const x = scale(places, PANEL.left, PANEL.width - PANEL.right)
  const y = scale(costs, PANEL.height - PANEL.bottom, PANEL.top)
  const at = (index: number) => ({ x: x(places[index] ?? 0), y: y(costs[index] ?? 0) })
  const corners = points.map((_, index) => `${at(index).x.toFixed(1)},${at(index).y.toFixed(1)}`)
  // From the last point back, as long as it stays in the picture.
  const last = points.length - 1
  const decades = Math.min(
    (places[last] ?? 0) - Math.min(...places),
    (costs[last] ?? 0) - Math.min(...costs),
  )
  const back = { x: x((places[last] ?? 0) - decades), y: y((costs[last] ?? 0) - decades) }
  return [
    text(PANEL.left - 50, 22, title, 'start'),
    line(PANEL.left, PANEL.top, PANEL.left, PANEL.height - PANEL.bottom, GREY),
    line(
      PANEL.left,
      PANEL.height - PANEL.bottom,
      PANEL.width - PANEL.right,
      PANEL.height - PANEL.bottom,
      GREY,
    ),
    line(back.x, back.y, at(last).x, at(last).y, GREY, '4 3'),
    `<polyline points="${corners.join(' ')}" fill="none" stroke="${linear ? BLUE : RED}" stroke-width="2"/>`,
    ...points.flatMap((point, index) => [
      dot(at(index).x, at(index).y, linear ? BLUE : RED),
      text(at(index).x, PANEL.height - PANEL.bottom + 15, counted(point.x), 'middle'),
    ]),
    text(PANEL.left - 6, PANEL.top + 4, timed(Math.max(...costs)), 'end'),
    text(PANEL.left - 6, PANEL.height - PANEL.bottom, timed(Math.min(...costs)), 'end'),
    text(PANEL.width / 2 + 20, PANEL.height - 8, unit, 'middle'),
  ]
}

/** A count with a prefix: 1048576 is 1 Mi, 100000 is 100 k. */
export function counted(count: number): string {
  for (const [size, prefix] of [
    [2 ** 20, ' Mi'],
    [2 ** 10, ' Ki'],
    [1e3, ' k'],
  ] as const) {
    if (count >= size && count % size === 0) {
      return `${String(count / size)}${prefix}`
    }
  }
  return String(count)
}

/** Ten to a power, as microseconds. */
function timed(power: number): string {
  const time = 10 ** power
  return time >= 1e6
    ? `${short(time / 1e6)} s`
    : time >= 1e3
      ? `${short(time / 1e3)} ms`
      : `${short(time)} us`
}

// -- SVG -------------------------------------------------------------------------------------

function svg(width: number, height: number, label: string, content: readonly string[]): string {
  const [w, h] = [String(width), String(height)]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" font-family="sans-serif" font-size="12" role="img" aria-label="${label}">`,
    `<rect width="${w}" height="${h}" fill="#ffffff"/>`,
    ...content,
    '</svg>\n',
  ].join('\n')
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped}</text>`
}

function rect(x: number, y: number, width: number, height: number, color: string): string {
  return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${String(height)}" fill="${color}"/>`
}

function line(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  color: string,
  dashes?: string,
): string {
  const dashed = dashes === undefined ? '' : ` stroke-dasharray="${dashes}"`
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${color}"${dashed}/>`
}

function dot(x: number, y: number, color: string): string {
  return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${color}"/>`
}
