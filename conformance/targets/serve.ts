/**
 * What the programs of this folder share: start a server, say where, and end when told to.
 *
 * @module
 */

import { AsyncMixIn, ForkingMixIn, HTTPServer, ThreadingMixIn } from 'basehttp'
import type { RequestHandlerClass } from 'basehttp'
import { SERVERS } from './handlers.ts'

/** The servers that a flag chooses; without a flag, each app has its own, usually a plain one. */
const BY_FLAG: Readonly<Record<string, typeof HTTPServer>> = {
  '--async': class extends AsyncMixIn(HTTPServer) {},
  '--threads': class extends ThreadingMixIn(HTTPServer) {},
  '--forks': class extends ForkingMixIn(HTTPServer) {},
}

/**
 * Make the server of an app.
 *
 * @param Server - a server to use instead of its own
 */
export function makeServer(
  app: string,
  port: number,
  Handler: RequestHandlerClass,
  Server: typeof HTTPServer = SERVERS[app] ?? HTTPServer,
): HTTPServer {
  const server = new Server(['127.0.0.1', port], Handler)
  // The suite opens the next connection before the last one is gone.
  server.requestQueueSize = 64
  return server
}

/**
 * Serve the handler that the command line chooses: APP PORT ROOT, and perhaps a flag.
 *
 * Prints `READY <port>` when it takes connections. Ends on SIGTERM, and with the process that
 * forked it, if one did.
 *
 * @param handlers - the handlers by the name of their app
 * @param args - the command line
 * @param optionsOf - gives the `handlerOptions` of an app
 */
export async function serve(
  handlers: Readonly<Record<string, RequestHandlerClass>>,
  args: readonly string[] = process.argv.slice(2),
  optionsOf: (app: string) => Readonly<Record<string, unknown>> = () => ({}),
): Promise<void> {
  const [app = '', port = '', root = '', flag] = args
  const Handler = handlers[app]
  const known = flag === undefined || Object.hasOwn(BY_FLAG, flag)
  if (Handler === undefined || !known || !/^[0-9]+$/.test(port) || root === '') {
    console.error(
      `usage: APP PORT ROOT [FLAG], where APP is one of ${Object.keys(handlers).join(', ')}, and ` +
        `FLAG one of ${Object.keys(BY_FLAG).join(', ')}`,
    )
    process.exit(2)
  }
  process.on('disconnect', () => {
    process.exit()
  })
  process.chdir(root)
  const server = makeServer(
    app,
    Number(port),
    Handler,
    flag === undefined ? undefined : BY_FLAG[flag],
  )
  server.handlerOptions = optionsOf(app)
  await server.bindAndActivate()
  console.log(`READY ${String(server.serverPort)}`)
  await server.serveForever()
}
