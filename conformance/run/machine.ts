/**
 * What programs read about a run: TAP, JSON and JUnit.
 *
 * @module
 */

import type { Result } from './lanes.ts'
import { count, describe, whySkipped } from './report.ts'
import { repro, sentBytes } from './repro.ts'
import { linesOf } from './said.ts'
import { appOf } from './select.ts'

/** What there is to say about a run as a whole. */
export interface Run {
  readonly target: string
  readonly profile: string
  readonly seed: number
  /** `1/1` for all. */
  readonly shard: string
  /** What makes the same run again. */
  readonly command: string
  readonly milliseconds: number
  readonly exit: number
  readonly deviations?: { readonly file: string; readonly sha256: string }
  /** What else a reader should know, a line each. */
  readonly notes: readonly string[]
}

/** A run as TAP 14: <https://testanything.org/tap-version-14-specification.html>. */
export function tap(results: readonly Result[], command: string): string {
  const lines = ['TAP version 14', `1..${String(results.length)}`]
  for (const [index, result] of results.entries()) {
    const { verdict } = result
    // A hash would begin a directive; only the names of recordings may contain one.
    const name = `${String(index + 1)} - ${result.id.replaceAll('#', '\\#')}`
    switch (verdict) {
      case 'pass':
        lines.push(`ok ${name}`)
        break
      case 'skip':
        lines.push(`ok ${name} # SKIP ${whySkipped(result)}`)
        break
      case 'allowed':
        lines.push(`ok ${name} # the RFC leaves it open`)
        break
      case 'expected failure':
        lines.push(`not ok ${name} # TODO a declared deviation`)
        break
      case 'untold':
      case 'dependent':
        lines.push(`ok ${name} # SKIP ${result.findings[0]?.flaw ?? ''}`)
        break
      case 'warn':
        lines.push(`not ok ${name} # TODO a warning`, ...diagnostics(result, command))
        break
      case 'fail':
      case 'unsteady':
      case 'unexpected pass':
      case 'dies':
      case 'error':
        lines.push(`not ok ${name}`, ...diagnostics(result, command))
    }
  }
  return lines.join('\n')
}

function diagnostics(result: Result, command: string): string[] {
  const [, ...text] = describe(result, command).split('\n')
  return [
    '  ---',
    `  verdict: ${result.verdict}`,
    '  message: |',
    ...text.map((line) => `  ${line}`),
    '  ...',
  ]
}

/** A run as an object for JSON: `conformance/report.schema.json` describes it. */
export function report(results: readonly Result[], run: Run): unknown {
  return {
    ...run,
    verdicts: count(results),
    cases: results.map((result) => {
      const { id, topic, verdict, findings, alone, outcome, port, case: one } = result
      return {
        id,
        topic,
        ...('turns' in one ? {} : { app: appOf(one) }),
        profile: run.profile,
        ...('level' in one
          ? { level: one.level, source: one.source, why: one.why, place: one.place }
          : { source: id.slice(0, id.indexOf('/')).replace('-', ':'), why: one.title }),
        verdict,
        findings,
        ...(alone && { alone: { verdict: alone.verdict, findings: alone.findings } }),
        // A character is a byte.
        sent: sentBytes(one).toString('latin1'),
        ...(outcome && { received: outcome.received, closed: outcome.closed }),
        log: linesOf(result.said),
        ...(port !== undefined && {
          repro: repro(one, port),
          serve: `${run.command} --only ${id} --repro --port ${String(port)}`,
        }),
        milliseconds: result.milliseconds ?? 0,
      }
    }),
  }
}

/** A run as JUnit writes it: a suite for each topic. */
export function junit(results: readonly Result[], run: Run): string {
  const topics = [...new Set(results.map(({ topic }) => topic))]
  const seconds = (of: readonly Result[]) =>
    (of.reduce((sum, { milliseconds = 0 }) => sum + milliseconds, 0) / 1000).toFixed(3)
  const counted = (name: string, of: readonly Result[]) => {
    const counts = count(of)
    const numbers = {
      tests: of.length,
      failures: counts.fail + counts.unsteady + counts.dies + counts['unexpected pass'],
      errors: counts.error,
      skipped: counts.skip + counts.dependent + counts.untold + counts['expected failure'],
    }
    const attributes = Object.entries(numbers).map(([key, value]) => ` ${key}="${String(value)}"`)
    return `name="${xml(name)}"${attributes.join('')} time="${seconds(of)}"`
  }
  const suites = topics.map((topic) => {
    const of = results.filter((result) => result.topic === topic)
    const cases = of.map((result) => {
      const { id, milliseconds = 0 } = result
      const time = (milliseconds / 1000).toFixed(3)
      const opening = `    <testcase classname="${xml(topic)}" name="${xml(id)}" time="${time}"`
      const inside = outcomeOf(result, run.command)
      return inside === '' ? `${opening}/>` : `${opening}>${inside}</testcase>`
    })
    return [`  <testsuite ${counted(topic, of)}>`, ...cases, '  </testsuite>'].join('\n')
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counted(`conformance of ${run.target}`, results)}>`,
    ...suites,
    '</testsuites>\n',
  ].join('\n')
}

function outcomeOf(result: Result, command: string): string {
  const { verdict, findings } = result
  const flaw = xml(findings[0]?.flaw ?? '')
  const text = () => xml(describe(result, command))
  switch (verdict) {
    case 'pass':
    case 'allowed':
      return ''
    case 'skip':
      return `<skipped message="${xml(whySkipped(result))}"/>`
    case 'dependent':
    case 'untold':
      return `<skipped message="${flaw}"/>`
    case 'expected failure':
      return '<skipped message="it fails as declared"/>'
    case 'warn':
      return `<system-out>${text()}</system-out>`
    case 'error':
      return `<error message="${flaw}">${text()}</error>`
    case 'fail':
    case 'unsteady':
    case 'dies':
    case 'unexpected pass':
      return `<failure type="${verdict}" message="${flaw}">${text()}</failure>`
  }
}

/** Text as XML 1.0 may hold it: some characters not even as a reference. */
export function xml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text
    .replace(/[^\t\n\x20-\ud7ff\ue000-\ufffd]/g, '?')
    .replace(/[&<>"]/g, (character) => entities[character] as string)
}
