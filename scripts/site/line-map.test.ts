import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { TOP } from '../checks/sources.ts'
import { LineMap } from './line-map.ts'

const compiled = join(TOP, 'dist/lib/http/host.js')
const text = readFileSync(compiled, 'utf8')
const map = LineMap.read(compiled)

/** The line of the source that has a text, and where the text is in the compiled module. */
function find(wanted: string): { line: number; offset: number } {
  const source = readFileSync(join(TOP, map.source), 'utf8')
  const line = source.slice(0, source.indexOf(wanted)).split('\n').length
  return { line, offset: text.indexOf(wanted) }
}

t.test('LineMap.lineAt() leads from compiled code to its source', (t) => {
  t.equal(map.source, 'lib/http/host.ts')
  for (const wanted of ["badHost('more than one Host header')", 'export function checkHost(']) {
    const { line, offset } = find(wanted)
    t.equal(map.lineAt(offset), line, wanted)
  }
  t.end()
})

t.test('LineMap.linesOf() believes the inner range', (t) => {
  const { line, offset } = find("throw badHost('more than one Host header')")
  const whole = { startOffset: 0, endOffset: text.length, count: 1 }
  const inner = { startOffset: offset - 1, endOffset: offset + 10, count: 0 }
  t.ok(map.linesOf([whole]).has(line))
  t.notOk(map.linesOf([whole, inner]).has(line))
  t.ok(map.linesOf([whole, inner]).has(find('export function checkHost(').line))
  t.equal(map.linesOf([]).size, 0)
  t.end()
})
