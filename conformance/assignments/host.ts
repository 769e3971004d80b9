/**
 * Serves a submission, within its box: `box.ts`.
 *
 * ```text
 *   node host.js MAIN APP SERVER ROOT SECRET PORT      prints SECRET and the port when it takes connections
 * ```
 *
 * @module
 */

import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { AsyncMixIn, HTTPServer, ThreadingMixIn } from 'basehttp'
import type { RequestHandlerClass } from 'basehttp'

interface Starter {
  start(app: string, options: { port: number; root: string }): Promise<{ port: number }>
}

const SERVERS: Readonly<Record<string, typeof HTTPServer>> = {
  async: class extends AsyncMixIn(HTTPServer) {},
  plain: HTTPServer,
  threads: class extends ThreadingMixIn(HTTPServer) {},
}

// They are nobody's business afterwards.
const [main = '', app = '', kind = '', root = '', secret = '', port = ''] = process.argv.splice(2)
const ready = (port: number) => {
  writeSync(1, `\n${secret} ${String(port)}\n`)
}

process.chdir(root)
const exported = ((await import(pathToFileURL(main).href)) as { default?: unknown }).default
const example =
  kind === 'module' ? 'export default { apps, start }' : `export default { ${app}: MyHandler }`
if (exported === undefined) {
  refuse(`there is no default export; the file must say what it serves: ${example}`)
} else if (isStarter(exported)) {
  ready((await exported.start(app, { port: Number(port), root })).port)
} else if (kind === 'module') {
  refuse(`the default export must have a function "start"; this assignment asks for ${example}`)
} else {
  const handlers = Object(exported) as Readonly<Record<string, unknown>>
  const Handler = handlers[app]
  if (typeof Handler !== 'function') {
    const there = Object.keys(handlers)
    const has = there.length === 0 ? 'nothing' : there.map((name) => `"${name}"`).join(', ')
    refuse(`the default export has no "${app}", but ${has}; the file must say: ${example}`)
  } else {
    const Server = SERVERS[kind] ?? HTTPServer
    const server = new Server(['127.0.0.1', Number(port)], Handler as RequestHandlerClass)
    server.requestQueueSize = 64
    await server.bindAndActivate()
    ready(server.serverPort)
    await server.serveForever()
  }
}

function refuse(flaw: string): void {
  console.error(flaw)
  process.exitCode = 2
}

function isStarter(value: unknown): value is Starter {
  return typeof (Object(value) as Partial<Starter>).start === 'function'
}
