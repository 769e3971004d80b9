import t from 'tap'
import { bodyLength, HTTPMessage, listOf, MAX_HEAD, readFields } from './message.ts'
import type { Field } from './message.ts'
import type { RequestError } from './request-error.ts'

/** Read fields from a text that is all there. */
function read(text: string): Field[] {
  const lines = text.split(/(?<=\n)/)
  const takeTextLine = (limit: number) => (lines.shift() ?? '').slice(0, limit)
  const fields = readFields({ takeTextLine }, [])
  if (fields === undefined) {
    throw new Error('it waits, although all is there')
  }
  return fields
}

t.test('HTTPMessage keeps order, spelling and repetitions', async (t) => {
  const headers = new HTTPMessage([
    ['Host', 'x'],
    ['X-thing', 'first'],
    ['x-THING', 'second'],
  ])
  t.equal(headers.length, 3)
  t.same(headers.keys(), ['Host', 'X-thing', 'x-THING'])
  t.same(headers.values(), ['x', 'first', 'second'])
  t.same(headers.items(), [...headers])
  t.same(headers.items()[1], ['X-thing', 'first'])
})

t.test('HTTPMessage finds a field without regard to case', async (t) => {
  const headers = new HTTPMessage([
    ['X-thing', 'first'],
    ['x-THING', 'second'],
    ['X-Empty', ''],
  ])
  t.equal(headers.get('x-Thing'), 'first', 'the first of several')
  t.same(headers.getAll('X-THING'), ['first', 'second'])
  t.equal(headers.get('none'), null)
  t.equal(headers.get('none', 'otherwise'), 'otherwise')
  t.same(headers.getAll('none'), [])
  t.equal(headers.has('x-empty'), true, 'an empty value is a value')
  t.equal(headers.has('none'), false)
  t.equal(headers.has('toString'), false)
  t.equal(new HTTPMessage().length, 0)
})

t.test('items() is a copy', async (t) => {
  const headers = new HTTPMessage([
    ['B', '2'],
    ['A', '1'],
  ])
  headers.items().sort()
  t.same(headers.keys(), ['B', 'A'])
})

t.test('readFields() reads name, colon, value', async (t) => {
  const cases: [string, [string, string][]][] = [
    ['\r\n', []],
    ['X-A: 1\r\n\r\n', [['X-A', '1']]],
    ['X-A:1\r\n\r\n', [['X-A', '1']]],
    ['X-A:   \t 1  \t \r\n\r\n', [['X-A', '1  \t ']]],
    ['X-A:\r\n\r\n', [['X-A', '']]],
    ['X-A: a:b:c\r\n\r\n', [['X-A', 'a:b:c']]],
    [
      'X-A: 1\nX-B: 2\r\n\n',
      [
        ['X-A', '1'],
        ['X-B', '2'],
      ],
    ],
    ["!#$%&'*+-.^_`|~09azAZ: token\r\n\r\n", [["!#$%&'*+-.^_`|~09azAZ", 'token']]],
    ['X-A: caf\xe9\x0b\x7f\r\n\r\n', [['X-A', 'caf\xe9\x0b\x7f']]],
  ]
  for (const [text, expected] of cases) {
    t.same(read(text), expected, JSON.stringify(text))
  }
})

t.test('readFields() refuses headers that end before the empty line', async (t) => {
  const explain =
    'the connection ended before the empty line after the headers (RFC 9112 section 8)'
  for (const text of ['', 'X', 'X-A: 1', 'X-A: 1\r', 'X-A: 1\r\n', 'X-A: 1\r\n\r']) {
    t.throws(
      () => read(text),
      { name: 'RequestError', code: 400, message: 'Incomplete request', explain },
      JSON.stringify(text),
    )
  }
})

t.test('readFields() refuses what RFC 9112 refuses', async (t) => {
  const folded = 'it begins with white space, and folded lines are obsolete (RFC 9112 section 5.2)'
  const bare = 'it contains a bare CR or a NUL (RFC 9110 section 5.5)'
  const noColon = 'it has no colon (RFC 9112 section 5)'
  const space = 'white space before the colon (RFC 9112 section 5.1)'
  const noToken = 'the name before the colon is not a token (RFC 9110 section 5.1)'
  const cases: [string, number, string][] = [
    [' nothing\r\n\r\n', 1, folded],
    ['X-A: one\r\n\ttwo\r\n\r\n', 2, folded],
    ['X-A: a\rb\r\n\r\n', 1, bare],
    ['X-A: 1\r\r\n\r\n', 1, bare],
    ['X-A: a\0b\r\n\r\n', 1, bare],
    ['X-A: 1\r\nnocolon\r\n\r\n', 2, noColon],
    ['Content-Length : 5\r\n\r\n', 1, space],
    ['Content-Length\t: 5\r\n\r\n', 1, space],
    ['X A: 1\r\n\r\n', 1, noToken],
    [': value\r\n\r\n', 1, noToken],
    ['X-\xe9: 1\r\n\r\n', 1, noToken],
    ['X(A): 1\r\n\r\n', 1, noToken],
  ]
  for (const [text, line, flaw] of cases) {
    t.throws(
      () => read(text),
      { code: 400, message: 'Bad header line', explain: `header line ${String(line)}: ${flaw}` },
      JSON.stringify(text),
    )
  }
})

