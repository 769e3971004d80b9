import t from 'tap'
import { judgeTurns, parseAnswer } from './answer.ts'
import type { Answer, Fate } from './answer.ts'
import { requestsOf } from './requests.ts'

function answer(text: string, kind = 'answer', body = ''): Answer {
  return parseAnswer({ kind, lines: text.split('\n'), line: 1 }, 'test.md:1', body)
}

function response(status: string, fields: string[] = [], body = ''): string {
  const length = `Content-Length: ${String(body.length)}`
  return [`HTTP/1.1 ${status}`, length, ...fields, '', body].join('\r\n')
}

interface Said {
  answers: Answer[]
  fate?: Partial<Fate>
  sent?: string
}

/** The verdict, and what is said about it. */
function judge(received: string, { answers, fate = {}, sent = 'GET / HTTP/1.1\r\n\r\n' }: Said) {
  const turns = [{ requests: requestsOf(sent).requests, answers }]
  const outcome = { received, closed: false, reset: false, late: 0, ...fate }
  const { verdict, findings } = judgeTurns(turns, outcome)
  return [verdict, ...findings.map(({ flaw }) => flaw)]
}

t.test('parseAnswer() says what is wrong with a fence', async (t) => {
  const broken: [string, string][] = [
    [
      '',
      'an answer begins with a code (404), a set (200|206), a class (4xx), or "closed" alone, and not with ""',
    ],
    [
      '2000',
      'an answer begins with a code (404), a set (200|206), a class (4xx), or "closed" alone, and not with "2000"',
    ],
    [
      '200|',
      'an answer begins with a code (404), a set (200|206), a class (4xx), or "closed" alone, and not with "200|"',
    ],
    [
      'HTTP/1.1 200 OK',
      'an answer begins with a code (404), a set (200|206), a class (4xx), or "closed" alone, and not with "HTTP/1.1 200 OK"',
    ],
    [
      '200\n{{then}}',
      'an answer begins with a code (404), a set (200|206), a class (4xx), or "closed" alone, and not with ""',
    ],
    ['200\nno field', '"no field" is not "Name: value", and not "!Name"'],
    ['200\n!Date: now', '"!Date: now" is not "Name: value", and not "!Name"'],
    [
      '200\nDate: {{nonsense}}',
      'there is no "{{nonsense}}"; there are re:, http-date, date, any, number, log-date, client-port, process-id, runtime',
    ],
    ['closed\n{{open}}', 'what is "closed" cannot be {{open}}'],
  ]
  for (const [text, flaw] of broken) {
    t.throws(() => answer(text), { name: 'PageError', message: `test.md:1: ${flaw}` }, text)
  }
})

t.test('judgeTurns() judges the status', async (t) => {
  const partial = response('206 Partial Content')
  t.same(judge(partial, { answers: [answer('206')] }), ['passed'])
  t.same(judge(partial, { answers: [answer('200|206')] }), ['passed'])
  t.same(judge(partial, { answers: [answer('2xx')] }), ['passed'])
  const expected = 'the status is 206 Partial Content; expected'
  t.same(judge(partial, { answers: [answer('200')] }), ['lost', `${expected} 200`])
  t.same(judge(partial, { answers: [answer('200|304')] }), ['lost', `${expected} 200 or 304`])
  t.same(judge(partial, { answers: [answer('4xx'), answer('501')] }), [
    'lost',
    `${expected} 4xx, or 501`,
  ])
  t.same(judge(partial, { answers: [answer('closed')] }), [
    'lost',
    `${expected} no response, and the end of the connection`,
  ])
  t.same(judge(partial, { answers: [answer('400'), answer('closed')] }), [
    'lost',
    `${expected} 400, or no response, and the end of the connection`,
  ])
})

