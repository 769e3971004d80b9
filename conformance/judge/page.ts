/**
 * Case pages: Markdown that people read, and the suite runs.
 *
 * ````text
 *   ## errors/404                                       a heading is a case, its text the id
 *   <!-- case={"app":"errors","level":"must","source":"article:Handling Errors"} -->
 *   Why the response must look like this.               prose is the reason
 *   ```request                                          what is sent
 *   ```response                                         what must come back
 *   ```log                                              what the server must log meanwhile
 * ````
 *
 * In a `request` or `response` fence:
 *
 * - a line ends CR LF on the wire, so an empty last line ends a request's head; in a response,
 *   the line end before the closing fence or the last directive is not data;
 * - a `\` at the end of a line takes the line end away; `\r \n \t \0 \\ \xNN` are bytes;
 * - `{{http-date}}` and its like are holes (see `pattern.ts`), `{{file:NAME}}` is a file beside
 *   the pages, line ends and all; `{{word:1}}` is a word that changes with `--seed`;
 * - `{{repeat:N:TEXT}}` is the text so many times: a long field, a large body;
 * - directives stand on a line of their own. In a request: `{{pause:MS}}`, `{{wait-for:TEXT}}`,
 *   `{{trickle:MS}}`, `{{half-close}}`, `{{leave}}`, `{{reset}}`, `{{new}}`, `{{line:NAME}}`. At
 *   the end of the last response: `{{eof}}`, the server must close, or `{{open}}`, it must not. A
 *   response that is only `{{silent:MS}}`: the server must say nothing for that long; a request
 *   and its response follow, since a dead server is silent, too.
 *
 * Several requests and responses in turn are one conversation: each request is sent when the
 * responses before it are complete. After an `{{eof}}`, it is sent over a new connection.
 *
 * A conversation may need several connections side by side. It begins on the one named `a`;
 * `{{line:b}}` goes on over another, and `{{line:a}}` goes back. A response comes over the
 * connection of the request before it, or over the one that its first line names.
 *
 * The `README.md` of the suite describes everything that a page may say.
 *
 * What stands under a heading of the first level, up to the next case, introduces a group of cases.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Conversation } from './conversation.ts'
import type { Whole } from './conversation.ts'
import { PageError, parseTokens } from './fence.ts'
import type { Fence } from './fence.ts'
import { RULES } from './invariants.ts'
import type { Pattern } from './pattern.ts'
import { fillWords } from './words.ts'

/** How much a case weighs. */
export type Level = 'must' | 'should' | 'may' | 'hardening'

/** A case of a page. */
export interface Case extends Whole {
  /** Stable, `topic/name`; a selection is the beginning of an id. */
  readonly id: string
  /** The handler that the target must offer. */
  readonly app: string
  readonly level: Level
  /** Who says so: `article:SECTION`, `cpython:3.13`, `rfc:9112#6.3`. */
  readonly source: string
  /** The rules of `invariants.ts` that the case breaks on purpose, and why. */
  readonly waive: Readonly<Record<string, string>>
  /** Why the request must not be sent in two pieces; undefined if it may be, cut at every byte. */
  readonly noscan: string | undefined
  /** Cases without which this one tells nothing. */
  readonly needs: readonly string[]
  /** The prose of the case, in one line. */
  readonly why: string
  /** Where the case stands: `errors.md:12`. */
  readonly place: string
  /** What the server must log, a pattern a line; undefined if the case does not say. */
  readonly log: readonly Pattern[] | undefined
  /** Whether the case needs a server that has not been talked to. */
  readonly fresh: boolean
  /** Whether it is about what the server keeps afterwards: descriptors, and memory. */
  readonly resources: boolean
  /** How often the fences are played, one conversation after all. */
  readonly times: number
}

const LEVELS: readonly string[] = ['must', 'should', 'may', 'hardening']
const KEYS: readonly string[] = [
  'app',
  'level',
  'source',
  'waive',
  'noscan',
  'needs',
  'fresh',
  'times',
  'resources',
]

/** What a case says of itself, in the comment under its heading. */
type Meta = Pick<
  Case,
  'app' | 'level' | 'source' | 'waive' | 'noscan' | 'needs' | 'fresh' | 'times' | 'resources'
>

/**
 * Read the pages of some folders, in the order of their names.
 *
 * @param seed - what the words of the pages are made from: `words.ts`
 * @throws {@link PageError}
 */
