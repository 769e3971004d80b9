/**
 * `npm run bench`: this library beside what a user would pick instead, and beside the floor
 * under both, in one run.
 *
 * Absolute numbers drift by a factor of two from run to run; only ratios within a run mean
 * anything. So all servers of a row run at once, and the load goes round: a second or two for each,
 * and again. The ratio is taken round by round, and its median is the result.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { canPin, pinThisProcess } from '../measured-server.ts'
import { GROWTHS, measureGrowth } from './growth.ts'
import type { Growth } from './growth.ts'
import { LOAD_TOOL } from './load.ts'
import { writePage } from './page.ts'
import type { Result } from './page.ts'
import { installPeers, missingIn, versions } from './peers.ts'
import { plotRatios } from './plot.ts'
import { measureRates } from './rates.ts'
import type { Setting } from './rates.ts'
import { measureColdStart, measureConnections, measureMemory } from './special.ts'
import { line } from './table.ts'
import type { Row } from './table.ts'
import { makeRoot, WORKLOADS } from './workloads.ts'
import type { Workload } from './workloads.ts'

const USAGE = `\
usage: npm run bench -- [flags]

  --install        first put the npm packages among the peers into bench-peers/
  --only PREFIX    only the rows whose id begins so; may be given several times
  --list           print the ids
  --short          2 rounds of 1 s, for a first look: the same as --rounds 2 --seconds 1
  --rounds N       how often the load goes round (default: 5)
  --seconds N      how long each server is loaded in a round (default: 2)
  --against DIR    also the build of another clone, as one more peer of each row that is a rate
  --docs           write docs/performance.md, its pictures and its JSON; not with --only or --against
  --json FILE      write the result to a file
  --svg FILE       draw the ratios
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
        list: { type: 'boolean', default: false },
        short: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        against: { type: 'string' },
        docs: { type: 'boolean', default: false },
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
  const ids = [...WORKLOADS.map(({ id }) => id), 'connections', 'start', 'memory', ...GROWTHS]
  if (flags.list) {
    console.log(ids.join('\n'))
    return 0
  }
  const rounds = Number(flags.rounds ?? (flags.short ? 2 : 5))
  const seconds = Number(flags.seconds ?? (flags.short ? 1 : 2))
  if (!(Number.isInteger(rounds) && rounds > 0 && Number.isInteger(seconds) && seconds > 0)) {
    console.error('--rounds and --seconds take a whole number above 0')
    return 2
  }
  const selected = ids.filter((id) => flags.only.some((prefix) => id.startsWith(prefix)))
  if (selected.length === 0) {
    console.error(`No row selected: none begins with ${flags.only.join(' or ')}; see --list`)
    return 2
  }
  if (flags.docs && selected.length < ids.length) {
    console.error('--docs writes about all rows: leave --only away')
    return 2
  }
  const against = flags.against === undefined ? undefined : resolve(flags.against)
  if (against !== undefined && flags.docs) {
    console.error('--docs writes about this library and its peers: leave --against away')
    return 2
  }
  const lacking = against === undefined ? undefined : missingIn(against)
  if (lacking !== undefined) {
    console.error(`--against "${String(against)}": there is no ${lacking}; name a clone, built`)
    return 2
  }
  if (flags.install) {
    installPeers()
  }
  if (LOAD_TOOL === undefined) {
    console.error('Nothing to make a load with: install wrk, or autocannon with --install')
    return 2
  }

  const described = describe(LOAD_TOOL, rounds, seconds)
  console.log(`${described.join('\n')}\n`)
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-bench-'))
  const missing = new Set<string>()
  const setting: Setting = {
    root: join(folder, 'root'),
    folder,
    rounds,
    seconds,
    against,
    say: console.log,
    missing({ name }) {
      missing.add(name)
      console.log(`  ${name}: not on this machine, left out (npm packages: --install)`)
    },
  }
  const rows: Row[] = []
  const growths: Growth[] = []
  try {
    makeRoot(setting.root)
    for (const id of selected) {
      if (GROWTHS.includes(id)) {
        growths.push(await measureGrowth(id, setting))
        continue
      }
      for (const row of await measureRow(id, setting)) {
        rows.push(row)
        console.log(line(row))
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  const result: Result = { setting: described, rows, growths, missing: [...missing] }
  if (flags.json !== undefined) {
    writeFileSync(flags.json, `${JSON.stringify(result, undefined, 2)}\n`)
  }
  if (flags.svg !== undefined) {
    writeFileSync(flags.svg, plotRatios(rows))
  }
  if (flags.docs) {
    await writePage(result)
  }
  const promised = rows.filter(({ reached }) => reached !== undefined)
  const missed = rows.filter(({ reached }) => reached === false)
  const bent = growths.filter(({ linear }) => !linear)
  console.log(`\n${String(missed.length)} of ${String(promised.length)} promises missed`)
  console.log(`${String(bent.length)} of ${String(growths.length)} curves worse than linear`)
  return 0
}

async function measureRow(id: string, setting: Setting): Promise<Row[]> {
  switch (id) {
    case 'connections':
      return measureConnections(setting)
    case 'start':
      return measureColdStart(setting)
    case 'memory':
      return measureMemory(setting)
    default:
      return measureRates(WORKLOADS.find((workload) => workload.id === id) as Workload, setting)
  }
}

/** Where and how it is measured; with two cores, this process goes to that of the load. */
function describe(tool: string, rounds: number, seconds: number): string[] {
  const cores = availableParallelism()
  pinThisProcess()
  return [
    `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}`,
    `${cpus()[0]?.model ?? 'unknown processor'}, ${String(cores)} cores, ${process.platform} ${release()}`,
    `beside ${versions().join(', ')}`,
    `load from ${tool}, ` +
      (canPin() ? 'servers on core 0, load on core 1' : 'not pinned: no taskset, or one core') +
      `; ${String(rounds)} rounds of ${String(seconds)} s; logs go to a file`,
  ]
}
