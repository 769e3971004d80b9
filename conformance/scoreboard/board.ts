/**
 * The board: what each server made of each rule, as it is kept in `docs/scoreboard.json`.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { Result } from '../run/lanes.ts'
import type { Rule } from '../judge/rule.ts'

/** What a server made of a rule. */
export type Mark = 'passed' | 'allowed' | 'warned' | 'lost' | 'unsteady' | 'untold' | 'skipped'

/** A server that has been judged. */
export interface Row {
  readonly name: string
  readonly version: string
  readonly install: string
  /** The line that started it. */
  readonly line: string
  /** By the ids of the rules. */
  readonly marks: Readonly<Record<string, Mark>>
}

/** All that has been found. */
export interface Board {
  /** The day on which it was made. */
  readonly date: string
  /** Each rule, with what tells it from an earlier rule of the same name. */
  readonly rules: Readonly<Record<string, string>>
  readonly rows: readonly Row[]
  /** The servers that were not on the machine. */
  readonly missing: readonly string[]
  /** How many servers are left out, because they died of a rule and their maintainers do not know yet. */
  readonly withheld: number
}

/** What tells a rule from another: what is sent and what is expected, and not how it is explained. */
export function fingerprint(rule: Rule): string {
  const facts = { authority: 'a', path: '/p', body: 'b', post: '/q' }
  const { turns, actions } = rule.exchange(facts)
  const { id, level, source, control, needs, fresh } = rule
  const told = { id, level, source, control, needs, fresh, actions, turns: [...turns] }
  const text = JSON.stringify(told, (_, value: unknown) => {
    return value instanceof RegExp ? value.source : value
  })
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

/** The rules, each with its fingerprint. */
export function fingerprints(rules: readonly Rule[]): Record<string, string> {
  return Object.fromEntries(rules.map((rule) => [rule.id, fingerprint(rule)]))
}

/** The rules that are not those of a board: new, changed or gone. */
export function changedSince({ rules: then }: Board, rules: readonly Rule[]): string[] {
  const now = fingerprints(rules)
  const ids = new Set([...Object.keys(then), ...Object.keys(now)])
  return [...ids].filter((id) => then[id] !== now[id])
}

/** Whether the server died of a rule. */
export function died(results: readonly Result[]): boolean {
  return results.some(({ verdict }) => verdict === 'dies')
}

/** The marks of a run; a death is a loss here, and is told elsewhere. */
export function marksOf(results: readonly Result[]): Record<string, Mark> {
  return Object.fromEntries(results.map(({ id, verdict }) => [id, MARKS[verdict] ?? 'untold']))
}

const MARKS: Partial<Record<Result['verdict'], Mark>> = {
  ...{ pass: 'passed', allowed: 'allowed', warn: 'warned', fail: 'lost', dies: 'lost' },
  ...{ unsteady: 'unsteady', untold: 'untold', skip: 'skipped' },
}

/** How many of some rules have each mark. */
export function countMarks(row: Row, rules: readonly Rule[]): Record<Mark, number> {
  const counts = { passed: 0, allowed: 0, warned: 0, lost: 0, unsteady: 0, untold: 0, skipped: 0 }
  for (const { id } of rules) {
    counts[row.marks[id] ?? 'untold']++
  }
  return counts
}
