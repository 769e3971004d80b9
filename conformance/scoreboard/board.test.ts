import t from 'tap'
import { changedSince, countMarks, died, fingerprints, marksOf } from './board.ts'
import type { Board, Mark } from './board.ts'
import { makePage } from './page.ts'
import { draw } from './picture.ts'
import { CONTENDERS } from './servers.ts'
import { parseRules } from '../judge/rule.ts'
import type { Result } from '../run/lanes.ts'

const PAGE = `
## host/present
<!-- rule={"level":"MUST","source":"rfc:9112#3.2"} -->
Why.
\`\`\`request
GET {{path}} HTTP/1.1

\`\`\`
\`\`\`answer
200
Date: {{re:.+}}
\`\`\`

## host/missing
<!-- rule={"level":"SHOULD","source":"rfc:9112#3.2","control":"host/present"} -->
Why.
\`\`\`request
GET {{path}} HTTP/1.1

\`\`\`
\`\`\`answer
400
\`\`\`
`

const rules = (page = PAGE) => parseRules(page, '05-fields.md')

function board(...marks: [present: Mark, missing: Mark][]): Board {
  return {
    date: '2026-01-01',
    rules: fingerprints(rules()),
    rows: marks.map(([present, missing], index) => ({
      ...{ name: `server ${String(index)}`, version: '1.0', install: 'apt-get install x' },
      line: "exec x -p {port} '{root}'",
      marks: { 'host/present': present, 'host/missing': missing },
    })),
    missing: ['thttpd'],
    withheld: 1,
  }
}

t.test('a board is of the rules with the same requests and answers', async (t) => {
  const changes: [from: string, to: string, changed: string[]][] = [
    ['Why.', 'For another reason.', []],
    ['400', '400|404', ['host/missing']],
    ['{{re:.+}}', '{{re:.*}}', ['host/present']],
    ['GET {{path}} HTTP/1.1', 'GET {{path}} HTTP/1.0', ['host/present']],
    ['SHOULD', 'MUST', ['host/missing']],
    ['host/missing', 'host/absent', ['host/missing', 'host/absent']],
  ]
  for (const [from, to, changed] of changes) {
    t.same(changedSince(board(), rules(PAGE.replace(from, to))), changed, to)
  }
})

t.test('marksOf() has a mark for each verdict', async (t) => {
  const result = (id: string, verdict: Result['verdict']) => ({ id, verdict }) as Result
  const results = [
    result('a', 'pass'),
    result('b', 'warn'),
    result('c', 'skip'),
    result('d', 'error'),
  ]
  t.same(marksOf(results), { a: 'passed', b: 'warned', c: 'skipped', d: 'untold' })
  t.notOk(died(results))
  t.ok(died([...results, result('e', 'dies')]))
})

t.test('countMarks() counts the rules that it is given', async (t) => {
  const [row] = board(['passed', 'lost']).rows
  t.match(row && countMarks(row, rules()), { passed: 1, lost: 1, untold: 0 })
  t.match(row && countMarks(row, rules().slice(0, 1)), { passed: 1, lost: 0 })
})

t.test('makePage() links each sign to its rule', async (t) => {
  const page = makePage(board(['passed', 'warned'], ['lost', 'skipped']), rules())
  t.match(page, '| server 0 | 1.0 | 1 of 1 | 0 of 1 |')
  t.match(page, '| [host/present][0] | MUST | [●][0] | [✗][0] |')
  t.match(page, '| [host/missing][1] | SHOULD | [▽][1] |  |')
  t.match(page, '[1]: ../conformance/rules/05-fields.md#hostmissing')
  t.match(page, 'Not on the machine: thttpd.')
  t.match(page, '1 more server died of a rule')
})

t.test('draw() has a row for each server, and a link for each rule', async (t) => {
  const picture = draw(board(['passed', 'warned'], ['lost', 'skipped']), rules())
  t.equal(picture.match(/<a href="/g)?.length, 2)
  t.match(picture, '>server 1</text>')
  // A mark is more than a colour.
  const heights = new Set(
    picture.match(/class="[lwa]" [^>]* height="\d+"/g)?.map((one) => one.slice(7)),
  )
  t.ok(heights.size >= 3)
})

t.test('at least fifteen servers are from elsewhere', async (t) => {
  const foreign = CONTENDERS.filter(({ install }) => install !== 'this repository')
  t.ok(foreign.length >= 15)
  t.equal(new Set(CONTENDERS.map(({ name }) => name)).size, CONTENDERS.length)
  for (const { line } of CONTENDERS) {
    t.match(
      line,
      /^(?:\S+=\S+ |cd \S+ && )?exec /,
      'what is ended is the server, and not its shell',
    )
  }
})
