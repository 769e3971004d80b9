/**
 * `npm run attacks`: send every attack to every server of this machine, and write what they did to
 * `docs/attacks.md`.
 *
 * It takes some minutes, two of them for heads that trickle. Exit status: 0, or 1 when
 * something that must hold does not hold here.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { makeDocumentRoot } from '../recordings/document-root.ts'
import { TOP } from '../paths.ts'
import { attackWithCases, attackWithProbe, readCases } from './attack.ts'
import type { Findings } from './attack.ts'
import { makePage } from './page.ts'
import { makeProbeRoot, PROBES } from './probes.ts'
import type { Probe, ProbeName } from './probes.ts'
import { ROWS } from './rows.ts'
import { findServers } from './servers.ts'
import type { Server } from './servers.ts'
import { missingTests, runTests } from './tests.ts'

const PAGE = join(TOP, 'docs/attacks.md')

/** How many servers are attacked side by side. Most of the time is spent waiting. */
const LANES = 3

const folder = mkdtempSync(join(tmpdir(), 'basehttp-attacks-'))
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true })
})
process.exitCode = await main()

async function main(): Promise<number> {
  const cases = readCases()
  const lacking = [
    ...ROWS.flatMap((row) => (row.cases ?? []).filter((id) => !cases.has(id))),
    ...missingTests(ROWS),
  ]
  if (lacking.length > 0) {
    console.error(`No such case or test: ${lacking.join(', ')}`)
    return 1
  }
  const { servers, missing } = await findServers(folder)
  for (const name of missing) {
    console.log(`not asked, this machine has none: ${name}`)
  }

  const root = join(folder, 'cases')
  mkdirSync(root)
  makeDocumentRoot(root)
  const probeRoot = makeProbeRoot(folder)
  const findings = new Map<Server, Findings>(servers.map((server) => [server, new Map()]))
  const note = (server: Server, found: Findings) => {
    for (const [id, finding] of found) {
      findings.get(server)?.set(id, finding)
    }
  }
  const probe = async (name: ProbeName, server: Server) => {
    const finding = await attackWithProbe(server, name, probeRoot)
    note(server, new Map(finding === undefined ? [] : [[name, finding]]))
  }
  const names = ROWS.flatMap(({ probe }) => probe ?? [])
  const isSlow = (name: ProbeName) => (PROBES[name] as Probe).slow === true
  const queue = [...servers]
  const lane = async () => {
    for (let server = queue.shift(); server !== undefined; server = queue.shift()) {
      console.log(`${server.target.name} ...`)
      note(server, await attackWithCases(server, ROWS, root, cases))
      for (const name of names.filter((name) => !isSlow(name))) {
        await probe(name, server)
      }
    }
  }
  await Promise.all([
    // What only waits, waits beside the rest.
    ...names.filter(isSlow).flatMap((name) => servers.map((server) => probe(name, server))),
    ...Array.from({ length: LANES }, lane),
  ])
  console.log('tests ...')
  const passed = runTests(ROWS)

  const page = makePage({ cases, findings, missing, passed })
  const options = await resolveConfig(PAGE)
  writeFileSync(PAGE, await format(page, { ...options, filepath: PAGE }))

  const [own] = servers as [Server]
  const failed = [
    ...[...(findings.get(own) ?? [])].flatMap(([id, { holds }]) => (holds === false ? [id] : [])),
    ...ROWS.flatMap(({ tests = [] }) => tests.filter((test) => !passed(test)).map(String)),
  ]
  console.log(failed.length === 0 ? `${PAGE} is written` : `Does not hold: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}
