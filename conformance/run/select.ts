/**
 * Which cases a run has, and whether the target can be judged by them at all.
 *
 * @module
 */

import { statSync } from 'node:fs'
import { UsageError } from './flags.ts'
import type { Flags } from './flags.ts'
import type { Result } from './lanes.ts'
import { readPages } from '../judge/page.ts'
import type { Case } from '../judge/page.ts'
import { CASES, RECORDINGS } from '../paths.ts'
import { readRecordings } from '../recordings/recording.ts'
import type { ReplayCase } from '../recordings/recording.ts'

/** A case of either kind. */
export type AnyCase = Result['case']

/** The app that a case needs. */
export function appOf(one: AnyCase): string {
  return 'server' in one ? one.server : 'app' in one ? one.app : ''
}

/**
 * Read all the pages: the suite's own, or those of the folders that are given instead.
 *
 * @throws {@link UsageError} when a folder cannot be read; PageError when a page is broken.
 */
export function readCases({ cases: folders, seed }: Flags): Case[] {
  for (const folder of folders) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new UsageError(`There is no folder "${folder}" for --cases`)
    }
  }
  const cases = readPages(folders.length === 0 ? CASES : folders, seed)
  if (cases.length === 0) {
    throw new UsageError(`There is no page in ${folders.join(', ')}; a page is called NAME.md`)
  }
  return cases
}

/** The recorded requests of a Python; none of `none`. */
export function readReplays(which: string): ReplayCase[] {
  return which === 'none' ? [] : readRecordings(RECORDINGS, `cpython-${which}`)
}

/** A case, or a rule: what a case needs are other cases. */
interface Selectable {
  readonly id: string
  readonly needs?: readonly string[]
}

/** The cases whose id begins as `--only` says, and of these the part of `--shard`. */
export function select<One extends Selectable>(
  cases: readonly One[],
  { only, shard }: Pick<Flags, 'only' | 'shard'>,
): One[] {
  const chosen = cases.filter(({ id }) => only.some((prefix) => id.startsWith(prefix)))
  // A case goes where the case goes without which it tells nothing.
  const partOf = (one: One): number => {
    const needed = chosen.find(({ id }) => id === one.needs?.[0])
    return needed === undefined ? chosen.indexOf(one) % shard.of : partOf(needed)
  }
  return shard.of === 1 ? chosen : chosen.filter((one) => partOf(one) === shard.part - 1)
}

/** The apps that cases need, each with the number of its cases. */
export function appsOf(cases: readonly AnyCase[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const one of cases) {
    counts.set(appOf(one), (counts.get(appOf(one)) ?? 0) + 1)
  }
  return counts
}

/**
 * Refuse a run that would judge nothing, or not what is required.
 *
 * @param known - all the apps there are
 * @throws {@link UsageError}
 */
export function checkApps(
  target: { readonly name: string; readonly apps: ReadonlySet<string> },
  selected: readonly AnyCase[],
  known: ReadonlySet<string>,
  { require: required }: Flags,
): void {
  for (const app of required) {
    if (!known.has(app)) {
      throw new UsageError(`--require: ${unknownApp(app, known)}`)
    }
    if (!target.apps.has(app)) {
      throw new UsageError(`--require: ${target.name} has no app "${app}"`)
    }
  }
  const needed = new Set(selected.map(appOf))
  if ([...needed].some((app) => target.apps.has(app))) {
    return
  }
  const flaws = [...target.apps].filter((app) => !known.has(app))
  const about =
    flaws.length > 0
      ? flaws.map((app) => unknownApp(app, known)).join('; ')
      : `it offers ${[...target.apps].join(', ')}, and the cases need ${[...needed].join(', ')}`
  throw new UsageError(`Nothing of ${target.name} can be judged: ${about}`)
}

/** Say that an app is not one of those that there are, and which one may be meant. */
export function unknownApp(app: string, known: ReadonlySet<string>): string {
  const [near] = [...known]
    .map((name) => ({ name, distance: distance(app.toLowerCase(), name) }))
    .filter((one) => one.distance <= 2)
    .sort((a, b) => a.distance - b.distance)
  const hint = near === undefined ? '' : `; did you mean "${near.name}"?`
  return `no case needs an app "${app}"${hint}${hint === '' ? ';' : ''} There are ${[...known].join(', ')}`
}

/** How many letters must be changed, added or left out to make one word of the other. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const line = [row]
    for (let column = 1; column <= b.length; column++) {
      const [diagonal, top] = [above[column - 1] as number, above[column] as number]
      const change = a[row - 1] === b[column - 1] ? 0 : 1
      line.push(Math.min(diagonal + change, top + 1, (line[column - 1] as number) + 1))
    }
    above = line
  }
  return above[b.length] as number
}

/**
 * Say which of the apps that are required have not been judged after all.
 *
 * @returns undefined if all have been.
 */
export function notJudged(results: readonly Result[], { require: required }: Flags) {
  const judged = new Set(
    results
      .filter(({ verdict }) => verdict !== 'skip' && verdict !== 'dependent')
      .map((result) => appOf(result.case)),
  )
  const missing = required.filter((app) => !judged.has(app))
  return missing.length === 0
    ? undefined
    : `--require: no case of ${missing.map((app) => `"${app}"`).join(', ')} has been judged`
}
