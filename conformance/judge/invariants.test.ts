import t from 'tap'
import { parseResponses } from './invariants.ts'
import type { ParsedRequest } from './requests.ts'

const DATE = 'Date: Thu, 06 Oct 2016 21:12:10 GMT\r\n'
const OK = `HTTP/1.1 200 OK\r\n${DATE}`

function asked(...methods: string[]): ParsedRequest[] {
  return methods.map((method) => ({ method, version: 'HTTP/1.1' }))
}

interface Circumstances {
  requests?: ParsedRequest[]
  closed?: boolean
  unread?: boolean
  ends?: number[]
}

function rules(received: string, about: Circumstances = {}): string[] {
  const { requests = asked('GET'), closed = false, unread = false, ends = [] } = about
  const { violations } = parseResponses(received, requests, { closed, unread, ends })
  return violations.map(({ rule }) => rule)
}

t.test('right responses break no rule', async (t) => {
  t.same(rules(`${OK}Content-Length: 2\r\n\r\nhi`), [])
  t.same(rules(`${OK}\r\nuntil the end`, { closed: true }), [])
  t.same(rules(`${OK}Content-Length: 100\r\n\r\n`, { requests: asked('HEAD') }), [])
  t.same(rules(`HTTP/1.1 304 Not Modified\r\n${DATE}Content-Length: 9\r\n\r\n`), [])
  t.same(rules(`HTTP/1.1 204 No Content\r\n${DATE}\r\n`), [])
  t.same(rules(`HTTP/1.0 299 \r\n${DATE}X:\r\nY: \r\n\r\n`, { closed: true }), [], 'empty values')
  t.same(rules(`${OK}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nA: b\r\n\r\n`), [])
  t.same(rules(''), [])
})

t.test('several responses are told apart', async (t) => {
  const { responses, violations } = parseResponses(
    `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 1\r\n\r\na${OK}Content-Length: 3\r\n\r\n` +
      `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n${OK}X: y\r\n\r\nrest`,
    asked('PUT', 'HEAD', 'GET', 'GET'),
    { closed: true },
  )
  t.same(violations, [])
  t.same(
    responses.map(({ code, body }) => [code, body]),
    [
      [100, ''],
      [200, 'a'],
      [200, ''],
      [200, 'hi'],
      [200, 'rest'],
    ],
  )
})

t.test('the lines of a head', async (t) => {
  t.same(rules(`${OK}Content-Length: 0\r\n`), ['head'], 'no empty line')
  t.same(rules('HTTP/1.1 200 OK\nContent-Length: 0\n\n'), ['line-end'], 'bare LF')
  t.same(rules(`${OK}Content-Length: 5\r\nbody\n`), ['head'], 'the body follows at once')
  t.same(rules(`${OK}X: a\nContent-Length: 0\r\n\r\n`), ['line-end'], 'in one line only')
  t.same(rules('HTTP/1.1 20 OK\r\n\r\n'), ['status-line'])
  t.same(rules('HTTP/1.1 200 O\x00K\r\n\r\n'), ['status-line'])
  t.same(rules('HTTP/1.1  200 OK\r\n\r\n'), ['status-line'])
  t.same(rules(`${OK}no colon\r\nContent-Length: 0\r\n\r\n`), ['field-line'])
  t.same(rules(`${OK}X : y\r\nContent-Length: 0\r\n\r\n`), ['field-line'])
  t.same(rules(`${OK}X: a\rY: b\r\nContent-Length: 0\r\n\r\n`), ['field-line'], 'a bare CR')
})

t.test('the length of a body', async (t) => {
  const flaws = (received: string) =>
    parseResponses(received, asked('GET'), { closed: true }).violations.map(({ flaw }) => flaw)
  t.same(flaws(`${OK}Content-Length: 3\r\nConnection: close\r\n\r\nhi`), [
    'the header says 3, the body has 2 bytes',
  ])
  t.same(flaws(`${OK}Content-Length: 1\r\nConnection: close\r\n\r\nhi`), [
    'the header says 1, the body has 2 bytes',
  ])
  t.same(rules(`${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`), ['content-length'])
  t.same(rules(`${OK}Content-Length: two\r\n\r\nhi`), ['content-length'])
  t.same(rules(`${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), [
    'content-length',
  ])
  t.same(rules(`HTTP/1.1 204 No Content\r\n${DATE}Content-Length: 0\r\n\r\n`), ['content-length'])
  t.same(rules(`${OK}\r\nhi`), ['framing'])
  t.same(rules(`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi!\r\n0\r\n\r\n`), ['chunks'])
  t.same(rules(`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n`), ['chunks'], 'no last chunk')
})

t.test('a body where none may be, and bytes after the end', async (t) => {
  t.same(rules(`HTTP/1.1 204 No Content\r\n${DATE}\r\nbody`), ['bodiless'])
  t.same(rules(`${OK}Content-Length: 4\r\n\r\nbody`, { requests: asked('HEAD') }), ['bodiless'])
  t.same(rules(`${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore`), ['excess'])
})

t.test('the connection does what the head announces', async (t) => {
  const CLOSE = `${OK}Connection: close\r\nContent-Length: 0\r\n\r\n`
  const KEEP = `${OK}Content-Length: 0\r\n\r\n`
  const OLD = `HTTP/1.0 200 OK\r\n${DATE}Content-Length: 0\r\n`
  t.same(rules(CLOSE), ['close'], 'says close and stays')
  t.same(rules(CLOSE, { closed: true }), [])
  t.same(rules(CLOSE + KEEP, { closed: true, requests: asked('GET', 'GET') }), ['close'])
  t.same(rules(KEEP, { closed: true }), [], 'says nothing and ends, which a server may at any time')
  t.same(rules(`${OLD}\r\n`), ['close'], 'HTTP/1.0 that stays')
  t.same(rules(`${OLD}\r\n`, { closed: true }), [])
  t.same(rules(`${OLD}Connection: Keep-Alive\r\n\r\n`), [])
})

t.test('several connections, one after the other: each ends for itself', async (t) => {
  const CLOSE = `${OK}Connection: close\r\nContent-Length: 0\r\n\r\n`
  const UNTIL = `${OK}\r\nuntil the end`
  const requests = asked('GET', 'GET', 'GET')
  const ends = [UNTIL.length, UNTIL.length + CLOSE.length]
  t.same(rules(UNTIL + CLOSE + CLOSE, { requests, ends, closed: true }), [])
  t.same(rules(UNTIL + CLOSE + CLOSE, { requests, ends }), ['close'], 'the last one stays')
  t.same(
    rules(UNTIL + CLOSE + CLOSE, { requests, ends: [UNTIL.length], closed: true }),
    ['close'],
    'the second response and the third came over the same connection',
  )
  t.same(
    rules(CLOSE + CLOSE, { requests: asked('GET'), ends: [CLOSE.length], closed: true }),
    ['unasked'],
    'of all that is asked, each is answered once',
  )
  t.match(parseResponses(`??${CLOSE}`, requests, { closed: true, ends: [2] }), {
    responses: [],
    rest: `??${CLOSE}`,
  })
})

t.test('a response more than was asked for', async (t) => {
  const two = `${OK}Content-Length: 0\r\n\r\n`.repeat(2)
  t.same(rules(two), ['unasked'])
  t.same(rules(two, { unread: true }), [], 'something was sent that cannot be told apart')
  t.same(rules(two, { requests: asked('GET', 'GET') }), [])
})
