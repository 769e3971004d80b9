/**
 * The rows that are not rates: the start, memory, many connections.
 *
 * @module
 */

import { once } from 'node:events'
import { join } from 'node:path'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generate } from './load.ts'
import { CPYTHON_10, FLOOR, NODE_READFILE, OUR_FILES, OURS } from './peers.ts'
import type { Contender } from './peers.ts'
import { startWarm } from './rates.ts'
import type { Setting } from './rates.ts'
import { ServerProcess } from './server-process.ts'
import { makeRow } from './table.ts'
import type { Promised, Row } from './table.ts'
import { isSmall } from './workloads.ts'

const MB = 1e6

const REQUEST = 'GET /small.bin HTTP/1.0\r\n\r\n'

/** What a start took. */
interface Start {
  /** From nothing to the first response, in milliseconds. */
  readonly time: number
  /** In seconds. */
  readonly cpu: number
}

/**
 * From nothing to the first response: the command line, against a bare `node:net` program, which is
 * what Node itself takes, and against CPython.
 */
export async function measureColdStart({ root, folder, rounds, say, missing }: Setting) {
  const title = 'from nothing to the first response'
  say(`start: ${title}`)
  const start = async (contender: Contender): Promise<Start> => {
    const begin = performance.now()
    const log = join(folder, 'server.log')
    const server = await ServerProcess.launch((port) => contender.command(port, root) ?? [], log)
    const socket = await server.firstConnection()
    socket.write(REQUEST)
    await once(socket, 'data')
    const time = performance.now() - begin
    const cpu = server.exactCpu()
    socket.destroy()
    await server.stop()
    return { time, cpu }
  }
  const ours: Start[] = []
  const rivals: [Contender, Promised, Start[]][] = [[FLOOR, { atMost: 1.5, aim: 1.25 }, []]]
  if (CPYTHON_10.command(0, root) === undefined) {
    missing(CPYTHON_10)
  } else {
    rivals.push([CPYTHON_10, {}, []])
  }
  // A start is short, and chance weighs more.
  for (let round = 0; round < 6 * rounds; round++) {
    ours.push(await start(OUR_FILES))
    for (const [contender, , starts] of rivals) {
      starts.push(await start(contender))
    }
  }
  return rivals.map(([{ name }, promised, theirs]) =>
    makeRow(
      { id: 'start', title, what: `time, times that of ${name}` },
      ours.map(({ time }, round) => time / (theirs[round]?.time ?? NaN)),
      promised,
      ours.map(({ cpu }, round) => (theirs[round]?.cpu ?? NaN) / cpu),
    ),
  )
}

/** How much of the rate is left with many connections. */
export async function measureConnections(setting: Setting): Promise<Row[]> {
  const title = 'small response, 500 connections against 16'
  setting.say(`connections: ${title}`)
  const workload = { path: '/', load: { connections: 16 }, check: isSmall }
  const measure = async (server: ServerProcess, connections: number) => {
    const before = server.cpu()
    const { requests, seconds } = await generate(server.url('/'), { connections }, setting.seconds)
    return { rate: requests / seconds, cpu: (server.cpu() - before) / requests }
  }
  const rivals = [
    { contender: OURS, what: 'requests/s kept', promised: { atLeast: 0.6, aim: 0.9 } },
    { contender: FLOOR, what: `requests/s kept by ${FLOOR.name}`, promised: {} },
  ]
  const running: ServerProcess[] = []
  try {
    for (const { contender } of rivals) {
      running.push(await startWarm(contender, workload, setting))
    }
    const rates = rivals.map(() => [] as number[])
    const cpu = rivals.map(() => [] as number[])
    for (let round = 0; round < setting.rounds; round++) {
      for (const [index, server] of running.entries()) {
        const few = await measure(server, 16)
        const many = await measure(server, 500)
        rates[index]?.push(many.rate / few.rate)
        cpu[index]?.push(few.cpu / many.cpu)
      }
    }
    return rivals.map(({ what, promised }, index) =>
      makeRow({ id: 'connections', title, what }, rates[index] ?? [], promised, cpu[index]),
    )
  } finally {
    for (const server of running) {
      await server.stop()
    }
  }
}

