/**
 * `--export DIR`: the cases and the rules as JSON, for programs in other languages.
 *
 * ```text
 *   GET {{path}} HTTP/1.1      ["GET ", { "fact": "path" }, " HTTP/1.1\r\n"]
 *   {{repeat:65536:x}}         [{ "repeat": "x", "times": 65536 }]
 *   Age: {{number}}            [{ "hole": "number", "regex": "\\d+" }]
 * ```
 *
 * Nothing is left of the form of the pages: whoever reads this needs a socket, JSON and regular
 * expressions. `examples/replay.py` is such a program.
 *
 * @module
 */

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer } from '../judge/answer.ts'
import { FIRST_LINE } from '../judge/exchange.ts'
import type { Action } from '../judge/exchange.ts'
import type { Case } from '../judge/page.ts'
import type { Pattern } from '../judge/pattern.ts'
import { readRules } from '../judge/rule.ts'
import type { Rule } from '../judge/rule.ts'
import type { Facts } from '../judge/turns.ts'
import { LISTS } from '../judge/values.ts'
import { EXPORT_SCHEMA, RULES } from '../paths.ts'
import { contentsOf } from '../targets/root.ts'
import { TargetError } from '../targets/target.ts'
import type { Flags } from './flags.ts'
import { isAboutVersion } from './rules.ts'
import { readCases, select } from './select.ts'

/**
 * Write the selected cases and rules, and the schema of both, to a folder of their own.
 *
 * @returns what there is to tell.
 * @throws {@link TargetError} when there is something in the folder already, or it cannot be made.
 */
export function exportAll(folder: string, flags: Flags): string {
  const cases = select(readCases(flags), flags)
  const rules = select(readRules(RULES), flags)
  if (cases.length + rules.length === 0) {
    throw new TargetError(`Nothing selected: no id begins with ${flags.only.join(' or ')}`)
  }
  const [there] = contentsOf(folder)
  if (there !== undefined) {
    throw new TargetError(`"${folder}" is not empty ("${there}"); name another folder`)
  }
  try {
    mkdirSync(folder, { recursive: true })
    copyFileSync(EXPORT_SCHEMA, join(folder, 'schema.json'))
    write(join(folder, 'cases.json'), { profile: 'http.server', cases: cases.map(exportCase) })
    write(join(folder, 'rules.json'), { profile: 'rfc', rules: rules.map(exportRule) })
  } catch (error) {
    throw new TargetError(`Cannot write to "${folder}": ${(error as Error).message}`)
  }
  return `${String(cases.length)} cases and ${String(rules.length)} rules are in ${folder}`
}

