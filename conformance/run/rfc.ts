/**
 * The profile `rfc`: what a server must have for its rules, and one run of them.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Flags } from './flags.ts'
import type { Result } from './lanes.ts'
import { keepRunning } from './repro.ts'
import { Progress } from './progress.ts'
import { authorityOf, runRules } from './rules.ts'
import type { RuleSettings } from './rules.ts'
import { select } from './select.ts'
import { play } from '../judge/exchange.ts'
import type { Outcome } from '../judge/exchange.ts'
import { parseResponses } from '../judge/invariants.ts'
import type { ParsedResponse } from '../judge/invariants.ts'
import { readRules } from '../judge/rule.ts'
import type { Need } from '../judge/rule.ts'
import { RULES, targetProgram } from '../paths.ts'
import { HELLO, makeRoot } from '../targets/root.ts'
import { chooseTarget, library, TargetError } from '../targets/target.ts'
import type { RunningApp, Target } from '../targets/target.ts'
import { findPython } from '../targets/python.ts'

/** What a run came to, or why there is none. */
export type RulesRun =
  | { readonly target: Target; readonly results: readonly Result[]; readonly late: boolean }
  | { readonly status: number; readonly line?: string }

/** The resource that is asked for, if no flag names one. */
const PATH = '/hello.txt'

/** The name of the app, where a target has but one. */
const APP = 'rfc'

/**
 * Judge a server by rules.
 *
 * @throws {@link TargetError} for what is wrong with the flags.
 */
export async function judgeByRules(flags: Flags): Promise<RulesRun> {
  const rules = readRules(RULES)
  const selected = select(rules, flags)
  if (selected.length === 0) {
    const line = `No rule selected: no id begins with ${flags.only.join(' or ')}; see --list`
    return { status: 2, line }
  }
  if (flags.list) {
    return { status: 0, line: selected.map(({ id }) => id).join('\n') }
  }
  const root = mkdtempSync(join(tmpdir(), 'conformance-root-'))
  process.on('exit', () => {
    rmSync(root, { recursive: true, force: true })
  })
  makeRoot(root)
  let chosen: Awaited<ReturnType<typeof targetOf>>
  let about: Explored
  const options = { root, ...(flags.port === 0 ? {} : { port: flags.port }) }
  try {
    chosen = await targetOf(flags)
    const { target, app } = chosen
    const running = await target.start(app, options)
    try {
      about = await explore(running, { path: flags.path, post: flags.post ?? chosen.post })
      if (flags.repro) {
        const facts = { ...about.facts, authority: authorityOf(running) }
        const filled = selected.map((rule) => ({ ...rule.exchange(facts), id: rule.id }))
        return { status: await keepRunning(filled, running) }
      }
    } finally {
      await running.stop()
    }
  } catch (error) {
    if (error instanceof TargetError) {
      throw error
    }
    return { status: 3, line: (error as Error).message }
  }
  const { target, app } = chosen
  const ours = !flags.target.startsWith('url:')
  const progress = new Progress(process.stderr, selected.length)
  const told = (result: Result) => {
    progress.told(result)
  }
  const until = performance.now() + (flags.timeout ?? Infinity) * 1000
  const settings = { ...options, ...about, app, ours, until, told }
  const results = await runRules(target, selected, rules, settings)
  progress.end()
  return { target, results, late: performance.now() > until }
}

// -- The target ------------------------------------------------------------------------------

/** A target, and what to ask it for. */
interface ToJudge {
  readonly target: Target
  readonly app: string
  /** What takes a POST, if that is known. */
  readonly post?: string
}

