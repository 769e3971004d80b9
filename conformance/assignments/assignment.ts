/**
 * An assignment: its pages, read.
 *
 * ````text
 *   # Range requests                                      cases.md: the title, and what holds for all cases
 *   <!-- assignment={"app":"range"} -->
 *   ```setup hello.txt                                     the files that every case begins with
 *   Hello, {{word:1}}!
 *   ```
 *
 *   ## range/first-five                                   a case
 *   <!-- case={"points":3,"source":"rfc:9110#14.1.2","task":2} -->
 *   Positions count from 0.                               the lesson
 *   ```request ...                                        `turns.ts`; the fences of files, `stage.ts`
 *   ```answer ...                                         `answer.ts`, `values.ts`
 *   <details><summary>Hint 1</summary> ... </details>     hints, from the vague to the plain
 * ````
 *
 * The cases that students see are in `docs/assignments/NN-name/cases.md`, the hidden ones in
 * `conformance/assignments/NN-name/hidden.md`; a teacher's own are wherever `--cases` says.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PageError } from '../judge/fence.ts'
import type { Fence } from '../judge/fence.ts'
import { RULES } from '../judge/invariants.ts'
import { byId, isRecordOfText, readComment, reasonOf, sections } from '../judge/page.ts'
import type { Section } from '../judge/page.ts'
import { requestsOf } from '../judge/requests.ts'
import { parseTurns } from '../judge/turns.ts'
import type { RuleExchange } from '../judge/turns.ts'
import { fillWords } from '../judge/words.ts'
import { ASSIGNMENTS, SOLUTIONS } from '../paths.ts'
import type { RunningApp } from '../targets/target.ts'
import { FileStage } from './stage.ts'
import type { Upstream } from './upstream.ts'

/** What serves the handler of a submission; `module`: the submission starts its server itself. */
export type ServerKind = (typeof SERVERS)[number]

/** What the process of a submission may do, besides serving. */
export type Allowance = (typeof ALLOWANCES)[number]

const SERVERS = ['async', 'plain', 'threads', 'module'] as const
const ALLOWANCES = ['write', 'workers', 'children'] as const

/** A folder under `docs/assignments`. */
export interface Entry {
  /** `08` */
  readonly number: string
  /** `08-range` */
  readonly name: string
}

/** An assignment, with its cases. */
export interface Assignment extends Entry {
  readonly app: string
  readonly server: ServerKind
  readonly allow: readonly Allowance[]
  /** What is in the environment of the submission. */
  readonly env: Readonly<Record<string, string>>
  /** The cases that the starter passes, as it is handed out. */
  readonly starter: readonly string[]
  readonly cases: readonly GradedCase[]
  /** Whether a server behind it is asked. */
  readonly proxy: boolean
  /** What tells its pages from those of any other time. */
  readonly version: string
  /** Make the files that all cases begin with. */
  prepare(root: string): Promise<void>
}

/** What a case knows of the server that it is played on. */
export interface Scene {
  /** `127.0.0.1:8080` */
  readonly authority: string
  /** The folder that is served. */
  readonly root: string
  /** The server behind it, if it is a proxy. */
  readonly upstream?: Upstream | undefined
  /** Itself. */
  readonly app?: Pick<RunningApp, 'sigterm'>
}

/** A case of an assignment. */
export interface GradedCase {
  readonly id: string
  readonly points: number
  /** The number of the task in the text that it belongs to, if it says so. */
  readonly task: number | undefined
  readonly hidden: boolean
  /** Whether what it asks for must not be asked for again, cut in two, or by another client. */
  readonly once: boolean
  readonly fresh: boolean
  readonly source: string
  readonly waive: Readonly<Record<string, string>>
  readonly why: string
  readonly hints: readonly string[]
  readonly place: string
  /** Make it, for one play. */
  play(scene: Scene): Play
}

/** One play of a case: what is said, and what becomes of the files meanwhile. */
export interface Play {
  readonly exchange: RuleExchange
  readonly stage: FileStage
}

/** The assignments that there are, in their order. */
export function assignments(): Entry[] {
  const names = existsSync(ASSIGNMENTS) ? readdirSync(ASSIGNMENTS) : []
  return names
    .filter((name) => /^[0-9]{2}-/.test(name) && existsSync(join(ASSIGNMENTS, name, 'cases.md')))
    .sort()
    .map((name) => ({ number: name.slice(0, 2), name }))
}

/** Find an assignment by its number, `8` or `08`, or its name. */
export function findAssignment(text: string): Entry | undefined {
  return assignments().find(
    ({ number, name }) =>
      number === text.padStart(2, '0') || name === text || name.slice(3) === text,
  )
}

