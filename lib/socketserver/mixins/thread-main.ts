/**
 * The program of a worker thread: it loads the handler's module, then handles one connection after
 * the other.
 *
 * Read before: `threading-mixin.ts`, which starts it.
 *
 * @module
 */

import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { stderr } from '../../stdlib/sys.ts'
import { renameThread } from '../../stdlib/threading.ts'
import { memoryOf, PortStream } from './port-stream.ts'
import type { Frame } from './port-stream.ts'
import { packError, RemoteServer, timeoutOf, written } from './remote.ts'
import type { Closing, Opening, Report, SentError, Site } from './remote.ts'

const port = parentPort as MessagePort

function report(message: Report): void {
  port.postMessage(message)
}

// A line goes to the main thread in one message, in order with the bytes of the answer, and is
// not lost when the worker ends.
stderr.write = (text) => {
  report({ kind: 'log', text })
}

/** The connection that is being handled. */
let stream: PortStream | undefined

// What a handler has sent before it ends the thread is not lost.
process.on('exit', () => {
  stream?.flush()
})

async function handle(server: RemoteServer, opening: Opening): Promise<void> {
  stream = new PortStream((frame, transfer) => {
    port.postMessage(frame, transfer)
  })
  for (const frame of opening.frames ?? []) {
    stream.accept(frame)
  }
  renameThread(opening.name ?? '')
  server.handlerOptions = opening.options ?? server.handlerOptions
  let error: SentError | undefined
  try {
    await server.finishRequest(stream, opening.clientAddress)
  } catch (thrown) {
    error = packError(thrown)
  }
  const timeout = timeoutOf(server.handler)
  const leaving = written(stream, timeout)
  if (leaving !== undefined) {
    await leaving
  }
  const frames = stream.finish()
  renameThread('MainThread')
  port.postMessage({ kind: 'done', error, timeout, frames } satisfies Report, memoryOf(frames))
}

try {
  const server = await RemoteServer.load(workerData as Site)
  port.on('message', (message: Opening | Closing | Frame) => {
    if (message.kind === 'open') {
      void handle(server, message)
    } else if (message.kind === 'close') {
      void server.endConnections()
    } else {
      stream?.accept(message)
    }
  })
  report({ kind: 'ready' })
} catch (error) {
  report({ kind: 'failed', error: packError(error) })
}
