/**
 * Somebody's own module as a target of the suite, in a process of its own: whatever it does, the
 * suite goes on.
 *
 * ```text
 *   node dist/conformance/targets/module.js MODULE                  prints APPS and their names
 *   node dist/conformance/targets/module.js MODULE APP PORT ROOT    serves; prints READY <port>
 * ```
 *
 * The module's default export is handler classes by the name of their app, which are served here:
 *
 * ```ts
 * export default { errors: ErrorHandler, get: GetHandler }
 * ```
 *
 * or, for a server that is not this library's, the names and a function that starts one:
 *
 * ```ts
 * export default {
 *   apps: ['errors'],
 *   async start(app: string, options: { port: number; root: string }) {
 *     const server = net.createServer(respond).listen(options.port, '127.0.0.1')
 *     await once(server, 'listening')
 *     return { port: server.address().port }
 *   },
 * }
 * ```
 *
 * @module
 */

import { writeSync } from 'node:fs'
import { register } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { RequestHandlerClass } from 'basehttp'

interface Starter {
  readonly apps: readonly string[]
  start(app: string, options: { port: number; root: string }): Promise<{ port: number }>
}

const [path = '', app, port, root = '.'] = process.argv.slice(2)

// From Node 22.18 on, TypeScript runs as it is; before that, its types are stripped here.
if (path.endsWith('ts') && !(process.features as { typescript?: unknown }).typescript) {
  register('./typescript-loader.js', import.meta.url)
}
const { default: exported } = (await import(pathToFileURL(path).href)) as { default: unknown }

if (isStarter(exported)) {
  if (app === undefined) {
    tellApps([...exported.apps])
  }
  const started = await exported.start(app, { port: Number(port), root })
  console.log(`READY ${String(started.port)}`)
} else if (isHandlers(exported)) {
  if (app === undefined) {
    tellApps(Object.keys(exported))
  }
  // Handler classes are this library's; the others' servers do without it.
  const { serve } = await import('./serve.ts')
  await serve(exported, [app, String(port), root])
} else {
  console.error(
    `${path} must have a default export: handler classes by the name of their app, ` +
      'as in export default { errors: ErrorHandler }; or { apps, start }',
  )
  process.exit(2)
}

/** Say what there is, and end, even if the module has left something running. */
function tellApps(names: string[]): never {
  writeSync(1, `APPS ${names.join(' ')}\n`)
  process.exit(0)
}

function isStarter(value: unknown): value is Starter {
  const { apps, start } = Object(value) as Partial<Starter>
  return Array.isArray(apps) && typeof start === 'function'
}

function isHandlers(value: unknown): value is Readonly<Record<string, RequestHandlerClass>> {
  const classes = Object.values(Object(value) as object)
  return classes.length > 0 && classes.every((one) => typeof one === 'function')
}
