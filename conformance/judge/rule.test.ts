import t from 'tap'
import { parseRules, readRules } from './rule.ts'
import { sentBytes } from '../run/repro.ts'
import { RULES } from '../paths.ts'

const GOOD = [
  '# Host',
  '',
  '## host/missing',
  '',
  '<!-- rule={"level":"MUST","source":"rfc:9112#3.2","control":"host/present"} -->',
  '',
  'Why.',
  '',
  '```request',
  'GET {{path}} HTTP/1.1',
  '',
  '```',
  '',
  '```answer',
  '400',
  '```',
]

const parse = (lines: readonly string[]) => parseRules(lines.join('\n'), 'test.md')

const FACTS = { authority: 'localhost:80', path: '/a\\b', body: 'hello', post: '/post' }

t.test('parseRules() reads a rule', async (t) => {
  const [rule] = parse(GOOD)
  t.match(rule, {
    id: 'host/missing',
    level: 'MUST',
    source: 'rfc:9112#3.2',
    control: 'host/present',
    needs: [],
    fresh: false,
    why: 'Why.',
    place: 'test.md:3',
  })
  t.equal(
    parse(GOOD.map((line) => line.replace(',"control":"host/present"', '')))[0]?.control,
    'control/get',
  )
})

t.test('a rule names what a server has', async (t) => {
  const [rule] = parse(
    GOOD.map((line) =>
      line === 'GET {{path}} HTTP/1.1'
        ? 'GET {{path}} HTTP/1.1\nHost: {{authority}}\nX: {{post}} {{repeat:3:ab}}\\x00'
        : line,
    ),
  )
  const sent = rule === undefined ? '' : sentBytes(rule.exchange(FACTS)).toString('latin1')
  t.equal(sent, 'GET /a\\b HTTP/1.1\r\nHost: localhost:80\r\nX: /post ababab\0\r\n\r\n')
})

t.test('a rule that is wrong says where and why', async (t) => {
  const replaced = (from: string, to: string) => GOOD.map((line) => line.replace(from, to))
  const broken: [readonly string[], string][] = [
    [replaced('MUST', 'must'), 'test.md:3: "level" is one of MUST, SHOULD, MAY, safe, sturdy'],
    [
      replaced('rfc:9112#3.2', 'RFC 9112'),
      'test.md:3: "source" is a section, as in "rfc:9112#3.2", or "none"',
    ],
    [
      replaced('rfc:9112#3.2', 'none'),
      'test.md:3: a MUST has a section that says so: "rfc:9112#3.2"',
    ],
    [replaced('"host/present"', '1'), 'test.md:3: "control" is the id of another rule'],
    [
      replaced('"control":', '"needs":'),
      'test.md:3: "needs" is a list of folder, post, path, plain, tls',
    ],
    [replaced('"control":', '"fresh":'), 'test.md:3: "fresh" is true or false'],
    [
      replaced('"control":', '"noscan":'),
      'test.md:3: "noscan" is not a known key; there are level, source, control, needs, fresh',
    ],
    [
      replaced('<!-- rule', '<!-- case'),
      'test.md:3: a rule says what it is: <!-- rule={"level":"MUST",...} -->',
    ],
    [
      replaced('Why.', ''),
      'test.md:3: "host/missing" gives no reason; write a sentence under the heading',
    ],
    [
      replaced('```answer', '```response'),
      'test.md:14: a fence of a rule is request, answer or answer allowed, and not "response"',
    ],
    [GOOD.slice(0, 12), 'test.md:3: a rule needs a request, and an answer to each'],
    [
      [...GOOD.slice(0, 8), ...GOOD.slice(13)],
      'test.md:9: nothing has been sent over connection "a" that is answered',
    ],
    [
      replaced('400', '{{line:b}}\n400'),
      'test.md:14: nothing has been sent over connection "b" that is answered',
    ],
    [
      [...GOOD, '```answer', 'closed', '```', ...GOOD.slice(8)],
      'test.md:20: where a request follows, all answers must close the connection, or none',
    ],
  ]
  for (const [lines, message] of broken) {
    t.throws(() => parse(lines), { name: 'PageError', message }, message)
  }
})

t.test('the rules of the suite can be read', async (t) => {
  const rules = readRules(RULES)
  t.ok(rules.length > 0)
  for (const { id, source } of rules) {
    t.match(source, /^(?:rfc:(?:9110|9112|6585|3986)#[0-9.]+|none)$/, id)
  }
})
