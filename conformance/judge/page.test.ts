import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PageError } from './fence.ts'
import { parsePage, readPages } from './page.ts'
import type { Case } from './page.ts'

const FILES: Record<string, string> = { 'page.html': '<p>\n  é\n</p>\n' }

function parse(text: string): Case[] {
  return parsePage(text, 'test.md', (name) => {
    const contents = FILES[name]
    if (contents === undefined) {
      throw new Error('no such file')
    }
    return contents
  })
}

/** A page with one case, whose fences are given. */
function page(...fences: string[]): string {
  return [
    '# Title',
    '',
    'Introduction, with a fence that belongs to no case:',
    '```request',
    'not sent',
    '```',
    '## topic/name',
    '<!-- case={"app":"get","level":"must","source":"rfc:9112#3"} -->',
    'The reason,',
    'in two lines.',
    '',
    ...fences,
  ].join('\n')
}

const RESPONSE = '```response\nHTTP/1.1 200 OK\n{{eof}}\n```'
const request = (...lines: string[]) => `\`\`\`request\n${lines.join('\n')}\n\`\`\``

t.test('a case contains what its page says', async (t) => {
  const [one] = parse(page(request('GET / HTTP/1.1', ''), RESPONSE)) as [Case]
  t.match(one, {
    id: 'topic/name',
    app: 'get',
    level: 'must',
    source: 'rfc:9112#3',
    why: 'The reason, in two lines.',
    place: 'test.md:7',
    log: undefined,
  })
  t.same(one.actions, [{ do: 'send', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n') }])
  t.equal(one.expectation.closes, true)
})

t.test('a heading of the first level ends a case, and introduces others', async (t) => {
  const fences = [request('GET / HTTP/1.1', ''), RESPONSE]
  const [one, two, ...others] = parse(
    [
      page(...fences),
      '# Group',
      'Its introduction.',
      page(...fences).replace('/name', '/other'),
    ].join('\n'),
  )
  t.match(one, { id: 'topic/name', why: 'The reason, in two lines.' })
  t.match(two, { id: 'topic/other', why: 'The reason, in two lines.' })
  t.same(others, [])
})

t.test('the lines of a request end with CR LF, including the last', async (t) => {
  const sent = (...lines: string[]) => {
    const [one] = parse(page(request(...lines), RESPONSE)) as [Case]
    return one.request.toString('latin1')
  }
  t.equal(sent('GET /', ''), 'GET /\r\n\r\n')
  t.equal(sent('GET /'), 'GET /\r\n')
  t.equal(sent('PUT /', '', 'body\\'), 'PUT /\r\n\r\nbody')
  t.equal(sent('GET /\\', ' HTTP/1.1'), 'GET / HTTP/1.1\r\n')
  t.equal(sent('a\\\\'), 'a\\\r\n', 'an escaped backslash takes no line end away')
  t.equal(sent('a\\r\\n\\t\\0\\x41\\xfF'), 'a\r\n\t\0A\xff\r\n')
  t.equal(sent('caf\xe9'), 'caf\xe9\r\n')
  t.equal(sent('{{file:page.html}}\\'), FILES['page.html'])
})

t.test('directives divide a request', async (t) => {
  const [one] = parse(
    page(
      request('GET /\\', '{{pause:60}}', 'x', '{{wait-for:100\\r\\n}}', '{{half-close}}'),
      RESPONSE,
    ),
  ) as [Case]
  t.same(one.actions, [
    { do: 'send', bytes: Buffer.from('GET /') },
    { do: 'pause', ms: 60 },
    { do: 'send', bytes: Buffer.from('x\r\n') },
    { do: 'wait-for', text: '100\r\n' },
    { do: 'half-close' },
  ])
})

t.test('{{repeat}} is a text so many times, sent or received', async (t) => {
  const [one] = parse(
    page(
      request('{{repeat:3:a\\x20}}{{repeat:2:b:}}'),
      '```response\n{{repeat:4:xy}}z\n{{eof}}\n```',
    ),
  ) as [Case]
  t.equal(one.request.toString('latin1'), 'a a a b:b:\r\n')
  t.equal(one.expectation.progress('xyxyxyxy'), 'incomplete')
  t.equal(one.expectation.progress('xyxyxyxyz'), 'complete')
})

t.test('{{trickle}} sends what follows in its fence a byte at a time', async (t) => {
  const [one] = parse(
    page(request('GE\\', '{{trickle:7}}', 'T\\', '{{half-close}}'), RESPONSE),
  ) as [Case]
  t.same(one.actions, [
    { do: 'send', bytes: Buffer.from('GE') },
    { do: 'send', bytes: Buffer.from('T') },
    { do: 'pause', ms: 7 },
    { do: 'half-close' },
  ])
})

const OPEN = '```response\n1\n{{open}}\n```'

t.test('{{line}} goes on over another connection, each with its own responses', async (t) => {
  const [one] = parse(
    page(
      request('one\\', '{{line:b}}', 'two', '{{line:a}}', '!'),
      '```response\n1\n```',
      '```response\n{{line:b}}\n2\n{{eof}}\n```',
      request('three'),
      '```response\n3\n{{open}}\n```',
      request('{{line:b}}', 'four'),
      '```response\n4\n{{open}}\n```',
    ),
  ) as [Case]
  t.same(one.actions, [
    { do: 'send', bytes: Buffer.from('one') },
    { do: 'line', name: 'b' },
    { do: 'send', bytes: Buffer.from('two\r\n') },
    { do: 'line', name: 'a' },
    { do: 'send', bytes: Buffer.from('!\r\n') },
    { do: 'wait-for-responses', count: 1 },
    { do: 'line', name: 'b' },
    { do: 'wait-for-responses', count: 1 },
    { do: 'line', name: 'a' },
    { do: 'send', bytes: Buffer.from('three\r\n') },
    { do: 'wait-for-responses', count: 2 },
    { do: 'line', name: 'b' },
    { do: 'connect-again' },
    { do: 'send', bytes: Buffer.from('four\r\n') },
  ])
  t.equal(one.request.toString(), 'one!\r\nthree\r\n')
  t.equal(one.expectation.progress('13'), 'complete')
  const b = one.beside.get('b')
  t.equal(b?.request.toString(), 'two\r\nfour\r\n')
  t.equal(b?.expectation.progress('24'), 'complete')
  t.equal(b?.expectation.closes, false)
})

t.test('a request whose client has gone has no response', async (t) => {
  const [one] = parse(
    page(
      request('one'),
      '```response\n1\n```',
      request(
        'two',
        '{{reset}}',
        '{{new}}',
        'three',
        '{{line:b}}',
        'four',
        '{{leave}}',
        '{{line:a}}',
      ),
      '```response\n3\n{{open}}\n```',
    ),
  ) as [Case]
  t.same(
    one.actions.map((action) => action.do),
    ['send', 'wait-for-responses', 'send', 'reset', 'new', 'send', 'line', 'send', 'leave', 'line'],
  )
  t.equal(one.request.toString(), 'one\r\nthree\r\n')
  t.equal(one.beside.get('b')?.request.length, 0)
})

t.test('a case is played as often as "times" says', async (t) => {
  const text = page(request('one'), OPEN, '```log\na\nb\n```')
  const [one] = parse(text.replace('"app"', '"times":3,"app"')) as [Case]
  t.same(
    one.actions.map((action) => action.do),
    ['send', 'wait-for-responses', 'send', 'wait-for-responses', 'send'],
  )
  t.equal(one.expectation.progress('111'), 'complete')
  t.equal(one.log?.length, 6)
})

t.test('in a response, the line end before the end is not data', async (t) => {
  const complete = (received: string, ...lines: string[]) => {
    const fence = `\`\`\`response\n${lines.join('\n')}\n\`\`\``
    const [one] = parse(page(request(''), fence)) as [Case]
    return one.expectation.progress(received)
  }
  t.equal(complete('a\r\nb', 'a', 'b', '{{eof}}'), 'complete')
  t.equal(complete('a\r\nb\r\n', 'a', 'b', '{{eof}}'), 'wrong')
  t.equal(complete('a\r\nb\r\n', 'a', 'b', '', '{{eof}}'), 'complete')
  t.equal(complete('a\nb\n', 'a\\n\\', 'b\\n', '{{open}}'), 'complete')
  t.equal(
    complete(`x${String(FILES['page.html'])}`, 'x\\', '{{file:page.html}}', '{{eof}}'),
    'complete',
  )
  t.equal(complete('n=12!', 'n={{re:\\d+}}!', '{{eof}}'), 'complete')
  t.equal(complete('', '{{eof}}'), 'complete')
})

t.test('requests and responses in turn are one conversation', async (t) => {
  const [one] = parse(
    page(request('one'), '```response\n1\n```', request('two'), '```response\n2\n{{open}}\n```'),
  ) as [Case]
  t.same(
    one.actions.map((action) => action.do),
    ['send', 'wait-for-responses', 'send'],
  )
  const { expectation } = one
  t.equal(expectation.closes, false)
  t.equal(expectation.progress('1', 1), 'complete')
  t.equal(expectation.progress('1'), 'incomplete')
  t.equal(expectation.progress('12'), 'complete')
  t.equal(expectation.progress('13'), 'wrong')
})

t.test('a log is a pattern a line', async (t) => {
  const [one] = parse(page(request(''), RESPONSE, '```log\na {{log-date}}\nb\n```')) as [Case]
  t.equal(one.log?.length, 2)
})

t.test('a broken page says where and why', async (t) => {
  const good = [request(''), RESPONSE]
  const broken: [string, string][] = [
    ['# nothing', 'test.md:1: there is no case; a case begins with "## topic/name"'],
    [
      page(...good).replace('topic/name', 'Name'),
      'test.md:7: "Name" is not a valid id; write topic/name, in lower-case letters and hyphens',
    ],
    [
      page(...good, '```requset\n```'),
      'test.md:19: a fence of a case is request, response or log, and not "requset"',
    ],
    [
      page(...good, '```log\n```', '```log\n```'),
      'test.md:21: there is a second log; write all lines in one',
    ],
    [page(...good, '```log', 'a line'), 'test.md:19: the fence is never closed; end it with ```'],
    [
      page(...good) + page(...good).replace(/^[^]*?(?=## )/, '\n'),
      'test.md:19: the id "topic/name" is taken',
    ],
    [
      page(...good, request('')),
      'test.md:7: "topic/name" needs a request, and a response that ends with {{eof}} or {{open}}',
    ],
    [
      page(...good).replace(/<!--.*-->/, ''),
      'test.md:7: a case says what it is: <!-- case={"app":...} -->',
    ],
    [
      page(...good).replace('"app":"get",', ''),
      'test.md:7: a case names its "app" and its "source"',
    ],
    [
      page(...good).replace('must', 'might'),
      'test.md:7: "level" is one of must, should, may, hardening',
    ],
    [
      page(...good).replace('"app"', '"fresh":1,"app"'),
      'test.md:7: "fresh" and "resources" are true or false',
    ],
    [
      page(...good).replace('"app"', '"ap":1,"app"'),
      'test.md:7: "ap" is not a known key; there are app, level, source, waive, noscan, needs, fresh, times, resources',
    ],
    [
      page(...good).replace(/The reason,\nin two lines\./, ''),
      'test.md:7: "topic/name" gives no reason; write a sentence under the heading',
    ],
    [
      page(request('')),
      'test.md:7: "topic/name" needs a request, and a response that ends with {{eof}} or {{open}}',
    ],
    [
      page(request(''), RESPONSE, RESPONSE),
      'test.md:19: there is a response after the one that ended the conversation',
    ],
    [
      page(request('{{http-date}}'), RESPONSE),
      'test.md:12: "{{http-date}}" cannot be sent; it stands for many texts',
    ],
    [
      page(request('{{pause:soon}}'), RESPONSE),
      'test.md:12: "{{pause:soon}}" needs a number of milliseconds',
    ],
    [
      page(request('{{trickle}}'), RESPONSE),
      'test.md:12: "{{trickle}}" needs a number of milliseconds',
    ],
    [
      page(request('{{reset:now}}'), RESPONSE),
      'test.md:12: "{{reset:now}}" takes no argument; write {{reset}}',
    ],
    [
      page(request('{{sigterm}}'), RESPONSE),
      'test.md:12: "{{sigterm}}" is for a case of an assignment, and has no argument',
    ],
    [
      page(request('{{line:2}}'), RESPONSE),
      'test.md:12: "{{line:2}}" needs a name in lower-case letters, such as {{line:b}}',
    ],
    [
      page(request('{{repeat:0:x}}'), RESPONSE),
      'test.md:12: "{{repeat:0:x}}" is not {{repeat:TIMES:TEXT}}',
    ],
    [
      page(request('{{repeat:99999999:x}}'), RESPONSE),
      'test.md:12: "{{repeat:99999999:x}}" is longer than 64 MiB',
    ],
    [
      page(request('{{leave}}', 'more'), RESPONSE),
      'test.md:12: after {{leave}} or {{reset}}, write {{new}} or {{line:NAME}}',
    ],
    [
      page(request('GET', '{{reset}}'), RESPONSE),
      'test.md:16: connection "a" has been ended by the client, so nothing comes over it',
    ],
    [
      page(request('GET'), '```response\n{{line:b}}\n1\n{{eof}}\n```'),
      'test.md:15: connection "b" has not been opened, so nothing comes over it',
    ],
    [
      page(request('GET', '{{line:b}}', 'GET'), RESPONSE),
      'test.md:7: "topic/name" needs, for its connection "a", a response that ends with {{eof}} or ' +
        '{{open}}; or {{leave}} or {{reset}} in a request',
    ],
    [
      page(request('GET'), RESPONSE).replace('"app"', '"times":0,"app"'),
      'test.md:7: "times" is how often the fences are played: 1 to 1000',
    ],
    [
      page(request('{{file:none}}'), RESPONSE),
      'test.md:12: cannot read {{file:none}}: no such file',
    ],
    [
      page(request('a\\q'), RESPONSE),
      'test.md:12: "\\q" is not a valid escape; there are \\r \\n \\t \\0 \\\\ \\xNN',
    ],
    [
      page(request('\u20ac'), RESPONSE),
      'test.md:12: a fence holds ISO 8859-1 only; write other bytes as \\xNN',
    ],
    [
      page(request(''), '```response\n{{nonsense}}\n{{eof}}\n```'),
      'test.md:15: there is no "{{nonsense}}"; there are re:, http-date, date, any, number, log-date, client-port, process-id, runtime',
    ],
  ]
  for (const [text, message] of broken) {
    t.throws(() => parse(text), { name: 'PageError', message })
  }
  t.throws(() => parse(page(...good).replace('"must"', 'must')), {
    message: /^test\.md:7: the case's JSON is broken: SyntaxError/,
  })
  t.equal(new PageError('x', 'y').name, 'PageError')
})

// -- Silence, and what a case says of itself -------------------------------------------------

t.test('{{silent}} is an action between two requests', async (t) => {
  const silent = '```response\n{{silent:300}}\n```'
  const [one] = parse(page(request('GET /\\'), silent, request(''), RESPONSE)) as [Case]
  t.same(one.actions, [
    { do: 'send', bytes: Buffer.from('GET /') },
    { do: 'silence', ms: 300 },
    { do: 'send', bytes: Buffer.from('\r\n') },
  ])
  t.equal(one.responses.length, 1)
  t.throws(() => parse(page(request('GET /', ''), RESPONSE, silent)), {
    message: /"topic\/name" ends with {{silent}}; a request and its response must show/,
  })
})

t.test('a case may waive rules, refuse to be cut, and need others', async (t) => {
  const say = (more: object) => {
    const about = JSON.stringify({ app: 'get', level: 'must', source: 'rfc:9112', ...more })
    const text = page(request('GET /', ''), RESPONSE)
    return parse(text.replace(/case=.* -->/, `case=${about} -->`))[0]
  }
  t.match(say({}), { waive: {}, noscan: undefined, needs: [], times: 1, resources: false })
  const all = { waive: { close: 'why' }, noscan: 'why', needs: ['topic/other'] }
  t.match(say(all), all)
  t.throws(() => say({ waive: { none: 'why' } }), { message: /the rules are line-end, head, / })
  t.throws(() => say({ waive: { close: '' } }), { message: /"waive" gives a reason for each rule/ })
  t.throws(() => say({ noscan: true }), { message: /"noscan" is the reason why/ })
  t.throws(() => say({ needs: 'topic/other' }), { message: /"needs" is a list of ids/ })
})

t.test('readPages() reads a folder, and looks across its pages', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-pages-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const one = page(request('GET /', ''), RESPONSE)
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
  }
  write('a.md', one)
  write('b.md', one.replace('topic/name', 'topic/other'))
  write('c.txt', 'no page')
  t.same(
    readPages(folder).map(({ id }) => id),
    ['topic/name', 'topic/other'],
  )
  write('b.md', one)
  t.throws(() => readPages(folder), { message: 'b.md:7: the id "topic/name" is taken, at a.md:7' })
  const needy = one.replace('topic/name', 'topic/x').replace('"app"', '"needs":["a/b"],"app"')
  write('b.md', needy)
  t.throws(() => readPages(folder), {
    message: 'b.md:7: it needs "a/b", and there is no such case',
  })
})
