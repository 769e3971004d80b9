import { gzipSync } from 'node:zlib'
import t from 'tap'
import { parseField } from './values.ts'
import { judgeBody, parseBody } from './values.ts'
import { Saved } from './saved.ts'
import { parsePattern } from './fence.ts'

function judge(expected: string, body: string | Buffer, saved = new Saved()): string[] {
  const own = saved.holeAt('test.md:1')
  const wanted = parseBody(expected.split('\n'), 'test.md:1', 'the file', own)
  const text = typeof body === 'string' ? Buffer.from(body) : body
  return judgeBody(wanted, text.toString('latin1'), saved.begin()).map(({ flaw }) => flaw)
}

t.test('parseBody() says what is wrong with a fence', async (t) => {
  const broken: [string, string][] = [
    ['{{sha256:12}}', '"{{sha256:12}}" stands alone, and has 64 hexadecimal digits'],
    ['{{save:id}}', '"{{save:id}}" is not {{save:NAME:REGEX}}'],
    ['{{id}}', 'there is no "{{id}}"; there are re:'],
    ['{{json}}\n{"a":}', 'what follows {{json}} is not JSON: '],
  ]
  for (const [text, flaw] of broken) {
    t.throws(
      () => judge(text, ''),
      {
        name: 'PageError',
        message: new RegExp(`^test.md:1: ${flaw.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
      },
      text,
    )
  }
  t.throws(() => parseField('no field', 'test.md:1'), { message: /is not "Name: value"/ })
})

t.test('judgeBody() compares text, and says where it differs', async (t) => {
  t.same(judge('Hello', 'Hello'), [])
  t.same(judge('{{body}}', 'the file'), [])
  t.same(judge('Hello', 'Hallo'), ['byte 1 of the body is "a"; expected "e"'])
  t.same(judge('Hello', 'Hello!'), ['the body has 6 bytes; expected 5 bytes'])
  t.same(judge('', 'x'), ['the body has 1 byte; expected none'])
  t.same(judge('a{{number}}', 'ab'), ['the body is not as expected'])
})

t.test('judgeBody() compares JSON by its values', async (t) => {
  const expected = '{{json}}\n{"id": 7, "tags": ["a", null], "more": {"on": true}}'
  t.same(judge(expected, ' {"more":{"on":true},\n "tags":["a",null],"id":7.0}'), [])
  t.same(judge(expected, '{"id":"7","tags":["a",null],"more":{"on":true}}'), [
    '.id is "7"; expected 7',
  ])
  t.same(judge(expected, '{"id":7,"tags":["a"],"more":{"on":true}}'), [
    '.tags has 1 element: ["a"]; expected 2: ["a",null]',
  ])
  t.same(judge('{{json}}\n{"tags": []}', '{"tags":["a","b"]}'), [
    '.tags has 2 elements: ["a","b"]; expected none',
  ])
  t.same(judge(expected, '{"id":7,"tags":["a",0],"more":{"on":true}}'), [
    '.tags[1] is 0; expected null',
  ])
  t.same(judge(expected, '{"id":7,"tags":["a",null],"more":{}}'), [
    'there is no .more.on; expected true',
  ])
  t.same(judge(expected, '{"id":7,"tags":["a",null],"more":{"on":true},"x":1}'), [
    '.x is one member more than expected',
  ])
  t.same(judge(expected, '[]'), [
    'the JSON is []; expected {"id":7,"tags":["a",null],"more":{"on":true}}',
  ])
  t.same(judge(expected, '7'), [
    'the JSON is 7; expected {"id":7,"tags":["a",null],"more":{"on":true}}',
  ])
  t.same(judge(expected, '{"id"'), ['the body is not JSON: SyntaxError'])
  t.same(judge(expected, ''), ['the body is not JSON: it is empty'])
  t.same(judge('{{json}}\n[]', '{}'), ['the JSON is {}; expected []'])
  t.same(judge('{{json}}\n{"__proto__": 1}', '{"__proto__": 1}'), [])
  t.same(judge('{{json}}\n{}', '{"__proto__": 1}'), ['.__proto__ is one member more than expected'])
  t.same(
    judge('{{json}}\n"\u00fc\\n"', '"\u00fc\\n"'),
    [],
    'JSON has escapes of its own, and is UTF-8',
  )
})

t.test('holes in JSON are parts of a text, or values', async (t) => {
  t.same(
    judge('{{json}}\n{"at": "/notes/{{number}}", "n": {{number}}}', '{"at":"/notes/12","n":5}'),
    [],
  )
  t.same(judge('{{json}}\n{"n": {{number}}}', '{"n":"5"}'), ['.n is "5"; expected {{number}}'])
  t.same(judge('{{json}}\n{"at": "/{{number}}"}', '{"at":"/x"}'), [
    '.at is "/x"; expected "/{{number}}"',
  ])
  t.same(judge('{{json}}\n{"n": {{any}}, "...": 0}', '{"n":[1,{}],"more":2}'), [])
})

t.test('judgeBody() unzips, and takes a digest', async (t) => {
  t.same(judge('{{gunzip}}\nHello', gzipSync('Hello')), [])
  t.same(judge('{{gunzip}}\n{{json}}\n[1]', gzipSync('[1]')), [])
  t.same(judge('{{gunzip}}\nHello', gzipSync('Hallo')), [
    'unzipped, byte 1 of the body is "a"; expected "e"',
  ])
  t.match(judge('{{gunzip}}\nHello', 'Hello'), [/^the body is not gzip: /])
  const hex = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
  t.same(judge(`{{sha256:${hex}}}`, 'hello'), [])
  t.match(judge(`{{sha256:${hex}}}`, 'Hello'), [
    /^the body has the SHA-256 185f8db.*; expected 2cf24db/,
  ])
})

t.test('Saved keeps what a right answer has', async (t) => {
  const saved = new Saved()
  const own = saved.holeAt('test.md:1')
  const later = () => judge('see {{id}}', 'see 7', saved)
  t.same(judge('id={{save:id:[0-9]+}}', 'id=7', saved), [])
  t.same(
    later(),
    ['the body has 5 bytes; expected 4 bytes'],
    'nothing is kept of what is not right',
  )
  t.same(judge('id={{save:id:[0-9]+}}', 'id=7', saved), [])
  saved.keep()
  t.same(judge('/{{save:id:x([0-9]+)}}', '/x7', saved), [], 'of a group, its text')
  saved.keep()
  t.same(later(), [])
  t.throws(() => own('save:id:['), {
    name: 'PageError',
    message: /^test.md:1: Invalid regular expr/,
  })
  const [token] = parsePattern('{{id}}', 'test.md:1', own)
  t.match(token, { hole: 'id', filled: '7' })
})
