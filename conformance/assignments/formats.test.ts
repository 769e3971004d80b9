import t from 'tap'
import { csvOf, FORMATS } from './formats.ts'
import type { SaidLine } from '../run/said.ts'
import type { Report } from './report.ts'
import { textOf } from './text.ts'

const CASE = { source: 'rfc:9110#9.3.1', why: 'Why.', place: 'cases.md:9', sent: '', received: '' }
const CALM = { findings: [], printed: [], hints: [], milliseconds: 500 }

const REPORT: Report = {
  schema: 'basehttp-grade/1',
  assignment: '01-hello',
  title: 'hello',
  file: 'ada.ts',
  seed: 7,
  points: 3,
  of: 8,
  faults: [{ file: 'ada.ts', line: 3, column: 5, code: 'TS2551', message: 'No <such> thing.' }],
  cases: [
    {
      ...{ id: 'hello/one', passed: true, points: 2, of: 2, hidden: false, ...CASE, ...CALM },
      task: 2,
      sent: 'GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n',
    },
    {
      ...{ id: 'hello/two', passed: false, points: 0, of: 3, hidden: false, ...CASE, ...CALM },
      findings: [
        {
          line: 'HTTP/1.1 404 No',
          column: 9,
          length: 3,
          flaw: 'the status is 404 No; expected 200',
        },
      ],
      threw: { error: 'Error: a & b', where: 'at do_GET (ada.ts:4:2)' },
      hints: ['Look.'],
      advice: 'there is no method do_PUT()',
      curl: 'curl -i http://127.0.0.1:8080/',
    },
    {
      id: 'hello/link',
      passed: true,
      points: 0,
      of: 0,
      hidden: false,
      ...CASE,
      ...CALM,
      skipped: 'this machine cannot make a FIFO',
    },
    {
      id: 'hello/secret',
      passed: false,
      points: 0,
      of: 2,
      hidden: true,
      ...CASE,
      ...CALM,
      findings: [{ line: '', flaw: 'the secret' }],
    },
    { id: 'hello/hidden', passed: true, points: 1, of: 1, hidden: true, ...CASE, ...CALM },
  ],
}

/** As it is where nothing could be played. */
const BROKEN: Report = {
  ...REPORT,
  problem: 'ada.ts:3:5: No such thing',
  cases: REPORT.cases.map((one) => ({ ...one, passed: false, points: 0 })),
}

const FAILURE = [
  'not ok hello/two   3 points, rfc:9110#9.3.1',
  '    threw  Error: a & b',
  '           at do_GET (ada.ts:4:2)',
  '    HTTP/1.1 404 No',
  '             ^^^ the status is 404 No; expected 200',
  '    so     there is no method do_PUT()',
  '    why    Why.',
  '    curl   curl -i http://127.0.0.1:8080/',
  '    1 more hint: --hint 1',
].join('\n')

const TEXT = [
  'ada.ts:3:5  TS2551  No <such> thing.',
  '',
  FAILURE,
  '',
  'ok     hello/one     2/2',
  'not ok hello/two     0/3   Error: a & b',
  'skip   hello/link    -     this machine cannot make a FIFO',
  'not ok 2 hidden cases  1/3',
  '',
  '01-hello: 3 of 8 points, with the seed 7',
].join('\n')

const format = (name: string, report = REPORT) => FORMATS[name]?.(report) ?? ''

t.test('as text', async (t) => {
  t.equal(textOf(REPORT, { all: false, hint: 0, reveal: false }), TEXT)
  t.match(
    textOf(REPORT, { all: true, hint: 1, reveal: true }),
    /hint 1 Look\.[^]*the secret[^]*not ok hello\/secret +0\/2 +the secret/,
  )
})

t.test('for Gradescope', async (t) => {
  const test = { output_format: 'text', visibility: 'visible', tags: ['01-hello'] }
  t.same(JSON.parse(format('gradescope')), {
    score: 3,
    output: TEXT,
    output_format: 'text',
    stdout_visibility: 'hidden',
    tests: [
      {
        name: 'hello/one',
        number: '1',
        score: 2,
        max_score: 2,
        status: 'passed',
        output: '',
        ...test,
      },
      {
        name: 'hello/two',
        number: '2',
        score: 0,
        max_score: 3,
        status: 'failed',
        output: FAILURE,
        ...test,
      },
      {
        name: 'hello/link',
        number: '3',
        score: 0,
        max_score: 0,
        status: 'passed',
        output: '',
        ...test,
      },
      {
        name: 'hidden',
        number: '4',
        score: 1,
        max_score: 3,
        status: 'failed',
        output: '',
        ...test,
        visibility: 'after_due_date',
      },
    ],
  })
})

