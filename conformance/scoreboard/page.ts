/**
 * The board as a page: what each server makes of each rule.
 *
 * @module
 */

import type { Rule, RuleLevel } from '../judge/rule.ts'
import { countMarks } from './board.ts'
import type { Board, Mark, Row } from './board.ts'

/** A sign for each mark: no two differ by colour alone. */
export const SIGNS: Readonly<Record<Mark, string>> = {
  passed: '●',
  allowed: '○',
  warned: '▽',
  lost: '✗',
  unsteady: '?',
  untold: '·',
  skipped: ' ',
}

const LEVELS: readonly RuleLevel[] = ['MUST', 'SHOULD', 'MAY', 'safe', 'sturdy']

/** Where a rule is explained, from `docs/`. */
export function linkTo({ id, place }: Rule): string {
  const [page = ''] = place.split(':')
  return `../conformance/rules/${page}#${id.replace('/', '')}`
}

/** Make the page, as Markdown. */
export function makePage(board: Board, rules: readonly Rule[]): string {
  const { rows, missing, withheld, date } = board
  const left = [
    ...(missing.length > 0 ? [`Not on the machine: ${missing.join(', ')}.`] : []),
    ...(withheld > 0
      ? [
          `${String(withheld)} more ${withheld === 1 ? 'server' : 'servers'} died of a rule; ` +
            'their maintainers are told before their rows are shown.',
        ]
      : []),
  ]
  return `---
title: The scoreboard
group: Prove it
---

# The scoreboard

What ${String(rows.length)} servers make of the ${String(rules.length)} rules of
[the conformance suite](../conformance/README.md#rules), on ${date}. Each serves the same folder, as it does
when it has just been installed; no option was set for the sake of a rule. This library is held to the
same rules as all others. \`npm run scoreboard\` makes this page again.

A rule counts only where its control, the same request without the flaw, is served. So a server that
does not take a kind of request at all is told nothing about it, and columns are not to be added up: the
servers want different things. RFC 9112 does not bind a server of HTTP/1.0, for one: what it says is left open there.

![A row for each server, a column for each rule](scoreboard.svg)

## The servers

${table(
  ['Server', 'Version', ...LEVELS, 'lost', 'warned', 'left open', 'untold'],
  rows.map((row) => summary(row, rules)),
)}

Under MUST, SHOULD, MAY, safe and sturdy: how many rules of that level it obeys, of those that it obeys
or loses. \`safe\` and \`sturdy\` are what security, and a network that is not perfect, demand, and no RFC
words.

${left.join('\n')}

| Server | Installed by | Started by |
| --- | --- | --- |
${rows.map(({ name, install, line }) => `| ${name} | \`${install}\` | \`${line}\` |`).join('\n')}

## The rules

${Object.entries(SIGNS)
  .filter(([mark]) => mark !== 'skipped')
  .map(([mark, sign]) => `${sign} ${mark}`)
  .join(', ')}; nothing: skipped, for want of a resource. Each sign leads to its rule.

${rows.map(({ name }, index) => `${letter(index)} ${name}`).join(', ')}

${topicsOf(rules)
  .map((topic) => topicTable(topic, board, rules))
  .join('\n\n')}

${rules.map((rule, index) => `[${String(index)}]: ${linkTo(rule)}`).join('\n')}
`
}

/** \`A\`, \`B\`, and so on: names are too long for columns. */
export function letter(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index)
}

function topicsOf(rules: readonly Rule[]): string[] {
  return [...new Set(rules.map(topicOf))]
}

function topicOf({ id }: Rule): string {
  return id.slice(0, id.indexOf('/'))
}

function topicTable(topic: string, { rows }: Board, rules: readonly Rule[]): string {
  const titles = ['Rule', 'Level', ...rows.map((_, index) => letter(index))]
  const lines = [...rules.entries()].flatMap(([index, rule]) =>
    topicOf(rule) !== topic
      ? []
      : [
          [
            `[${rule.id}][${String(index)}]`,
            rule.level,
            ...rows.map(({ marks }) => {
              const sign = SIGNS[marks[rule.id] ?? 'untold']
              return sign.trim() === '' ? '' : `[${sign}][${String(index)}]`
            }),
          ],
        ],
  )
  return `### ${topic}\n\n${table(titles, lines)}`
}

function summary(row: Row, rules: readonly Rule[]): string[] {
  const all = countMarks(row, rules)
  const levels = LEVELS.map((level) => {
    const { passed, warned, lost, unsteady } = countMarks(
      row,
      rules.filter((rule) => rule.level === level),
    )
    const judged = passed + warned + lost + unsteady
    return judged === 0 ? '' : `${String(passed)} of ${String(judged)}`
  })
  const more = [all.lost + all.unsteady, all.warned, all.allowed, all.untold].map(String)
  return [row.name, row.version, ...levels, ...more]
}

function table(titles: readonly string[], lines: readonly (readonly string[])[]): string {
  return [
    `| ${titles.join(' | ')} |`,
    `|${' --- |'.repeat(titles.length)}`,
    ...lines.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
}
