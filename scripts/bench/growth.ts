/**
 * How the cost grows: with connections, files, listings, headers, requests on one connection.
 *
 * ```text
 *   x            1     10    100   1000      names in a listing
 *   T(x)        90    140    700   6900      us of CPU for one page
 *   bend              0.16   0.50   0.99     how many times as fast as x did T grow?
 * ```
 *
 * The bend is (T(x2) / T(x1)) / (x2 / x1). Below 1 there is a part that does not depend on x; at 1
 * growth is linear; what stays above 1 is worse, and noise is allowed for.
 *
 * @module
 */

import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { generate } from './load.ts'
import { OUR_FILES, OURS } from './peers.ts'
import type { Contender } from './peers.ts'
import type { Setting } from './rates.ts'
import { ServerProcess } from './server-process.ts'
import { measured, median, short } from './table.ts'
import type { Measured } from './table.ts'
import { noise } from './workloads.ts'

/** What a bend may be and still be called linear. */
const TOLERANCE = 1.3

/** A curve. */
export interface Growth {
  readonly id: string
  readonly title: string
  /** What x counts. */
  readonly unit: string
  readonly points: readonly Point[]
  /** Whether no bend is worse than linear. */
  readonly linear: boolean
}

/** A point of a curve. */
export interface Point {
  readonly x: number
  /** T(x), in microseconds of CPU. */
  readonly cost: Measured
  /** From the point before to this one, the median; undefined for the first, and after 0. */
  readonly bend?: number | undefined
}

interface Series {
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly contender: Contender
  readonly xs: readonly number[]
  /** Make requests for a time; returns how many got a response. */
  readonly load: (server: ServerProcess, x: number, seconds: number) => Promise<number>
  /** How many requests T(x) stands for. */
  readonly requestsOf?: (x: number) => number
}

const KiB = 1024
const MiB = 1024 * KiB
const SIZES = [0, KiB, 64 * KiB, MiB, 100 * MiB]
const NAMES = [10, 1000, 100_000]

const SERIES: readonly Series[] = [
  {
    id: 'growth/connections',
    title: 'a small response on each of x connections',
    unit: 'connections',
    contender: OURS,
    xs: [1, 16, 64, 500],
    load: async (server, connections, seconds) =>
      (await generate(server.url('/'), { connections }, seconds)).requests,
    requestsOf: (connections) => connections,
  },
  {
    id: 'growth/requests',
    title: 'x small responses on one connection',
    unit: 'requests',
    contender: OURS,
    xs: [1, 10, 100, 1000, 10_000],
    load: (server, requests, seconds) => converse(server, requestFor('/'), seconds, requests),
    requestsOf: (requests) => requests,
  },
  {
    id: 'growth/headers',
    title: 'a request with x headers',
    unit: 'headers',
    contender: OURS,
    // One more than 99 is too many, as for Python.
    xs: [1, 10, 30, 99],
    load: (server, headers, seconds) => converse(server, requestFor('/', headers), seconds),
  },
  {
    id: 'growth/files',
    title: 'a file of x bytes',
    unit: 'bytes',
    contender: OUR_FILES,
    xs: SIZES,
    load: (server, size, seconds) =>
      converse(server, requestFor(`/growth/${String(size)}.bin`), seconds),
  },
  {
    id: 'growth/listings',
    title: 'a listing of x names',
    unit: 'names',
    contender: OUR_FILES,
    xs: NAMES,
    load: (server, names, seconds) =>
      converse(server, requestFor(`/growth/${String(names)}/`), seconds),
  },
]

/** The ids of all curves. */
export const GROWTHS: readonly string[] = SERIES.map(({ id }) => id)

