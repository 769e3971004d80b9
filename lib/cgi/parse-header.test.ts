import t from 'tap'
import { parseHeader } from './parse-header.ts'

// Expected values are what CPython 3.12's cgi.parse_header returns, but for the case of the key.

t.test('parseHeader() takes a value with parameters apart', async (t) => {
  const cases: [line: string, key: string, parameters: Record<string, string>][] = [
    ['', '', {}],
    ['Text/HTML', 'text/html', {}],
    ['a;', 'a', {}],
    ['form-data; name="a"; filename=b', 'form-data', { name: 'a', filename: 'b' }],
    ['FORM-DATA ; NAME = "a" ', 'form-data', { name: 'a' }],
    ['a; b=";"; c="\\";\\\\"', 'a', { b: ';', c: '";\\' }],
    ['a; name="C:\\dir\\file"', 'a', { name: 'C:\\dir\\file' }],
    ['a; name="x\\"; filename="y"', 'a', { name: 'x"; filename="y' }],
    ['a; name="open; b=c', 'a', { name: '"open; b=c' }],
    ['a; b; c=d=e;; ;f="', 'a', { c: 'd=e', f: '"' }],
    ['a; b=1; b=2', 'a', { b: '2' }],
    ['a; __proto__=x', 'a', { ['__proto__']: 'x' }],
  ]
  for (const [line, key, parameters] of cases) {
    const [foundKey, found] = parseHeader(line)
    t.equal(foundKey, key, line)
    t.same([...found], Object.entries(parameters), line)
  }
})