/** The server that the flags name. */
async function targetOf(flags: Flags): Promise<ToJudge> {
  const [kind, which] = flags.target.split(':', 2) as [string, string?]
  if (kind === 'basehttp' && (which === undefined || which in VERSIONS)) {
    const version = VERSIONS[which ?? '1.1'] as string
    const { COMMAND_LINE, POST } = await library(flags.target)
    const handler = ['--handler', targetProgram('post-handler.js')]
    const line = [process.execPath, COMMAND_LINE, ...fileServer(version), ...handler]
    const target = { ...(await byCommand(line)), name: `basehttp, ${version}` }
    return { target, app: APP, post: POST }
  }
  if (kind === 'cpython') {
    const python = findPython(which ?? 'python3')
    if (python === undefined) {
      throw new TargetError(`There is no Python "${String(which)}" on this machine`)
    }
    const line = [python.path, '-m', 'http.server', '{port}', '-b', '127.0.0.1', '-d', '{root}']
    return { target: { ...(await byCommand(line)), name: `cpython ${python.version}` }, app: APP }
  }
  const port = flags.port === 0 ? undefined : flags.port
  if (kind === 'url' || kind === 'cmd') {
    return { target: (await chooseTarget(flags.target, [APP], port)).target, app: APP }
  }
  const { target } = await chooseTarget(flags.target, [])
  const [app = target.apps.size === 1 ? [...target.apps][0] : undefined] = flags.app
  if (app === undefined || !target.apps.has(app)) {
    const apps = [...target.apps].join(', ')
    throw new TargetError(`Say which app of "${flags.target}" is judged: --app, one of ${apps}`)
  }
  return { target, app }
}

/** This library's file server speaks either version. */
const VERSIONS: Readonly<Record<string, string>> = { '1.0': 'HTTP/1.0', '1.1': 'HTTP/1.1' }

function fileServer(version: string): string[] {
  return ['{port}', '--bind', '127.0.0.1', '--directory', '{root}', '--protocol', version]
}

async function byCommand(words: readonly string[]): Promise<Target> {
  const line = words.map((word) => `'${word}'`).join(' ')
  return (await chooseTarget(`cmd:exec ${line}`, [APP])).target
}

// -- What it serves --------------------------------------------------------------------------

/** What is known of a server before it is judged. */
export type Explored = Pick<RuleSettings, 'facts' | 'has' | 'version'>

/**
 * See that the server serves what the rules ask for.
 *
 * @throws {@link TargetError} when it does not; an Error when nobody is there.
 */
export async function explore(
  app: RunningApp,
  flags: { readonly path?: string | undefined; readonly post?: string | undefined } = {},
): Promise<Explored> {
  const path = flags.path ?? PATH
  const first = await get(path, app)
  const second = await get(path, app)
  const where = `GET ${path} at ${app.host}:${String(app.port)}`
  const otherwise =
    flags.path === undefined
      ? '; serve the folder that --make-root DIR makes, or name what is served: --path /x'
      : ''
  for (const response of [first, second]) {
    if (response?.code !== 200 || !response.whole) {
      const what = response === undefined ? 'has no response' : `gives ${statusOf(response)}`
      throw new TargetError(`${where} ${what}, and not a whole 200${otherwise}`)
    }
  }
  const body = first?.body ?? ''
  if (body !== second?.body) {
    throw new TargetError(`${where} gives another body the second time; name another: --path /x`)
  }
  const { post } = flags
  const hello = path === PATH ? body : (await get(PATH, app))?.body
  const has = new Set<Need>(['path'])
  if (hello === HELLO) {
    has.add('folder')
  }
  if (post !== undefined) {
    has.add('post')
  }
  has.add(app.tls === true ? 'tls' : 'plain')
  const scheme = app.tls === true ? 'https' : 'http'
  return { facts: { path, body, post, scheme }, has, version: first?.version }
}

function statusOf({ code, reason, whole }: ParsedResponse): string {
  return `${String(code)} ${reason}${whole ? '' : ' whose body does not end'}`
}

async function get(path: string, app: RunningApp): Promise<ParsedResponse | undefined> {
  const { host, port } = app
  const head = `GET ${path} HTTP/1.1\r\nHost: ${host}:${String(port)}\r\nConnection: close\r\n\r\n`
  const bytes = Buffer.from(head, 'latin1')
  const progress = () => 'incomplete' as const
  const exchange = {
    actions: [{ do: 'send', bytes } as const],
    expectation: { closes: true, progress },
  }
  let outcome: Outcome
  try {
    outcome = await play(exchange, app)
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${String((error as Error).cause)}`)
  }
  const { received, closed } = outcome
  return parseResponses(received, [], { closed }).responses.find(({ code }) => code >= 200)
}
