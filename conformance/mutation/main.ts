/**
 * `npm run mutation`: how much of `lib/http` do the conformance cases hold in place?
 *
 * A mutant is the library with one small change: `<` for `<=`, a condition turned round, a
 * statement left out. Where the suite passes all the same, nothing in it says that the code must
 * be so. Only the suite is asked, pages and recordings; unit tests are not.
 *
 * ```text
 *   npm run mutation -- --seed 1 --runs 200
 *
 *   --seed S    which mutants are drawn; the same number draws the same ones. Default: 1
 *   --runs N    how many are drawn; 0: all there are. Default: 200
 *   --list      print the mutants that would be tried, and run nothing
 *   --only ID   try this mutant; may be given several times
 * ```
 *
 * A mutant that no program can tell from the original says nothing about the suite. Each such is
 * argued in `EQUIVALENT`, below, printed with its reason, and not counted.
 *
 * It takes half an hour on two cores, so it is not part of `npm test`.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import ts from 'typescript'
import { Copy } from '../faults/copy.ts'
import { readPage } from '../judge/page.ts'
import { CASES, RECORDINGS } from '../paths.ts'
import { readRecordings } from '../recordings/recording.ts'
import { EQUIVALENT } from './equivalents.ts'
import type { Equivalent } from './equivalents.ts'
import { TOP } from '../../scripts/checks/sources.ts'

/** One change. */
interface Mutant {
  /** The file, its line and column in the compiled JavaScript, and what is changed. */
  readonly id: string
  readonly file: string
  /** The line, without what it is indented by. */
  readonly line: string
  /** The line above it. */
  readonly above: string
  readonly start: number
  readonly end: number
  /** What stands there. */
  readonly from: string
  readonly to: string
}

/** How many mutants are tried side by side. */
const LANES = 2

/** Where the files are, in `dist/`: all of `http/`, and what it is made of elsewhere. */
const FOLDER = 'lib'
const ELSEWHERE = ['stdlib/files.js', 'stdlib/source.js']

/**
 * The pages that are most likely to find a mutant of a file. They run first, to save time: a
 * mutant that survives them meets all the others, and the recordings.
 */
const LIKELY: Readonly<Record<string, RegExp>> = {
  'http/base-handler.js':
    /^(?:request-line|methods|connection|expect|errors|response-headers|logging)\//,
  'http/message.js': /^(?:headers|bodies)\//,
  'http/simple-handler.js': /^(?:files|listing|redirects|conditional-requests|attacks)\//,
  'http/status.js': /^status-codes\//,
  'stdlib/files.js': /^(?:files|listing|attacks)\//,
  'stdlib/source.js': /^(?:files|listing)\//,
}

/** How many cases the first runs have: a mutant that breaks everything needs no more. */
const BATCHES = [4, 20]

