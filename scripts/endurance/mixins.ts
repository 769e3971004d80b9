/**
 * What the mix-ins cost and stand: `npm run mixins -- WHAT`, on Linux.
 *
 * ```text
 *   parallel      two handlers that compute for 300 ms: one after the other, or together?
 *   cost          CPU per new connection, against a bare node:net server that parses nothing
 *   connections   1,000 in a row and 200 at once; then descriptors, threads, children, memory
 *   gigabyte      1 GiB to a slow client, and 1 GiB to a slow handler: how much lies in memory?
 *   chaos         resets, exits and kills under load: do other clients suffer? Fails if any does afterwards
 * ```
 *
 * The server is a process of its own, measured from outside through `/proc`. Times of one run are
 * to be compared with each other, not with those of another machine or day.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AsyncMixIn,
  ForkingMixIn,
  isMain,
  StreamRequestHandler,
  TCPServer,
  ThreadingMixIn,
} from 'basehttp'
import { MeasuredServer, pinned, pinThisProcess } from '../measured-server.ts'
import { check, dial, finish, mib, quantile, readAll } from './trial.ts'

const GIB = 2 ** 30
const CHUNK = Buffer.alloc(64 * 1024, 'x')
const RESPONSE = Buffer.from('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok')

// -- The server ------------------------------------------------------------------------------

const SERVERS = {
  plain: TCPServer,
  async: class extends AsyncMixIn(TCPServer) {},
  threads: class extends ThreadingMixIn(TCPServer) {},
  forks: class extends ForkingMixIn(TCPServer) {},
}
const KINDS = ['plain', 'async', 'threads', 'forks'] as const

/** Does what the first line of the client says. */
export class Worker extends StreamRequestHandler {
  static readonly module = import.meta.url

  override async handle(): Promise<void> {
    const command = (await this.rfile.readline()).toString().trim()
    switch (command) {
      case 'spin': {
        const end = performance.now() + 300
        while (performance.now() < end);
        break
      }
      case 'give':
        for (let sent = 0; sent < GIB; sent += CHUNK.length) {
          await this.wfile.write(CHUNK)
        }
        return
      case 'take':
        for (let taken = 0; taken < GIB; taken += 16 * CHUNK.length) {
          await this.rfile.read(16 * CHUNK.length)
          await sleep(1)
        }
        break
      case 'exit':
        process.exit(1)
        break
      case 'pid':
        await this.wfile.write(Buffer.from(`${String(process.pid)}\n`))
        await sleep(50)
        break
    }
    await this.wfile.write(RESPONSE)
  }
}

async function serve(kind: string): Promise<void> {
  process.stdin.resume().on('end', () => {
    process.exit()
  })
  let port: number
  if (kind === 'raw') {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', () => {})
      socket.on('data', () => {
        socket.write(RESPONSE)
        socket.destroySoon()
      })
    })
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 })
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  } else {
    const server = new SERVERS[kind as keyof typeof SERVERS](['127.0.0.1', 0], Worker)
    server.requestQueueSize = 1000
    await server.bindAndActivate()
    void server.serveForever()
    port = server.serverAddress[1]
  }
  console.log(`port ${String(port)}`)
}

// -- The client ------------------------------------------------------------------------------

/** @param core - to which it is pinned; we take the other, and less depends on luck then */
function start(kind: string, core?: number): Promise<MeasuredServer> {
  const command = [process.execPath, import.meta.filename, 'serve', kind]
  return MeasuredServer.start(core === undefined ? command : pinned(core, command), {
    logFile: '/dev/null',
  })
}

function send(server: MeasuredServer, command: string): Socket {
  const socket = dial(server)
  socket.write(`${command}\n`)
  return socket
}

/** Make a request; returns the response, or what there is of it. */
async function ask(server: MeasuredServer, command = 'hello'): Promise<string> {
  return readAll(send(server, command))
}

