/**
 * What the command line server stands: `npm run siege -- WHAT [COUNT]`, on Linux. Each run ends with
 * 0 if it stood it.
 *
 * ```text
 *   loris        500 clients that send a byte a second, beside normal ones; a minute
 *   descriptors  more clients than descriptors: one line in the log, and it recovers
 *   heads        1,000 heads of 65,535 bytes, and as many paths of 60,000: memory
 *   names        a directory of 100,000 names
 *   disk         a log on a disk that is full, and has room again
 *   drain        SIGTERM under load loses no request; a second one ends at once
 * ```
 *
 * The server is a process of its own, measured from outside. Threads, children and kills are in
 * `mixins.ts`, forms and their temporary files in `uploads.ts`.
 *
 * @module
 */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { patiently } from '../../conformance/patience.ts'

const CLI = join(import.meta.dirname, '../../lib/cli.js')
const MiB = 1024 * 1024

/** How long the command line waits for a head, and for anything else, in seconds: see `cli.ts`. */
const HEAD_TIMEOUT = 30
const TIMEOUT = 60

const root = mkdtempSync(join(tmpdir(), 'basehttp-siege-'))
writeFileSync(join(root, 'small'), 'x'.repeat(1000))
const faults: string[] = []

function check(ok: boolean, what: string): void {
  if (!ok) {
    faults.push(what)
  }
}

// -- The server ------------------------------------------------------------------------------

interface Server {
  readonly port: number
  readonly child: ChildProcess
  readonly exited: Promise<unknown[]>
  /** Standard error, if it is not sent elsewhere. */
  log(): string
  /** How many descriptors it has open. */
  descriptors(): number
  /** Its memory, in bytes. */
  memory(): number
}

const running: ChildProcess[] = []

/**
 * Start the command line server.
 *
 * @param shell - what to do before, in the words of sh
 * @param logFile - for standard error
 */
