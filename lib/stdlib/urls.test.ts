import t from 'tap'
import { ValueError } from './errors.ts'
import { parseQsl, quote, unquote, unquoteToBytes, urlparse, urlsplit, urlunsplit } from './urls.ts'

// Expected values are what CPython 3.13's urllib.parse returns.

t.test('urlparse() takes a request target apart', async (t) => {
  const cases: [string, string[]][] = [
    ['/?foo=bar', ['', '', '/', '', 'foo=bar', '']],
    ['/p;q?x=1&y=2#f', ['', '', '/p', 'q', 'x=1&y=2', 'f']],
    ['/a;b/c', ['', '', '/a;b/c', '', '', '']],
    ['/x/;y', ['', '', '/x/', 'y', '', '']],
    ['a;b/c;d;e', ['', '', 'a;b/c', 'd;e', '', '']],
    ['http://h:1/p?q=2#f', ['http', 'h:1', '/p', '', 'q=2', 'f']],
    ['HTTP://h', ['http', 'h', '', '', '', '']],
    ['//host/path?q', ['', 'host', '/path', '', 'q', '']],
    ['http:///x?y', ['http', '', '/x', '', 'y', '']],
    ['mailto:a@b;c?d', ['mailto', '', 'a@b;c', '', 'd', '']],
    ['tel:1;2', ['tel', '', '1', '2', '', '']],
    ['1a:b', ['', '', '1a:b', '', '', '']],
    ['/#f?x', ['', '', '/', '', '', 'f?x']],
    ['/?', ['', '', '/', '', '', '']],
    ['/a%2Fb/../c', ['', '', '/a%2Fb/../c', '', '', '']],
    [' \x00/a\tb\nc', ['', '', '/abc', '', '', '']],
    ['http://[::1]:80/x', ['http', '[::1]:80', '/x', '', '', '']],
    ['http://[v1.a]/', ['http', '[v1.a]', '/', '', '', '']],
    ['http://a\xb2/x', ['http', 'a\xb2', '/x', '', '', '']],
    ['', ['', '', '', '', '', '']],
  ]
  for (const [url, expected] of cases) {
    const { scheme, netloc, path, params, query, fragment } = urlparse(url)
    t.same([scheme, netloc, path, params, query, fragment], expected, JSON.stringify(url))
  }
  t.equal(urlsplit('/p;q').path, '/p;q', 'urlsplit() leaves the parameters where they are')
})

t.test('urlsplit() refuses a host that is none', async (t) => {
  const refused: [string, string][] = [
    ['http://[::1/x', 'Invalid IPv6 URL'],
    ['//a]b', 'Invalid IPv6 URL'],
    ['http://[1.2.3.4]/', 'An IPv4 address cannot be in brackets'],
    ['http://[x]/', "'x' does not appear to be an IPv4 or IPv6 address"],
    ['http://[vz.a]/', 'IPvFuture address is invalid'],
    ['http://a\u2100b/', "netloc 'a\u2100b' contains invalid characters under NFKC normalization"],
  ]
  for (const [url, message] of refused) {
    t.throws(() => urlsplit(url), new ValueError(message), url)
  }
})

t.test('unquote() decodes UTF-8 and never throws', async (t) => {
  const cases: [string, string][] = [
    ['/%41%zz?%20=+', '/A%zz? =+'],
    ['%C3%A9%c3%a9', '\xe9\xe9'],
    ['caf%E9', 'caf\ufffd'],
    ['%ED%A0%80', '\ufffd\ufffd\ufffd'],
    ['%', '%'],
    ['%4', '%4'],
    ['\xe9%41', '\xe9A'],
    ['%F0%9F%98%80', '\u{1f600}'],
    ['%C3A', '\ufffdA'],
  ]
  for (const [text, expected] of cases) {
    t.equal(unquote(text), expected, text)
  }
})

t.test('parseQsl() takes a form apart as Python does', async (t) => {
  const cases: [string, [string, string][]][] = [
    ['', []],
    [
      'a=1&b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'a=1&a=2',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    [
      'a=&b&=c&&d=1',
      [
        ['', 'c'],
        ['d', '1'],
      ],
    ],
    ['a=b=c;d=e', [['a', 'b=c;d=e']]],
    ['x+y=%2B+%zz%', [['x y', '+ %zz%']]],
    ['?a=caf%E9', [['?a', 'caf\ufffd']]],
  ]
  for (const [query, expected] of cases) {
    t.same(parseQsl(query), expected, query)
  }
  t.same(parseQsl('a=&b&&=', { keepBlankValues: true }), [
    ['a', ''],
    ['b', ''],
    ['', ''],
  ])
  const sjis = new TextDecoder('shift_jis')
  // U+30A2 is 83 41, and 41 is also the letter A.
  t.same(parseQsl('a=%83A', { decode: (bytes) => sjis.decode(bytes) }), [['a', '\u30a2']])
})

t.test('unquoteToBytes() gives the bytes themselves', async (t) => {
  t.same(unquoteToBytes('a%0Ab%00c%FF%'), Buffer.from('a\nb\0c\xff%', 'latin1'))
  t.same(unquoteToBytes('\xe9'), Buffer.from('\xe9', 'utf8'))
  t.equal(unquoteToBytes('').length, 0)
})

t.test('quote() encodes all but what is safe', async (t) => {
  const cases: [string, string][] = [
    ['a b', 'a%20b'],
    ['\xe9', '%C3%A9'],
    ['~_.-/', '~_.-/'],
    ['\udce9x', '%ED%B3%A9x'],
    ['a+b?c#d', 'a%2Bb%3Fc%23d'],
    ['%', '%25'],
    ['\u{1f600}\udc80', '%F0%9F%98%80%ED%B2%80'],
  ]
  for (const [text, expected] of cases) {
    t.equal(quote(text), expected, text)
  }
})

t.test('urlunsplit() puts together what urlsplit() took apart', async (t) => {
  const none = { scheme: '', netloc: '', path: '', query: '', fragment: '' }
  t.equal(urlunsplit({ ...none, path: '/a', query: 'q' }), '/a?q')
  t.equal(urlunsplit({ ...none, path: '//a/b' }), '////a/b')
  t.equal(
    urlunsplit({ ...none, scheme: 'http', netloc: 'h', path: 'p', fragment: 'f' }),
    'http://h/p#f',
  )
  t.equal(urlunsplit({ ...none, scheme: 'http', netloc: 'h' }), 'http://h')
  t.equal(urlunsplit(none), '')
})