t.test('judgeTurns() judges fields by name, in any order and case', async (t) => {
  const received = response('200 OK', [
    'X-One: 1',
    'Connection: Keep-Alive, foo',
    'X-Two: a',
    'X-Two: b',
  ])
  t.same(judge(received, { answers: [answer('200\nX-Two: b\nx-one: 1\n!X-Three')] }), ['passed'])
  t.same(judge(received, { answers: [answer('200\nConnection: keep-alive')] }), ['passed'])
  t.same(judge(received, { answers: [answer('200\nX-One: {{re:\\d{1}}}')] }), ['passed'])
  t.same(judge(received, { answers: [answer('200\nConnection: {{any}}foo')] }), ['passed'])
  t.same(judge(received, { answers: [answer('200\nConnection: close')] }), [
    'lost',
    'Connection is "Keep-Alive, foo": expected "close"',
  ])
  t.same(judge(received, { answers: [answer('200\nX-Two: A\n!X-One\nX-Three: 3')] }), [
    'lost',
    'X-Two is "a": expected "A"',
    'there must be no X-One',
    'there is no X-Three; expected "X-Three: 3"',
  ])
})

t.test('judgeTurns() judges dates', async (t) => {
  const of = (text: string) => response('200 OK', [`Date: ${text}`])
  const now = new Date().toUTCString()
  const old = 'Thu, 06 Oct 2016 20:44:11 GMT'
  const wrong = 'Wed, 06 Oct 2016 20:44:11 GMT'
  t.same(judge(of(now), { answers: [answer('200\nDate: {{http-date}}')] }), ['passed'])
  t.same(judge(of(old), { answers: [answer('200\nDate: {{date}}')] }), ['passed'])
  t.same(judge(of(old), { answers: [answer('200\nDate: {{http-date}}')] }), [
    'lost',
    `Date is "${old}": this is not the time of the response`,
  ])
  t.same(judge(of(wrong), { answers: [answer('200\nDate: {{date}}')] }), [
    'lost',
    `Date is "${wrong}": there is no such date`,
  ])
  t.same(judge(of('today'), { answers: [answer('200\nDate: {{date}}')] }), [
    'lost',
    'Date is "today": expected "{{date}}"',
  ])
})

t.test('judgeTurns() judges the body, chunks taken apart', async (t) => {
  const received = response('200 OK', [], 'Hello')
  const chunked =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n'
  t.same(judge(received, { answers: [answer('200\n\nHello')] }), ['passed'])
  t.same(judge(chunked, { answers: [answer('200\n\nHello')] }), ['passed'])
  t.same(judge(received, { answers: [answer('200\n\n{{body}}', 'answer', 'Hello')] }), ['passed'])
  t.same(judge(received, { answers: [answer('200\n\nH{{any}}o')] }), ['passed'])
  t.same(judge(received, { answers: [answer('200\n\nHallo')] }), [
    'lost',
    'byte 1 of the body is "e"; expected "a"',
  ])
  t.same(judge(received, { answers: [answer('200\n\nH')] }), [
    'lost',
    'the body has 5 bytes; expected 1 byte',
  ])
  t.same(judge(received, { answers: [answer('200\n')] }), [
    'lost',
    'the body has 5 bytes; expected none',
  ])
  t.same(judge(received, { answers: [answer('200\n\n{{number}}')] }), [
    'lost',
    'the body is not as expected',
  ])
})

t.test('judgeTurns() judges what became of the connection', async (t) => {
  const received = response('200 OK')
  const open = { closed: false }
  const closed = { closed: true }
  t.same(judge(received, { answers: [answer('200')], fate: open }), ['passed'])
  t.same(judge(received, { answers: [answer('200')], fate: closed }), ['passed'])
  t.same(judge(received, { answers: [answer('200\n{{eof}}')], fate: closed }), ['passed'])
  t.same(judge(received, { answers: [answer('200\n{{open}}')], fate: open }), ['passed'])
  t.same(judge(received, { answers: [answer('200\n{{eof}}')], fate: open }), [
    'lost',
    'the connection stays open; the server must close it',
  ])
  t.same(judge(received, { answers: [answer('200\n{{open}}')], fate: closed }), [
    'lost',
    'the server closed the connection; it must keep it open',
  ])
  t.same(judge('', { answers: [answer('closed')], fate: closed }), ['passed'])
  t.same(judge('', { answers: [answer('closed')], fate: open }), [
    'lost',
    'the connection stays open; the server must close it',
  ])
})

