import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t from 'tap'
import { readSections } from '../run/article.ts'
import { asDeclared, deviationFor, deviationsOf, fits, readDeviations } from './deviations.ts'
import { readPages } from './page.ts'
import { CASES, DEVIATIONS, RECORDINGS } from '../paths.ts'
import { nameOf, readRecordings } from '../recordings/recording.ts'
import { withAgain } from '../recordings/with-field.ts'

const ROW = { because: 'so', status: 'HTTP' }

t.test('fits() takes an id or a pattern within a topic', async (t) => {
  t.ok(fits('body-custom11-te-both', 'body-*-te-*'))
  t.ok(fits('exact', 'exact'))
  t.notOk(fits('exactly', 'exact'))
  t.ok(fits('method-VERSION', '*-VERSION'))
  t.ok(fits('errors/404', 'errors/*'))
  t.notOk(fits('errors/404', '*404'))
})

t.test('deviationFor() gives the rows of the first name that fits', async (t) => {
  const deviations = new Map([
    ['a-*', [ROW]],
    ['a-b', []],
  ])
  t.same(deviationFor('a-b', deviations), { name: 'a-*', rows: [ROW] })
  t.equal(deviationFor('b', deviations), undefined)
})

t.test('asDeclared() requires all that the row says', async (t) => {
  const seen = {
    response: 'HTTP/1.0 200 OK\r\n\r\n',
    closed: true,
    findings: [{ line: 'the line', flaw: 'the flaw' }],
  }
  const declared = (row: object, closes = true) =>
    asDeclared({ because: 'so', ...row }, seen, closes)
  t.ok(declared({ status: 'HTTP/1\\.0 200' }))
  t.notOk(declared({ status: '200' }), 'from the first byte on')
  t.ok(declared({ response: seen.response }))
  t.notOk(declared({ response: 'HTTP/1.0 200 OK\r\n' }))
  t.ok(declared({ finding: 'flaw$' }))
  t.ok(declared({ finding: '^the line$' }))
  t.notOk(declared({ finding: 'else' }))
  t.notOk(declared({ finding: 'flaw' }, false), 'closed, and was to stay')
  t.ok(declared({ finding: 'flaw', closed: true }, false))
})

t.test('a file is read, for a version, and a bad row refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-deviations-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const write = (value: unknown) => {
    const path = join(folder, 'x.json')
    writeFileSync(path, JSON.stringify(value))
    return path
  }
  const old = { ...ROW, versions: '<3.7' }
  const middle = { ...ROW, versions: '>=3.7 <3.11' }
  const path = write({ a: ROW, b: [old, middle], c: old })
  t.same([...readDeviations(path, '3.6.15').keys()], ['a', 'b', 'c'])
  t.same(readDeviations(path, '3.10.1').get('b'), [middle])
  t.same([...readDeviations(path, '3.11.0').keys()], ['a'])
  t.same([...readDeviations(path).keys()], ['a'], 'a target that is not a Python has no version')
  t.same([...deviationsOf({ deviations: 'x' }, folder).keys()], ['a'])
  t.same(readDeviations(write({ a: 'b', b: [old, middle] }), '3.9.0').get('a'), [middle])
  for (const file of [{ a: 'b' }, { a: 'b', b: 'c', c: ROW }]) {
    t.throws(() => readDeviations(write(file)), {
      message: /"a" is like "b", which has no rows of its own$/,
    })
  }
  t.equal(deviationsOf({ deviations: 'nobody' }, folder).size, 0)
  t.equal(deviationsOf({}, folder).size, 0)

  const bad: [object, RegExp][] = [
    [{ status: 'HTTP' }, /"x" must say "because", and what comes instead: response, status/],
    [{ because: 'so' }, /"x" must say "because"/],
    [{ ...ROW, state: 'x' }, /"x" says "state", which is not a known key; there are because/],
    [{ ...ROW, link: 'x' }, /"x" links to "x"$/],
    [
      { ...ROW, again: 'Host' },
      /"x" has "again" "Host", which is not a field line: "Host: example.org"$/,
    ],
    [{ ...ROW, again: true }, /"x" has "again" true, which is not a field line/],
  ]
  for (const [row, message] of bad) {
    t.throws(() => readDeviations(write({ x: row })), { message })
  }
  t.throws(() => readDeviations(write({ x: { ...ROW, versions: '3.7' } }), '3.7.1'), {
    message: '"3.7" is not a valid range of versions; write for example ">=3.7 <3.11"',
  })
})

t.test('each declared row is about a case', async (t) => {
  const replays = ['cpython-3.13', 'cpython-3.6'].flatMap((name) => {
    const declared = deviationsOf({ deviations: ['recordings', 'recordings-3.6'] })
    return withAgain(readRecordings(RECORDINGS, name), declared).map(({ id }) => id)
  })
  const ids = [
    ...readPages(CASES).map(({ id }) => id),
    ...readSections().map(({ id }) => id),
    ...replays,
    ...replays.map(nameOf),
  ]
  for (const file of readdirSync(DEVIATIONS)) {
    for (const version of [undefined, '3.6.0', '3.9.0', '3.10.0', '3.12.0', '3.13.0']) {
      for (const name of readDeviations(join(DEVIATIONS, file), version).keys()) {
        t.ok(
          ids.some((id) => fits(id, name)),
          `${basename(file)}: ${name}`,
        )
      }
    }
  }
})
