/**
 * What holds the lines of the source in place: the cases that run through them, the tests that are named
 * after what they declare, and the faults that are seeded there.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { FAULTS } from '../../conformance/faults/faults.ts'
import type { Fault } from '../../conformance/faults/faults.ts'
import { readPages } from '../../conformance/judge/page.ts'
import { CASES } from '../../conformance/paths.ts'
import { TOP } from '../checks/sources.ts'
import { readCoverage } from './coverage.ts'
import { LineMap } from './line-map.ts'

/** A case, and how many share the rarest of its lines. */
export interface Witness {
  readonly id: string
  readonly count: number
}

/** A unit test. */
export interface UnitTest {
  readonly title: string
  readonly path: string
}

/** What there is for some lines. */
export interface Proof {
  /** Those that run a line which few others do, the rarest first. */
  readonly cases: readonly Witness[]
  /** How many others run these lines. */
  readonly others: number
  readonly tests: readonly UnitTest[]
  readonly faults: readonly Fault[]
}

/** Some lines of a file, counted from 1, and how many cases run them. */
export interface Stretch {
  readonly path: string
  readonly line: number
  readonly last: number
  readonly count: number
}

/** A declaration. */
interface Declared {
  readonly path: string
  readonly anchor: string
}

/** A line that so many cases run is nobody's in particular. */
const FEW = 12

/** The same, where cases are counted. */
const RARE = 60

/** All that is known. */
export class Proofs {
  /** The page of each case, without `.md`. */
  readonly pages = new Map(
    readPages(CASES).map(({ id, place }) => [id, place.replace(/\.md:.*/, '')]),
  )
  readonly #coverage = readCoverage()
  /** What it has cost to find out, in seconds of CPU. */
  readonly seconds = this.#coverage.seconds
  readonly #faults = new Map<string, { line: number; fault: Fault }[]>()
  readonly #tests: ReadonlyMap<string, UnitTest[]>

  /** @param declared - all that the source declares */
  constructor(declared: readonly Declared[]) {
    this.#tests = testsOf(declared)
    for (const fault of FAULTS) {
      const place = placeOf(fault)
      if (place !== undefined) {
        const { path, line } = place
        this.#faults.set(path, [...(this.#faults.get(path) ?? []), { line, fault }])
      }
    }
  }

  /**
   * What there is for some lines.
   *
   * @param first - counted from 1, as `next`, which is the line after the last
   * @param anchors - what they declare
   */
  of(path: string, first: number, next: number, anchors: readonly string[]): Proof | undefined {
    const lines = this.#coverage.lines[path] ?? {}
    const counts = new Map<number, number>()
    for (let line = first; line < next; line++) {
      const cases = lines[line] ?? []
      for (const one of cases) {
        counts.set(one, Math.min(counts.get(one) ?? Infinity, cases.length))
      }
    }
    const cases = [...counts]
      .filter(([, count]) => count <= RARE)
      .sort(([one, rare], [other, common]) => rare - common || one - other)
      .map(([one, count]) => ({ id: this.#coverage.cases[one] ?? '', count }))
    const tests = anchors.flatMap((anchor) => this.#tests.get(`${path}#${anchor}`) ?? [])
    const faults = (this.#faults.get(path) ?? [])
      .filter(({ line }) => first <= line && line < next)
      .map(({ fault }) => fault)
    const others = counts.size - cases.length
    return counts.size + tests.length + faults.length === 0
      ? undefined
      : { cases, others, tests, faults }
  }

  /** The lines that a case runs and few others do, those of the fewest first. */
  linesOf(id: string): Stretch[] {
    const wanted = this.#coverage.cases.indexOf(id)
    const stretches: Stretch[] = []
    for (const [path, lines] of Object.entries(this.#coverage.lines)) {
      let before: Stretch | undefined
      for (const [number, cases] of Object.entries(lines)) {
        if (cases.length <= FEW && cases.includes(wanted)) {
          const line = Number(number)
          if (before !== undefined && line === before.last + 1 && cases.length === before.count) {
            stretches.pop()
            before = { ...before, last: line }
          } else {
            before = { path, line, last: line, count: cases.length }
          }
          stretches.push(before)
        }
      }
    }
    return stretches.sort((one, other) => one.count - other.count)
  }
}

/** The line of the source that a fault changes; undefined if its text is not there once. */
function placeOf({ file, from, to }: Fault): { path: string; line: number } | undefined {
  const compiled = join(TOP, 'dist', file)
  const [before, ...rest] = readFileSync(compiled, 'utf8').split(from)
  if (before === undefined || rest.length !== 1) {
    return undefined
  }
  let same = 0
  while (same < from.length - 1 && from[same] === to[same]) {
    same++
  }
  const map = LineMap.read(compiled)
  const line = map.lineAt(before.length + same)
  return line === undefined ? undefined : { path: map.source, line }
}

const TEST = /^t\.test\(\s*(['"`])(.*?)\1,/gms

/** A title begins with a symbol, if it does: `sendError()`, `HTTPMessage.get()`, `HTTPServer:`. */
const SYMBOL = /^(?:([\w.#]+)\(\)|([\w.#]*(?:[a-z][A-Z]|[A-Z]{2})[\w.#]*))/

/** The unit tests by the declaration that their titles begin with. */
function testsOf(declared: readonly Declared[]): Map<string, UnitTest[]> {
  const found = new Map<string, UnitTest[]>()
  const paths = readdirSync(join(TOP, 'lib'), { recursive: true, encoding: 'utf8' })
    .map((name) => `lib/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.test.ts'))
  for (const path of paths.sort()) {
    for (const [, , title = ''] of readFileSync(join(TOP, path), 'utf8').matchAll(TEST)) {
      const [, called, word = called] = SYMBOL.exec(title) ?? []
      const meant = word === undefined ? undefined : meantBy(word, path, declared)
      if (meant !== undefined) {
        const key = `${meant.path}#${meant.anchor}`
        found.set(key, [...(found.get(key) ?? []), { title, path }])
      }
    }
  }
  return found
}

/** Of all that has a name, what the test beside it means, or else the only one. */
function meantBy(name: string, test: string, declared: readonly Declared[]): Declared | undefined {
  const named = declared.filter(({ anchor }) => anchor === name || anchor.endsWith(`.${name}`))
  const beside = named.filter(({ path }) => path === test.replace('.test.ts', '.ts'))
  const near = named.filter(({ path }) => posix.dirname(path) === posix.dirname(test))
  return [beside, near, named].find((some) => some.length === 1)?.[0]
}