/** What an assignment is called. */
export function titleOf({ name }: Entry): string {
  const text = readFileSync(join(ASSIGNMENTS, name, 'README.md'), 'utf8')
  return /^# (?:[0-9]+ )?(.*)$/m.exec(text)?.[1]?.trim() ?? name
}

/**
 * Read an assignment: the pages that students see, the hidden one, and those of a teacher.
 *
 * @param own - folders with pages of a teacher's own: `08.md`, `08-more.md`, or all below `08-range/`
 * @throws PageError
 */
export function readAssignment(
  entry: Entry,
  seed: number,
  own: readonly string[] = [],
): Assignment {
  const { number, name } = entry
  const hidden = join(SOLUTIONS, name, 'hidden.md')
  const digest = createHash('sha256')
  const read = (path: string) => {
    const text = readFileSync(path, 'utf8')
    digest.update(text)
    return text
  }
  const main = parseAssignment(read(join(ASSIGNMENTS, name, 'cases.md')), {
    page: `${name}/cases.md`,
    seed,
    hidden: false,
  })
  const more = [
    ...(existsSync(hidden) ? [{ path: hidden, page: `${name}/hidden.md` }] : []),
    ...own.flatMap((folder) => pagesFor(folder, number, name)),
  ].map(({ path, page }) => parseAssignment(read(path), { page, seed, hidden: true, main }))
  const cases = [...main.cases, ...more.flatMap((one) => one.cases)]
  byId(cases)
  const starter = [main, ...more].flatMap((one) => one.starter)
  const unknown = starter.find((id) => cases.every((one) => one.id !== id))
  if (unknown !== undefined) {
    throw new PageError(
      `${name}/cases.md:1`,
      `"starter" names "${unknown}", and there is no such case`,
    )
  }
  const proxy = [main, ...more].some((one) => one.proxy)
  return { ...entry, ...main, starter, cases, proxy, version: digest.digest('hex') }
}

function pagesFor(folder: string, number: string, name: string) {
  const within = (path: string, names: readonly string[]) =>
    names
      .filter((one) => one.endsWith('.md'))
      .sort()
      .map((one) => ({ path: join(path, one), page: one }))
  const below = join(folder, name)
  return [
    ...within(
      folder,
      readdirSync(folder).filter((one) => one.startsWith(number)),
    ),
    ...(existsSync(below) ? within(below, readdirSync(below)) : []),
  ]
}

// -- A page ----------------------------------------------------------------------------------

interface Particulars {
  readonly page: string
  readonly seed: number
  readonly hidden: boolean
  /** The page that says what is true of the assignment as a whole, if this is another. */
  readonly main?: Parsed
}

type Parsed = Omit<Assignment, keyof Entry | 'version'> & {
  /** The fences above the first case: the files that all cases begin with. */
  readonly setup: readonly Fence[]
}

/**
 * Read a page of cases.
 *
 * @throws {@link PageError}
 */
