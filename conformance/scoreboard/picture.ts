/**
 * The board as a picture: a row for each server, a column for each rule.
 *
 * It can be read without colour: what is obeyed is light, what is lost is dark from top to bottom, and
 * the others differ in form.
 *
 * @module
 */

import type { Rule } from '../judge/rule.ts'
import type { Board, Mark } from './board.ts'
import { linkTo } from './page.ts'

const CELL = { width: 5, height: 18 }
const LEFT = 150
const TOP = 90
const BOTTOM = 30

/** The form of a mark, at the left top corner of a cell; nothing where the ground shows. */
const FORMS: Readonly<Record<Mark, (x: number, y: number) => string>> = {
  passed: () => '',
  allowed: (x, y) => rect(x, y + 7, 'a', 3),
  warned: (x, y) => rect(x, y + 9, 'w', 8),
  lost: (x, y) => rect(x, y, 'l', CELL.height - 1),
  unsteady: (x, y) => rect(x, y, 'w', 4) + rect(x, y + 13, 'w', 4),
  untold: (x, y) => rect(x, y, 'u', CELL.height - 1),
  skipped: (x, y) => rect(x, y, 'u', CELL.height - 1),
}

/** Draw the board. */
export function draw({ rows }: Board, rules: readonly Rule[]): string {
  const width = LEFT + rules.length * CELL.width + 20
  const height = TOP + rows.length * CELL.height + BOTTOM
  const names = rows.map(({ name }, row) => {
    return text(LEFT - 8, TOP + row * CELL.height + 13, name, 'text-anchor="end"')
  })
  const grounds = rows.map((_, row) => {
    const place = `x="${String(LEFT)}" y="${String(TOP + row * CELL.height)}"`
    const size = `width="${String(rules.length * CELL.width)}" height="${String(CELL.height - 1)}"`
    return `<rect class="p" ${place} ${size}/>`
  })
  const columns = rules.map((rule, column) => {
    const x = LEFT + column * CELL.width
    const cells = rows.map(({ marks }, row) => {
      return FORMS[marks[rule.id] ?? 'untold'](x, TOP + row * CELL.height)
    })
    const all = `<rect class="h" x="${String(x)}" y="${String(TOP)}" width="5" height="${String(rows.length * CELL.height)}"/>`
    const title = `<title>${rule.id}: ${rule.level}</title>`
    return `<a href="${linkTo(rule)}">${title}${cells.join('')}${all}</a>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="12">
<title>Servers by rules</title>
<style>.p{fill:#cfe3f5}.l{fill:#8b1a10}.w{fill:#e08a00}.a{fill:#2d5f8a}.u{fill:#fff}.h{fill:#000;fill-opacity:0}a:hover .h{fill-opacity:.2}</style>
<rect width="100%" height="100%" fill="#fff"/>
${[...names, ...topicNames(rules), ...grounds, ...columns, legend(height)].join('\n')}
</svg>
`
}

/** The topics, above their columns. */
function topicNames(rules: readonly Rule[]): string[] {
  const topics = rules.map(({ id }) => id.slice(0, id.indexOf('/')))
  let last = -Infinity
  return [...new Set(topics)].map((topic) => {
    const x = LEFT + topics.indexOf(topic) * CELL.width
    // Where topics are short, a name stands a little to the right.
    last = Math.max(x, last + 12)
    const at = String(last + 6)
    const turn = `transform="rotate(-45 ${at} ${String(TOP - 6)})"`
    const line = `<path d="M${String(x)} ${String(TOP - 6)}v6" stroke="#666"/>`
    return line + text(last + 6, TOP - 6, topic, `font-size="10" ${turn}`)
  })
}

function legend(height: number): string {
  const y = height - 24
  const words: readonly (readonly [Mark, string])[] = [
    ['passed', 'obeyed'],
    ['allowed', 'left open by the RFC'],
    ['warned', 'a SHOULD or MAY not followed'],
    ['lost', 'lost'],
    ['untold', 'cannot be told'],
  ]
  let next = LEFT
  return words
    .map(([mark, word]) => {
      const x = next
      next += 40 + word.length * 7
      const ground = mark === 'untold' ? '' : rect(x, y, 'p', CELL.height - 1)
      const border = `<rect x="${String(x)}" y="${String(y)}" width="5" height="17" fill="none" stroke="#666" stroke-width=".5"/>`
      return ground + FORMS[mark](x, y) + border + text(x + 12, y + 13, word, '')
    })
    .join('')
}

function rect(x: number, y: number, kind: string, height: number): string {
  return `<rect class="${kind}" x="${String(x)}" y="${String(y)}" width="5" height="${String(height)}"/>`
}

function text(x: number, y: number, words: string, more: string): string {
  return `<text x="${String(x)}" y="${String(y)}" ${more}>${words.replaceAll('&', '&amp;')}</text>`
}
