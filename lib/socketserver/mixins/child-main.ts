/**
 * The program of a child process: it loads the handler's module, then handles one connection after
 * the other.
 *
 * Read before: `forking-mixin.ts`, which starts it.
 *
 * @module
 */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { deserialize } from 'node:v8'
import { packError, serveRemotely } from './remote.ts'
import type { Closing, Count, Opening, RemoteServer, Report, Site } from './remote.ts'

function report(message: Report): void {
  process.send?.(message)
}

// Ctrl-C reaches all processes of a terminal. The parent decides what it means, and a child ends
// with its parent.
process.on('SIGINT', () => {})
process.on('disconnect', () => {
  process.exit()
})
process.on('uncaughtException', (error) => {
  process.send?.({ kind: 'crashed', error: packError(error) }, () => {
    process.exit(1)
  })
})

async function handle(server: RemoteServer, opening: Opening, socket: Socket): Promise<void> {
  socket.on('error', () => {})
  // As on a socket that the server has accepted; before anything can have been read from it.
  socket.allowHalfOpen = true
  socket.pause()
  let options: Opening['options']
  if (opening.packedOptions !== undefined) {
    const packed = Buffer.from(opening.packedOptions, 'base64')
    options = deserialize(packed) as Opening['options']
  }
  const done = await server.handle(socket, { ...opening, options })
  // The parent closes the connection, and has all of the log by then: a client that has seen the end
  // of its connection finds the log complete.
  report(done)
  socket.destroy()
}

const [site] = (await once(process, 'message')) as [Site]
await serveRemotely(site, report, (server) => {
  let arrived = 0
  process.on('message', (message: Opening | Closing | Count, socket: Socket | undefined) => {
    arrived += message.kind === 'open' ? 1 : 0
    if (message.kind === 'count') {
      if (arrived < message.sent) {
        report({ kind: 'missed' })
      }
    } else if (message.kind === 'close') {
      void server.endConnections()
    } else if (socket === undefined) {
      // The client was gone before the socket could be handed over.
      report({ kind: 'done', timeout: null })
    } else {
      void handle(server, message, socket)
    }
  })
})