function write(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, undefined, 1)}\n`)
}

// -- Cases and rules -------------------------------------------------------------------------

/** A case; how often its fences are played is in its actions already. */
export function exportCase(one: Case) {
  const { id, app, level, source, why, place, needs, fresh, resources, noscan, waive, log } = one
  const lines = [[FIRST_LINE, one] as const, ...one.beside]
  return {
    ...{ id, app, level, source, why, place, needs, fresh, resources, noscan, waive },
    actions: actionsOf(one.actions),
    connections: Object.fromEntries(
      lines.map(([name, { expectation, responses }]) => [
        name,
        { closes: expectation.closes, responses: responses.map(piecesOf) },
      ]),
    ),
    log: log?.map(piecesOf),
  }
}

/** Words that stand where a server's own belong; no page has them. */
const FACTS = {
  authority: 'the-authority-of-the-server',
  path: '/the-path-of-the-server',
  post: '/the-post-of-the-server',
  body: 'the-body-of-the-server',
  // This one is a word, too, until a server is known.
  scheme: 'the-scheme-of-the-server' as 'http',
} satisfies Facts
const FACT = new RegExp(`(${Object.values(FACTS).join('|')})`)

/** A rule, with its facts left open. */
export function exportRule(rule: Rule) {
  const { id, level, source, why, place, control, needs, fresh } = rule
  const { actions, turns } = rule.exchange(FACTS)
  return {
    ...{ id, level, source, why, place, control, needs, fresh },
    version: isAboutVersion(rule) ? 'HTTP/1.1' : undefined,
    actions: actionsOf(actions),
    connections: Object.fromEntries(
      [...turns].map(([name, list]) => [
        name,
        list.map(({ requests, answers }) => ({ requests, answers: answers.map(exportAnswer) })),
      ]),
    ),
  }
}

function exportAnswer({ allowed, closes, responses }: Answer) {
  return {
    allowed,
    closes,
    responses: responses.map(({ codes, fields, body }) => ({
      codes: codes.split('|'),
      fields: fields.map(({ name, value }) => ({
        name,
        list: LISTS.includes(name.toLowerCase()),
        value: value === undefined ? null : piecesOf(value.pattern),
      })),
      body: body?.is === 'text' ? piecesOf(body.pattern) : undefined,
    })),
  }
}

// -- Bytes and patterns ----------------------------------------------------------------------

/** A part of what is sent, or must come. */
export type Piece =
  | string
  | { readonly fact: string }
  | { readonly repeat: string; readonly times: number }
  | { readonly hole: string; readonly regex: string }

function actionsOf(actions: readonly Action[]): object[] {
  const result: object[] = []
  for (let at = 0; at < actions.length; at++) {
    const action = actions[at] as Action
    const slow = trickled(actions, at)
    if (slow !== undefined) {
      const { text, ms, count } = slow
      result.push({ do: 'trickle', bytes: splitText(text), ms })
      at += count - 1
    } else if (action.do === 'send') {
      result.push({ do: 'send', bytes: splitText(action.bytes.toString('latin1')) })
    } else {
      result.push(action)
    }
  }
  return result
}

/** What is sent byte by byte from here on, with the same pause behind each. */
function trickled(actions: readonly Action[], from: number) {
  let text = ''
  let ms: number | undefined
  let at = from
  for (; at + 1 < actions.length; at += 2) {
    const [send, pause] = actions.slice(at, at + 2) as [Action, Action]
    if (send.do !== 'send' || send.bytes.length !== 1 || pause.do !== 'pause') {
      break
    }
    if (pause.ms !== (ms ?? pause.ms)) {
      break
    }
    ms = pause.ms
    text += send.bytes.toString('latin1')
  }
  return text.length < 2 ? undefined : { text, ms, count: at - from }
}

function piecesOf(pattern: Pattern): Piece[] {
  return pattern.flatMap((token): Piece[] => {
    if ('literal' in token) {
      return splitText(token.literal)
    }
    // Only JavaScript knows a class of everything.
    const regex = token.regex.source.replaceAll('[^]', '[\\s\\S]')
    return [{ hole: token.hole.replace(/^re:.*/s, 're'), regex }]
  })
}

function splitText(text: string): Piece[] {
  const facts = Object.entries(FACTS)
  return text.split(FACT).flatMap((part) => {
    const fact = facts.find(([, word]) => word === part)?.[0]
    return fact === undefined ? splitRuns(part) : [{ fact }]
  })
}

/** Something that comes twenty times in a row. */
const RUN = /([^]{1,64}?)\1{19}/g

/** Text of this many characters is not worth the trouble. */
const SHORT = 200

/** Take out what {@link RUN} finds: a body of 10 MiB is a line here. */
function splitRuns(text: string): Piece[] {
  const pieces: Piece[] = []
  let done = 0
  RUN.lastIndex = 0
  for (let match = RUN.exec(text); match !== null; match = RUN.exec(text)) {
    const repeat = match[1] as string
    let end = RUN.lastIndex
    while (text.startsWith(repeat, end)) {
      end += repeat.length
    }
    RUN.lastIndex = end
    if (end - match.index >= SHORT) {
      pieces.push(text.slice(done, match.index))
      pieces.push({ repeat, times: (end - match.index) / repeat.length })
      done = end
    }
  }
  return [...pieces, text.slice(done)].filter((piece) => piece !== '')
}
