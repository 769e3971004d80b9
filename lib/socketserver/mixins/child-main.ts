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
import { stderr } from '../../stdlib/sys.ts'
import { packError, RemoteServer, timeoutOf, written } from './remote.ts'
import type { Closing, Count, Opening, Report, SentError, Site } from './remote.ts'

function report(message: Report): void {
  process.send?.(message)
}

// A line goes to the parent in one message, so that those of several children do not mix.
stderr.write = (text) => {
  report({ kind: 'log', text })
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
  if (opening.packedOptions !== undefined) {
    const packed = Buffer.from(opening.packedOptions, 'base64')
    server.handlerOptions = deserialize(packed) as RemoteServer['handlerOptions']
  }
  let error: SentError | undefined
  try {
    await server.finishRequest(socket, opening.clientAddress)
  } catch (thrown) {
    error = packError(thrown)
  }
  await written(socket, timeoutOf(server.handler))
  // The parent closes the connection. So whoever has seen its end finds the log complete, because
  // that has gone to the parent before.
  report({ kind: 'done', error })
  socket.destroy()
}

const [site] = (await once(process, 'message')) as [Site]
try {
  const server = await RemoteServer.load(site)
  let come = 0
  process.on('message', (message: Opening | Closing | Count, socket: Socket | undefined) => {
    come += message.kind === 'open' ? 1 : 0
    if (message.kind === 'count') {
      if (come < message.sent) {
        report({ kind: 'missed' })
      }
    } else if (message.kind === 'close') {
      void server.endConnections()
    } else if (socket === undefined) {
      // The client was gone before the socket could be handed over.
      report({ kind: 'done' })
    } else {
      void handle(server, message, socket)
    }
  })
  report({ kind: 'ready' })
} catch (error) {
  report({ kind: 'failed', error: packError(error) })
}
