/**
 * Whether the replayer reaches the verdicts that another one reaches, the Python program with
 * which the recordings came: on the same library, against the same recordings, declared
 * deviations left out, so that there is something to find.
 *
 * ```text
 *   node dist/scripts/same-verdicts.js FOLDER    which holds compare.py and its recordings
 * ```
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeDocumentRoot } from '../conformance/document-root.ts'
import { RECORDINGS, targetProgram } from '../conformance/paths.ts'
import { findPython } from '../conformance/python.ts'
import { readRecordings } from '../conformance/recording.ts'
import { runRecordings } from '../conformance/run.ts'
import { BasehttpTarget } from '../conformance/target.ts'

/** Which cases differ, and in what. */
type Failures = Map<string, string>

const folder = process.argv[2] ?? ''
const python = findPython('python3')
if (python === undefined || !existsSync(join(folder, 'compare.py'))) {
  const lacking = python === undefined ? 'this machine has no python3' : 'no FOLDER was given'
  console.log(`same-verdicts: skipped, ${lacking}`)
} else {
  for (const version of ['3.13', '3.6']) {
    const [ours, theirs] = [await replay(version), compare(python.path, version)]
    const ids = [...new Set([...ours.keys(), ...theirs.keys()])]
    const different = ids.filter((id) => ours.get(id) !== theirs.get(id))
    for (const id of different) {
      console.log(`${id}: here ${ours.get(id) ?? 'pass'}, there ${theirs.get(id) ?? 'pass'}`)
    }
    console.log(
      `${version}: ${String(ours.size)} cases differ here, ${String(theirs.size)} there; ` +
        `${String(different.length)} verdicts are not the same`,
    )
    if (different.length > 0) {
      process.exitCode = 1
    }
  }
}

async function replay(version: string): Promise<Failures> {
  const root = mkdtempSync(join(tmpdir(), 'basehttp-root-'))
  try {
    makeDocumentRoot(root)
    const cases = readRecordings(RECORDINGS, `cpython-${version}`)
    const settings = { root, deviations: new Map() }
    const results = await runRecordings(new BasehttpTarget('oracle.js'), cases, settings)
    return new Map(
      results.flatMap(({ id, verdict, findings }) => {
        const what = findings.map(({ flaw }) => flaw.split(' ')[0]).join()
        return verdict === 'fail' || verdict === 'error' ? [[id.replace(/.*\//, ''), what]] : []
      }),
    )
  } finally {
    rmSync(root, { recursive: true })
  }
}

function compare(program: string, version: string): Failures {
  const out = mkdtempSync(join(tmpdir(), 'basehttp-verdicts-'))
  try {
    const report = join(out, 'report.json')
    const command = `${process.execPath} ${targetProgram('oracle.js')} {server} {port} {root}`
    const apps = [...new BasehttpTarget().apps].flatMap((app) => ['--server', app])
    const data = ['corpus-train.json', `golden-${version}-train.json`].map((n) => join(folder, n))
    const flags = ['--target-command', command, ...apps, '--json', report, '--jobs', '4']
    spawnSync(program, [join(folder, 'compare.py'), ...flags, ...data], { stdio: 'ignore' })
    const { failures } = JSON.parse(readFileSync(report, 'utf8')) as {
      failures: { id: string; in: string[] }[]
    }
    return new Map(failures.map(({ id, in: what }) => [id, what.join()]))
  } finally {
    rmSync(out, { recursive: true })
  }
}