t.test('judgeTurns() says why there is no response', async (t) => {
  const answers = [answer('200')]
  t.same(judge('', { answers, fate: { closed: true } }), [
    'lost',
    'there is no response: the server closed the connection; expected 200',
  ])
  t.same(judge('', { answers, fate: { closed: true, reset: true } }), [
    'lost',
    'there is no response: the server reset the connection; expected 200',
  ])
  t.same(judge('', { answers, fate: { late: 3000 } }), [
    'lost',
    'there is no response: time-out, nothing more came for 3 s; expected 200',
  ])
  const pair = [answer('200\n{{then}}\n404')]
  t.same(judge(response('200 OK'), { answers: pair, fate: { closed: true } }), [
    'lost',
    'response 2: there is no further response: the server closed the connection; expected 404',
  ])
  t.same(judge('220 mail.example ESMTP\r\n\r\n', { answers }), [
    'lost',
    'not a valid status line (RFC 9112 §4)',
  ])
  t.same(
    judge('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHello', { answers, fate: { closed: true } }),
    ['lost', 'the header says 9, the body has 5 bytes'],
  )
})

t.test('judgeTurns() sees what nobody asked for', async (t) => {
  const answers = [answer('200')]
  t.same(judge(response('200 OK') + response('404 Not Found'), { answers }), [
    'lost',
    'there is one response more than expected: 404 Not Found',
  ])
  t.same(judge(`${response('200 OK', [], 'Hello')}<html>`, { answers }), [
    'lost',
    'the header says 5, the body has 11 bytes',
  ])
  const sent = 'HEAD / HTTP/1.1\r\n\r\n'
  t.match(judge('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello', { answers, sent }), [
    'lost',
    /^a body where there must be none/,
  ])
})

t.test('judgeTurns() takes interim responses where they may come', async (t) => {
  const received = 'HTTP/1.1 100 Continue\r\n\r\n' + response('200 OK')
  t.same(judge(received, { answers: [answer('200')] }), ['passed'])
  t.same(judge(received, { answers: [answer('100\n{{then}}\n200')] }), ['passed'])
  t.same(judge(response('200 OK'), { answers: [answer('100\n{{then}}\n200')] }), [
    'lost',
    'response 1: the status is 200 OK; expected 100',
  ])
})

t.test('judgeTurns() needs one of several answers', async (t) => {
  const answers = [answer('400\n{{eof}}'), answer('200\n\nx', 'answer allowed'), answer('closed')]
  t.same(judge(response('400 Bad Request'), { answers, fate: { closed: true } }), ['passed'])
  t.same(judge('', { answers, fate: { closed: true } }), ['passed'])
  t.same(judge(response('200 OK', [], 'x'), { answers }), ['allowed'])
  // What is wrong is said by the answer that fits best.
  t.same(judge(response('200 OK', [], 'y'), { answers }), [
    'lost',
    'byte 0 of the body is "y"; expected "x"',
  ])
  const both = [answer('200', 'answer allowed'), answer('2xx')]
  t.same(judge(response('200 OK'), { answers: both }), ['passed'], 'a point is a point')
})

t.test('judgeTurns() judges one request after the other', async (t) => {
  const { requests } = requestsOf('GET / HTTP/1.1\r\n\r\n')
  const turns = [
    { requests, answers: [answer('200'), answer('404', 'answer allowed')] },
    { requests, answers: [answer('304')] },
  ]
  const told = (received: string) => {
    const { verdict, findings } = judgeTurns(turns, {
      received,
      closed: false,
      reset: false,
      late: 0,
    })
    return [verdict, ...findings.map(({ flaw }) => flaw)]
  }
  const fresh = 'HTTP/1.1 304 Not Modified\r\n\r\n'
  t.same(told(response('200 OK') + fresh), ['passed'])
  t.same(told(response('404 Not Found') + fresh), ['allowed'])
  t.same(told(response('200 OK') + response('200 OK')), [
    'lost',
    'the status is 200 OK; expected 304',
  ])
  t.same(told(response('500 Oops') + fresh), [
    'lost',
    'the status is 500 Oops; expected 200, or 404',
  ])
})
