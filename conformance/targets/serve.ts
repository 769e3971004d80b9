/**
 * What the programs of this folder share: start a server, say where, and end when told to.
 *
 * @module
 */

import { HTTPServer } from 'basehttp'
import type { RequestHandlerClass } from 'basehttp'

/** The server of the suite's programs. */
export class TargetServer extends HTTPServer {
  // The suite opens the next connection before the last one is gone.
  override requestQueueSize = 64
}

/**
 * Serve one of some handlers, as the command line says: APP PORT ROOT.
 *
 * Prints `READY <port>` when connections are taken. Ends on SIGTERM, and with the process that
 * forked it, if one did.
 *
 * @param handlers - the handlers by the name of their app
 * @param args - the command line
 */
export async function serve(
  handlers: Readonly<Record<string, RequestHandlerClass>>,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  const [app = '', port = '', root = ''] = args
  const Handler = handlers[app]
  if (Handler === undefined || !/^[0-9]+$/.test(port) || root === '') {
    console.error(`usage: APP PORT ROOT, where APP is one of ${Object.keys(handlers).join(', ')}`)
    process.exit(2)
  }
  process.on('disconnect', () => {
    process.exit()
  })
  process.chdir(root)
  const server = new TargetServer(['127.0.0.1', Number(port)], Handler)
  await server.bindAndActivate()
  console.log(`READY ${String(server.serverPort)}`)
  await server.serveForever()
}
