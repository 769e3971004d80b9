/**
 * What programs read about a run: TAP and JSON.
 *
 * @module
 */

import type { Result } from './lanes.ts'
import { count, describe, exitStatus, whySkipped } from './report.ts'

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
      case 'untold':
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
      case 'unsteady':
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