/** Measure one curve. */
export async function measureGrowth(wanted: string, setting: Setting): Promise<Growth> {
  const {
    id,
    title,
    unit,
    contender,
    xs,
    load,
    requestsOf = () => 1,
  } = SERIES.find((series) => series.id === wanted) as Series
  setting.say(`${id}: ${title}`)
  makeFiles(id, setting.root)
  const log = join(setting.folder, 'server.log')
  const server = await ServerProcess.startAndConnect(
    (port) => contender.command(port, setting.root) ?? [],
    log,
  )
  try {
    const costs = new Map(xs.map((x) => [x, [] as number[]]))
    for (let round = -1; round < setting.rounds; round++) {
      for (const [x, all] of costs) {
        const before = server.cpu()
        const requests = await load(server, x, setting.seconds)
        // The first round is for compilers and caches.
        if (round >= 0) {
          all.push(((server.cpu() - before) / requests) * requestsOf(x) * 1e6)
        }
      }
    }
    const points = xs.map((x, index): Point => {
      const all = costs.get(x) ?? []
      const last = xs[index - 1] ?? 0
      const bend =
        last === 0
          ? undefined
          : median(all.map((cost, round) => cost / (costs.get(last)?.[round] ?? NaN) / (x / last)))
      return { x, cost: measured(all), bend }
    })
    for (const { x, cost, bend } of points) {
      setting.say(
        `  ${`${String(x)} ${unit}`.padEnd(20)} ${short(cost.value).padStart(8)} us` +
          (bend === undefined ? '' : `, bend ${short(bend)}`),
      )
    }
    const linear = points.every(({ bend = 0 }) => bend <= TOLERANCE)
    setting.say(`  ${linear ? 'nothing worse than linear' : 'NO: worse than linear'}`)
    return { id, title, unit, points, linear }
  } finally {
    await server.stop()
  }
}

function makeFiles(id: string, root: string): void {
  const folder = join(root, 'growth')
  mkdirSync(folder, { recursive: true })
  if (id === 'growth/files') {
    for (const size of SIZES) {
      writeFileSync(join(folder, `${String(size)}.bin`), noise(size))
    }
  }
  if (id === 'growth/listings') {
    for (const names of NAMES) {
      mkdirSync(join(folder, String(names)))
      for (let number = 0; number < names; number++) {
        writeFileSync(join(folder, String(names), `file-${String(number)}.txt`), '')
      }
    }
  }
}

/** A request with so many headers, `Host` among them. */
function requestFor(path: string, headers = 1): Buffer {
  const more = Array.from(
    { length: headers - 1 },
    (_, number) => `X-Header-${String(number)}: value ${String(number)}\r\n`,
  )
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more.join('')}\r\n`)
}

/**
 * Make requests one after the other, for at least a time. The last response and the last connection
 * are waited for, so that all the server has spent belongs to responses that are counted.
 *
 * @param most - how many to make on a connection
 * @returns how many responses came.
 */
async function converse(
  { port }: ServerProcess,
  request: Buffer,
  seconds: number,
  most = Infinity,
): Promise<number> {
  const end = performance.now() + 1000 * seconds
  let count = 0
  do {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const responses = new Responses()
    socket.on('data', (chunk) => {
      try {
        responses.add(chunk)
      } catch (error) {
        socket.destroy(error as Error)
        return
      }
      if (responses.left !== 0) {
        return
      }
      if (responses.whole === most || (most === Infinity && performance.now() > end)) {
        socket.destroy()
      } else {
        socket.write(request)
      }
    })
    socket.write(request)
    await once(socket, 'close')
    count += responses.whole
  } while (performance.now() < end)
  return count
}

/** The responses on a connection, as they arrive: each has a length, and is a success. */
class Responses {
  /** How many have arrived. */
  whole = 0
  /** How much of the body of this one is still to come; null as long as its head is. */
  left: number | null = null
  #head = ''

  add(chunk: Buffer): void {
    let body = chunk.length
    if (this.left === null || this.left === 0) {
      this.#head += chunk.toString('latin1')
      const end = this.#head.indexOf('\r\n\r\n')
      if (end === -1) {
        this.left = null
        return
      }
      const [, length] = /^HTTP\/1\.1 200 [^]*\r\nContent-Length: (\d+)/i.exec(this.#head) ?? []
      if (length === undefined) {
        throw new Error(`Wrong response: ${JSON.stringify(this.#head.slice(0, end))}`)
      }
      body = this.#head.length - end - 4
      this.left = Number(length)
      this.#head = ''
    }
    this.left -= body
    if (this.left === 0) {
      this.whole++
    }
  }
}
