/**
 * The rows that are no rates: the start, memory, many connections.
 *
 * @module
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generate } from './load.ts'
import { CPYTHON_10, OUR_FILES, OURS } from './peers.ts'
import type { Contender } from './peers.ts'
import { ServerProcess } from './server-process.ts'
import { ratioRow } from './table.ts'
import type { Row } from './table.ts'

const MB = 1e6

/** From nothing to the first answer, against CPython. */
export async function measureColdStart(root: string, rounds: number): Promise<Row[]> {
  console.log('start: from nothing to the first answer')
  if (CPYTHON_10.command(0, root) === undefined) {
    console.log('  CPython: not on this machine')
    return []
  }
  const start = async (contender: Contender): Promise<number> => {
    const begin = performance.now()
    const server = await ServerProcess.start((port) => contender.command(port, root) ?? [])
    await firstAnswer(server)
    const time = performance.now() - begin
    await server.stop()
    return time
  }
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    ratios.push((await start(OUR_FILES)) / (await start(CPYTHON_10)))
  }
  return [ratioRow({ id: 'start', what: 'time against CPython', ratios, atMost: 0.8, aim: 0.65 })]
}

async function firstAnswer(server: ServerProcess): Promise<void> {
  const socket = connect(server.port, '127.0.0.1')
  socket.write('GET /small.bin HTTP/1.0\r\n\r\n')
  await once(socket, 'data')
  socket.destroy()
}

/** How much of the rate is left with many connections. */
export async function measureConnections(rounds: number, seconds: number): Promise<Row[]> {
  console.log('connections: small answer, 500 connections against 16')
  const server = await ServerProcess.start((port) => OURS.command(port, '') ?? [])
  try {
    await generate(server.url('/'), { connections: 16 }, 1)
    const ratios: number[] = []
    for (let round = 0; round < rounds; round++) {
      const few = await generate(server.url('/'), { connections: 16 }, seconds)
      const many = await generate(server.url('/'), { connections: 500 }, seconds)
      ratios.push(many.requests / many.seconds / (few.requests / few.seconds))
    }
    return [
      ratioRow({ id: 'connections', what: 'requests/s kept', ratios, atLeast: 0.6, aim: 0.9 }),
    ]
  } finally {
    await server.stop()
  }
}

/** Resident memory of the command line server, in megabytes. */
export async function measureMemory(root: string): Promise<Row[]> {
  console.log('memory: the command line, resident, in MB')
  const server = await ServerProcess.start((port) => OUR_FILES.command(port, root) ?? [])
  const sockets: Socket[] = []
  try {
    await firstAnswer(server)
    await sleep(500)
    const idle = server.memory() / MB

    for (let count = 0; count < 500; count++) {
      sockets.push(connect(server.port, '127.0.0.1').on('error', () => {}))
    }
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await sleep(500)
    const perConnection = (server.memory() / MB - idle) / 0.5
    for (const socket of sockets) {
      socket.destroy()
    }

    let requests = 0
    while (requests < 100_000) {
      requests += (await generate(server.url('/small.bin'), { connections: 16 }, 2)).requests
    }
    await sleep(1000)
    const growth = server.memory() / MB - idle
    const row = (what: string, value: number, promise: { atMost?: number; aim?: number } = {}) =>
      ratioRow({ id: 'memory', what, ratios: [value], ...promise })
    return [
      row('idle', idle, { atMost: 70, aim: 60 }),
      row('growth after 100,000 requests', growth, { atMost: 20, aim: 10 }),
      row('kB for each idle connection, of 500', perConnection),
    ]
  } finally {
    for (const socket of sockets) {
      socket.destroy()
    }
    await server.stop()
  }
}
