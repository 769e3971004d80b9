/**
 * `npm run scoreboard`: judge every server of this machine by the rules, and write what they made of
 * them to `docs/scoreboard.md`, its picture and its JSON.
 *
 * Exit status: 0; 1 when `--check` finds that the board is of other rules, or a server does not serve;
 * 2 wrong usage.
 *
 * @module
 */

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { readRules } from '../judge/rule.ts'
import type { Rule } from '../judge/rule.ts'
import { RULES, TOP } from '../paths.ts'
import type { Result } from '../run/lanes.ts'
import { describe, isLoud } from '../run/report.ts'
import { explore } from '../run/rfc.ts'
import { runRules } from '../run/rules.ts'
import { makeRoot } from '../targets/root.ts'
import { changedSince, died, fingerprints, marksOf } from './board.ts'
import type { Board, Row } from './board.ts'
import { makePage } from './page.ts'
import { draw } from './picture.ts'
import { CONTENDERS, installPeers, PEERS, publicLine, targetOf } from './servers.ts'
import type { Contender } from './servers.ts'

const USAGE = `\
usage: npm run scoreboard -- [flags]

  --install        first put the servers that come from npm into ${PEERS}
  --list           print the servers, the version that is here, and what installs each
  --only NAME      judge this server alone, show what it loses, and write nothing
  --check          only see whether the board is of the present rules
  --help           print this
`

const PAGE = join(TOP, 'docs/scoreboard.md')
const PICTURE = join(TOP, 'docs/scoreboard.svg')
const DATA = join(TOP, 'docs/scoreboard.json')

/** The rows of servers that died, and of what: not for everybody before their maintainers know. */
const UNPUBLISHED = join(TOP, 'scoreboard-unpublished.json')

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  let flags
  try {
    flags = parseArgs({
      args,
      options: {
        install: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        only: { type: 'string' },
        check: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  const { only } = flags
  if (flags.help) {
    console.log(USAGE)
    return 0
  }
  const rules = readRules(RULES)
  if (flags.check) {
    return check(rules)
  }
  if (flags.install) {
    installPeers()
  }
  if (flags.list) {
    for (const contender of CONTENDERS) {
      const version = contender.version() ?? 'not here'
      console.log(`${contender.name.padEnd(20)} ${version.padEnd(12)} ${contender.install}`)
    }
    return 0
  }
  const chosen = CONTENDERS.filter(({ name }) => only === undefined || name === only)
  if (chosen.length === 0) {
    const names = CONTENDERS.map(({ name }) => name).join(', ')
    console.error(`There is no server "${String(only)}"; there are ${names}`)
    return 2
  }
  return make(chosen, rules, only === undefined)
}

/** Whether the board that is kept is of these rules. */
function check(rules: readonly Rule[]): number {
  const changed = changedSince(JSON.parse(readFileSync(DATA, 'utf8')) as Board, rules)
  if (changed.length === 0) {
    console.log('scoreboard: ok')
    return 0
  }
  const [first, ...others] = changed
  const more = others.length === 0 ? '' : ` and ${String(others.length)} more`
  console.error(
    `docs/scoreboard.json is of other rules (${String(first)}${more}): npm run scoreboard`,
  )
  return 1
}

/** Judge the servers, one after the other. */
async function make(
  contenders: readonly Contender[],
  rules: readonly Rule[],
  write: boolean,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-board-'))
  process.on('exit', () => {
    rmSync(folder, { recursive: true, force: true })
  })
  // Servers that give up root's rights must get to the files.
  chmodSync(folder, 0o755)
  const root = join(folder, 'root')
  mkdirSync(root)
  makeRoot(root)
  const rows: Row[] = []
  const missing: string[] = []
  const deaths: { row: Row; of: string[] }[] = []
  let status = 0
  for (const contender of contenders) {
    const { name, install } = contender
    const version = contender.version()
    if (version === undefined) {
      console.log(`${name}: not on this machine; ${install}`)
      missing.push(name)
      continue
    }
    const start = performance.now()
    let results
    try {
      results = await judge(contender, rules, folder, root)
    } catch (error) {
      console.error(`${name}: ${(error as Error).message}`)
      missing.push(name)
      status = 1
      continue
    }
    const line = publicLine(contender)
    const row = { name, version, install, line, marks: marksOf(results) }
    if (died(results)) {
      const dead = results.filter(({ verdict }) => verdict === 'dies')
      deaths.push({ row, of: dead.map((result) => describe(result)) })
    } else {
      rows.push(row)
    }
    if (!write) {
      console.log(
        results
          .filter(isLoud)
          .map((result) => describe(result))
          .join('\n\n'),
      )
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${name} ${version}: ${total(results)}, ${seconds} s`)
  }
  if (!write) {
    return status
  }
  const date = new Date().toISOString().slice(0, 10)
  const board: Board = {
    ...{ date, rules: fingerprints(rules), rows, missing, withheld: deaths.length },
  }
  writeFileSync(UNPUBLISHED, JSON.stringify(deaths, undefined, 1) + '\n')
  writeFileSync(DATA, await pretty(JSON.stringify(board), DATA))
  writeFileSync(PAGE, await pretty(makePage(board, rules), PAGE))
  writeFileSync(PICTURE, draw(board, rules))
  console.log(`${PAGE} is written`)
  return status
}

async function judge(
  contender: Contender,
  rules: readonly Rule[],
  folder: string,
  root: string,
): Promise<Result[]> {
  const target = targetOf(contender, folder)
  const running = await target.start('rfc', { root })
  let about
  try {
    about = await explore(running)
  } finally {
    await running.stop()
  }
  return runRules(target, rules, rules, { ...about, app: 'rfc', root, ours: true })
}

function total(results: readonly Result[]): string {
  const counts = new Map<string, number>()
  for (const { verdict } of results) {
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
  }
  return [...counts].map(([verdict, number]) => `${String(number)} ${verdict}`).join(', ')
}

async function pretty(text: string, path: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path)), filepath: path })
}
