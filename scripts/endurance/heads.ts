/**
 * Large heads: `npm run siege -- heads`. 1,000 heads of 65,535 bytes, as many paths of 60,000, and
 * what else a careless parser chokes on; memory does not grow.
 *
 * @module
 */

import { check, dial, mib, MiB, quantile, readAll, startCommandLine } from './trial.ts'

/** Send each kind of head `count` times, one after the other. */
export async function heads(root: string, count: number): Promise<void> {
  // The size to which V8 lets its young generation grow differs from one Node to the next.
  const server = await startCommandLine(root, { shell: 'NODE_OPTIONS=--max-semi-space-size=8' })
  const line = `X: ${'x'.repeat(65_535 - 'X: \r\n'.length)}\r\n`
  const kinds: [name: string, text: string, status: RegExp][] = [
    ['a head of 65,535 bytes', `GET /small HTTP/1.1\r\nHost: x\r\n${line}\r\n`, /^HTTP\/1\.1 200 /],
    [
      'a head of 256 KiB',
      `GET /small HTTP/1.1\r\nHost: x\r\n${line.repeat(5)}\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
    [
      'a path of 60,000 bytes',
      `GET /${'x'.repeat(60_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      /^HTTP\/1\.1 404 /,
    ],
    ['a deep path', `GET ${'/x'.repeat(30_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1\.1 404 /],
    // On these, a careless regular expression backtracks.
    [
      'a line full of CRs',
      `GET /${'\r'.repeat(65_000)}x HTTP/1.1\r\nHost: x\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a field full of blanks',
      `GET / HTTP/1.1\r\nHost: x\r\nX:${' '.repeat(65_000)}\rx\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
  ]
  for (const [name, text, status] of kinds) {
    // A tenth before: caches and the heap reach their size.
    const memory: number[] = []
    const times: number[] = []
    for (let number = 0; number < 1.1 * count; number++) {
      const asked = performance.now()
      const socket = dial(server)
      socket.end(text)
      check(status.test(await readAll(socket)), `${name}: the response is ${status.source}`)
      times.push(performance.now() - asked)
      memory.push(server.memory())
    }
    const rest = memory.slice(count / 10)
    const [first, last] = [rest[0] as number, rest.at(-1) as number]
    console.log(
      `${name.padEnd(23)} ${String(count)} times: memory ${mib(first, 1)} before, ` +
        `${mib(Math.max(...rest), 1)} at most, ${mib(last, 1)} after; ` +
        `median ${quantile(times, 0.5).toFixed(1)} ms`,
    )
    check(Math.max(...rest) - first < 48 * MiB, `${name}: memory is flat`)
  }
  check(server.log() === '', `nothing else in the log: ${server.log().slice(0, 200)}`)
}