// -- Memory ----------------------------------------------------------------------------------

/** How many connections are idle. */
const IDLE = 500
const REQUESTS = 100_000
/** How long a server is left alone at the end, in milliseconds. */
const PAUSE = 10_000

/** Resident memory, in megabytes. */
interface Memory {
  readonly idle: number
  /** In kilobytes. */
  readonly perConnection: number
  /** The most that was seen. */
  readonly underLoad: number
  /** A second after {@link REQUESTS}. */
  readonly afterLoad: number
  /** A second after five times as many: what still grows there is a leak. */
  readonly afterMore: number
  readonly afterPause: number
}

/** Resident memory of the command line server; and of `node:http`, under the same load. */
export async function measureMemory(setting: Setting): Promise<Row[]> {
  const title = 'resident memory, in MB'
  setting.say(`memory: ${title}`)
  const growth = ({ idle, afterLoad }: Memory) => afterLoad - idle
  const ours = await memoryOf(OUR_FILES, setting)
  const theirs = await memoryOf(NODE_READFILE, setting)
  const rows: [what: string, pick: (memory: Memory) => number, promised?: Promised][] = [
    ['idle', ({ idle }) => idle, { atMost: 70, aim: 60 }],
    ['under load, the most', ({ underLoad }) => underLoad],
    ['growth after 100,000 requests', growth],
    ['from there to 500,000 requests', ({ afterLoad, afterMore }) => afterMore - afterLoad],
    ['growth in all, after another 10 s', ({ idle, afterPause }) => afterPause - idle],
    ['kB for each idle connection, of 500', ({ perConnection }) => perConnection],
  ]
  const names = { id: 'memory', title }
  return [
    ...rows.flatMap(([what, pick, promised]) => [
      makeRow({ ...names, what }, [pick(ours)], promised),
      makeRow({ ...names, what: `${what}: ${NODE_READFILE.name}` }, [pick(theirs)]),
    ]),
    makeRow(
      { ...names, what: `growth after 100,000 requests, times that of ${NODE_READFILE.name}` },
      [growth(ours) / growth(theirs)],
      { atMost: 1.2, aim: 1 },
    ),
  ]
}

async function memoryOf(contender: Contender, setting: Setting): Promise<Memory> {
  // A server for each: what idle connections leave in the heap is not the growth under load.
  const perConnection = await memoryOfIdleConnections(contender, setting)
  const server = await startAsked(contender, setting)
  try {
    const idle = server.memory() / MB
    let underLoad = 0
    const watch = setInterval(() => {
      underLoad = Math.max(underLoad, server.memory() / MB)
    }, 50)
    const load = async (count: number): Promise<number> => {
      for (let requests = 0; requests < count;) {
        requests += (await generate(server.url('/small.bin'), { connections: 16 }, 2)).requests
      }
      await sleep(1000)
      return server.memory() / MB
    }
    try {
      const afterLoad = await load(REQUESTS)
      const afterMore = await load(4 * REQUESTS)
      await sleep(PAUSE)
      const afterPause = server.memory() / MB
      return { idle, perConnection, underLoad, afterLoad, afterMore, afterPause }
    } finally {
      clearInterval(watch)
    }
  } finally {
    await server.stop()
  }
}

/** In kilobytes, for each. */
async function memoryOfIdleConnections(contender: Contender, setting: Setting): Promise<number> {
  const server = await startAsked(contender, setting)
  const sockets: Socket[] = []
  try {
    const before = server.memory() / MB
    for (let count = 0; count < IDLE; count++) {
      sockets.push(connect(server.port, '127.0.0.1').on('error', () => {}))
    }
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await sleep(500)
    return ((server.memory() / MB - before) * 1000) / IDLE
  } finally {
    for (const socket of sockets) {
      socket.destroy()
    }
    await server.stop()
  }
}

/** A server that has had one request, and is idle. */
async function startAsked(contender: Contender, { root, folder }: Setting): Promise<ServerProcess> {
  const log = join(folder, 'server.log')
  const server = await ServerProcess.startAndConnect(
    (port) => contender.command(port, root) ?? [],
    log,
  )
  await server.ask('/small.bin')
  await sleep(500)
  return server
}
