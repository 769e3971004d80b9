/**
 * Declared deviations: where a target differs on purpose, and how.
 *
 * There is one file for each target, `deviations/<target>.json`. A row belongs to a case, or to a
 * pattern of cases, and says why, with a link where there is one, and what comes instead. Where the
 * reason and the response are another case's, the name of that case stands for its rows. A row that
 * no longer applies is an error: the list would rot otherwise.
 *
 * @module
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEVIATIONS } from '../paths.ts'
import { inRange } from '../targets/python.ts'

/** A response that differs on purpose. */
export interface Deviation {
  readonly because: string
  /** Where one can read more. */
  readonly link?: string
  /** The versions of Python it is about, such as `>=3.7 <3.11`; all, if left out. */
  readonly versions?: string
  /** The whole normalised response, as ISO 8859-1 text. */
  readonly response?: string
  /** A regular expression for the first line of the response. */
  readonly status?: string
  /** A regular expression for what the suite finds wrong, or for the line that shows it. */
  readonly finding?: string
  /** Whether the connection is closed, if that differs, too. */
  readonly closed?: boolean
  /** The recordings that the response agrees with instead. */
  readonly as?: string
  /** A field line with which the recorded request is sent once more, as a case of its own. */
  readonly again?: string
}

/** As written: a row, a list of rows, or another name that has the rows. */
export type DeviationsFile = Readonly<Record<string, Deviation | Deviation[] | string>>

/** Rows by the case's id, or a pattern with `*`. */
export type Deviations = ReadonlyMap<string, readonly Deviation[]>

/** What came, as far as a row can describe it. */
export interface Observed {
  /** Normalised. */
  readonly response: string
  readonly closed: boolean
  /** What is wrong with it: flaws, and the lines that show them. */
  readonly findings: readonly { readonly line: string; readonly flaw: string }[]
}

const KEYS = [
  'because',
  'link',
  'versions',
  'response',
  'status',
  'finding',
  'closed',
  'as',
  'again',
]
const OUTCOMES = ['response', 'status', 'finding', 'as'] as const

/**
 * Read the deviations of a target, as far as they concern its version.
 *
 * @param target - `deviations` names its files, without `.json`; a missing one declares none
 * @throws an Error that names the row, when one is malformed.
 */
export function deviationsOf(
  {
    deviations: names = [],
    version,
  }: { deviations?: string | readonly string[]; version?: string },
  folder = DEVIATIONS,
): Deviations {
  const paths = [names].flat().map((name) => join(folder, `${name}.json`))
  return new Map(
    paths.filter((path) => existsSync(path)).flatMap((path) => [...readDeviations(path, version)]),
  )
}

/**
 * Read a file of deviations.
 *
 * @throws an Error that names the file, and the row, if one is malformed.
 */
export function readDeviations(path: string, version?: string): Deviations {
  return parseDeviations(readFileSync(path, 'utf8'), path, version)
}

/** Read the text of a file of deviations. */
export function parseDeviations(text: string, path: string, version?: string): Deviations {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`${path} is not valid JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${path} must be an object: {"topic/name": {"because": ..., "status": ...}}`)
  }
  const file = value as DeviationsFile
  const all = new Map<string, Deviation[]>()
  for (const id of Object.keys(file)) {
    const rows = rowsOf(id, file)
    if (rows === undefined) {
      const other = JSON.stringify(file[id])
      throw new Error(`${path}: "${id}" is like ${other}, which has no rows of its own`)
    }
    for (const row of rows) {
      const flaw = flawOf(row)
      if (flaw !== undefined) {
        throw new Error(`${path}: "${id}" ${flaw}`)
      }
    }
    const concerned = rows.filter(({ versions }) => {
      return versions === undefined || (version !== undefined && inRange(version, versions))
    })
    if (concerned.length > 0) {
      all.set(id, concerned)
    }
  }
  return all
}

/**
 * The rows that a file has for a name: its own, or those of the other name that it gives instead.
 *
 * @returns undefined if that other name has none.
 */
export function rowsOf(id: string, file: DeviationsFile): Deviation[] | undefined {
  const own = file[id]
  const entry = typeof own === 'string' ? file[own] : own
  return entry === undefined || typeof entry === 'string' ? undefined : [entry].flat()
}

function flawOf(row: Deviation | null): string | undefined {
  if (row === null || typeof row !== 'object') {
    return 'must be a row, a list of rows, or the id of another case'
  }
  if (!row.because || OUTCOMES.every((key) => row[key] === undefined)) {
    return `must say "because", and what comes instead: ${OUTCOMES.join(', ')}`
  }
  const unknown = Object.keys(row).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) {
    return `says "${unknown}", which is not a known key; there are ${KEYS.join(', ')}`
  }
  for (const key of ['status', 'finding'] as const) {
    if (row[key] !== undefined && !isExpression(row[key])) {
      return `has "${key}" ${JSON.stringify(row[key])}, which is not a valid regular expression`
    }
  }
  if (row.again !== undefined && !/^[\w-]+: \S.*$/.test(row.again)) {
    return `has "again" ${JSON.stringify(row.again)}, which is not a field line: "Host: example.org"`
  }
  return row.link === undefined || URL.canParse(row.link) ? undefined : `links to "${row.link}"`
}

function isExpression(text: unknown): boolean {
  try {
    return typeof text === 'string' && new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}

/** The rows for a case: those of the first name that is its id, or a pattern that fits it. */
export function deviationFor(
  id: string,
  deviations: Deviations,
): { name: string; rows: readonly Deviation[] } | undefined {
  for (const [name, rows] of deviations) {
    if (fits(id, name)) {
      return { name, rows }
    }
  }
  return undefined
}

/** Whether an id fits a pattern, in which `*` stands for anything but a slash. */
export function fits(id: string, pattern: string): boolean {
  return pattern.includes('*') ? expressionOf(pattern).test(id) : id === pattern
}

/** Every id is held against every pattern, so each is compiled once. */
const expressions = new Map<string, RegExp>()

function expressionOf(pattern: string): RegExp {
  let expression = expressions.get(pattern)
  if (expression === undefined) {
    const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    expression = new RegExp(`^${parts.join('[^/]*')}$`)
    expressions.set(pattern, expression)
  }
  return expression
}

/**
 * Whether a difference is exactly the one that was declared.
 *
 * @param closes - whether the connection is to be closed, where the row does not say
 */
export function asDeclared(row: Deviation, seen: Observed, closes: boolean): boolean {
  if (row.response !== undefined && seen.response !== row.response) {
    return false
  }
  if (row.status !== undefined) {
    const firstLine = seen.response.split('\r\n', 1)[0] as string
    if (!new RegExp(`^(?:${row.status})`).test(firstLine)) {
      return false
    }
  }
  if (row.finding !== undefined) {
    const finding = new RegExp(row.finding)
    if (!seen.findings.some(({ line, flaw }) => finding.test(flaw) || finding.test(line))) {
      return false
    }
  }
  return seen.closed === (row.closed ?? closes)
}