t.test('readFields() limits lines and bytes', async (t) => {
  const fields = (count: number) =>
    Array.from({ length: count }, (_, index) => `H${String(index)}: x\r\n`).join('') + '\r\n'
  t.equal(read(fields(99)).length, 99)
  t.throws(() => read(fields(100)), {
    code: 431,
    message: 'Too many headers',
    explain: 'got more than 100 headers',
  })

  const line = (length: number) => `X: ${'v'.repeat(length - 5)}\r\n`
  t.equal(read(line(65536) + '\r\n').length, 1)
  t.throws(() => read(line(65537) + '\r\n'), {
    code: 431,
    message: 'Line too long',
    explain: 'got more than 65536 bytes when reading header line',
  })
  t.equal(read(line(60000).repeat(4) + '\r\n').length, 4)
  t.throws(() => read(line(60000).repeat(5) + '\r\n'), {
    code: 431,
    message: 'Headers too long',
    explain: `got more than ${String(MAX_HEAD)} bytes of headers`,
  })
})

t.test('readFields() goes on where it had to wait', async (t) => {
  const lines: (string | undefined)[] = ['X-A: 1\r\n', undefined, 'X-B: 2\r\n', undefined, '\r\n']
  const rfile = { takeTextLine: () => lines.shift() }
  const read: string[] = []
  t.equal(readFields(rfile, read), undefined)
  t.equal(readFields(rfile, read), undefined)
  t.same(readFields(rfile, read), [
    ['X-A', '1'],
    ['X-B', '2'],
  ])
})

t.test('bodyLength() tells the length of the body', async (t) => {
  const length = (...fields: [string, string][]) => bodyLength(new HTTPMessage(fields))
  t.equal(length(), 0)
  t.equal(length(['Content-Length', '0']), 0)
  t.equal(length(['content-length', '5']), 5)
  t.equal(length(['Content-Length', '5 \t']), 5, 'white space behind a value is none of it')
  t.equal(length(['Content-Length', '00012']), 12)
  t.equal(length(['Content-Length', '9007199254740991']), Number.MAX_SAFE_INTEGER)
})

t.test('bodyLength() refuses what could be read in two ways', async (t) => {
  let decodes = true
  const code = (...fields: [string, string][]) => {
    try {
      return bodyLength(new HTTPMessage(fields), decodes)
    } catch (error) {
      return (error as RequestError).code
    }
  }
  for (const bad of ['+5', '-5', '-1', '0x5', '1_0', 'abc', '', ' ', '5, 5', '5;', '\xb2', '5.0']) {
    t.equal(code(['Content-Length', bad]), 400, JSON.stringify(bad))
  }
  t.equal(code(['Content-Length', '5'], ['Content-Length', '5']), 400, 'twice the same')
  t.equal(code(['Content-Length', '5'], ['content-length', '6']), 400, 'twice')
  t.equal(code(['Content-Length', '100000000000000000000']), 413)
  t.equal(code(['Transfer-Encoding', 'chunked'], ['Content-Length', '5']), 400)
  // RFC 9112 section 6.3: without chunked as the last coding, a request has no end.
  for (const bad of ['identity', '', 'gzip', 'chunked, gzip', 'chunked, chunked', '\x0bchunked']) {
    t.equal(code(['Transfer-Encoding', bad]), 400, JSON.stringify(bad))
  }
  t.equal(code(['Transfer-Encoding', 'gzip, chunked']), 501)
  t.equal(code(['Transfer-Encoding', 'gzip'], ['Transfer-Encoding', 'chunked']), 501)
  t.equal(code(['Transfer-Encoding', 'Chunked']), Infinity)
  t.equal(code(['Transfer-Encoding', ', chunked ,']), Infinity, 'empty elements do not count')
  decodes = false
  for (const coding of ['chunked', 'identity', '']) {
    t.equal(code(['Transfer-Encoding', coding]), 501, 'HTTP/1.0 has no codings')
  }
})

t.test(
  'listOf() takes a list apart, and no longer for one that is nothing but blanks',
  async (t) => {
    t.same(listOf('Close, x y ,,\tkeep-alive\t'), ['close', 'x y', 'keep-alive'])
    t.same(listOf(' , '), [])
    t.same(listOf('\x0bclose'), ['\x0bclose'], 'only blanks are taken off')
    // In one step for each blank; in as many as there are blanks, it would take minutes.
    const blanks = ' '.repeat(1_000_000)
    t.same(listOf(`a${blanks}b${blanks}`), [`a${blanks}b`])
  },
)
