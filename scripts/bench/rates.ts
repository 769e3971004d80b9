/**
 * Rates, and CPU time per request: all servers of a row run at once, and the load goes round.
 *
 * @module
 */

import { join } from 'node:path'
import { generate, IS_ABLE } from './load.ts'
import { inClone } from './peers.ts'
import type { Contender } from './peers.ts'
import { ServerProcess } from './server-process.ts'
import { makeRow, median } from './table.ts'
import type { Row } from './table.ts'
import type { Rival, Workload } from './workloads.ts'

/** What is measured with, and how long. */
export interface Setting {
  /** The document root. */
  readonly root: string
  /** Where logs go. */
  readonly folder: string
  readonly rounds: number
  /** How long each server is loaded in a round. */
  readonly seconds: number
  /** The folder of another clone, whose build is one more peer of each row. */
  readonly against?: string | undefined
  /** Print progress. */
  readonly say: (text: string) => void
  /** Note that a contender is not installed. */
  readonly missing: (contender: Pick<Contender, 'name'>) => void
}

/** What one server did in one round. */
interface Round {
  /** Requests per second; for large responses, mebibytes per second. */
  readonly rate: number
  /** CPU time per request, in microseconds; for large responses, per mebibyte. */
  readonly cpu: number
}

/**
 * A server is warm when so many seconds of load in a row have cost no less CPU than the best before
 * them. V8 compiles what it finds hot, and later optimizes it: with one process that is done in a few
 * seconds; with three children, each of which gets a third of the load, in half a minute.
 */
const STEADY = 4
/** What counts as less: below this part of the best. */
const LESS = 0.98
/** No server is warmed up for longer, in seconds. */
const LONGEST_WARM_UP = 60

/** Start a contender, check its response, and warm it up. */
export async function startWarm(
  contender: Contender,
  { path, load, check }: Pick<Workload, 'path' | 'load' | 'check'>,
  { root, folder }: Setting,
): Promise<ServerProcess> {
  const log = join(folder, 'server.log')
  const server = await ServerProcess.startAndConnect(
    (port) => contender.command(port, root) ?? [],
    log,
  )
  try {
    const response = await server.ask(path, load.upload && new Uint8Array(load.upload.size))
    if (!check(response)) {
      throw new Error(
        `${contender.name} has a wrong response for ${path}: status ${String(response.status)}, ` +
          `${String(response.body.length)} bytes`,
      )
    }
    await warmUp(server, path, load)
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Load a server until compilers and caches have done their work. */
async function warmUp(server: ServerProcess, path: string, load: Workload['load']): Promise<void> {
  let best = Infinity
  for (let second = 0, steady = 0; second < LONGEST_WARM_UP && steady < STEADY; second++) {
    const before = server.cpu()
    const { bytes } = await generate(server.url(path), load, 1)
    const cost = (server.cpu() - before) / bytes
    steady = cost < best * LESS ? 0 : steady + 1
    best = Math.min(best, cost)
  }
}

/** Measure one workload: a row for each peer that is installed. */
export async function measureRates(workload: Workload, setting: Setting): Promise<Row[]> {
  const { id, title, path, load, large = false } = workload
  const other = setting.against === undefined ? [] : [inClone(workload.ours, setting.against)]
  const rivals: Rival[] = [...workload.rivals, ...other.map((contender) => ({ contender }))]
  setting.say(`${id}: ${title}`)
  if (!IS_ABLE && (load.close === true || large || load.upload !== undefined)) {
    setting.missing({ name: `wrk, for ${id}` })
    return []
  }
  const running = new Map<Contender, ServerProcess>()
  try {
    for (const contender of [workload.ours, ...rivals.map((rival) => rival.contender)]) {
      if (contender.command(0, setting.root) === undefined) {
        setting.missing(contender)
        continue
      }
      try {
        running.set(contender, await startWarm(contender, workload, setting))
      } catch (error) {
        // An older build may not have the server of this row.
        if (!other.includes(contender)) {
          throw error
        }
        setting.say(`  ${contender.name}: left out: ${(error as Error).message}`)
      }
    }
    const rounds = new Map([...running.keys()].map((contender) => [contender, [] as Round[]]))
    for (let round = 0; round < setting.rounds; round++) {
      for (const [contender, server] of running) {
        const before = server.cpu()
        const done = await generate(server.url(path), load, setting.seconds)
        const units = large ? done.bytes / 2 ** 20 : done.requests
        if (units === 0) {
          throw new Error(
            `${contender.name} has sent no whole response in time: give --seconds more`,
          )
        }
        rounds.get(contender)?.push({
          rate: units / done.seconds,
          cpu: ((server.cpu() - before) / units) * 1e6,
        })
      }
    }
    const unit = large ? 'MiB' : 'request'
    for (const [{ name }, all] of rounds) {
      setting.say(
        `  ${name.padEnd(32)} ${median(all.map(({ rate }) => rate)).toFixed(0)} ${unit}s/s, ` +
          `${median(all.map(({ cpu }) => cpu)).toFixed(0)} us of CPU each`,
      )
    }
    const ours = rounds.get(workload.ours) ?? []
    return rivals
      .filter(({ contender }) => rounds.has(contender))
      .map(({ contender, measure = 'rate', ...promised }) => {
        const theirs = rounds.get(contender) ?? []
        const of = (pick: (ours: Round, theirs: Round) => number) =>
          ours.map((round, index) => pick(round, theirs[index] as Round))
        const rates = of((our, their) => our.rate / their.rate)
        const cpu = of((our, their) => their.cpu / our.cpu)
        const row = (what: string, ratios: number[], costs?: number[]) =>
          makeRow({ id, title, what: `${what} ${contender.name}` }, ratios, promised, costs)
        switch (measure) {
          case 'rate':
            return row(`${unit}s/s against`, rates, cpu)
          case 'cpu':
            return row(`CPU per ${unit}, times ours:`, cpu)
          case 'cost':
            return row(
              'CPU, times that of',
              cpu.map((ratio) => 1 / ratio),
            )
        }
      })
  } finally {
    for (const server of running.values()) {
      await server.stop()
    }
  }
}
