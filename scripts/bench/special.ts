/**
 * The rows that are no rates: the start, memory, many connections.
 *
 * @module
 */

import { once } from 'node:events'
import { join } from 'node:path'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generate } from './load.ts'
import { CPYTHON_10, NODE_READFILE, OUR_FILES, OURS, RAW_NET } from './peers.ts'
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
  /** From nothing to the first answer, in milliseconds. */
  readonly time: number
  /** In seconds. */
  readonly cpu: number
}

/**
 * From nothing to the first answer, against CPython; and how much of that is Node's own: the same
 * for a server that is nothing but `node:net`.
 */
export async function measureColdStart({ root, folder, rounds, say, missing }: Setting) {
  const title = 'from nothing to the first answer'
  say(`start: ${title}`)
  if (CPYTHON_10.command(0, root) === undefined) {
    missing(CPYTHON_10)
    return []
  }
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
  const floor: Start[] = []
  const python: Start[] = []
  // A start is short, and luck weighs more.
  for (let round = 0; round < 6 * rounds; round++) {
    ours.push(await start(OUR_FILES))
    floor.push(await start(RAW_NET))
    python.push(await start(CPYTHON_10))
  }
  const row = (name: string, starts: readonly Start[], promised?: Promised): Row =>
    makeRow(
      { id: 'start', title, what: `${name}: time, times that of CPython` },
      starts.map(({ time }, round) => time / (python[round]?.time ?? NaN)),
      promised,
      starts.map(({ cpu }, round) => (python[round]?.cpu ?? NaN) / cpu),
    )
  return [
    row('the command line', ours, { atMost: 0.8, aim: 0.65 }),
    row('the floor, raw node:net', floor),
  ]
}

/** How much of the rate is left with many connections. */
export async function measureConnections(setting: Setting): Promise<Row[]> {
  const title = 'small answer, 500 connections against 16'
  setting.say(`connections: ${title}`)
  const workload = { path: '/', load: { connections: 16 }, check: isSmall }
  const server = await startWarm(OURS, workload, setting)
  const measure = async (connections: number) => {
    const before = server.cpu()
    const { requests, seconds } = await generate(server.url('/'), { connections }, setting.seconds)
    return { rate: requests / seconds, cpu: (server.cpu() - before) / requests }
  }
  try {
    const rates: number[] = []
    const cpu: number[] = []
    for (let round = 0; round < setting.rounds; round++) {
      const few = await measure(16)
      const many = await measure(500)
      rates.push(many.rate / few.rate)
      cpu.push(few.cpu / many.cpu)
    }
    const names = { id: 'connections', title, what: 'requests/s kept' }
    return [makeRow(names, rates, { atLeast: 0.6, aim: 0.9 }, cpu)]
  } finally {
    await server.stop()
  }
}

// -- Memory ----------------------------------------------------------------------------------

/** How many connections lie idle. */
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
  /** A second behind {@link REQUESTS}. */
  readonly afterLoad: number
  /** A second behind five times as many: what still grows there is a leak. */
  readonly afterMore: number
  readonly afterPause: number
}

/** Resident memory of the command line server; and of `node:http`, under the same load. */
export async function measureMemory(setting: Setting): Promise<Row[]> {
  const title = 'resident memory, in MB'
  setting.say(`memory: ${title}`)
  const ours = await memoryOf(OUR_FILES, setting)
  const theirs = await memoryOf(NODE_READFILE, setting)
  const rows = (
    [
      ['idle', ({ idle }) => idle, { atMost: 70, aim: 60 }],
      ['under load, the most', ({ underLoad }) => underLoad, {}],
      [
        'growth after 100,000 requests',
        ({ idle, afterLoad }) => afterLoad - idle,
        { atMost: 20, aim: 10 },
      ],
      ['from there to 500,000 requests', ({ afterLoad, afterMore }) => afterMore - afterLoad, {}],
      ['growth in all, after another 10 s', ({ idle, afterPause }) => afterPause - idle, {}],
      ['kB for each idle connection, of 500', ({ perConnection }) => perConnection, {}],
    ] as [string, (memory: Memory) => number, Promised][]
  ).flatMap(([what, pick, promised]) => [
    makeRow({ id: 'memory', title, what }, [pick(ours)], promised),
    makeRow({ id: 'memory', title, what: `${what}: ${NODE_READFILE.name}` }, [pick(theirs)]),
  ])
  return rows
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

/** A server that has answered once, and rests. */
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