/** What an operator is changed to. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '+=': ['-='],
  '-=': ['+='],
  '&': ['|'],
  '|': ['&'],
  '??=': ['='],
  '||=': ['='],
}

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '200' },
    only: { type: 'string', multiple: true, default: [] },
    list: { type: 'boolean', default: false },
  },
})
process.exitCode = await main()

async function main(): Promise<number> {
  const random = generator(Number(flags.seed))
  const files = readdirSync(join(TOP, 'dist', FOLDER, 'http'))
    .filter((name) => name.endsWith('.js') && !name.endsWith('.test.js'))
    .map((name) => `http/${name}`)
  const all = [...files, ...ELSEWHERE].flatMap((name) => mutantsOf(`${FOLDER}/${name}`))
  const unknown = [
    ...flags.only.filter((id) => !all.some((mutant) => mutant.id === id)),
    ...EQUIVALENT.filter((one) => !all.some((mutant) => isSame(one, mutant))).map(describe),
  ]
  if (unknown.length > 0) {
    console.error(`There is no such mutant: ${unknown.join('\n')}`)
    return 2
  }
  const sample = shuffle(all, random).slice(0, Number(flags.runs) || all.length)
  const chosen = flags.only.length > 0 ? all.filter(({ id }) => flags.only.includes(id)) : sample
  console.log(`${String(chosen.length)} of ${String(all.length)} mutants, seed ${flags.seed}`)
  if (flags.list) {
    console.log(chosen.map(({ id }) => id).join('\n'))
    return 0
  }

  const ids = shuffle(caseIds(), random)
  const copies = Array.from({ length: LANES }, () => new Copy())
  try {
    const pace = await baseline(copies[0] as Copy, ids)
    const survivors: Mutant[] = []
    let killed = 0
    const queue = chosen.filter((mutant) => reasonOf(mutant) === undefined)
    const total = queue.length
    await Promise.all(
      copies.map(async (copy) => {
        for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
          const killer = await attempt(mutant, copy, batchesFor(mutant, ids), pace)
          if (killer === undefined) {
            survivors.push(mutant)
          } else {
            killed++
          }
          console.log(
            `${killer === undefined ? 'SURVIVED' : 'killed'}  ${mutant.id}  ${killer ?? ''}`,
          )
        }
      }),
    )
    return summary(chosen, survivors, killed, total)
  } finally {
    for (const copy of copies) {
      copy.remove()
    }
  }
}

/** Print the score, the survivors, and the mutants that are not counted. */
function summary(
  chosen: readonly Mutant[],
  survivors: readonly Mutant[],
  killed: number,
  total: number,
): number {
  console.log('\nnot counted, because no program can tell them from the original:')
  for (const mutant of chosen) {
    const reason = reasonOf(mutant)
    if (reason !== undefined) {
      console.log(`  ${mutant.id}\n      ${reason}`)
    }
  }
  console.log('\nsurvivors:')
  for (const { id } of survivors.toSorted((one, other) => (one.id < other.id ? -1 : 1))) {
    console.log(`  ${id}`)
  }
  const score = total === 0 ? 100 : (100 * killed) / total
  console.log(`\n${String(killed)} of ${String(total)} mutants found: ${score.toFixed(1)} %`)
  return 0
}

/** Why a mutant is the original by another name; undefined if it is not. */
function reasonOf(mutant: Mutant): string | undefined {
  return EQUIVALENT.find((one) => isSame(one, mutant))?.because
}

function isSame(one: Equivalent, mutant: Mutant): boolean {
  return (
    mutant.file === `${FOLDER}/${one.file}` &&
    mutant.line === one.line &&
    (one.above === undefined || mutant.above === one.above) &&
    short(mutant.from) === one.from &&
    short(mutant.to) === one.to
  )
}

function describe({ file, line, from, to }: Equivalent): string {
  return `${file}: ${line}: ${from} -> ${to}`
}

// -- Trying ----------------------------------------------------------------------------------

/** The ids of all cases that this library takes part in. */
function caseIds(): string[] {
  const pages = readdirSync(CASES).filter((name) => name.endsWith('.md'))
  return [
    ...pages.flatMap((name) => readPage(join(CASES, name))),
    ...readRecordings(RECORDINGS, 'cpython-3.13'),
  ].map(({ id }) => id)
}

/** The cases for a mutant: a run ends with the batch in which one fails. */
function batchesFor({ file }: Mutant, ids: readonly string[]): string[][] {
  const likely = LIKELY[file.slice(FOLDER.length + 1)] ?? /^files\//
  const first = ids.filter((id) => likely.test(id))
  const others = ids.filter((id) => !likely.test(id))
  const batches: string[][] = []
  let at = 0
  for (const size of [...BATCHES, first.length]) {
    batches.push(first.slice(at, at + size))
    at += size
  }
  batches.push(
    others.filter((id) => !id.startsWith('cpython-')),
    others.filter((id) => id.startsWith('cpython-')),
  )
  return batches.filter((batch) => batch.length > 0)
}

