/**
 * The program of a child process: it loads the handler's module, then handles connections one at a
 * time.
 *
 * Read before: `forking-mixin.ts`, which starts it.
 *
 * @module
 */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { deserialize } from 'node:v8'
import { packError, serveRemotely } from './remote.ts'
import type { Closing, Count, Job, RemoteServer, Report, HandlerLocation } from './remote.ts'

function report(message: Report): void {
  process.send?.(message)
}

// Ctrl-C reaches every process of the terminal. What it means is for the parent to decide; a child
// ends when its parent does.
process.on('SIGINT', () => {})
process.on('disconnect', () => {
  process.exit()
})
process.on('uncaughtException', (error) => {
  process.send?.({ kind: 'crashed', error: packError(error) }, () => {
    process.exit(1)
  })
})

async function handle(server: RemoteServer, job: Job, socket: Socket): Promise<void> {
  socket.on('error', () => {})
  // As the server does with the sockets that it accepts, and before anything is read from this one.
  socket.allowHalfOpen = true
  socket.pause()
  let options: Job['options']
  if (job.packedOptions !== undefined) {
    const packed = Buffer.from(job.packedOptions, 'base64')
    options = deserialize(packed) as Job['options']
  }
  const done = await server.handle(socket, { clientAddress: job.clientAddress, options })
  // The parent closes the connection, and has all of the log by then: a client that has seen the end
  // of its connection finds the log complete.
  report(done)
  socket.destroy()
}

const [location] = (await once(process, 'message')) as [HandlerLocation]
await serveRemotely(location, report, (server) => {
  let arrived = 0
  process.on('message', (message: Job | Closing | Count, socket: Socket | undefined) => {
    arrived += message.kind === 'job' ? 1 : 0
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
