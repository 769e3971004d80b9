/**
 * The library in a browser's worker, with the suite's runner and its judge beside it.
 *
 * ```text
 *   page  --Order-->  worker   cases:   runAll() -> play() -> the library -> judge()
 *         <-Report--           program: the reader's handler, and a request of his own
 * ```
 *
 * A worker, since a handler may loop for ever: the page then ends the worker, and starts another.
 *
 * @module
 */

import './globals.ts'
import * as basehttp from 'basehttp'
import { play } from '../../../conformance/judge/exchange.ts'
import type { Patience } from '../../../conformance/judge/exchange.ts'
import { parseRequest } from '../../../conformance/judge/fence.ts'
import { parsePage } from '../../../conformance/judge/page.ts'
import type { Case } from '../../../conformance/judge/page.ts'
import { judge, judgeLog } from '../../../conformance/judge/verdict.ts'
import { record, Tape } from '../../explain/tape.ts'
import type { HandlerClass } from '../../explain/tape.ts'
import { labelsOf } from './label.ts'
import type { LineMap } from './label.ts'
import { converse } from '../../../conformance/run/converse.ts'
import { runAll } from '../../../conformance/run/lanes.ts'
import { InProcessTarget } from '../../../conformance/targets/in-process.ts'
import { fill } from './disk.ts'
import type { Entry } from './disk.ts'
import type { Order, Report } from './orders.ts'

/** Here a response comes at once, or not at all. */
const PATIENCE: Patience = { missing: 2000, quiet: 30, whole: 20_000, coarse: true }

/** Why a case cannot run here, by its app. */
const LACKING: Readonly<Record<string, string>> = {
  clock: 'it sets the clock of the process',
  files: 'it starts the command line',
  forks: 'a browser has no child processes',
  threads: "a browser has no threads of Node's",
  tls: 'a browser has no sockets for TLS',
}

const ROOT = '/root'

const scope = globalThis as unknown as {
  postMessage(report: Report): void
  onmessage: (event: { data: Order }) => void
}
const report = (message: Report): void => {
  scope.postMessage(message)
}

scope.onmessage = ({ data: order }) => {
  // A handler that waits is alive; one that loops says nothing.
  const beat = setInterval(() => {
    report({ kind: 'alive' })
  }, 500)
  const done = order.do === 'cases' ? runCases(order) : runProgram(order)
  done.then(
    () => {
      clearInterval(beat)
      report({ kind: 'over' })
    },
    (error: unknown) => {
      clearInterval(beat)
      report({ kind: 'failed', why: error instanceof Error ? error.message : String(error) })
    },
  )
}

// -- Cases -----------------------------------------------------------------------------------

async function runCases({
  base,
  pages,
  only,
  without = [],
}: Order & { do: 'cases' }): Promise<void> {
  const cases = (await Promise.all(pages.map((page) => load(base, page)))).flat()
  const wanted = cases.filter(({ id }) => (only?.includes(id) ?? true) && !without.includes(id))
  const able = wanted.filter((one) => {
    const why = one.resources ? 'it counts descriptors and memory' : LACKING[one.app]
    if (why !== undefined) {
      report({ kind: 'skipped', id: one.id, why })
    }
    return why === undefined
  })
  if (able.some(({ app }) => app.startsWith('simple'))) {
    await fillRoot(base)
  }
  await runAll(new InProcessTarget(), able, {
    root: ROOT,
    appOf: ({ app }) => app,
    topicOf: ({ id }) => id.slice(0, id.indexOf('/')),
    needsFresh: ({ fresh }) => fresh,
    conduct: async (one, app) => {
      report({ kind: 'begun', id: one.id })
      const { outcome, log } = await converse(one, app, one.log?.length ?? 0, {
        patience: PATIENCE,
        logLimit: PATIENCE.missing,
      })
      const findings = judge(one, outcome)
      if (one.log !== undefined && log !== undefined) {
        findings.push(...judgeLog(one.log, log, app.utcOffset))
      }
      return { verdict: findings.length === 0 ? 'pass' : 'fail', findings, outcome }
    },
    told: ({ id, verdict, findings, outcome }) => {
      report({
        kind: 'judged',
        id,
        passed: verdict === 'pass',
        findings: findings.map(({ line, flaw }) => ({ line: line.trimEnd(), flaw })),
        received: outcome?.received ?? '',
      })
    },
  })
}