/** The right library must pass everything. Returns how long it takes for a case, in milliseconds. */
async function baseline(copy: Copy, ids: readonly string[]): Promise<number> {
  const start = performance.now()
  const run = await copy.run(ids, 600_000)
  if (run.status !== 0 || run.failed.length > 0) {
    throw new Error(`The right library does not pass: ${run.failed.join(', ')}\n${run.output}`)
  }
  const seconds = (performance.now() - start) / 1000
  console.log(`the right library passes ${String(ids.length)} cases in ${seconds.toFixed(1)} s`)
  return (1000 * seconds) / ids.length
}

/** Run batch after batch on a mutant; returns what has found it. */
async function attempt(
  mutant: Mutant,
  copy: Copy,
  batches: readonly string[][],
  pace: number,
): Promise<string | undefined> {
  const source = readFileSync(join(TOP, 'dist', mutant.file), 'utf8')
  copy.write(mutant.file, source.slice(0, mutant.start) + mutant.to + source.slice(mutant.end))
  try {
    for (const batch of batches) {
      // Each case that fails may take five seconds and more, so a mutant that takes so long has
      // failed many of them, or hangs.
      const limit = 30_000 + 4 * pace * batch.length
      let run = await copy.run(batch, limit, ['--bail'])
      if (run.failed.length > 0) {
        // The first failure ends a run before anybody has looked again.
        run = await copy.run(run.failed, limit)
        run = run.hung || run.failed.length > 0 ? run : await copy.run(batch, limit)
      }
      if (run.hung) {
        return 'no end within the limit'
      }
      if (run.failed.length > 0) {
        return run.failed[0]
      }
      if (run.status !== 0) {
        return `the suite ends with status ${String(run.status)}`
      }
    }
    return undefined
  } finally {
    copy.restore(mutant.file)
  }
}

// -- Mutants ---------------------------------------------------------------------------------

/** All mutants of a file. */
function mutantsOf(file: string): Mutant[] {
  const text = readFileSync(join(TOP, 'dist', file), 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const lines = text.split('\n')
  const mutants: Mutant[] = []
  const add = (node: ts.Node, to: string, start = node.getStart(), end = node.getEnd()) => {
    const { line, character } = source.getLineAndCharacterOfPosition(start)
    const from = text.slice(start, end)
    const id = `${file}:${String(line + 1)}:${String(character + 1)} ${short(from)} -> ${short(to)}`
    const lineAt = (index: number) => (lines[index] ?? '').trim()
    mutants.push({ id, file, line: lineAt(line), above: lineAt(line - 1), start, end, from, to })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      return
    }
    if (ts.isBinaryExpression(node)) {
      const { operatorToken } = node
      for (const to of OPERATORS[operatorToken.getText()] ?? []) {
        add(operatorToken, to)
      }
    } else if (ts.isPrefixUnaryExpression(node) && node.getText().startsWith('!')) {
      add(node, node.operand.getText())
    } else if (ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)) {
      add(node.expression, 'false')
      if (ts.isIfStatement(node)) {
        add(node.expression, 'true')
      }
    } else if (ts.isConditionalExpression(node)) {
      add(node.condition, 'true')
      add(node.condition, 'false')
    } else if (ts.isNumericLiteral(node)) {
      add(node, String(Number(node.text) + 1))
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) {
      add(node, 'false')
    } else if (node.kind === ts.SyntaxKind.FalseKeyword) {
      add(node, 'true')
    } else if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      add(node, node.text === '' ? "'mutant'" : "''")
    } else if (ts.isTemplateExpression(node)) {
      add(node, "''")
    } else if (ts.isExpressionStatement(node)) {
      add(node, ';')
    } else if (ts.isReturnStatement(node) && node.expression !== undefined) {
      add(node, 'return;')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return mutants
}

/** A text in one line, and not a long one. */
function short(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 60 ? `${line.slice(0, 57)}...` : line
}

// -- Chance ----------------------------------------------------------------------------------

/** Numbers from 0 to 1 that look random and are the same for the same seed: mulberry32. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The same items in another order: Fisher and Yates. */
function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  const shuffled = [...items]
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[shuffled[at], shuffled[other]] = [shuffled[other] as Item, shuffled[at] as Item]
  }
  return shuffled
}
