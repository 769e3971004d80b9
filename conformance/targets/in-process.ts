/**
 * This library as a target in the process of the suite: for debuggers, and for
 * measuring coverage. Its log is taken from standard error while it runs, so one server runs at a
 * time.
 *
 * @module
 */

import { SimpleHTTPRequestHandler } from 'basehttp'
import type { AppOptions, RunningApp, Said, Target } from './target.ts'
import { HANDLERS } from './handlers.ts'
import { makeServer } from './serve.ts'

/** This library, without a process of its own. */
export class InProcessTarget implements Target {
  readonly name = 'basehttp in process'
  readonly deviations = 'basehttp'
  /** All but the one that would set the clock of the suite. */
  readonly apps = new Set(Object.keys(HANDLERS).filter((app) => app !== 'clock'))
  readonly lanes = 1

  async start(app: string, { root = '.', port = 0 }: AppOptions = {}): Promise<RunningApp> {
    const Handler = HANDLERS[app]
    if (Handler === undefined) {
      throw new Error(`There is no app "${app}"`)
    }
    const server = makeServer(app, port, Handler)
    if (
      Handler.prototype instanceof SimpleHTTPRequestHandler ||
      Handler === SimpleHTTPRequestHandler
    ) {
      server.handlerOptions = { directory: root }
    }
    await server.bindAndActivate()
    let log = ''
    const said: Said[] = []
    let stopped = false
    const write = process.stderr.write.bind(process.stderr)
    process.stderr.write = (text: string | Uint8Array) => {
      const piece = typeof text === 'string' ? text : Buffer.from(text).toString()
      log += piece
      said.push({ stream: 'stderr', text: piece })
      return true
    }
    const serving = server.serveForever()
    return {
      host: '127.0.0.1',
      port: server.serverPort,
      tls: app === 'tls',
      utcOffset: -new Date().getTimezoneOffset(),
      log: () => log,
      said: () => said,
      alive: () => !stopped,
      ending: () => Promise.resolve(undefined),
      async stop() {
        if (!stopped) {
          stopped = true
          await server.shutdown()
          await serving
          await server.serverClose()
          process.stderr.write = write
        }
      },
    }
  }
}