/** Make requests, some of them side by side; returns how many got no response. */
async function load(server: MeasuredServer, requests: number, lanes: number): Promise<number> {
  let left = requests
  let failed = 0
  const lane = async () => {
    while (left-- > 0) {
      failed += (await ask(server)) === RESPONSE.toString() ? 0 : 1
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return failed
}

function show(server: MeasuredServer): string {
  return (
    `descriptors ${String(server.descriptors())}, threads ${String(server.threads())}, ` +
    `children ${String(server.children())}, memory ${mib(server.memory())}`
  )
}

// -- What is measured ------------------------------------------------------------------------

async function parallel(): Promise<void> {
  for (const kind of KINDS) {
    const server = await start(kind)
    // Before that, so that both have a thread or a child that is ready.
    await Promise.all([ask(server, 'spin'), ask(server, 'spin')])
    const started = performance.now()
    await ask(server, 'spin')
    const one = performance.now() - started
    await Promise.all([ask(server, 'spin'), ask(server, 'spin')])
    const two = performance.now() - started - one
    console.log(`${kind.padEnd(8)} two take ${(two / one).toFixed(2)} times as long as one`)
    await server.stop()
  }
}

async function cost(): Promise<void> {
  const requests = 4000
  const kinds = ['raw', ...KINDS]
  pinThisProcess()
  const servers = await Promise.all(kinds.map((kind) => start(kind, 0)))
  const spent = kinds.map(() => [] as number[])
  for (const server of servers) {
    await load(server, 4 * requests, 16)
  }
  for (let round = 0; round < 5; round++) {
    for (const [index, server] of servers.entries()) {
      const before = server.cpu()
      await load(server, requests, 16)
      spent[index]?.push(((server.cpu() - before) / requests) * 1e6)
    }
  }
  const medians = spent.map((values) => quantile(values, 0.5))
  for (const [index, kind] of kinds.entries()) {
    const median = medians[index] as number
    console.log(
      `${kind.padEnd(8)} ${median.toFixed(0).padStart(4)} us of CPU per connection, ` +
        `${(median / (medians[0] as number)).toFixed(2)} times raw`,
    )
  }
  await Promise.all(servers.map((server) => server.stop()))
}

async function connections(): Promise<void> {
  for (const kind of KINDS) {
    const server = await start(kind)
    await load(server, 200, 1)
    console.log(`${kind.padEnd(8)} before  ${show(server)}`)
    const row = await load(server, 1000, 1)
    const atOnce = await load(server, 200, 200)
    console.log(`${''.padEnd(8)} after   ${show(server)}`)
    // A worker that has been idle for 10 s ends; the pool looks every 10 s.
    await sleep(21_000)
    console.log(`${''.padEnd(8)} rested  ${show(server)}`)
    console.log(`${''.padEnd(8)} failed  ${String(row)} of 1000, ${String(atOnce)} of 200`)
    await server.stop()
  }
}

async function gigabyte(): Promise<void> {
  for (const kind of ['async', 'threads', 'forks']) {
    const server = await start(kind)
    await load(server, 200, 1)
    const before = server.memory()
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, server.memory())
    }, 20)
    const taker = send(server, 'give')
    let received = 0
    for await (const chunk of taker) {
      received += (chunk as Buffer).length
      if (received % (4 * 2 ** 20) < (chunk as Buffer).length) {
        await sleep(5)
      }
    }
    const given = most - before
    const giver = send(server, 'take')
    const response = readAll(giver)
    for (let sent = 0; sent < GIB; sent += CHUNK.length) {
      if (!giver.write(CHUNK)) {
        await once(giver, 'drain')
      }
    }
    const whole = received === GIB && (await response) === RESPONSE.toString()
    clearInterval(watch)
    console.log(
      `${kind.padEnd(8)} ${String(whole)}; memory grows ` +
        `by ${mib(given)} while sending, ${mib(most - before)} in all`,
    )
    await server.stop()
  }
}

async function chaos(): Promise<void> {
  for (const kind of ['threads', 'forks']) {
    const server = await start(kind)
    let troubled = 0
    let troubling = true
    const trouble = async () => {
      while (troubling) {
        troubled++
        const socket = send(server, ['hello', 'give', 'exit', 'pid'][troubled % 4] as string)
        if (troubled % 4 === 3 && kind === 'forks') {
          // Its child may be killed before it sends its pid.
          const line = await new Promise((resolve) =>
            socket.once('data', resolve).on('close', resolve),
          )
          if (line instanceof Buffer) {
            try {
              process.kill(parseInt(line.toString()), 'SIGKILL')
            } catch {
              // It has already served a client that told it to exit.
            }
          }
        } else {
          await sleep(Math.random() * 20)
        }
        socket.resetAndDestroy()
      }
    }
    const troubles = [trouble(), trouble()]
    const failed = await load(server, 2000, 8)
    troubling = false
    await Promise.all(troubles)
    const after = await load(server, 100, 4)
    check(after === 0, `${kind}: the others suffer afterwards`)
    console.log(
      `${kind.padEnd(8)} ${String(troubled)} connections reset, exited or killed; of 2000 others ` +
        `${String(failed)} failed, of 100 after them ${String(after)}`,
    )
    await server.stop()
  }
}

const MEASUREMENTS: Readonly<Record<string, () => Promise<void>>> = {
  parallel,
  cost,
  connections,
  gigabyte,
  chaos,
}

if (isMain(import.meta)) {
  const [what = '', kind = ''] = process.argv.slice(2)
  const measure = what === 'serve' ? () => serve(kind) : MEASUREMENTS[what]
  if (measure === undefined) {
    console.error(`usage: npm run mixins -- ${Object.keys(MEASUREMENTS).join(' | ')}`)
    process.exit(2)
  }
  await measure()
  if (what !== 'serve') {
    finish()
  }
}
