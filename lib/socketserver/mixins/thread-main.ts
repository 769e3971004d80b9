/**
 * The program of a worker thread: it loads the handler's module, then handles connections one at a
 * time.
 *
 * Read before: `threading-mixin.ts`, which starts it.
 *
 * @module
 */

import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { renameThread } from '../../stdlib/threading.ts'
import { memoryOf, PortStream } from './port-stream.ts'
import type { Frame } from './port-stream.ts'
import { serveRemotely } from './remote.ts'
import type { Closing, Job, RemoteServer, Report, HandlerLocation } from './remote.ts'

const port = parentPort as MessagePort

function report(message: Report): void {
  port.postMessage(message)
}

/** The connection that is being handled. */
let stream: PortStream | undefined

// What a handler has written before it ends the thread must not be lost.
process.on('exit', () => {
  stream?.flush()
})

async function handle(server: RemoteServer, job: Job): Promise<void> {
  stream = new PortStream((frame, transfer) => {
    port.postMessage(frame, transfer)
  })
  for (const frame of job.frames ?? []) {
    stream.accept(frame)
  }
  renameThread(job.name ?? '')
  const { error, timeout } = await server.handle(stream, job)
  const frames = stream.finish()
  renameThread('MainThread')
  // Written out, like the job: to spread an object costs a fiftieth of the CPU of a small connection.
  port.postMessage({ kind: 'done', error, timeout, frames } satisfies Report, memoryOf(frames))
}

await serveRemotely(workerData as HandlerLocation, report, (server) => {
  port.on('message', (message: Job | Closing | Frame) => {
    if (message.kind === 'job') {
      void handle(server, message)
    } else if (message.kind === 'close') {
      void server.endConnections()
    } else {
      stream?.accept(message)
    }
  })
})
