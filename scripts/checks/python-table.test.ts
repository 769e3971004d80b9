import ts from 'typescript'
import t from 'tap'
import { pythonPage } from './python-table.ts'

const tree = ts.createSourceFile(
  'lib/a.ts',
  `/** @python http.server.Tea */
export class Tea {
  pourOut(): void {}
  /** @python http.server.Tea.cups */
  bowls = 1
}
`,
  ts.ScriptTarget.Latest,
  true,
)
const sources = [{ path: 'lib/a.ts', tree }]

t.test(
  'pythonPage() links what is here, by tag or by spelling, and says why the rest is not',
  (t) => {
    const names = new Map([
      ['http.server', ['Tea', 'milk', 'sugar']],
      ['http.server.Tea', ['cups', 'pour_out']],
    ])
    const absent = [['http.server', 'milk sugar', 'It is green.']] as const
    const { page, findings } = pythonPage(sources, names, absent)
    t.same(findings, [])
    t.match(page, '| `milk`, `sugar` | It is green. |\n')
    t.match(page, '| `Tea` | [`Tea`](../lib/a.ts#Tea) |\n')
    t.match(page, '| `cups` | [`bowls`](../lib/a.ts#Tea.bowls) |\n')
    t.match(page, '| `pour_out` | [`pourOut()`](../lib/a.ts#Tea.pourOut) |\n')
    t.end()
  },
)

t.test('pythonPage() finds names without a fate, and reasons that nobody needs', (t) => {
  const names = new Map([['http.server', ['Tea', 'milk']]])
  const { findings } = pythonPage(sources, names, [['http.server', 'Tea lemon', 'No.']])
  t.same(findings, [
    'python-absent.ts: http.server.Tea is not absent',
    "python-absent.ts: http.server.lemon is not a name of Python's",
    'http.server.milk has neither a counterpart here nor a reason in python-absent.ts',
  ])
  t.end()
})
