/**
 * `npm run soak`: a million requests and a hundred thousand connections, a tenth of them broken
 * off; then heap, descriptors and listeners must be what they were. Linux only.
 *
 * The first samples fill caches and let the compiler finish; what is compared is the second half:
 * a leak of a few bytes for each request is megabytes there. `--plot FILE` draws them.
 *
 * @module
 */

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { MeasuredServer } from '../measured-server.ts'
import { check, dial, finish, makeRoot, MiB } from './trial.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    connections: { type: 'string', default: '100000' },
    plot: { type: 'string' },
  },
})
const REQUESTS = Number(values.requests)
const CONNECTIONS = Number(values.connections)
const SAMPLES = 20
const CLIENTS = 16
const PIPELINE = 16

/** What the server says of itself, after its garbage is collected. */
interface Sample {
  readonly heap: number
  readonly resources: number
  readonly listeners: number
  readonly descriptors: number
}

const root = makeRoot('soak')
writeFileSync(join(root, 'large'), 'x'.repeat(4 * MiB))
const program = join(import.meta.dirname, 'soak-server.js')
const server = await MeasuredServer.start([
  ...[process.execPath, '--expose-gc', '--trace-warnings'],
  ...[program, root],
])

const samples: Sample[] = []
for (let number = 0; number < SAMPLES; number++) {
  await Promise.all(Array.from({ length: CLIENTS }, () => keepAlive(REQUESTS / SAMPLES / CLIENTS)))
  await Promise.all(
    Array.from({ length: CLIENTS }, () => shortLived(CONNECTIONS / SAMPLES / CLIENTS)),
  )
  // The last connections end, and with them what they hold.
  await sleep(200)
  samples.push(await sample())
  show(number + 1, samples.at(-1) as Sample)
}

if (values.plot !== undefined) {
  writeFileSync(values.plot, plot(samples))
}
const half = samples.slice(SAMPLES / 2)
const growth = (half.at(-1) as Sample).heap - (half[0] as Sample).heap
check(growth <= MiB, `the heap has grown by ${(growth / MiB).toFixed(2)} MiB`)
for (const key of ['resources', 'listeners', 'descriptors'] as const) {
  check(new Set(half.map((one) => one[key])).size === 1, `the number of ${key} changes`)
}
check(server.log() === '', `standard error: ${server.log()}`)
console.log(`in the second half, the heap grows by ${(growth / 1024).toFixed(0)} KiB`)
finish()

async function sample(): Promise<Sample> {
  server.child.stdin?.write('sample\n')
  const [line] = (await once(server.child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const own = JSON.parse(String(line)) as Omit<Sample, 'descriptors'>
  return { ...own, descriptors: server.descriptors() }
}

function show(number: number, { heap, descriptors, resources, listeners }: Sample): void {
  const bar = '#'.repeat(Math.round(heap / MiB / 0.25))
  console.log(
    `${String(number).padStart(2)}/${String(SAMPLES)}  heap ${(heap / MiB).toFixed(2)} MiB  ` +
      `descriptors ${String(descriptors)}  resources ${String(resources)}  ` +
      `listeners ${String(listeners)}  ${bar}`,
  )
}

/** Draw the samples, a line for each number, each on a scale of its own that begins at 0. */
function plot(samples: readonly Sample[]): string {
  const lines = (['heap', 'descriptors', 'resources', 'listeners'] as const).map((key, row) => {
    const numbers = samples.map((one) => (key === 'heap' ? one.heap / MiB : one[key]))
    const highest = Math.max(...numbers)
    const bottom = 70 * (row + 1)
    const points = numbers.map((number, index) => {
      return `${(190 + index * 24).toFixed(0)},${(bottom - (50 * number) / highest).toFixed(1)}`
    })
    const unit = key === 'heap' ? ' MiB of' : ''
    const words = `at most ${String(Number(highest.toFixed(2)))}${unit} ${key}`
    return (
      `<text x="8" y="${String(bottom - 20)}">${words}</text>\n` +
      `<path d="M190,${String(bottom)}H${String(190 + 24 * (SAMPLES - 1))}" stroke="#999"/>\n` +
      `<polyline points="${points.join(' ')}" fill="none" stroke="#2d7dd2" stroke-width="2"/>\n`
    )
  })
  const each = `${String(REQUESTS / SAMPLES)} requests, ${String(CONNECTIONS / SAMPLES)} connections`
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 670 310" ' +
    'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n' +
    `${lines.join('')}<text x="190" y="300">${String(SAMPLES)} samples, after each ${each}</text>\n</svg>\n`
  )
}

/** Requests on one connection, several under way at once. */
async function keepAlive(count: number): Promise<void> {
  const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true })
  const request = Buffer.from('GET /small HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(PIPELINE))
  let missing = Math.ceil(count / PIPELINE) * PIPELINE
  let length = 0
  let received = 0
  let first = ''
  const send = () => socket.write(request)
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      if (length === 0) {
        // All responses are as long as the first.
        first += chunk.toString('latin1')
        const end = first.indexOf('\r\n\r\n')
        if (end === -1) {
          return
        }
        length = end + 4 + 1000
        received = first.length
      } else {
        received += chunk.length
      }
      const responses = Math.min(PIPELINE, Math.floor(received / length))
      if (responses === PIPELINE) {
        received -= PIPELINE * length
        missing -= PIPELINE
        if (missing <= 0) {
          resolve()
        } else {
          send()
        }
      }
    })
    send()
  })
  socket.destroy()
}

/** Connections one after the other; every tenth is broken off, each time somewhere else. */
async function shortLived(count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const socket = dial(server)
    await once(socket, 'connect')
    if (number % 10 === 9) {
      await breakOff(socket, Math.floor(number / 10) % 4)
    } else {
      socket.end('GET /small HTTP/1.0\r\n\r\n')
      socket.resume()
      await once(socket, 'close')
    }
  }
}

async function breakOff(socket: Socket, way: number): Promise<void> {
  switch (way) {
    case 0: // before the first byte
      break
    case 1: // in the head
      socket.write('GET /small HT')
      break
    case 2: // in the response
      socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(socket, 'readable')
      break
    case 3: // in the body of a request
      socket.write('GET /small HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc')
      await once(socket, 'readable')
      break
  }
  socket.resetAndDestroy()
}
