/**
 * What a server has kept: its descriptors and its memory, before and after a conversation that is
 * held often enough for a leak to show.
 *
 * ```text
 *   warm-up      count       the same again      count       more than before?
 * ```
 *
 * Only of a program that the suite has started itself, and only where the system has /proc.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { play } from '../judge/exchange.ts'
import { judge } from '../judge/verdict.ts'
import type { Finding } from '../judge/verdict.ts'
import type { Case } from '../judge/page.ts'
import { patiently } from '../patience.ts'
import type { RunningApp } from '../targets/target.ts'
import { settled } from './converse.ts'
import { sentBytes } from './repro.ts'

/** What a program and everything that it has started uses. */
export interface Resources {
  readonly descriptors: number
  /** In bytes. */
  readonly memory: number
}

const NOTHING: Resources = { descriptors: 0, memory: 0 }

/** How often the conversation is held before it is counted, and again before it is counted again. */
const ROUNDS = 30

/**
 * In how many batches in a row a server must grow. A leak grows in each; a heap that is not tidied yet
 * does not, nor does a server that starts one more of its threads when all others are at work.
 */
const BATCHES = 4

/** More descriptors than before by so many may have another reason than the clients. */
const SPARE = 4

/** How long a server may take to close what its clients have left, in milliseconds. */
const TIDY_LIMIT = patiently(5000)

/**
 * Count what the processes of a group use.
 *
 * @returns undefined where there is no /proc, or no such group.
 */
export function resourcesOf(group: number): Resources | undefined {
  let found: Resources | undefined
  for (const pid of processes()) {
    try {
      // pid (name) state ppid pgrp ...; the name may hold anything, parentheses, too.
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')
      if (Number(stat[2]) === group) {
        const pages = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]
        found = {
          descriptors: (found?.descriptors ?? 0) + readdirSync(`/proc/${pid}/fd`).length,
          memory: (found?.memory ?? 0) + 4096 * Number(pages),
        }
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  return found
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))
  } catch {
    return []
  }
}

/**
 * Hold a conversation that must leave nothing behind, often, and compare.
 *
 * @returns undefined if nobody can know what the server keeps.
 */
export async function judgeResources(one: Case, app: RunningApp): Promise<Finding[] | undefined> {
  const group = app.processGroup
  if (group === undefined || resourcesOf(group) === undefined) {
    return undefined
  }
  const often = async (): Promise<Finding[]> => {
    for (let round = 0; round < ROUNDS; round++) {
      const findings = judge(one, await play(one, app))
      if (findings.length > 0) {
        return findings
      }
    }
    return []
  }
  // What a program needs once, it has when it has been warmed up.
  const findings = await often()
  await settled(app)
  let before = resourcesOf(group) ?? NOTHING
  for (let batch = 1; findings.length === 0; batch++) {
    findings.push(...(await often()))
    const after = await tidied(app, group, before)
    const flaw = growth(before, after, ROUNDS * sentBytes(one).length)
    if (flaw === undefined) {
      break
    }
    if (batch === BATCHES) {
      findings.push({ line: '', flaw })
    }
    before = after
  }
  return findings
}

/** What a server has kept of a batch, or of something else that it began meanwhile. */
function growth(before: Resources, after: Resources, sent: number): string | undefined {
  const more = after.descriptors - before.descriptors
  if (more > SPARE) {
    return `the server has ${String(more)} descriptors more than before, and keeps them`
  }
  // Memory is given back late, and never all of it; but of what came, a quarter would be much.
  const grown = after.memory - before.memory
  if (grown > MOST_GROWTH + sent / 4) {
    const mib = (bytes: number) => `${String(Math.round(bytes / 2 ** 20))} MiB`
    return `the server has grown by ${mib(grown)}, after ${mib(sent)} that it need not keep`
  }
  return undefined
}

/** Count again, once the server has closed what its clients have left, or had the time to. */
async function tidied(app: RunningApp, group: number, before: Resources): Promise<Resources> {
  await settled(app)
  const deadline = Date.now() + TIDY_LIMIT
  for (;;) {
    const after = resourcesOf(group) ?? before
    if (after.descriptors <= before.descriptors + SPARE || Date.now() >= deadline) {
      return after
    }
    await sleep(50)
  }
}

/** What a process may grow by, whatever comes, in bytes. */
const MOST_GROWTH = 16 * 2 ** 20