export function parseAssignment(text: string, about: Particulars): Parsed {
  const { page, seed, main } = about
  const filled = fillWords(text, seed)
  const intro = introOf(filled, page)
  const place = `${page}:1`
  const head =
    main === undefined ? parseHead(intro, place) : { ...main, starter: readStarter(intro, place) }
  const setup = [...(main?.setup ?? []), ...intro.fences]
  const odd = intro.fences.find(({ kind }) => !kind.startsWith('setup'))
  if (odd !== undefined) {
    throw new PageError(
      `${page}:${String(odd.line)}`,
      `above the cases, a fence is setup, and not "${odd.kind}"`,
    )
  }
  const cases = [...sections(filled, page)].map((section) =>
    parseCase(section, { ...about, setup }),
  )
  if (cases.length === 0) {
    throw new PageError(place, 'there is no case; a case begins with "## topic/name"')
  }
  byId(cases)
  const prepare = async (root: string) => {
    const stage = new FileStage(root, seed)
    for (const fence of setup) {
      await stage.act(fence, place)()
    }
  }
  const proxy = /^```upstream|\{\{upstream\}\}/m.test(text)
  return { ...head, cases, setup, prepare, proxy }
}

/** What stands above the first case, as if it were one. */
function introOf(text: string, page: string): Section {
  const above = text.split(/^## /m, 1)[0] as string
  const [intro] = sections(above.replace(/^# /m, '## '), page, 'assignment')
  if (intro === undefined) {
    throw new PageError(`${page}:1`, 'a page of an assignment begins with "# Its title"')
  }
  return intro
}

const HEAD_KEYS = ['app', 'server', 'allow', 'env', 'starter']

function parseHead(intro: Section, place: string) {
  const fields = readComment(intro, place, 'assignment={"app":...}')
  const { app, server = 'async', allow = [], env = {} } = fields
  const unknown = Object.keys(fields).find((key) => !HEAD_KEYS.includes(key))
  if (unknown !== undefined) {
    throw new PageError(place, `"${unknown}" is not a known key; there are ${HEAD_KEYS.join(', ')}`)
  }
  if (typeof app !== 'string' || !/^[a-z0-9]+$/.test(app)) {
    throw new PageError(place, '"app" is the name under which a submission exports its handler')
  }
  if (!SERVERS.includes(server as ServerKind)) {
    throw new PageError(place, `"server" is one of ${SERVERS.join(', ')}`)
  }
  if (!Array.isArray(allow) || allow.some((one) => !ALLOWANCES.includes(one as Allowance))) {
    throw new PageError(place, `"allow" is a list of ${ALLOWANCES.join(', ')}`)
  }
  if (!isRecordOfText(env)) {
    throw new PageError(place, '"env" gives a text for each name of a variable')
  }
  return {
    app,
    server: server as ServerKind,
    allow: allow as Allowance[],
    env,
    starter: readStarter(intro, place),
  }
}

function readStarter(intro: Section, place: string): string[] {
  const { starter = [] } =
    intro.meta === undefined ? {} : readComment(intro, place, 'assignment={"starter":...}')
  if (!Array.isArray(starter) || starter.some((id) => typeof id !== 'string')) {
    throw new PageError(place, '"starter" lists the ids of the cases that the starter passes')
  }
  return starter as string[]
}

/** Methods that may be asked again without a change: RFC 9110 §9.2.1. */
const SAFE = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

const KEYS = ['points', 'task', 'hidden', 'once', 'source', 'waive', 'fresh', 'app', 'server']

function parseCase(
  section: Section,
  about: Particulars & { readonly setup: readonly Fence[] },
): GradedCase {
  const { id, hints, fences } = section
  const { page } = about
  const place = `${page}:${String(section.line)}`
  const why = reasonOf(section, place)
  const fields = readComment(section, place, 'case={"points":...}')
  const { points, task, hidden = about.hidden, source, waive = {}, fresh = false, once } = fields
  const unknown = Object.keys(fields).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) {
    throw new PageError(place, `"${unknown}" is not a known key; there are ${KEYS.join(', ')}`)
  }
  if (!Number.isInteger(points) || (points as number) < 1) {
    throw new PageError(place, '"points" is a whole number, 1 at least')
  }
  if (task !== undefined && !Number.isInteger(task)) {
    throw new PageError(place, '"task" is the number of a task of the text')
  }
  if (typeof hidden !== 'boolean' || typeof fresh !== 'boolean') {
    throw new PageError(place, '"hidden" and "fresh" are true or false')
  }
  if (once !== undefined && typeof once !== 'boolean') {
    throw new PageError(place, '"once" is true or false')
  }
  if (typeof source !== 'string') {
    throw new PageError(place, 'a case names its "source", such as "rfc:9110#14.2"')
  }
  if (!isRecordOfText(waive) || Object.keys(waive).some((rule) => !(rule in RULES))) {
    throw new PageError(
      place,
      `"waive" gives a reason for each rule: ${Object.keys(RULES).join(', ')}`,
    )
  }
  const play = ({ authority, root, upstream, app }: Scene): Play => {
    const stage = new FileStage(root, about.seed, upstream, app)
    const facts = { authority, path: '/', body: '', post: undefined }
    const whole = [...about.setup, ...fences]
    return { exchange: parseTurns(whole, page, place, facts, stage), stage }
  }
  // What is wrong with a page is said at once, and not when a server is running.
  const { actions } = play({ authority: 'localhost', root: '' }).exchange
  const sent = actions.flatMap((action) =>
    action.do === 'send' ? [action.bytes.toString('latin1')] : [],
  )
  const safe = sent.every((text) =>
    requestsOf(text).requests.every(({ method }) => SAFE.includes(method)),
  )
  // What a later request says again is known only while the conversation is held.
  const saves = fences.some(({ lines }) => lines.some((line) => line.includes('{{save:')))
  return {
    id,
    points: points as number,
    task: task as number | undefined,
    hidden,
    once: once ?? (saves || !safe),
    fresh,
    source,
    waive,
    why,
    hints,
    place,
    play,
  }
}
