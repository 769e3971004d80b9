#!/usr/bin/env node
/**
 * `npm run record`: make the recordings again, from a Python.
 *
 * ```text
 *   npm run record -- --python python3.13 --cgi-python python3.12     compares
 *   npm run record -- --python python3.13 --write                     and writes
 * ```
 *
 * The requests of `recordings/cases.json` are sent to `targets/cpython.py`, and what comes back is
 * compared with the stored recordings. `cgi` left Python in 3.13, so the server `post` may need an
 * older one.
 *
 * Exit status: 0 the recordings agree, or were written; 1 they do not; 2 wrong usage; 3 no such
 * Python.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDocumentRoot } from './document-root.ts'
import { converse } from '../run/converse.ts'
import { runAll } from '../run/lanes.ts'
import { RECORDINGS } from '../paths.ts'
import { findPython, minor } from '../targets/python.ts'
import type { Python } from '../targets/python.ts'
import { differences, normalise, normaliseLog, readCases, readRecordings } from './recording.ts'
import { replayCase } from './recording.ts'
import type { RecordedCase, Recording } from './recording.ts'
import { CPythonTarget } from '../targets/target.ts'
import type { Target } from '../targets/target.ts'

const USAGE =
  'usage: npm run record -- --python NAME [--cgi-python NAME] [--only PREFIX]... [--write]'

/** Where nothing is known about the response, a second without a byte is its end. */
const PATIENCE = { missing: 1000, quiet: 250, whole: 20_000 }

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  let flags
  try {
    flags = parseArgs({
      args,
      options: {
        python: { type: 'string' },
        'cgi-python': { type: 'string' },
        only: { type: 'string', multiple: true, default: [''] },
        write: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    return 2
  }
  if (flags.python === undefined) {
    console.error(USAGE)
    return 2
  }
  const names = [flags.python, flags['cgi-python'] ?? flags.python]
  const [python, cgiPython] = names.map(findPython)
  if (python === undefined || cgiPython === undefined) {
    console.error(`There is no Python "${String(names[python === undefined ? 0 : 1])}" here`)
    return 3
  }
  const cases = readCases(RECORDINGS).filter(({ id }) => {
    return flags.only.some((prefix) => id.startsWith(prefix))
  })
  const records = await record(cases, python, cgiPython)
  const name = `cpython-${minor(python.version)}`
  if (flags.write) {
    const about = { python: python.version, cgi_python: cgiPython.version }
    // A line for each record, so that a difference between two versions of the file is readable.
    const lines = records.map((recording) => `  ${JSON.stringify(recording)}`).join(',\n')
    const text = `${JSON.stringify(about).slice(0, -1)},"records":[\n${lines}\n]}\n`
    writeFileSync(join(RECORDINGS, `${name}.json`), text)
    console.log(`${name}.json: ${String(records.length)} records written`)
    return 0
  }
  return compare(name, records)
}

/** Send all requests, and record what comes back. */
async function record(
  cases: readonly RecordedCase[],
  python: Python,
  cgiPython: Python,
): Promise<Recording[]> {
  const root = mkdtempSync(join(tmpdir(), 'basehttp-root-'))
  try {
    makeDocumentRoot(root)
    const records = new Map<string, Recording>()
    for (const [which, isIts] of [
      [python, (server: string) => server !== 'post'],
      [cgiPython, (server: string) => server === 'post'],
    ] as const) {
      const target = await CPythonTarget.of(which, { TZ: 'UTC' })
      const mine = cases.filter(({ server }) => isIts(server))
      await recordOn(target, mine, root, (recording) => {
        records.set(recording.id, { ...recording, python: which.version })
      })
    }
    return cases.flatMap(({ id }) => records.get(id) ?? [])
  } finally {
    rmSync(root, { recursive: true })
  }
}

async function recordOn(
  target: Target,
  cases: readonly RecordedCase[],
  root: string,
  keep: (recording: Recording) => void,
): Promise<void> {
  const unknown: Recording = { id: '', response: '', closed: true, log: [] }
  const exchanges = cases.map((one) => replayCase(one, unknown, 'new'))
  const results = await runAll(target, exchanges, {
    root,
    lanes: 8,
    appOf: (one) => one.server,
    topicOf: (one) => one.family,
    async conduct(one, app) {
      // Whatever comes, more is expected: only time, or a close, ends the conversation.
      const expectation = { closes: true, progress: () => 'incomplete' as const }
      const { outcome, log = '' } = await converse({ ...one, expectation }, app, 0, {
        patience: PATIENCE,
      })
      keep({
        id: one.id.slice('new/'.length),
        response: normalise(outcome.received, one.server, root),
        closed: outcome.closed,
        log: normaliseLog(log),
        ...(outcome.waits.length > 0 ? { waits: outcome.waits } : {}),
      })
      return { verdict: 'pass', findings: [] }
    },
  })
  for (const { id, verdict, findings } of results) {
    if (verdict !== 'pass') {
      console.error(`${id}: ${verdict} ${findings.map(({ flaw }) => flaw).join('; ')}`)
    }
  }
}

/** Tell where new recordings differ from the stored ones. */
function compare(name: string, records: readonly Recording[]): number {
  const kept = new Map(readRecordings(RECORDINGS, name).map((one) => [one.recording.id, one]))
  let different = 0
  for (const { id, response, closed, log, waits = [] } of records) {
    const one = kept.get(id)
    const what = one && differences(one.recording, { response, closed, log, waits })
    if (what === undefined || what.length > 0) {
      different++
      console.log(`${id}: ${what?.join(', ') ?? 'is not kept'}`)
    }
  }
  console.log(
    `${name}: ${String(records.length)} recorded, ${String(different)} differ from those kept`,
  )
  return different === 0 ? 0 : 1
}
