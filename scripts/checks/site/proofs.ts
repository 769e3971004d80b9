/**
 * What holds the source in place is shown where it does: a rule has its case, and a fault its line.
 *
 * @module
 */

import { FAULTS } from '../../../conformance/faults/faults.ts'
import type { Source } from '../sources.ts'
import type { Page } from './pages.ts'

/** A line of the source, by what only it has, and a case that must be linked there. */
const RULE = { text: "'more than one Host header'", link: '03-headers.html#headerstwo-hosts' }

const PROOF = /<a class=q href=([^\s>#]+)#p(\d+)>/g

/**
 * Look at the proofs of all pages.
 *
 * @returns what is wrong, and what there is to tell
 */
export function checkProofs(
  sources: readonly Source[],
  pages: readonly Page[],
): { findings: string[]; told: string[] } {
  const findings: string[] = []
  const proofs = pages.filter(({ path }) => path.endsWith('.proof.html'))
  const links = new Set(
    proofs.flatMap((page) => page.links.map((link) => link.replace(/^.*\//, ''))),
  )
  const cases = [...links].filter((link) => /^\d\d-[\w-]+\.html#/.test(link))

  const rule = sources.find(({ tree }) => tree.text.includes(RULE.text))
  const before = rule?.tree.text.split(RULE.text)[0]?.split('\n').length ?? 0
  const page = pages.find(({ path }) => path === `source/${rule?.path ?? ''}.html`)
  const section = [...(page?.html.matchAll(PROOF) ?? [])].findLast(
    ([, , line]) => Number(line) <= before,
  )?.[2]
  const proof = proofs.find(({ path }) => path === `source/${rule?.path ?? ''}.proof.html`)?.html
  const shown = proof?.split('<section ').find((one) => one.startsWith(`id="p${section ?? ''}"`))
  if (shown?.includes(RULE.link) !== true) {
    findings.push(`${rule?.path ?? 'lib'}: ${RULE.text} has no link to ${RULE.link}`)
  }

  const lost = FAULTS.filter(({ id }) => !links.has(`suite.html#${id}`)).map(({ id }) => id)
  if (lost.length === FAULTS.length || cases.length === 0) {
    findings.push('the proofs show no faults, or no cases')
  }
  const told = [`${String(cases.length)} cases are linked below the lines that they run`]
  if (lost.length > 0) {
    told.push(`NOTE: ${String(lost.length)} faults are not placed: ${lost.join(', ')}`)
  }
  return { findings, told }
}
