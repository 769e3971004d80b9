/**
 * Every case of the suite that is held over one connection at a time is explained to the last byte.
 *
 * @module
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HTTPServer } from 'basehttp'
import t from 'tap'
import { play } from '../../conformance/judge/exchange.ts'
import { readPages } from '../../conformance/judge/page.ts'
import type { Case } from '../../conformance/judge/page.ts'
import { CASES, TOP } from '../../conformance/paths.ts'
import { HANDLERS, SERVERS } from '../../conformance/targets/handlers.ts'
import { makeDocumentRoot } from '../../conformance/recordings/document-root.ts'
import { explain } from './label.ts'
import { placeOf } from './places.ts'
import { FIELDS } from './sections.ts'
import { quiet } from './serve.ts'
import { record, Tape } from './tape.ts'
import type { HandlerClass } from './tape.ts'

/** How many cases are under way at a time. */
const LANES = 16

/** Why a case is not explained; undefined if it is. */
function whyNot({ app, beside, actions, resources }: Case): string | undefined {
  return app === 'files'
    ? 'the command line is a process of its own'
    : app === 'clock'
      ? 'sets the clock of its process'
      : resources
        ? 'is about what a process keeps'
        : beside.size > 0 || actions.some(({ do: what }) => APART.includes(what))
          ? 'has several connections, or leaves one'
          : undefined
}

const APART: readonly string[] = ['line', 'leave', 'reset', 'new']

/** The sections that there are; of other RFCs than 9110 and 9112, those that are cited. */
const SECTIONS: ReadonlySet<string> = new Set([
  '1945 §4.1',
  '6585 §5',
  ...Object.entries(
    JSON.parse(readFileSync(join(TOP, 'scripts/checks/rfc-sections.json'), 'utf8')) as Record<
      string,
      string[]
    >,
  ).flatMap(([rfc, lines]) =>
    lines.flatMap((line) => line.split(' ')).map((section) => `${rfc} §${section}`),
  ),
])

t.test('explain() labels each byte of each case', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'basehttp-explain-'))
  makeDocumentRoot(root)
  t.teardown(() => {
    rmSync(root, { recursive: true, force: true })
  })
  const cases = readPages(CASES)
  const chosen = cases.filter((one) => whyNot(one) === undefined)
  const left = [...chosen]
  const sizes: number[] = []
  const cited = new Set(Object.values(FIELDS))
  const lane = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      try {
        sizes.push(await explainCase(one, root, cited))
      } catch (error) {
        t.fail(`${one.id}: ${String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))

  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  const reasons = new Map<string, string[]>()
  for (const one of cases) {
    const reason = whyNot(one)
    if (reason !== undefined) {
      reasons.set(reason, [...(reasons.get(reason) ?? []), one.id])
    }
  }
  t.comment(`${String(chosen.length)} of ${String(cases.length)} cases, ${String(bytes)} bytes`)
  for (const [reason, ids] of reasons) {
    t.comment(`left out, ${String(ids.length)}: ${reason}: ${ids.join(', ')}`)
  }
  t.same(
    [...cited].filter((section) => !SECTIONS.has(section)),
    [],
    'all sections exist',
  )
  t.ok(chosen.length > cases.length * 0.9, 'few are left out')
})

/** Play a case, and explain what was sent and received; returns how many bytes that was. */
async function explainCase(one: Case, root: string, cited: Set<string>): Promise<number> {
  const Handler = HANDLERS[one.app] as unknown as HandlerClass
  // A thread, and a child, cannot be looked into: their handlers run here.
  const Server = one.app === 'tls' ? (SERVERS.tls as typeof HTTPServer) : HTTPServer
  const tape = new Tape()
  tape.isQuiet = true
  const Quiet = quiet(Server)
  const server = new Quiet(['127.0.0.1', 0], record(Handler, tape))
  if (one.app.startsWith('simple')) {
    server.handlerOptions = { directory: root }
  }
  await server.bindAndActivate()
  const serving = server.serveForever()
  try {
    const where = { host: '127.0.0.1', port: server.serverPort, tls: one.app === 'tls' }
    const outcome = await play(one, where)
    await Promise.all(tape.lines.map(({ done }) => done))
    const starts = [0, ...outcome.ends]
    const received = starts.map((start, index) => outcome.received.slice(start, starts[index + 1]))
    const sent = sentBy(one)
    if (tape.lines.length !== starts.length || sent.length !== starts.length) {
      throw new Error(`There were ${String(tape.lines.length)} connections`)
    }
    for (const [index, line] of tape.lines.entries()) {
      const response = Buffer.from(received[index] ?? '', 'latin1')
      const exchanges = explain(line, sent[index] ?? Buffer.alloc(0), response, placeOf)
      for (const piece of exchanges.flatMap((one) => [...one.request, ...one.response])) {
        cited.add(piece.section)
      }
    }
    return Buffer.concat(sent).length + outcome.received.length
  } finally {
    await server.shutdown()
    await serving
    await server.serverClose()
  }
}

/** What is sent over one connection after the other. */
function sentBy({ actions }: Case): Buffer[] {
  const sent = [Buffer.alloc(0)]
  for (const action of actions) {
    if (action.do === 'connect-again') {
      sent.push(Buffer.alloc(0))
    } else if (action.do === 'send') {
      sent.push(Buffer.concat([sent.pop() ?? Buffer.alloc(0), action.bytes]))
    }
  }
  return sent
}
