/**
 * Slow loris: `npm run siege -- loris`. 500 clients that send a byte a second, and others that hold a
 * connection in their own way, beside normal ones; a minute.
 *
 * @module
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, check, dial, isWhole, MiB, quantile, startCommandLine, until } from './trial.ts'

/** How long the command line waits for a head, and for anything else, in seconds: see `cli.ts`. */
const HEAD_TIMEOUT = 30
const TIMEOUT = 60

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
 * One client asks two servers in turns, of which one is besieged. What the client and the machine
 * cost is then on both sides, and the ratio is due to the siege alone.
 */
export async function loris(root: string, count: number): Promise<void> {
  const kept = 'GET /small HTTP/1.1\r\nHost: x\r\n'
  const tenth = Math.ceil(count / 10)
  writeFileSync(join(root, 'large'), Buffer.alloc(32 * MiB))
  const quietly = { count: tenth, drip: '', deaf: false, limit: TIMEOUT }
  const dripping = { ...quietly, drip: 'x' }
  const ways: readonly Loris[] = [
    { ...dripping, name: 'a head, byte by byte', hello: `${kept}X: `, count, limit: HEAD_TIMEOUT },
    { ...quietly, name: 'not a byte', hello: '' },
    { ...quietly, name: 'nothing behind a request', hello: `${kept}\r\n` },
    { ...dripping, name: 'a body, byte by byte', hello: `${kept}Content-Length: 99999\r\n\r\n` },
    {
      ...quietly,
      name: 'an answer, not read',
      hello: 'GET /large HTTP/1.1\r\nHost: x\r\n\r\n',
      deaf: true,
    },
  ]
  const [besieged, quiet] = await Promise.all([startCommandLine(root), startCommandLine(root)])
  // Until the code is loaded and compiled.
  for (let number = 0; number < 500; number++) {
    await ask(besieged)
    await ask(quiet)
  }
  const before = besieged.descriptors()

  const begun = performance.now()
  const age = () => (performance.now() - begun) / 1000
  const ends = ways.map(() => [] as number[])
  const holders = ways.flatMap((kind, index) =>
    Array.from({ length: kind.count }, (_, number) => {
      const socket = dial(besieged)
      socket.write(kind.hello)
      if (!kind.deaf) {
        socket.resume()
      }
      socket.on('close', () => ends[index]?.push(age()))
      // Spread over the second.
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
  await until(() => besieged.descriptors() >= before + holders.length, 10)
  const held = besieged.descriptors() - before
  console.log(`${String(held)} connections are held; normal clients, of two servers in turns:`)
  check(held >= holders.length, `all ${String(holders.length)} are held`)

  const waits: [number[], number[]] = [[], []]
  while (age() < HEAD_TIMEOUT - 3) {
    for (const [index, server] of [besieged, quiet, quiet, besieged].entries()) {
      const asked = performance.now()
      check(isWhole(await ask(server)), 'a normal client gets its response')
      waits[index === 0 || index === 3 ? 0 : 1].push(performance.now() - asked)
    }
    await sleep(2)
  }
  check(
    ends.every((times) => times.length === 0),
    'they are still held after that was measured',
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
    // The 99th percentile depends on what else the machine does.
    check(name !== 'median' || ratio < 2, `the ratio of the medians is below 2`)
  }
  console.log(`  of ${String(waits[0].length)} requests to each`)

  const gone = await until(() => besieged.descriptors() <= before, TIMEOUT + 15 - age())
  for (const socket of holders) {
    // A socket that is not read does not learn of the end.
    socket.resume()
  }
  await until(() => ends.flat().length === holders.length, 10)
  for (const [index, { name, count, deaf, limit }] of ways.entries()) {
    const times = ends[index] as number[]
    const [first, last] = [Math.min(...times), Math.max(...times)]
    const when = deaf ? '' : ` after ${first.toFixed(1)} to ${last.toFixed(1)} s`
    console.log(`${name.padEnd(25)} ${String(times.length)} of ${String(count)} ended${when}`)
    check(times.length === count, `${name}: all are closed`)
    check(deaf || (first > limit - 1 && last < limit + 5), `${name}: after ${String(limit)} s`)
  }
  check(gone, 'no descriptor is left')
  check(!/Exception|Error:/.test(besieged.log()), 'no exception')
}
