/**
 * What programs read about a run: TAP and JSON.
 *
 * @module
 */

import type { Result } from './lanes.ts'
import { count, describe, exitStatus } from './report.ts'

/** A run as TAP 14: <https://testanything.org/tap-version-14-specification.html>. */
export function tap(results: readonly Result[], command: string): string {
  const lines = ['TAP version 14', `1..${String(results.length)}`]
  for (const [index, result] of results.entries()) {
    const { verdict, case: one } = result
    // A hash would begin a directive; only the names of recordings may contain one.
    const name = `${String(index + 1)} - ${result.id.replaceAll('#', '\\#')}`
    switch (verdict) {
      case 'pass':
        lines.push(`ok ${name}`)
        break
      case 'skip': {
        const app = 'app' in one ? one.app : one.server
        lines.push(`ok ${name} # SKIP the target has no app "${app}"`)
        break
      }
      case 'expected failure':
        lines.push(`not ok ${name} # TODO a declared deviation`)
        break
      case 'dependent':
        lines.push(`ok ${name} # SKIP ${result.findings[0]?.flaw ?? ''}`)
        break
      case 'warn':
        lines.push(`not ok ${name} # TODO a warning`, ...diagnostics(result, command))
        break
      case 'fail':
      case 'unexpected pass':
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

/** A run as an object for JSON. */
export function report(target: string, results: readonly Result[]): unknown {
  return {
    target,
    exit: exitStatus(results),
    verdicts: count(results),
    cases: results.map(({ id, topic, verdict, findings, case: one }) => ({
      id,
      topic,
      verdict,
      ...('level' in one ? { level: one.level, source: one.source } : {}),
      findings,
    })),
  }
}
