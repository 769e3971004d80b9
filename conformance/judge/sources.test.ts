/**
 * What the pages claim about their authority.
 */

import { join } from 'node:path'
import t from 'tap'
import { CASES, DEVIATIONS } from '../paths.ts'
import { deviationFor, readDeviations } from './deviations.ts'
import { readPages } from './page.ts'
import type { Case } from './page.ts'
import type { Pattern } from './pattern.ts'

const cases = readPages(CASES)

/** The literal text of a pattern, with its holes left out. */
function literal(pattern: Pattern | undefined): string {
  return (pattern ?? []).map((token) => ('hole' in token ? '' : token.literal)).join('')
}

/** Whether a server of HTTP/1.1 must close here, and must not announce it: RFC 9112 §9.6, SHOULD. */
function closesInSilence({ responses, expectation }: Case): boolean {
  const last = literal(responses.at(-1))
  return expectation.closes && last.startsWith('HTTP/1.1') && !/^connection: close/im.test(last)
}

t.test('a source is somebody who can decide', async (t) => {
  const known = /^(?:article:.+|cpython:3\.1[23]|rfc:[0-9]+#[0-9]+(?:\.[0-9]+)*|basehttp)$/
  for (const { id, source } of cases) {
    t.match(source, known, id)
  }
})

t.test('an RFC is not blamed for what it leaves open, or advises against', async (t) => {
  const rfc = cases.filter(
    ({ source, level }) => source.startsWith('rfc:') && level !== 'hardening',
  )
  for (const one of rfc) {
    t.not(one.level, 'may', `${one.id}: a MAY decides nothing`)
    t.notOk(closesInSilence(one), `${one.id}: the response SHOULD say "Connection: close"`)
  }
  t.ok(rfc.length > 20)
})

t.test("what is CPython's is what CPython does", async (t) => {
  // Where the article decides, or where it was mended while 3.13 was the newest.
  const mended = /error page is HTML5|until it was fixed in the releases of/i
  const deviations = readDeviations(join(DEVIATIONS, 'cpython.json'), '3.13.0')
  for (const { id } of cases.filter(({ source }) => source === 'cpython:3.13')) {
    const { rows = [] } = deviationFor(id, deviations) ?? {}
    t.same(
      rows.map(({ because }) => because).filter((because) => !mended.test(because)),
      [],
      id,
    )
  }
})

t.test('no attack on files is judged by the length of an error page', async (t) => {
  const heads = cases.filter(({ id, level }) => id.startsWith('attacks/') && level === 'hardening')
  for (const { id, responses } of heads) {
    const refused = literal(responses[0]).startsWith('HTTP/1.0 404')
    t.notOk(refused && /^content-length: [0-9]/im.test(literal(responses[0])), id)
  }
})
