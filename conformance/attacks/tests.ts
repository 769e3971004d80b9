/**
 * The tests that rows name: whether they exist, and whether they pass.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TOP } from '../paths.ts'
import { patiently } from '../patience.ts'
import type { Row, TestName } from './rows.ts'

/** The tests of some rows that do not exist: `lib/x.test.ts: title`. */
export function missingTests(rows: readonly Row[]): string[] {
  return namesOf(rows)
    .filter(([file, title]) => !sourceOf(file).includes(`'${title}'`))
    .map(([file, title]) => `${file}: ${title}`)
}

/** Run the tests of some rows; tells for each, by file and title, whether it passed. */
export function runTests(rows: readonly Row[]): (name: TestName) => boolean {
  const files = [...new Set(namesOf(rows).map(([file]) => file))]
  const passed = new Map(
    files.map((file) => {
      const { stdout } = spawnSync(process.execPath, [join('dist', file.replace(/\.ts$/, '.js'))], {
        cwd: TOP,
        encoding: 'utf8',
        env: { ...process.env, TAP_TIMEOUT: String(patiently(300)) },
        maxBuffer: 2 ** 28,
      })
      const lines = stdout.matchAll(/^ *ok \d+ - (.*?)(?: # time=.*)?$/gm)
      return [file, new Set([...lines].map(([, title]) => title))] as const
    }),
  )
  return ([file, title]) => passed.get(file)?.has(title) === true
}

function namesOf(rows: readonly Row[]): TestName[] {
  return rows.flatMap(({ tests = [] }) => tests)
}

function sourceOf(file: string): string {
  try {
    return readFileSync(join(TOP, file), 'utf8')
  } catch {
    return ''
  }
}