export function readPages(folders: string | readonly string[], seed?: number): Case[] {
  const paths = [folders].flat().flatMap((folder) => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.md'))
    return names.sort().map((name) => join(folder, name))
  })
  const cases = paths.flatMap((path) => readPage(path, seed))
  const seen = byId(cases)
  for (const { place, needs } of cases) {
    const missing = needs.find((id) => !seen.has(id))
    if (missing !== undefined) {
      throw new PageError(place, `it needs "${missing}", and there is no such case`)
    }
  }
  return cases
}

/**
 * What pages have, by its id.
 *
 * @throws {@link PageError} for an id that is there twice.
 */
export function byId<One extends { id: string; place: string }>(all: readonly One[]) {
  const known = new Map<string, One>()
  for (const one of all) {
    const other = known.get(one.id)
    if (other !== undefined) {
      throw new PageError(one.place, `the id "${one.id}" is taken, at ${other.place}`)
    }
    known.set(one.id, one)
  }
  return known
}

/**
 * Read the cases of a page.
 *
 * @param path - the file
 * @throws {@link PageError}
 */
export function readPage(path: string, seed = 1): Case[] {
  const page = path.slice(path.lastIndexOf('/') + 1)
  return parsePage(fillWords(readFileSync(path, 'utf8'), seed), page, (name) =>
    readFileSync(join(dirname(path), 'files', name), 'latin1'),
  )
}

/**
 * Read the cases of a page's text.
 *
 * @param text - the page
 * @param page - its name, for messages
 * @param readFile - gives the contents for `{{file:NAME}}`, as ISO 8859-1 text
 * @throws {@link PageError}
 */
export function parsePage(text: string, page: string, readFile: (name: string) => string): Case[] {
  const cases: Case[] = []
  for (const section of sections(text, page)) {
    const place = `${page}:${String(section.line)}`
    const one = parseSection(section, place, readFile)
    if (cases.some(({ id }) => id === one.id)) {
      throw new PageError(place, `the id "${one.id}" is taken`)
    }
    cases.push(one)
  }
  if (cases.length === 0) {
    throw new PageError(`${page}:1`, 'there is no case; a case begins with "## topic/name"')
  }
  return cases
}

// -- Taking a page apart ---------------------------------------------------------------------

/** A case or a rule as it stands on the page: from its `##` to the next heading. */
export interface Section {
  id: string
  line: number
  meta: string | undefined
  prose: string[]
  fences: Fence[]
  /** What is folded away: the text of each `<details>`. */
  hints: string[]
}

/** What the comment under a heading begins with. */
type Keyword = 'case' | 'rule' | 'assignment'

/** Cut a page into its sections. */
export function* sections(
  text: string,
  page: string,
  keyword: Keyword = 'case',
): Generator<Section> {
  const comment = new RegExp(`^<!-- ${keyword}=(.*) -->$`)
  let section: Section | undefined
  let fence: Fence | undefined
  let hint: string[] | undefined
  // On Windows, Git may have given the lines another end.
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (hint !== undefined) {
      if (line.trim() === '</details>') {
        section?.hints.push(hint.join('\n').trim())
        hint = undefined
      } else if (!line.startsWith('<summary>')) {
        hint.push(line)
      }
      continue
    }
    if (fence !== undefined) {
      if (line === '```') {
        fence = undefined
      } else {
        fence.lines.push(line)
      }
      continue
    }
    if (/^##? /.test(line)) {
      if (section !== undefined) {
        yield section
      }
      section = undefined
    }
    if (line.startsWith('## ')) {
      section = {
        id: line.slice(3).trim(),
        line: index + 1,
        meta: undefined,
        prose: [],
        fences: [],
        hints: [],
      }
      continue
    }
    if (line.startsWith('<details>')) {
      hint = []
      continue
    }
    const opening = /^```(.*)$/.exec(line)
    if (opening !== null) {
      fence = { kind: opening[1] as string, lines: [], line: index + 1 }
      section?.fences.push(fence)
      continue
    }
    const meta = comment.exec(line)
    if (section !== undefined && meta !== null) {
      section.meta = meta[1]
    } else if (line.trim() !== '') {
      section?.prose.push(line.trim())
    }
  }
  if (hint !== undefined) {
    throw new PageError(`${page}:${String(section?.line ?? 1)}`, 'a <details> is never closed')
  }
  if (fence !== undefined) {
    throw new PageError(
      `${page}:${String(fence.line)}`,
      'the fence is never closed; end it with ```',
    )
  }
  if (section !== undefined) {
    yield section
  }
}

