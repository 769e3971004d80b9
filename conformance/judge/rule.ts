/**
 * Rule pages: what RFC 9110 and RFC 9112 say of any server, as Markdown.
 *
 * ````text
 *   ## host/missing
 *   <!-- rule={"level":"MUST","source":"rfc:9112#3.2","control":"host/present"} -->
 *   Behind a proxy, nobody could tell which site it is for.
 *   ```request
 *   GET {{path}} HTTP/1.1
 *
 *   ```
 *   ```answer
 *   400
 *   ```
 * ````
 *
 * The pages are those of `page.ts`, with three differences. What must come back is an `answer`
 * (`answer.ts`). A request names what this server has: `{{path}}`, `{{post}}`, `{{authority}}`.
 * And each rule has a _control_, another rule: the same request without the flaw. A server that
 * refuses everything obeys no rule about refusal, so a rule counts only where its control is served.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PageError } from './fence.ts'
import { byId, readComment, reasonOf, sections } from './page.ts'
import type { Section } from './page.ts'
import { parseTurns } from './turns.ts'
import type { Facts, RuleExchange } from './turns.ts'

/**
 * How much a rule weighs: the word of its section; or what no RFC words: `safe`, against an
 * attacker, and `sturdy`, against the accidents of a network.
 */
export type RuleLevel = (typeof LEVELS)[number]

/** What a rule may ask of a target, beside the resource `{{path}}`. */
export type Need = (typeof NEEDS)[number]

const LEVELS = ['MUST', 'SHOULD', 'MAY', 'safe', 'sturdy'] as const
const NEEDS = ['folder', 'post', 'path', 'plain', 'tls'] as const
const KEYS: readonly string[] = ['level', 'source', 'control', 'needs', 'fresh']

/** A rule, as its page has it. */
export interface Rule {
  /** Stable, `topic/name`; a selection is the beginning of an id. */
  readonly id: string
  readonly level: RuleLevel
  /** The section that says so: `rfc:9112#3.2`; `none`, where no RFC does. */
  readonly source: string
  /** The rule whose conversation must succeed before and after this one; undefined for itself. */
  readonly control: string | undefined
  readonly needs: readonly Need[]
  /** Whether it needs a server that has not been talked to, where one can be had. */
  readonly fresh: boolean
  /** The prose, in one line. */
  readonly why: string
  /** Where the rule stands: `02-host.md:12`. */
  readonly place: string
  /** What is said to this server. */
  exchange(facts: Facts): RuleExchange
}

/** What is said when a page is read, to see that it can be. */
const NOBODY: Facts = { authority: 'localhost', path: '/', body: '', post: '/' }

/** The control of a rule that names none. */
const CONTROL = 'control/get'

/**
 * Read the pages of a folder, in the order of their names.
 *
 * @throws {@link PageError}
 */
export function readRules(folder: string): Rule[] {
  const names = readdirSync(folder).filter((name) => /^[0-9].*\.md$/.test(name))
  const rules = names.sort().flatMap((name) => {
    return parseRules(readFileSync(join(folder, name), 'utf8'), name)
  })
  const known = byId(rules)
  for (const { place, control } of rules) {
    const other = control === undefined ? undefined : known.get(control)
    if (control !== undefined && other === undefined) {
      throw new PageError(place, `its control is "${control}", and there is no such rule`)
    }
    const turns = [...(other?.exchange(NOBODY).turns.values() ?? [])].flat()
    const served = turns.every(({ answers }) => {
      return answers.some(({ responses: [first] }) => /^(?:2|304$)/.test(first?.codes ?? ''))
    })
    if (!served) {
      throw new PageError(
        place,
        `its control, "${String(control)}", is not served: no answer is 2xx, or 304`,
      )
    }
  }
  return rules
}

/**
 * Read the rules of a page's text.
 *
 * @param page - its name, for messages
 * @throws {@link PageError}
 */
export function parseRules(text: string, page: string): Rule[] {
  return [...sections(text, page, 'rule')].map((section) => parseRule(section, page))
}

function parseRule(section: Section, page: string): Rule {
  const { id, fences } = section
  const place = `${page}:${String(section.line)}`
  const why = reasonOf(section, place)
  const rule: Rule = {
    id,
    ...parseMeta(section, place),
    why,
    place,
    exchange: (facts) => parseTurns(fences, page, place, facts),
  }
  // What is wrong with a page is said at once, and not when a server is running.
  rule.exchange(NOBODY)
  return rule
}

function parseMeta(section: Section, place: string) {
  const fields = readComment(section, place, 'rule={"level":"MUST",...}')
  const { level, source, control = CONTROL, needs = [], fresh = false } = fields
  if (!LEVELS.includes(level as RuleLevel)) {
    throw new PageError(place, `"level" is one of ${LEVELS.join(', ')}`)
  }
  const own = level === 'safe' || level === 'sturdy'
  if (typeof source !== 'string' || !/^rfc:[0-9]{4}#[0-9A-Z.]+$|^none$/.test(source)) {
    throw new PageError(place, '"source" is a section, as in "rfc:9112#3.2", or "none"')
  }
  if (source === 'none' && !own) {
    throw new PageError(place, `a ${String(level)} has a section that says so: "rfc:9112#3.2"`)
  }
  if (typeof control !== 'string') {
    throw new PageError(place, '"control" is the id of another rule')
  }
  if (!Array.isArray(needs) || needs.some((need) => !NEEDS.includes(need as Need))) {
    throw new PageError(place, `"needs" is a list of ${NEEDS.join(', ')}`)
  }
  if (typeof fresh !== 'boolean') {
    throw new PageError(place, '"fresh" is true or false')
  }
  const unknown = Object.keys(fields).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) {
    throw new PageError(place, `"${unknown}" is not a known key; there are ${KEYS.join(', ')}`)
  }
  return {
    level: level as RuleLevel,
    source,
    control: control === section.id ? undefined : control,
    needs: needs as Need[],
    fresh,
  }
}