/** Read a page of cases, with the files that it names. */
async function load(base: string, page: string): Promise<Case[]> {
  const text = await (await get(`${base}cases/${page}.md`)).text()
  const files = new Map<string, string>()
  for (const [, name = ''] of text.matchAll(/\{\{file:([^}]+)\}\}/g)) {
    const bytes = await (await get(`${base}cases/files/${name}`)).arrayBuffer()
    files.set(name, Buffer.from(bytes).toString('latin1'))
  }
  return parsePage(text, `${page}.md`, (name) => files.get(name) ?? '')
}

let filled: Promise<void> | undefined

/** Put the document root of the recordings on the disk, once. */
function fillRoot(base: string): Promise<void> {
  filled ??= get(`${base}root.json`)
    .then((response) => response.json())
    .then((entries) => {
      fill(ROOT, entries as Entry[])
    })
  return filled
}

async function get(address: string): Promise<Response> {
  const response = await fetch(address)
  if (!response.ok) {
    throw new Error(`Cannot load ${address}: ${String(response.status)}`)
  }
  return response
}

// -- A program of the reader's ---------------------------------------------------------------

async function runProgram({ base, source, request }: Order & { do: 'program' }): Promise<void> {
  const actions = parseRequest(
    { kind: 'request', lines: request.split('\n'), line: 1 },
    'the request',
    (name) => {
      throw new Error(`there is no file "${name}" here`)
    },
  )
  const program = await importProgram(source)
  const Handler = handlerOf(program.exports)
  if (Handler.prototype instanceof basehttp.SimpleHTTPRequestHandler) {
    await fillRoot(base)
  }
  let log = ''
  const { stderr } = process
  stderr.write = (text: string | Uint8Array) => {
    log += String(text)
    report({ kind: 'log', text: log })
    return true
  }
  const tape = new Tape()
  const isHTTP = Handler.prototype instanceof basehttp.BaseHTTPRequestHandler
  const Recorded = isHTTP ? record(Handler as unknown as HandlerClass, tape) : Handler
  const server = new basehttp.HTTPServer(['127.0.0.1', 0], Recorded)
  if (Handler.prototype instanceof basehttp.SimpleHTTPRequestHandler) {
    server.handlerOptions = { directory: ROOT }
  }
  await server.bindAndActivate()
  const serving = server.serveForever()
  const address = { host: '127.0.0.1', port: server.serverPort }
  const expectation = { closes: true, progress: () => 'incomplete' as const }
  const patience = { ...PATIENCE, missing: 1500, whole: 5000 }
  const { received, closed } = await play({ actions, expectation }, address, undefined, patience)
  report({ kind: 'response', received, closed })
  const over = server.shutdown()
  const [line, ...others] = tape.lines
  if (line !== undefined && others.length === 0) {
    await line.done
    const sent = Buffer.concat(actions.flatMap((one) => (one.do === 'send' ? [one.bytes] : [])))
    const lines = (await (await get(`${base}lines.json`)).json()) as LineMap
    const where = { modules: `${base}modules/`, program: program.address, lines }
    try {
      report({ kind: 'explained', parts: labelsOf(line, sent, received, where) })
    } catch (error) {
      // A handler may write behind the back of `wfile`; then there are bytes that nobody can explain.
      report({ kind: 'log', text: `${log}${(error as Error).message}\n` })
    }
  }
  await over
  await serving
  await server.serverClose()
}

/** Take the types out of a program, and import it. */
async function importProgram(
  source: string,
): Promise<{ exports: Record<string, unknown>; address: string }> {
  const { transform } = await import('sucrase')
  const { code } = transform(source, { transforms: ['typescript'], disableESTransforms: true })
  // The program gets the very library that runs here.
  Object.assign(globalThis, { basehttp })
  const names = Object.keys(basehttp).join(', ')
  const library = blob(`export const { ${names} } = globalThis.basehttp`)
  const addresses: Readonly<Record<string, string>> = {
    basehttp: library,
    'node:timers/promises': new URL('node.js', import.meta.url).href,
  }
  const address = blob(
    code.replace(/(\bfrom\s*)(['"])([^'"]+)\2/g, (whole, before: string, _, name: string) =>
      name in addresses ? `${before}'${addresses[name] as string}'` : whole,
    ),
  )
  try {
    return { exports: (await import(address)) as Record<string, unknown>, address }
  } finally {
    URL.revokeObjectURL(address)
    URL.revokeObjectURL(library)
  }
}

function blob(text: string): string {
  return URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
}

function handlerOf(program: Record<string, unknown>): basehttp.RequestHandlerClass {
  const Handler = Object.values(program).findLast(
    (value) =>
      typeof value === 'function' && value.prototype instanceof basehttp.BaseRequestHandler,
  )
  if (Handler === undefined) {
    throw new Error('The program exports no handler: write `export class ... extends ...`')
  }
  return Handler as basehttp.RequestHandlerClass
}