t.test('for Classroom 50', async (t) => {
  const env = {
    CLASSROOM: 'c',
    ASSIGNMENT: 'a',
    SUBMISSION_TAG: 's',
    COMMIT_URL: 'u',
    RELEASE_URL: 'r',
    REVIEW_URL: 'v',
    SUBMISSION_DATETIME: '2026-01-01T00:00:00Z',
  }
  Object.assign(process.env, env)
  t.teardown(() => {
    for (const name of Object.keys(env)) {
      Reflect.deleteProperty(process.env, name)
    }
  })
  t.same(JSON.parse(format('classroom50')), {
    ...{ schema: 'classroom50/result/v1', classroom: 'c', assignment: 'a', submission: 's' },
    ...{
      commit: 'u',
      release: 'r',
      review: 'v',
      datetime: '2026-01-01T00:00:00Z',
      score: 3,
      'max-score': 8,
    },
    tests: [
      { 'test-name': 'hello/one', passed: true, score: 2, 'max-score': 2 },
      { 'test-name': 'hello/two', passed: false, score: 0, 'max-score': 3 },
      { 'test-name': 'hello/link', passed: true, score: 0, 'max-score': 0 },
      { 'test-name': 'hidden', passed: false, score: 1, 'max-score': 3 },
    ],
  })
})

t.test('for Autolab: the last line has the scores', async (t) => {
  t.equal(format('autolab'), `${TEXT}\n\n{"scores":{"01-hello":3}}\n`)
})

t.test('for PrairieLearn', async (t) => {
  const why = 'Why.'
  t.same(JSON.parse(format('prairielearn')), {
    gradable: true,
    score: 0.375,
    output: TEXT,
    tests: [
      { name: 'hello/one', description: why, points: 2, max_points: 2, message: '', output: '' },
      {
        ...{ name: 'hello/two', description: why, points: 0, max_points: 3, message: '' },
        output: FAILURE,
      },
      {
        ...{ name: 'hello/link', description: why, points: 0, max_points: 0, output: '' },
        message: 'this machine cannot make a FIFO',
      },
      { name: 'hidden', description: '', points: 1, max_points: 3, message: '', output: '' },
    ],
  })
  t.same(JSON.parse(format('prairielearn', BROKEN)), {
    gradable: false,
    format_errors: textOf(BROKEN, { all: true, hint: 0, reveal: false }),
  })
  t.match(JSON.parse(format('prairielearn', { ...REPORT, points: 0, of: 0 })), { score: 0 })
})

t.test('for Codio: a form', async (t) => {
  const body = format('codio')
  t.match(body, /^[!-~]+$/, 'one line, which any client can post')
  t.same(Object.fromEntries(new URLSearchParams(body)), {
    grade: '38',
    points: '38',
    format: 'txt',
    feedback: TEXT,
  })
})

t.test('for Exercism', async (t) => {
  t.same(JSON.parse(format('exercism')), {
    version: 3,
    status: 'fail',
    message: null,
    tests: [
      {
        ...{ name: 'hello/one', status: 'pass', message: null, output: null },
        test_code: 'GET /é HTTP/1.1\nHost: a\n\n',
        task_id: 2,
      },
      { name: 'hello/two', status: 'error', message: FAILURE, output: null, test_code: '' },
      {
        ...{ name: 'hello/link', status: 'pass', output: null, test_code: '' },
        message: 'this machine cannot make a FIFO',
      },
      { name: 'hidden', status: 'fail', message: null },
    ],
  })
  t.same(JSON.parse(format('exercism', BROKEN)), {
    version: 3,
    status: 'error',
    message: textOf(BROKEN, { all: true, hint: 0, reveal: false }),
    tests: [],
  })
  const outputOf = (...printed: SaidLine[]): unknown => {
    const cases = REPORT.cases.slice(0, 1).map((one) => ({ ...one, printed }))
    const { tests } = JSON.parse(format('exercism', { ...REPORT, cases })) as {
      tests: { output: unknown }[]
    }
    return tests[0]?.output
  }
  t.equal(
    outputOf({ stream: 'stdout', line: 'héllo' }, { stream: 'stderr', line: '"GET /" 200 -' }),
    'héllo',
    'the log is not output',
  )
  t.equal(
    outputOf({ stream: 'stdout', line: 'x'.repeat(501) }),
    `${'x'.repeat(452)}\nOutput was truncated. Please limit to 500 chars`,
  )
})