function parseSection(section: Section, place: string, readFile: (name: string) => string): Case {
  const { id } = section
  const why = reasonOf(section, place)
  const meta = parseMeta(section, place)

  const conversation = new Conversation(readFile)
  let log: Pattern[] | undefined
  for (let round = 0; round < meta.times; round++) {
    conversation.goOn()
    for (const fence of section.fences) {
      const at = `${place.slice(0, place.indexOf(':'))}:${String(fence.line)}`
      if (fence.kind === 'request') {
        conversation.request(fence, at)
      } else if (fence.kind === 'response') {
        conversation.response(fence, at)
      } else if (fence.kind !== 'log') {
        throw new PageError(
          at,
          `a fence of a case is request, response or log, and not "${fence.kind}"`,
        )
      } else if (round > 0) {
        log?.push(...log.slice(0, fence.lines.length))
      } else if (log === undefined) {
        log = fence.lines.map((line) => parseTokens(line, at, readFile))
      } else {
        throw new PageError(at, 'there is a second log; write all lines in one')
      }
    }
  }
  return { id, ...meta, why, place, ...conversation.end(id, place), log }
}

/**
 * The prose of a section, in one line.
 *
 * @throws {@link PageError} when there is none, or the heading is not a valid id.
 */
export function reasonOf({ id, prose }: Section, place: string): string {
  if (!/^[a-z0-9-]+\/[a-z0-9-]+$/.test(id)) {
    throw new PageError(
      place,
      `"${id}" is not a valid id; write topic/name, in lower-case letters and hyphens`,
    )
  }
  if (prose.length === 0) {
    throw new PageError(place, `"${id}" gives no reason; write a sentence under the heading`)
  }
  return prose.join(' ')
}

/**
 * Read the JSON in the comment under a heading.
 *
 * @param example - how such a comment begins, for whoever has forgotten it
 * @throws {@link PageError}
 */
export function readComment(
  { meta }: Section,
  place: string,
  example: `${Keyword}={${string}`,
): Record<string, unknown> {
  const kind = example.slice(0, example.indexOf('='))
  if (meta === undefined) {
    throw new PageError(
      place,
      `${kind === 'assignment' ? 'an' : 'a'} ${kind} says what it is: <!-- ${example} -->`,
    )
  }
  try {
    return JSON.parse(meta) as Record<string, unknown>
  } catch (error) {
    throw new PageError(place, `the ${kind}'s JSON is broken: ${String(error)}`)
  }
}

function parseMeta(section: Section, place: string): Meta {
  const fields = readComment(section, place, 'case={"app":...}')
  const { app, level, source, waive = {}, noscan, needs = [], fresh = false } = fields
  const { times = 1, resources = false } = fields
  if (typeof app !== 'string' || typeof source !== 'string') {
    throw new PageError(place, 'a case names its "app" and its "source"')
  }
  if (typeof level !== 'string' || !LEVELS.includes(level)) {
    throw new PageError(place, `"level" is one of ${LEVELS.join(', ')}`)
  }
  if (typeof fresh !== 'boolean' || typeof resources !== 'boolean') {
    throw new PageError(place, '"fresh" and "resources" are true or false')
  }
  if (!isRecordOfText(waive) || Object.keys(waive).some((rule) => !(rule in RULES))) {
    const rules = Object.keys(RULES).join(', ')
    throw new PageError(place, `"waive" gives a reason for each rule; the rules are ${rules}`)
  }
  if (noscan !== undefined && (typeof noscan !== 'string' || noscan === '')) {
    throw new PageError(place, '"noscan" is the reason why the request is sent in one piece')
  }
  if (!Array.isArray(needs) || needs.some((id) => typeof id !== 'string')) {
    throw new PageError(place, '"needs" is a list of ids')
  }
  if (typeof times !== 'number' || !Number.isInteger(times) || times < 1 || times > 1000) {
    throw new PageError(place, '"times" is how often the fences are played: 1 to 1000')
  }
  const unknown = Object.keys(fields).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) {
    throw new PageError(place, `"${unknown}" is not a known key; there are ${KEYS.join(', ')}`)
  }
  const known = { app, level: level as Level, source, waive, noscan, fresh, times, resources }
  return { ...known, needs: needs as string[] }
}

/** Whether a value from JSON gives a text for each of its names. */
export function isRecordOfText(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((text) => typeof text === 'string' && text !== '')
  )
}
