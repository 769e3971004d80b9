/**
 * What `--export` writes: that it is all there, as the schema says it, and means what the pages mean.
 */

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv'
import t from 'tap'
import { readPages } from '../judge/page.ts'
import type { Pattern } from '../judge/pattern.ts'
import { readRules } from '../judge/rule.ts'
import { CASES, EXPORT_SCHEMA, RULES } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { conformance, folder } from '../testing.ts'
import { exportCase, exportRule } from './export.ts'
import type { Piece } from './export.ts'

t.setTimeout(5 * HANG_LIMIT)

type Json = Record<string, unknown>

function read(path: string): Json & { rules: Json[]; cases: Json[] } {
  return JSON.parse(readFileSync(path, 'utf8')) as Json & { rules: Json[]; cases: Json[] }
}

const rules = readRules(RULES)
const cases = readPages(CASES)
const FACTS = {
  authority: 'localhost:1',
  path: '/p',
  post: '/q',
  body: 'The body.',
  scheme: 'https',
} as const

/** Put pieces together, as a reader of the export does. */
function together(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => {
      if (typeof piece === 'string') {
        return piece
      }
      if ('fact' in piece) {
        return FACTS[piece.fact as keyof typeof FACTS]
      }
      return 'repeat' in piece ? piece.repeat.repeat(piece.times) : `<${piece.regex}>`
    })
    .join('')
}

/** A pattern of a page, in the same form. */
function text(pattern: Pattern): string {
  return pattern
    .map((one) =>
      'hole' in one ? `<${one.regex.source.replaceAll('[^]', '[\\s\\S]')}>` : one.literal,
    )
    .join('')
}

/** All that is sent. */
function sent(actions: readonly object[]): string {
  return (actions as { bytes?: Piece[] }[]).map(({ bytes = [] }) => together(bytes)).join('')
}

t.test('--export writes every case and rule, as the schema says', async (t) => {
  const path = join(folder(t), 'new')
  t.same(await conformance('--export', path), {
    status: 0,
    stdout: `${String(cases.length)} cases and ${String(rules.length)} rules are in ${path}\n`,
    stderr: '',
  })
  t.same(readdirSync(path).sort(), ['cases.json', 'rules.json', 'schema.json'])
  t.same(read(join(path, 'schema.json')), read(EXPORT_SCHEMA))
  const validate = new Ajv({ allErrors: true }).compile(read(EXPORT_SCHEMA))
  for (const name of ['cases.json', 'rules.json']) {
    const valid = validate(read(join(path, name)))
    t.ok(valid, `${name}: ${JSON.stringify(validate.errors?.slice(0, 3))}`)
  }
  const exported = read(join(path, 'rules.json')).rules
  t.same(
    exported.map(({ id, control }) => [id, control]),
    rules.map(({ id, control }) => [id, control]),
  )
  t.same(
    read(join(path, 'cases.json')).cases.map(({ id }) => id),
    cases.map(({ id }) => id),
  )
  t.notOk(validate({ profile: 'rfc', rules: [{ ...exported[0], level: 'must' }] }))
})

t.test('--export writes what is selected, and refuses what would be lost', async (t) => {
  const path = folder(t)
  t.match(await conformance('--export', path, '--only', 'host/'), {
    status: 0,
    stdout: /^0 cases and \d+ rules are in /,
  })
  t.same(await conformance('--export', path), {
    status: 2,
    stdout: '',
    stderr: `"${path}" is not empty ("cases.json"); name another folder\n`,
  })
  const file = join(path, 'file')
  writeFileSync(file, '')
  t.match(await conformance('--export', file), {
    status: 2,
    stderr: /^Cannot make the folder ".*file": ENOTDIR.*\n$/,
  })
  t.match(await conformance('--export', join(path, 'other'), '--only', 'no/such'), {
    status: 2,
    stderr: 'Nothing selected: no id begins with no/such\n',
  })
})

t.test('an exported rule sends, and expects, what its page says', async (t) => {
  for (const rule of rules) {
    const { actions, turns } = rule.exchange(FACTS)
    const { connections, ...exported } = exportRule(rule)
    const bytes = actions.map((one) => (one.do === 'send' ? one.bytes.toString('latin1') : ''))
    t.equal(sent(exported.actions), bytes.join(''), rule.id)
    const others = (list: readonly object[]) =>
      (list as { do: string }[])
        .filter(({ do: what }) => !['send', 'pause', 'trickle'].includes(what))
        .map((action) => ({ ...action }))
    t.same(others(exported.actions), others(actions), rule.id)
    const fields = (list: { value: readonly Piece[] | null }[]) =>
      list.map(({ value }) => value && together(value))
    for (const [name, list] of turns) {
      const answers = list.flatMap((turn) => turn.answers)
      const theirs = connections[name]?.flatMap((turn) => turn.answers) ?? []
      t.equal(theirs.length, answers.length, rule.id)
      for (const [at, answer] of answers.entries()) {
        t.same(
          theirs[at]?.responses.map(({ codes, body, fields: list }) => ({
            codes: codes.join('|'),
            body: body && together(body),
            fields: fields(list),
          })),
          answer.responses.map(({ codes, body, fields: list }) => ({
            codes,
            body: body?.is === 'text' ? text(body.pattern) : undefined,
            fields: list.map(({ value }) => (value === undefined ? null : text(value.pattern))),
          })),
          rule.id,
        )
      }
    }
  }
})

t.test('an exported case sends, and expects, what its page says', async (t) => {
  for (const one of cases) {
    const { actions, connections, log } = exportCase(one)
    const bytes = one.actions.map((it) => (it.do === 'send' ? it.bytes.toString('latin1') : ''))
    t.ok(sent(actions) === bytes.join(''), one.id)
    const lines = [['a', one] as const, ...one.beside]
    t.same(
      Object.keys(connections),
      lines.map(([name]) => name),
    )
    for (const [name, line] of lines) {
      const theirs = connections[name]
      t.equal(theirs?.closes, line.expectation.closes)
      t.ok(theirs?.responses.map(together).join('\n') === line.responses.map(text).join('\n'))
    }
    t.same(log?.map(together), one.log?.map(text), one.id)
  }
})

t.test('what repeats is short', async (t) => {
  const path = join(folder(t), 'new')
  await conformance('--export', path)
  for (const name of ['cases.json', 'rules.json']) {
    t.ok(readFileSync(join(path, name)).length < 2_000_000, name)
  }
})

const COMPILE = `
import json, re, sys
def walk(value):
  if isinstance(value, dict) and 'regex' in value:
    re.compile(value['regex'])
  for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
    walk(one)
walk(json.load(sys.stdin))
`

const skip = spawnSync('python3', ['-V']).error !== undefined && 'there is no python3 here'

t.test('Python reads the regular expressions, too', { skip }, async (t) => {
  const all = [...rules.map(exportRule), ...cases.map(exportCase)]
  const { status, stderr } = spawnSync('python3', ['-c', COMPILE], { input: JSON.stringify(all) })
  t.equal(status, 0, String(stderr))
})
