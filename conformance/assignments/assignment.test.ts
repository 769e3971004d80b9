import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sentBytes } from '../run/repro.ts'
import { folder } from '../testing.ts'
import { assignments, findAssignment, parseAssignment, readAssignment } from './assignment.ts'
import { empty, FileStage } from './stage.ts'

const GOOD = [
  '# Trial',
  '',
  '<!-- assignment={"app":"trial","allow":["write"],"starter":["trial/one"]} -->',
  '',
  '```setup hello.txt',
  'Hello, {{word:1}}!',
  '```',
  '',
  '## trial/one',
  '',
  '<!-- case={"points":3,"source":"rfc:9110#9.3.1","task":2} -->',
  '',
  'Why.',
  '',
  '```request',
  'GET /{{word:1}} HTTP/1.1',
  'Host: {{authority}}',
  '',
  '```',
  '',
  '```answer',
  '200',
  '',
  '{{slice:hello.txt:0:5}}',
  '```',
  '',
  '<details><summary>Hint 1</summary>',
  '',
  'Look.',
  '',
  '```ts',
  '# no heading',
  '```',
  '',
  '</details>',
]

const ABOUT = { page: 'cases.md', seed: 1, hidden: false }
const parse = (lines: readonly string[]) => parseAssignment(lines.join('\n'), ABOUT)

t.test('parseAssignment() reads a page', async (t) => {
  const { cases, ...head } = parse(GOOD)
  t.match(head, { app: 'trial', server: 'async', allow: ['write'], starter: ['trial/one'] })
  const [one] = cases
  t.match(one, {
    id: 'trial/one',
    points: 3,
    task: 2,
    hidden: false,
    once: false,
    fresh: false,
    source: 'rfc:9110#9.3.1',
    why: 'Why.',
    hints: ['Look.\n\n```ts\n# no heading\n```'],
    place: 'cases.md:9',
  })
  const sent = one && sentBytes(one.play({ authority: 'me:80', root: '' }).exchange)
  t.match(sent?.toString(), /^GET \/[a-z]{8} HTTP\/1.1\r\nHost: me:80\r\n\r\n$/)
  t.same(parseAssignment(GOOD.join('\r\n'), ABOUT).cases.length, 1, 'as Windows may have it')
  t.equal(parse(GOOD.map((line) => line.replace('GET', 'PUT'))).cases[0]?.once, true)
  const saving = GOOD.map((line) => (line === '200' ? 'X-One: {{save:one:.+}}' : line))
  t.equal(
    parse(saving.toSpliced(saving.indexOf('X-One: {{save:one:.+}}'), 0, '200')).cases[0]?.once,
    true,
  )
  const other = parseAssignment(GOOD.join('\n'), { ...ABOUT, seed: 2 }).cases[0]
  t.not(
    other && sentBytes(other.play({ authority: 'me:80', root: '' }).exchange).toString(),
    sent?.toString(),
    'another seed, another word',
  )
})

t.test('a page that is wrong says where and why', async (t) => {
  const broken: [from: string, to: string, flaw: string][] = [
    ['# Trial', 'Trial', 'cases.md:1: a page of an assignment begins with "# Its title"'],
    [
      '"app":"trial",',
      '',
      'cases.md:1: "app" is the name under which a submission exports its handler',
    ],
    [
      '"allow":["write"]',
      '"allow":["all"]',
      'cases.md:1: "allow" is a list of write, workers, children',
    ],
    [
      '"allow":["write"]',
      '"env":{"NAME":1}',
      'cases.md:1: "env" gives a text for each name of a variable',
    ],
    [
      '"allow":["write"]',
      '"server":"fast"',
      'cases.md:1: "server" is one of async, plain, threads, module',
    ],
    [
      '"allow":["write"]',
      '"more":1',
      'cases.md:1: "more" is not a known key; there are app, server, allow, env, starter',
    ],
    [
      '["trial/one"]',
      '1',
      'cases.md:1: "starter" lists the ids of the cases that the starter passes',
    ],
    [
      '<!-- assignment=',
      '<!-- ',
      'cases.md:1: an assignment says what it is: <!-- assignment={"app":...} -->',
    ],
    [
      '```setup hello.txt',
      '```root',
      'cases.md:5: above the cases, a fence is setup, and not "root"',
    ],
    ['"points":3', '"points":0', 'cases.md:9: "points" is a whole number, 1 at least'],
    ['"task":2', '"task":"2"', 'cases.md:9: "task" is the number of a task of the text'],
    [
      '"task":2',
      '"tasks":2',
      'cases.md:9: "tasks" is not a known key; there are points, task, hidden, once, source, waive, fresh',
    ],
    ['"task":2', '"hidden":1', 'cases.md:9: "hidden" and "fresh" are true or false'],
    ['"task":2', '"once":1', 'cases.md:9: "once" is true or false'],
    ['"task":2', '"waive":{"none":"x"}', 'cases.md:9: "waive" gives a reason for each rule: '],
    [
      '"source":"rfc:9110#9.3.1",',
      '',
      'cases.md:9: a case names its "source", such as "rfc:9110#14.2"',
    ],
    [
      'slice:hello.txt',
      'slice:other.txt',
      'cases.md:21: {{slice:other.txt:0:5}}: no setup has made "other.txt" before this',
    ],
    [
      '```answer',
      '```reply',
      'cases.md:21: a fence of a case is request, answer, response, setup, root, upstream or forwarded, and not "reply"',
    ],
    [
      '```setup hello.txt',
      '```setup a b c',
      'cases.md:5: "setup a b c" names no file; write for example "setup hello.txt"',
    ],
    [
      '```setup hello.txt',
      '```setup a soon',
      'cases.md:5: "soon" is not a time such as 2024-02-29T12:00:00Z',
    ],
    ['</details>', '', 'cases.md:9: a <details> is never closed'],
  ]
  for (const [from, to, flaw] of broken) {
    const lines = GOOD.map((line) => line.replace(from, to))
    t.not(lines.join(), GOOD.join(), from)
    try {
      parse(lines)
      t.fail(`${from} -> ${to}`)
    } catch (error) {
      t.equal((error as Error).name, 'PageError')
      t.equal((error as Error).message.slice(0, flaw.length), flaw)
    }
  }
  t.throws(() => parse(GOOD.slice(0, 8)), { message: /there is no case/ })
})