t.test('as TAP', async (t) => {
  const [first, second] = REPORT.cases
  const odd = { ...first, id: 'a#b\\c' }
  const cases = [odd, { ...second, threw: undefined, findings: [{ line: '', flaw: '\x85' }] }]
  t.equal(
    format('tap'),
    [
      'TAP version 14',
      '1..4',
      'ok 1 - hello/one',
      'not ok 2 - hello/two',
      '  ---',
      '  points: 0',
      '  of: 3',
      `  message: ${JSON.stringify(FAILURE)}`,
      '  ...',
      'ok 3 - hello/link # SKIP this machine cannot make a FIFO',
      'not ok 4 - hidden',
      '  ---',
      '  points: 1',
      '  of: 3',
      '  message: ""',
      '  ...\n',
    ].join('\n'),
  )
  t.match(
    format('tap', { ...REPORT, cases } as Report),
    /^ok 1 - a\\#b\\\\c$[^]*^  message: "[^\x7F-\x9F]*\\u0085[^\x7F-\x9F]*"$/m,
  )
})

t.test('why nothing could be played is said once in full, in TAP and in JUnit, too', async (t) => {
  const fault = 'ada.ts:3:5  TS2551  No <such> thing.'
  const problem = 'ada.ts:3:5: No such thing'
  t.match(format('tap', BROKEN).split('\n'), [
    'TAP version 14',
    '1..4',
    'not ok 1 - hello/one',
    '  ---',
    '  points: 0',
    '  of: 2',
    `  message: ${JSON.stringify(`${fault}\n\n${problem}`)}`,
    '  ...',
    'not ok 2 - hello/two',
    '  ---',
    '  points: 0',
    '  of: 3',
    `  message: ${JSON.stringify(problem)}`,
  ])
  t.match(
    format('junit', BROKEN),
    `>${fault.replace('<', '&lt;').replace('>', '&gt;')}\n\n${problem}</failure>`,
  )
})

t.test('as CSV', async (t) => {
  t.equal(
    csvOf([
      { who: '=cmd()', report: REPORT, note: 'said "no", twice' },
      { who: 'Ada', report: REPORT, note: '' },
    ]),
    'who,hello/one,hello/two,hello/link,hello/secret,hello/hidden,points,of,seconds,note\n' +
      `'=cmd(),2,0,0,0,1,3,8,2.5,"said ""no"", twice"\n` +
      'Ada,2,0,0,0,1,3,8,2.5,\n',
  )
})

t.test('as JUnit', async (t) => {
  t.equal(
    format('junit'),
    [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<testsuites tests="4" failures="2" errors="0" skipped="1">',
      '  <testsuite name="01-hello" tests="4" failures="2" errors="0" skipped="1">',
      '    <testcase classname="01-hello" name="hello/one"/>',
      `    <testcase classname="01-hello" name="hello/two"><failure message="0 of 3 points">${FAILURE.replace('&', '&amp;')}</failure></testcase>`,
      '    <testcase classname="01-hello" name="hello/link"><skipped message="this machine cannot make a FIFO"/></testcase>',
      '    <testcase classname="01-hello" name="hidden"><failure message="1 of 3 points"></failure></testcase>',
      '  </testsuite>',
      '</testsuites>\n',
    ].join('\n'),
  )
})

t.test('as Markdown, and for no form is a hidden case named', async (t) => {
  t.match(
    format('markdown'),
    /^# 01-hello: 3 of 8 points\n\n\| case[^]*\| hello\/two \| 0 \| 3 \|[^]*\| hidden \| 1 \| 3 \|/,
  )
  // These two are for a teacher's books.
  for (const name of Object.keys(FORMATS).filter((one) => one !== 'csv' && one !== 'json')) {
    t.notMatch(format(name), /secret/, name)
    t.notMatch(format(name, BROKEN), /secret/, name)
    t.notMatch(format(name), /\r/, name)
  }
})
