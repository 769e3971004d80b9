import t from 'tap'
import { hole, matchPattern, upTo } from './pattern.ts'

t.test('a literal matches byte for byte', async (t) => {
  const pattern = [{ literal: 'HTTP/1.0 404 Not Found\r\n' }]
  t.same(matchPattern(pattern, 'HTTP/1.0 404 Not Found\r\n'), {
    kind: 'complete',
    end: 24,
    filled: [],
  })
  t.same(matchPattern(pattern, 'HTTP/1.0 404 No'), { kind: 'incomplete' })
  t.same(matchPattern(pattern, ''), { kind: 'incomplete' })
  t.same(matchPattern(pattern, 'HTTP/1.0 404 not'), {
    kind: 'mismatch',
    at: 13,
    expected: 'Not Found\r\n',
  })
  t.same(matchPattern(pattern, 'xxHTTP/1.0 404 Not Found\r\nyy', 2), {
    kind: 'complete',
    end: 26,
    filled: [],
  })
})

t.test('a hole takes what it can, and what follows must follow', async (t) => {
  const pattern = [{ literal: 'Date: ' }, hole('http-date'), { literal: '\r\n' }]
  t.same(matchPattern(pattern, 'Date: Thu, 06 Oct 2016 20:44:11 GMT\r\n'), {
    kind: 'complete',
    end: 37,
    filled: [{ hole: 'http-date', text: 'Thu, 06 Oct 2016 20:44:11 GMT' }],
  })
  t.same(matchPattern(pattern, 'Date: Thu, 06 Oct 2016'), { kind: 'incomplete' })
  t.same(matchPattern(pattern, 'Date: Thu, 6 Oct 2016 20:44:11 GMT\r\n'), {
    kind: 'mismatch',
    at: 6,
    expected: '{{http-date}}',
  })
  t.match(matchPattern(pattern, 'Date: Thu, 06 Oct 2016 20:44:11 GMT \r\n'), {
    kind: 'mismatch',
    at: 35,
  })
})

t.test('the holes with names match what they are named after', async (t) => {
  const fits = (name: string, text: string) =>
    matchPattern([hole(name), { literal: '\n' }], `${text}\n`).kind === 'complete'
  t.ok(fits('log-date', '06/Oct/2016 17:00:54'))
  t.notOk(fits('log-date', '06/10/2016 17:00:54'))
  t.ok(fits('client-port', '52934'))
  t.notOk(fits('client-port', '0'))
  t.ok(fits('runtime', 'Python/3.13.0'))
  t.ok(fits('runtime', 'Node/20.20.2'))
  t.notOk(fits('runtime', 'Python'))
  t.ok(fits('re:a+b', 'aab'))
  t.throws(() => hole('day'), {
    message:
      'there is no "{{day}}"; there are re:, http-date, date, any, number, log-date, client-port, process-id, runtime',
  })
})

t.test('upTo() cuts a pattern after a text', async (t) => {
  const pattern = [{ literal: 'A: ' }, hole('re:x'), { literal: '\r\n\r\nbody' }, hole('re:y')]
  t.same(upTo(pattern, '\r\n\r\n'), [pattern[0], pattern[1], { literal: '\r\n\r\n' }])
  t.same(upTo(pattern, 'nothing'), pattern)
})
