import t from 'tap'
import { anchorOf, checkTable, citedIn, fillTable } from './rfc-table.ts'
import type { Facts } from './rfc-table.ts'

const SOURCE = '../lib/http/host.ts'
const README = '../conformance/README.md'
const RULES = '../conformance/rules/03-target.md'

const FACTS: Facts = {
  sections: ['9112 §3', '9112 §3.1', '9112 §3.2', '9112 §12', '9110 §4.2.1'],
  rules: [
    { id: 'host/missing', page: '03-target.md', section: '9112 §3.2' },
    { id: 'host/twice', page: '03-target.md', section: '9112 §3.2' },
  ],
  cited: [{ place: 'lib/http/host.ts', section: '9110 §4.2.1' }],
  taught: [{ place: 'docs/assignments/01-hello/README.md', section: '9112 §12' }],
  names: (address) => (address === SOURCE ? new Set(['checkHost', '#host']) : undefined),
  anchors: (address) =>
    new Map([
      [README, new Set(['profiles'])],
      [RULES, new Set(['hostmissing', 'hosttwice'])],
    ]).get(address),
}

const TABLE = `\
The [rules](${README}#profiles).

<!-- prettier-ignore-start -->

| Section | What it asks | Where | Rules |
| --- | --- | --- | --- |
| [9112 §3]–[9112 §3.1] | Nothing. | Nothing to do. | |
| [9112 §3.2] | One Host. | [\`checkHost()\`](${SOURCE}), [\`#host\`](${SOURCE}) | |
| [9110 §4.2.1] | A host. | Left to the handler. | |

<!-- The addresses, made by a script -->

<!-- prettier-ignore-end -->
`
const PAGE = fillTable(TABLE, FACTS)

t.test('fillTable() names the rules of each section, and says where all of them are', (t) => {
  t.match(PAGE, 'Nothing to do. | – |\n')
  t.match(PAGE, ' | [host/missing] [host/twice] |\n')
  t.match(PAGE, `\n[host/missing]: ${RULES}#hostmissing\n`)
  t.match(PAGE, '\n[9112 §3.2]: https://www.rfc-editor.org/rfc/rfc9112#section-3.2\n')
  t.equal(fillTable(PAGE, FACTS), PAGE, 'and changes nothing the second time')
  t.end()
})

t.test('checkTable() has nothing to say of a table that is right', (t) => {
  t.same(checkTable(PAGE, FACTS), [])
  t.end()
})

t.test('checkTable() finds each thing that may be wrong', (t) => {
  const changed = (from: string | RegExp, to: string): string =>
    fillTable(PAGE.replace(from, to), FACTS)
  const cases: [what: string, page: string, facts: Facts, finding: string][] = [
    [
      'a rule without a row',
      PAGE,
      {
        ...FACTS,
        rules: [...FACTS.rules, { id: 'a/b', page: '03-target.md', section: '9112 §12' }],
      },
      'rule a/b: RFC 9112 §12 has no row',
    ],
    [
      'a rule of a section that does not exist',
      PAGE,
      {
        ...FACTS,
        rules: [...FACTS.rules, { id: 'a/b', page: '03-target.md', section: '9112 §3.9' }],
      },
      'rule a/b: RFC 9112 §3.9 does not exist',
    ],
    [
      'a section that the source cites, without a row',
      PAGE,
      { ...FACTS, cited: [{ place: 'lib/a.ts', section: '9112 §12' }] },
      'lib/a.ts: RFC 9112 §12 has no row',
    ],
    [
      'a section that the source cites, and that does not exist',
      PAGE,
      { ...FACTS, cited: [{ place: 'lib/a.ts', section: '9110 §99' }] },
      'lib/a.ts: RFC 9110 §99 does not exist',
    ],
    [
      'a section of a whole chapter, without a row',
      changed(/^\| \[9112 §3\].*\n/m, ''),
      FACTS,
      'the table: RFC 9112 §3.1 has no row',
    ],
    [
      'a row of a section that does not exist',
      changed('| [9110 §4.2.1]', '| [9112 §3.3]'),
      FACTS,
      'the table: RFC 9112 §3.3 does not exist',
    ],
    [
      'a second row',
      changed('| [9110 §4.2.1]', '| [9112 §3.2]'),
      FACTS,
      'the table: RFC 9112 §3.2 has two rows',
    ],
    [
      'an empty cell',
      changed('Left to the handler.', ''),
      FACTS,
      'RFC 9110 §4.2.1: a cell of its row is empty',
    ],
    [
      'a file that is not there',
      changed('../lib/http/host.ts', '../lib/http/ghost.ts'),
      FACTS,
      'there is no ../lib/http/ghost.ts',
    ],
    [
      'a symbol that is not there',
      changed('`checkHost()`', '`checkGhost()`'),
      FACTS,
      '../lib/http/host.ts does not declare `checkGhost()`',
    ],
    [
      'a link to a source that names no symbol',
      changed('`checkHost()`', 'there'),
      FACTS,
      '../lib/http/host.ts does not declare there',
    ],
    [
      'a page that is not there',
      changed(README, '../README.md'),
      FACTS,
      'there is no ../README.md',
    ],
    [
      'a heading that is not there',
      changed('#profiles', '#profile'),
      FACTS,
      '../conformance/README.md has no heading #profile',
    ],
    [
      'a rule whose heading is not there',
      PAGE,
      {
        ...FACTS,
        anchors: (page) => (page === RULES ? new Set(['hosttwice']) : FACTS.anchors(page)),
      },
      '../conformance/rules/03-target.md has no heading #hostmissing',
    ],
    [
      'a section that the course cites, and that is not there',
      PAGE,
      { ...FACTS, taught: [{ place: 'README.md', section: '9112 §3.3' }] },
      'README.md: RFC 9112 §3.3 does not exist',
    ],
    [
      'rules that have not been filled in',
      TABLE,
      FACTS,
      'the rules or the addresses are out of date',
    ],
  ]
  for (const [what, page, facts, finding] of cases) {
    t.ok(checkTable(page, facts).includes(finding), what)
  }
  t.end()
})

t.test('citedIn() finds sections however they are cited', (t) => {
  t.same(
    citedIn(`
      RFC 9112 §3.2, and §3.2.2. RFC 9110
      // §9.3.7; (RFC 9112 section 6.3), RFC 9112 §C.2.2. RFC 7578 §4.2 is another.
      https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7, and a section of its own`),
    ['9112 §3.2', '9112 §3.2.2', '9110 §9.3.7', '9112 §6.3', '9112 §C.2.2', '9110 §5.6.7'],
  )
  t.same(
    citedIn('| 9110 §8.6, §9.3.1; 9111 §3 | and "source":"rfc:6455#5.2" | RFC 7578', [
      '9110',
      '6455',
    ]),
    ['9110 §8.6', '9110 §9.3.1', '6455 §5.2'],
  )
  t.end()
})

t.test('anchorOf() is the address that a heading gets', (t) => {
  t.equal(anchorOf('host/with-path'), 'hostwith-path')
  t.equal(anchorOf('What it asks'), 'what-it-asks')
  t.end()
})
