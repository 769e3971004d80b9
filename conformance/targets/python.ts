/**
 * The Pythons of this machine.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The versions that the suite knows, the oldest first. */
export const PYTHONS: readonly string[] = [
  ...['3.6', '3.7', '3.8', '3.9', '3.10', '3.11', '3.12', '3.13'],
]

/** A Python that runs. */
export interface Python {
  readonly path: string
  /** `3.13.0` */
  readonly version: string
}

/**
 * Find a Python.
 *
 * @param name - a path, a program on PATH such as `python3`, or a version such as `3.13`, which is
 * looked for on PATH and among pyenv's
 * @returns undefined if there is none, or it does not run.
 */
export function findPython(name: string): Python | undefined {
  if (!/^3\.[0-9]+$/.test(name)) {
    return ask(name)
  }
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const paths = list(versions)
    .filter((version) => version.startsWith(`${name}.`))
    .map((version) => join(versions, version, 'bin', 'python'))
  for (const path of [`python${name}`, ...paths]) {
    const python = ask(path)
    if (python?.version.startsWith(`${name}.`) === true) {
      return python
    }
  }
  return undefined
}

function ask(path: string): Python | undefined {
  const program = 'import sys; print("%d.%d.%d" % sys.version_info[:3])'
  const options = { encoding: 'utf8', timeout: 10_000 } as const
  const { status, stdout } = spawnSync(path, ['-c', program], options)
  return status === 0 ? { path, version: stdout.trim() } : undefined
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** `3.13.0` is a 3.13. */
export function minor(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

/**
 * Whether a version is in a range: comparisons that must all hold, such as `>=3.7 <3.11`.
 *
 * @throws an Error when the range is not valid.
 */
export function inRange(version: string, range: string): boolean {
  return range.split(' ').every((comparison) => {
    const match = /^(<|<=|>|>=|=)3\.([0-9]+)$/.exec(comparison)
    if (match === null) {
      throw new Error(
        `"${range}" is not a valid range of versions; write for example ">=3.7 <3.11"`,
      )
    }
    const difference = Number(version.split('.')[1]) - Number(match[2])
    switch (match[1] as string) {
      case '<':
        return difference < 0
      case '<=':
        return difference <= 0
      case '>':
        return difference > 0
      case '>=':
        return difference >= 0
      default:
        return difference === 0
    }
  })
}
