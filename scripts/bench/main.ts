/**
 * `npm run bench`: this library beside what a user would pick instead, in one run.
 *
 * Absolute numbers drift by a factor of two from run to run; only ratios within a run mean
 * anything. So all servers of a row run at once, and the load goes round: a second or two for each,
 * and again. The ratio is taken round by round, and its median is the result.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generate, LOAD_TOOL } from './load.ts'
import type { Contender } from './peers.ts'
import { installPeers } from './peers.ts'
import { plot } from './plot.ts'
import { measureColdStart, measureConnections, measureMemory } from './special.ts'
import { PINNED, ServerProcess } from './server-process.ts'
import { median, ratioRow } from './table.ts'
import type { Row } from './table.ts'
import { makeRoot, WORKLOADS } from './workloads.ts'
import type { Workload } from './workloads.ts'

const USAGE = `\
usage: npm run bench -- [flags]

  --install        first put the npm packages among the peers into bench-peers/
  --only PREFIX    only the rows whose id begins so; may be given several times
  --rounds N       how often the load goes round (default: 5)
  --seconds N      how long each server is loaded in a round (default: 2)
  --json FILE      write the rows to a file
  --svg FILE       draw them
  --help           print this

The environment variable PYTHON names the Python to compare with (default: python3).
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  let flags
  try {
    flags = parseArgs({
      args,
      options: {
        install: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [''] },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '2' },
        json: { type: 'string' },
        svg: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  if (flags.help) {
    console.log(USAGE)
    return 0
  }
  const [rounds, seconds] = [Number(flags.rounds), Number(flags.seconds)]
  if (!(Number.isInteger(rounds) && rounds > 0 && Number.isInteger(seconds) && seconds > 0)) {
    console.error('--rounds and --seconds take a whole number above 0')
    return 2
  }
  const isSelected = (id: string) => flags.only.some((prefix) => id.startsWith(prefix))
  if (flags.install) {
    installPeers()
  }

  console.log(
    `Node ${process.versions.node}, load from ${LOAD_TOOL}, ` +
      (PINNED ? 'servers on core 0, load on core 1' : 'not pinned: no taskset, or one core') +
      `, ${String(rounds)} rounds of ${String(seconds)} s\n`,
  )
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-bench-'))
  const root = join(folder, 'root')
  const rows: Row[] = []
  const add = (more: readonly Row[]) => {
    for (const row of more) {
      rows.push(row)
      console.log(row.text)
    }
  }
  try {
    makeRoot(root)
    for (const workload of WORKLOADS.filter(({ id }) => isSelected(id))) {
      add(await runWorkload(workload, root, rounds, seconds))
    }
    if (isSelected('connections')) {
      add(await measureConnections(rounds, seconds))
    }
    if (isSelected('start')) {
      add(await measureColdStart(root, 4 * rounds))
    }
    if (isSelected('memory')) {
      add(await measureMemory(root))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  if (rows.length === 0) {
    console.error(`No row selected: none begins with ${flags.only.join(' or ')}`)
    return 2
  }
  if (flags.json !== undefined) {
    writeFileSync(flags.json, `${JSON.stringify(rows, undefined, 2)}\n`)
  }
  if (flags.svg !== undefined) {
    writeFileSync(flags.svg, plot(rows))
  }
  const missed = rows.filter(({ reached }) => reached === false)
  console.log(`\n${String(missed.length)} of ${String(rows.length)} rows below what was promised`)
  return 0
}

/** What one server did in one round. */
interface Round {
  /** Requests per second. */
  readonly rate: number
  /** CPU time per request, in microseconds. */
  readonly cpu: number
}

async function runWorkload(
  workload: Workload,
  root: string,
  rounds: number,
  seconds: number,
): Promise<Row[]> {
  const { id, title, path, load } = workload
  console.log(`${id}: ${title}`)
  const running = new Map<Contender, ServerProcess>()
  try {
    for (const contender of [workload.ours, ...workload.rivals.map((rival) => rival.contender)]) {
      if (contender.command(0, root) === undefined) {
        console.log(`  ${contender.name}: not on this machine (npm packages: --install)`)
        continue
      }
      const server = await ServerProcess.start((port) => contender.command(port, root) ?? [])
      running.set(contender, server)
      if (!workload.check(await server.ask(path))) {
        throw new Error(`${contender.name} answers ${path} wrongly`)
      }
      // The first second is for compilers and caches.
      await generate(server.url(path), load, 1)
    }
    const rates = new Map<Contender, Round[]>()
    for (let round = 0; round < rounds; round++) {
      for (const [contender, server] of running) {
        const before = server.cpu()
        const done = await generate(server.url(path), load, seconds)
        rates.set(contender, [
          ...(rates.get(contender) ?? []),
          {
            rate: done.requests / done.seconds,
            cpu: ((server.cpu() - before) / done.requests) * 1e6,
          },
        ])
      }
    }
    const ours = rates.get(workload.ours) ?? []
    const summary = [...rates].map(
      ([{ name }, all]) =>
        `${name} ${median(all.map(({ rate }) => rate)).toFixed(0)}/s ` +
        `${median(all.map(({ cpu }) => cpu)).toFixed(0)} us`,
    )
    console.log(`  ${summary.join('; ')}`)
    return workload.rivals
      .filter(({ contender }) => rates.has(contender))
      .map(({ contender, atLeast, aim }) => {
        const theirs = rates.get(contender) ?? []
        return ratioRow({
          id,
          what: `requests/s against ${contender.name}`,
          ratios: ours.map(({ rate }, round) => rate / (theirs[round]?.rate ?? NaN)),
          cpu: median(theirs.map(({ cpu }, round) => cpu / (ours[round]?.cpu ?? NaN))),
          atLeast,
          aim,
        })
      })
  } finally {
    for (const server of running.values()) {
      await server.stop()
    }
  }
}
