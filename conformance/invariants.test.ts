import t from 'tap'
import { methodsOf, parseResponses } from './invariants.ts'

const OK = 'HTTP/1.1 200 OK\r\n'

function rules(received: string, { methods = ['GET'], closed = true } = {}): string[] {
  return parseResponses(received, methods, closed).violations.map(({ rule }) => rule)
}

t.test('right answers break no rule', async (t) => {
  t.same(rules(`${OK}Content-Length: 2\r\n\r\nhi`, { closed: false }), [])
  t.same(rules(`${OK}\r\nuntil the end`), [])
  t.same(rules(`${OK}Content-Length: 100\r\n\r\n`, { methods: ['HEAD'], closed: false }), [])
  t.same(rules('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', { closed: false }), [])
  t.same(rules('HTTP/1.1 204 No Content\r\n\r\n', { closed: false }), [])
  t.same(rules('HTTP/1.0 299 \r\nX:\r\nY: \r\n\r\n'), [], 'no reason, empty values')
  t.same(rules(`${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, { closed: false }), [])
  t.same(rules(''), [])
})

t.test('several answers are told apart', async (t) => {
  const { responses, violations } = parseResponses(
    `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 1\r\n\r\na${OK}Content-Length: 3\r\n\r\n${OK}X: y\r\n\r\nrest`,
    ['PUT', 'HEAD', 'GET'],
    true,
  )
  t.same(violations, [])
  t.same(
    responses.map(({ code, body }) => [code, body]),
    [
      [100, ''],
      [200, 'a'],
      [200, ''],
      [200, 'rest'],
    ],
  )
})

t.test('each rule is found broken', async (t) => {
  t.same(rules(`${OK}Content-Length: 3\r\n\r\nhi`), ['content-length'], 'a body that is too short')
  t.same(rules(`${OK}Content-Length: 1\r\n\r\nhi`), ['head'], 'one that is too long')
  t.same(rules(`${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`), ['content-length'])
  t.same(rules(`${OK}Content-Length: two\r\n\r\nhi`), ['content-length'])
  t.same(rules(`${OK}\r\nhi`, { closed: false }), ['framing'])
  t.same(rules(`${OK}Connection: close\r\nContent-Length: 0\r\n\r\n`, { closed: false }), ['close'])
  t.same(rules(`${OK}Content-Length: 0\r\n`), ['head'], 'no empty line')
  t.same(rules('HTTP/1.1 200 OK\nContent-Length: 0\n\n'), ['head'], 'bare LF')
  t.same(rules('HTTP/1.1 20 OK\r\n\r\n'), ['status-line'])
  t.same(rules('HTTP/1.1 200 O\x00K\r\n\r\n'), ['status-line'])
  t.same(rules('HTTP/1.1  200 OK\r\n\r\n'), ['status-line'])
  t.same(rules(`${OK}no colon\r\n\r\n`), ['field-line'])
  t.same(rules(`${OK}X : y\r\n\r\n`), ['field-line'])
  t.same(rules(`${OK}X: a\nY: b\r\n\r\n`), ['field-line'], 'a bare LF inside a field')
  t.same(rules(`${OK}Content-Length: 2\r\n\r\n`, { methods: ['GET'] }), ['content-length'])
  t.same(rules('HTTP/1.1 204 No Content\r\n\r\nbody'), ['head'], 'a body where none may be')
})

t.test('methodsOf() reads the methods out of what was sent', async (t) => {
  t.same(methodsOf('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), ['GET'])
  t.same(methodsOf('PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET HEAD / HTTP/1.0\n\n'), [
    'PUT',
    'HEAD',
  ])
  t.same(methodsOf('GET /'), [])
})