t.test('readAssignment() reads the pages of a teacher as well', async (t) => {
  const entry = findAssignment('1')
  t.equal(entry?.name, '01-hello')
  t.same(findAssignment('hello'), entry)
  t.same(findAssignment('01-hello'), entry)
  t.equal(findAssignment('99'), undefined)
  t.ok(assignments().length >= 1)
  if (entry === undefined) {
    return
  }
  const own = folder(t)
  const text = GOOD.slice(0, 26).join('\n').replace('"starter":["trial/one"]', '"starter":[]')
  writeFileSync(join(own, '01.md'), text)
  writeFileSync(join(own, '02.md'), 'for another')
  mkdirSync(join(own, '01-hello'))
  writeFileSync(join(own, '01-hello', 'more.md'), text.replaceAll('trial/one', 'trial/two'))
  const whole = readAssignment(entry, 1)
  const more = readAssignment(entry, 1, [own])
  t.same(
    more.cases.slice(whole.cases.length).map(({ id, hidden }) => [id, hidden]),
    [
      ['trial/one', true],
      ['trial/two', true],
    ],
  )
  t.not(more.version, whole.version)
  t.equal(readAssignment(entry, 1).version, whole.version)
  writeFileSync(join(own, '01.md'), text.replaceAll('trial/one', 'hello/world'))
  t.throws(() => readAssignment(entry, 1, [own]), { message: /the id "hello\/world" is taken/ })
})

// -- Files -----------------------------------------------------------------------------------

const fence = (kind: string, ...lines: string[]) => ({ kind, lines, line: 1 })

t.test('FileStage makes what a setup says', async (t) => {
  const root = folder(t)
  const stage = new FileStage(root, 1)
  const setup = async (kind: string, ...lines: string[]) => {
    await stage.act(fence(`setup ${kind}`, ...lines), 'test.md:1')()
  }
  await setup('a.txt', 'one', 'two\\', '!\\xff')
  t.same(readFileSync(join(root, 'a.txt'), 'latin1'), 'one\ntwo!\xff')
  await setup('with%20space/b.bin 2024-02-29T12:00:00Z', '{{bytes:1:40}}{{slice:a.txt:-1:}}')
  const content = readFileSync(join(root, 'with space', 'b.bin'), 'latin1')
  t.equal(content.length, 41)
  t.ok(content.endsWith('\xff'))
  await setup('folder/')
  await setup('link -> a.txt')
  t.equal(readFileSync(join(root, 'link'), 'latin1'), 'one\ntwo!\xff')
  await setup('!a.txt')
  t.throws(() => readFileSync(join(root, 'a.txt')), { code: 'ENOENT' })
  t.throws(() => stage.act(fence('setup f/', 'x'), 'test.md:1'), { message: /has no content/ })
  t.throws(() => stage.act(fence('setup f', '{{any}}'), 'test.md:1'), { message: /has no holes/ })
  const other = new FileStage(root, 2)
  t.not(other.text('bytes:1:40', ''), stage.text('bytes:1:40', ''))
  empty(root)
  t.throws(() => readFileSync(join(root, 'link')), { code: 'ENOENT' })
})

t.test('FileStage asks a program to end, where that can be done', async (t) => {
  const root = folder(t)
  const stageOf = (app?: { sigterm?(): Promise<boolean> }) => new FileStage(root, 1, undefined, app)
  const [willing, deaf] = [true, false].map((ends) =>
    stageOf({ sigterm: () => Promise.resolve(ends) }),
  ) as [FileStage, FileStage]
  await willing.sigterm()()
  await deaf.sigterm()()
  t.same([willing.ends, willing.findings], [true, []])
  t.match(deaf.findings, [{ flaw: 'after SIGTERM, the program still takes connections' }])
  // A page is read without a program; a server that somebody else has started cannot be asked.
  stageOf().sigterm()
  t.throws(() => stageOf({}).sigterm(), { name: 'CannotMake', message: /cannot send .* SIGTERM$/ })
})

t.test('FileStage sees what there is afterwards', async (t) => {
  const root = folder(t)
  const stage = new FileStage(root, 1)
  await stage.act(fence('setup a.txt', 'Hello'), 'test.md:1')()
  const check = async (...lines: string[]) => {
    stage.findings.length = 0
    await stage.act(fence('root', ...lines), 'test.md:1')()
    return stage.findings.map(({ flaw }) => flaw)
  }
  t.same(await check('a.txt: Hello', '!../b.txt', 'nothing else'), [])
  writeFileSync(join(root, 'c.txt'), 'x')
  symlinkSync('nowhere', join(root, 'd'))
  t.same(await check('a.txt: Hallo', '!c.txt', 'b.txt: x', 'nothing else'), [
    'in the file "a.txt", byte 1 is "e"; expected "a"',
    'there must be no file "c.txt"',
    'there is no file "b.txt" afterwards',
    'there is a file "d" afterwards, which nobody asked for',
  ])
  t.throws(() => stage.act(fence('root', 'a b'), 'test.md:1'), {
    message: 'test.md:1: "a b" is not "name: content", "!name" or "nothing else"',
  })
})