async function start({ shell = '', logFile }: { shell?: string; logFile?: string } = {}) {
  const args = [CLI, '0', '-b', '127.0.0.1', '-d', root, '-p', 'HTTP/1.1']
  const stderr = logFile === undefined ? 'pipe' : openSync(logFile, 'a')
  const script = `${shell} exec "$0" "$@"`
  const child = spawn('sh', ['-c', script, process.execPath, ...args], {
    stdio: ['ignore', 'pipe', stderr],
  })
  if (typeof stderr === 'number') {
    closeSync(stderr)
  }
  running.push(child)
  const log = { lines: '', last: '' }
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    const lines = (log.last + more).split('\n')
    log.last = lines.pop() as string
    // Those that tell of each request are not looked at, and would be many.
    const told = lines.filter(
      (line) => !/ (?:200|400|404|431) -$| code (?:400|404|431), /.test(line),
    )
    log.lines += told.map((line) => `${line}\n`).join('')
  })
  const exited = once(child, 'exit')
  const [banner] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const proc = `/proc/${String(child.pid)}`
  const server: Server = {
    port: Number(/port (\d+)/.exec(banner.toString())?.[1]),
    child,
    exited,
    log: () => log.lines,
    descriptors: () => readdirSync(`${proc}/fd`).length,
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${proc}/status`, 'utf8'))?.[1]) * 1024,
  }
  return server
}

// -- The clients -----------------------------------------------------------------------------

const SMALL = 'GET /small HTTP/1.0\r\n\r\n'

function dial({ port }: Server): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  return socket
}

/** Send a text, and read all that comes; `''` also for a connection that is refused. */
async function ask(server: Server, text = SMALL): Promise<string> {
  const socket = dial(server)
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk
  })
  socket.write(text)
  await new Promise((resolve) => socket.on('close', resolve))
  return received
}

/** Ask until the answer is there; tell how often it was not. */
async function askUntilAnswered(server: Server): Promise<number> {
  for (let refused = 0; ; refused++) {
    if (isWhole(await ask(server))) {
      return refused
    }
    await sleep(10)
  }
}

/** Whether an answer is that to SMALL, to the last byte. */
function isWhole(answer: string): boolean {
  return / 200 OK\r\n[^]*\r\n\r\nx{1000}$/.test(answer)
}

async function until(condition: () => boolean, seconds: number): Promise<boolean> {
  const end = performance.now() + patiently(seconds * 1000)
  while (!condition() && performance.now() < end) {
    await sleep(50)
  }
  return condition()
}

function mib(bytes: number): string {
  return `${(bytes / MiB).toFixed(1)} MiB`
}

/** What a fraction of the values is not above. */
function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(fraction * (sorted.length - 1))] as number
}

// -- Slow loris ------------------------------------------------------------------------------

/** A way to hold a connection: what is sent at first, what each second, and for how long. */
interface Loris {
  readonly name: string
  readonly count: number
  readonly hello: string
  readonly drip: string
  readonly deaf: boolean
  readonly limit: number
}

/**
 * Two servers, one of them besieged, are asked in turns by the same client; so what the client and
 * the machine cost is on both sides, and the ratio is the siege's alone.
 */
async function loris(count: number): Promise<void> {
  const kept = 'GET /small HTTP/1.1\r\n'
  const tenth = Math.ceil(count / 10)
  writeFileSync(join(root, 'large'), Buffer.alloc(32 * MiB))
  const all: readonly Loris[] = [
    {
      name: 'a head, byte by byte',
      count,
      hello: `${kept}X: `,
      drip: 'x',
      deaf: false,
      limit: HEAD_TIMEOUT,
    },
    { name: 'not a byte', count: tenth, hello: '', drip: '', deaf: false, limit: TIMEOUT },
    {
      name: 'nothing behind a request',
      count: tenth,
      hello: `${kept}\r\n`,
      drip: '',
      deaf: false,
      limit: TIMEOUT,
    },
    {
      name: 'a body, byte by byte',
      count: tenth,
      hello: `${kept}Content-Length: 99999\r\n\r\n`,
      drip: 'x',
      deaf: false,
      limit: TIMEOUT,
    },
    {
      name: 'an answer, not read',
      count: tenth,
      hello: 'GET /large HTTP/1.1\r\n\r\n',
      drip: '',
      deaf: true,
      limit: TIMEOUT,
    },
  ]
  const [besieged, quiet] = await Promise.all([start(), start()])
  // The code is loaded and compiled.
  for (let number = 0; number < 500; number++) {
    await ask(besieged)
    await ask(quiet)
  }
  const before = besieged.descriptors()

  const begun = performance.now()
  const age = () => (performance.now() - begun) / 1000
  const ends = all.map(() => [] as number[])
  const dripping = all.flatMap((kind, index) =>
    Array.from({ length: kind.count }, (_, number) => {
      const socket = dial(besieged)
      socket.write(kind.hello)
      if (!kind.deaf) {
        socket.resume()
      }
      socket.on('close', () => ends[index]?.push(age()))
      // Not all in the same moment.
      const offset = setTimeout(
        () => {
          const timer = setInterval(() => kind.drip !== '' && socket.write(kind.drip), 1000)
          socket.on('close', () => {
            clearInterval(timer)
          })
        },
        1000 * (number / kind.count),
      )
      socket.on('close', () => {
        clearTimeout(offset)
      })
      return socket
    }),
  )
  await until(() => besieged.descriptors() >= before + dripping.length, 10)
  const held = besieged.descriptors() - before
  console.log(`${String(held)} connections are held; normal clients, of two servers in turns:`)
  check(held >= dripping.length, `all ${String(dripping.length)} are held`)

  const waits: [number[], number[]] = [[], []]
  while (age() < HEAD_TIMEOUT - 3) {
    for (const [index, server] of [besieged, quiet, quiet, besieged].entries()) {
      const asked = performance.now()
      check(isWhole(await ask(server)), 'a normal client is answered')
      waits[index === 0 || index === 3 ? 0 : 1].push(performance.now() - asked)
    }
    await sleep(2)
  }
  check(
    ends.every((times) => times.length === 0),
    'they are still held when that has been measured',
  )
  for (const [name, fraction] of [
    ['median', 0.5],
    ['99%', 0.99],
  ] as const) {
    const [slow, usual] = waits.map((times) => quantile(times, fraction)) as [number, number]
    const ratio = slow / usual
    console.log(
      `  ${name.padEnd(8)} ${slow.toFixed(2)} ms beside them, ${usual.toFixed(2)} ms without: ` +
        `ratio ${ratio.toFixed(2)}`,
    )
    // The other one hangs on what else the machine does.
    check(name !== 'median' || ratio < 2, `the ratio of the medians is below 2`)
  }
  console.log(`  of ${String(waits[0].length)} requests to each`)

  const gone = await until(() => besieged.descriptors() <= before, TIMEOUT + 15 - age())
  for (const socket of dripping) {
    // One that does not read does not hear of the end.
    socket.resume()
  }
  await until(() => ends.flat().length === dripping.length, 10)
  for (const [index, { name, count, deaf, limit }] of all.entries()) {
    const times = ends[index] as number[]
    const [first, last] = [Math.min(...times), Math.max(...times)]
    const when = deaf ? '' : ` after ${first.toFixed(1)} to ${last.toFixed(1)} s`
    console.log(`${name.padEnd(25)} ${String(times.length)} of ${String(count)} ended${when}`)
    check(times.length === count, `${name}: all are ended`)
    check(deaf || (first > limit - 1 && last < limit + 5), `${name}: after ${String(limit)} s`)
  }
  check(gone, 'no descriptor is left')
  check(!/Exception|Error:/.test(besieged.log()), 'no exception')
}

// -- Descriptors -----------------------------------------------------------------------------

async function descriptors(count: number): Promise<void> {
  const server = await start({ shell: 'ulimit -n 100;' })
  const before = server.descriptors()
  for (const round of [1, 2]) {
    const silent = Array.from({ length: count }, () => dial(server))
    let closed = 0
    for (const socket of silent) {
      socket.on('close', () => closed++).resume()
    }
    await until(() => server.log().split('\n').length > round && closed > 0, 60)
    await sleep(500)
    const taken = silent.filter((socket) => !socket.destroyed)
    console.log(
      `round ${String(round)}: of ${String(count)} clients ${String(taken.length)} are taken, ` +
        `${String(server.descriptors())} of 100 descriptors in use`,
    )
    check(taken.length > 0 && taken.length < count, 'some are taken, and some are not')
    // Those that are there are served, and there are descriptors for their files.
    const answers = await Promise.all(
      taken.map(async (socket) => {
        let received = ''
        socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk))
        socket.write(SMALL)
        await new Promise((resolve) => socket.on('close', resolve))
        return received
      }),
    )
    check(answers.every(isWhole), 'those that are taken are answered')
    for (const socket of silent) {
      socket.destroy()
    }
    await askUntilAnswered(server)
    const failed = []
    for (let number = 0; number < 100; number++) {
      failed.push(...(isWhole(await ask(server)) ? [] : [number]))
    }
    check(failed.length === 0, 'when they have gone, everybody is answered')
    check(await until(() => server.descriptors() <= before, 60), 'no descriptor is left')
  }
  const lines = server.log().trimEnd().split('\n')
  console.log(lines.join('\n'))
  check(
    lines.length === 2 &&
      lines.every((line) => line.includes(' dropped, and so are further ones: ')),
    'one line in the log for each round',
  )
}

// -- Large heads -----------------------------------------------------------------------------

async function heads(count: number): Promise<void> {
  // The size to which V8 lets its young generation grow differs from one Node to the next.
  const server = await start({ shell: 'NODE_OPTIONS=--max-semi-space-size=8' })
  const line = `X: ${'x'.repeat(65_535 - 'X: \r\n'.length)}\r\n`
  const kinds: [name: string, text: string, status: RegExp][] = [
    ['a head of 65,535 bytes', `GET /small HTTP/1.1\r\n${line}\r\n`, /^HTTP\/1\.1 200 /],
    ['a head of 256 KiB', `GET /small HTTP/1.1\r\n${line.repeat(5)}\r\n`, /^HTTP\/1\.1 431 /],
    ['a path of 60,000 bytes', `GET /${'x'.repeat(60_000)} HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 404 /],
    ['a deep path', `GET ${'/x'.repeat(30_000)} HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 404 /],
    // What a careless pattern looks at again and again.
    ['a line full of CRs', `GET /${'\r'.repeat(65_000)}x HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [
      'a field full of blanks',
      `GET / HTTP/1.1\r\nX:${' '.repeat(65_000)}\rx\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
  ]
  for (const [name, text, status] of kinds) {
    // A tenth first: the caches and the collector find their size.
    const memory: number[] = []
    const times: number[] = []
    for (let number = 0; number < 1.1 * count; number++) {
      const asked = performance.now()
      const socket = dial(server)
      socket.end(text)
      let received = ''
      socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk))
      await new Promise((resolve) => socket.on('close', resolve))
      check(status.test(received), `${name} is answered with ${status.source}`)
      times.push(performance.now() - asked)
      memory.push(server.memory())
    }
    const rest = memory.slice(count / 10)
    const [first, last] = [rest[0] as number, rest.at(-1) as number]
    console.log(
      `${name.padEnd(23)} ${String(count)} times: memory ${mib(first)} before, ` +
        `${mib(Math.max(...rest))} at most, ${mib(last)} after; ` +
        `median ${quantile(times, 0.5).toFixed(1)} ms`,
    )
    check(Math.max(...rest) - first < 48 * MiB, `${name}: memory is flat`)
  }
  check(server.log() === '', `nothing else in the log: ${server.log().slice(0, 200)}`)
}

// -- Many names ------------------------------------------------------------------------------

async function names(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    closeSync(openSync(join(root, `name-${String(index)}`), 'w'))
  }
  const server = await start()
  await ask(server)
  const before = server.memory()
  for (let round = 0; round < 3; round++) {
    const asked = performance.now()
    const listing = ask(server, 'GET / HTTP/1.0\r\n\r\n')
    await sleep(1)
    check(isWhole(await ask(server)), 'others are answered')
    const waited = performance.now() - asked
    const links = (await listing).match(/<li><a href="name-\d+">/g) ?? []
    console.log(
      `${String(links.length)} names in ${(performance.now() - asked).toFixed(0)} ms; another client ` +
        `waits ${waited.toFixed(0)} ms; memory ${mib(before)} before, ${mib(server.memory())} now`,
    )
    check(links.length === count, 'the listing is complete')
  }
}

// -- A full disk -----------------------------------------------------------------------------

async function disk(count: number): Promise<void> {
  const mount = mkdtempSync(join(tmpdir(), 'basehttp-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount]).status === 0
  const log = mounted ? join(mount, 'log') : '/dev/full'
  try {
    const server = await start({ logFile: log })
    const answered = async () => {
      let whole = 0
      for (let number = 0; number < count; number++) {
        whole += isWhole(await ask(server)) ? 1 : 0
      }
      check(whole === count, 'everybody is answered')
      return `${String(whole)} of ${String(count)} answered`
    }
    const lines = () => (mounted ? readFileSync(log, 'latin1').split('\n').length - 1 : 0)
    console.log(`the log goes to ${mounted ? 'a disk of 64 KiB' : log}: ${await answered()}`)
    const full = lines()
    check(full < count, 'the disk is full')
    if (mounted) {
      check(statSync(log).size === 64 * 1024, 'to the last byte')
      spawnSync('mount', ['-o', 'remount,size=16m', mount])
      console.log(`the disk has room again: ${await answered()}`)
      console.log(`lines in the log: ${String(full)} when it was full, ${String(lines())} now`)
      check(lines() === full + count, 'and each has its line again')
    }
    server.child.kill('SIGTERM')
    await server.exited
  } finally {
    if (mounted) {
      spawnSync('umount', [mount])
    }
    rmSync(mount, { recursive: true })
  }
}

// -- The end ---------------------------------------------------------------------------------

/**
 * Clients ask one request after the other, each on a connection that it keeps for a while; in the
 * middle comes the signal. A connection that is closed without a byte of an answer was not taken, or
 * was idle; half an answer is a loss.
 */
async function drain(count: number): Promise<void> {
  for (const clients of [1, 16, 64]) {
    const server = await start()
    const seen = { answered: 0, cut: 0, afterwards: 0, lost: 0 }
    let signalled = false
    let asked = 0
    const client = async () => {
      for (;;) {
        const socket = dial(server)
        const ended = new Promise((resolve) => socket.on('close', resolve))
        let received = ''
        let answered = () => {}
        socket.setEncoding('latin1').on('data', (chunk: string) => {
          received += chunk
          if (isWhole(received)) {
            answered()
          }
        })
        for (let number = 0; number < 20 && !socket.destroyed; number++) {
          received = ''
          const inTime = !signalled
          const whole = new Promise<void>((resolve) => (answered = resolve))
          socket.write('GET /small HTTP/1.1\r\n\r\n')
          asked++
          if (asked === count) {
            server.child.kill('SIGTERM')
            signalled = true
          }
          await Promise.race([whole, ended])
          if (isWhole(received)) {
            seen.answered++
            seen.afterwards += inTime ? 0 : 1
          } else if (received !== '') {
            seen.cut++
          } else if (inTime && number > 0) {
            seen.lost++
          }
        }
        socket.destroy()
        await ended
        if (signalled) {
          return
        }
      }
    }
    await Promise.all(Array.from({ length: clients }, client))
    const [status] = await server.exited
    console.log(
      `${String(clients).padStart(2)} clients: ${String(seen.answered)} answers, of which ` +
        `${String(seen.afterwards)} were asked for after SIGTERM; ${String(seen.cut)} cut short, ` +
        `${String(seen.lost)} lost; exit ${String(status)}`,
    )
    check(seen.lost === 0, 'what was asked before on a connection that was taken is answered')
    check(seen.cut === 0, 'no answer is cut short')
    check(status === 0, 'the server ends with 0')
    check(!/Exception|Error:/.test(server.log()), `no exception: ${server.log().slice(0, 500)}`)
  }

  writeFileSync(join(root, 'large'), Buffer.alloc(32 * MiB))
  const server = await start()
  const loading = dial(server)
  loading.write('GET /large HTTP/1.1\r\n\r\n')
  await once(loading, 'readable')
  server.child.kill('SIGTERM')
  await sleep(1000)
  check(server.child.exitCode === null, 'a download holds the end up')
  server.child.kill('SIGTERM')
  const [status] = await server.exited
  console.log(
    'a download goes on a second after SIGTERM; a second one ends it, though nobody reads, with ' +
      `exit ${String(status)}`,
  )
  check(status === 0, 'a second signal ends at once')
  loading.destroy()
}

// -- The command -----------------------------------------------------------------------------

const SIEGES: Readonly<Record<string, [siege: (count: number) => Promise<void>, count: number]>> = {
  loris: [loris, 500],
  descriptors: [descriptors, 300],
  heads: [heads, 1000],
  names: [names, 100_000],
  disk: [disk, 2000],
  drain: [drain, 2000],
}

const [what = '', count] = process.argv.slice(2)
const [siege, usual] = SIEGES[what] ?? []
if (siege === undefined || !/^[1-9][0-9]*$/.test(count ?? '1')) {
  console.error(`usage: npm run siege -- ${Object.keys(SIEGES).join(' | ')} [COUNT]`)
  rmSync(root, { recursive: true })
  process.exit(2)
}
try {
  await siege(Number(count ?? usual))
} finally {
  for (const child of running) {
    child.kill('SIGKILL')
  }
  rmSync(root, { recursive: true })
}
for (const fault of new Set(faults)) {
  console.error(`not ok: ${fault}`)
}
process.exitCode = faults.length === 0 ? 0 : 1
