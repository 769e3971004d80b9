/**
 * `npm run uploads -- limits`: forms that are refused while they are still being sent.
 *
 * ```text
 *   each kind of server x each limit x 1 B, 64 KiB, 1 MiB, 16 MiB after the byte that breaks it
 *     x so many rounds, cut at random: the promised response, then a form that is fine
 *   at the end: no temporary file, no more descriptors than before, and the server closes
 * ```
 *
 * The client reads the whole response although it has not sent its whole request; a reset before the
 * end of the response is a failure.
 *
 * @module
 */

import { connect } from 'node:net'
import { KINDS } from './upload-server.ts'
import type { Kind } from './upload-server.ts'
import type { MeasuredServer } from '../measured-server.ts'
import { check, MiB, until } from './trial.ts'

const MULTIPART = 'multipart/form-data; boundary=b'
const URLENCODED = 'application/x-www-form-urlencoded'
/** How many bytes the client sends after the one that breaks the limit. */
const MORE = [1, 64 * 1024, MiB, 16 * MiB]

/** A form that is refused at the last byte of `begin`. */
interface Row {
  readonly name: string
  /** The query, which sets limits. */
  readonly query: string
  readonly type: string
  readonly begin: string
  readonly response: RegExp
}

const over = (limit: string) => new RegExp(`^HTTP/1\\.0 413 .*\\(${limit}\\)`, 's')
const part = (rest: string, data: string) =>
  `--b\r\nContent-Disposition: form-data; name="a"${rest}\r\n\r\n${data}`
const FILE = '; filename="f"\r\nContent-Type: text/plain; charset=nope'
const LONG = 'x'.repeat(1000)
const MALFORMED = /^HTTP\/1\.0 400 Malformed form/

const ROWS: readonly Row[] = [
  ['bytes', 'maxBytes=999', LONG, over('maxBytes')],
  ['bytes, urlencoded', 'maxBytes=999', LONG, over('maxBytes'), URLENCODED],
  ['fields', 'maxFields=2', `${part('', '1\r\n').repeat(2)}${part('', '')}`, over('maxFields')],
  [
    'fields, urlencoded',
    'maxFields=2&maxTextBytes=1e9',
    'a=1&b=2&c=',
    over('maxFields'),
    URLENCODED,
  ],
  ['files', 'maxFiles=2', `${part(FILE, '1\r\n').repeat(2)}${part(FILE, '')}`, over('maxFiles')],
  ['part, text', 'maxPartBytes=999', part('', LONG), over('maxPartBytes')],
  ['part, file', 'maxPartBytes=999', part(FILE, LONG), over('maxPartBytes')],
  [
    'part, on disk',
    'maxPartBytes=99999&spoolThreshold=1',
    part(FILE, LONG.repeat(100)),
    over('maxPartBytes'),
  ],
  [
    'text',
    'maxTextBytes=1999',
    `${part('', `${LONG}\r\n`)}${part('', LONG)}`,
    over('maxTextBytes'),
  ],
  ['text, urlencoded', 'maxTextBytes=999', `a=${LONG}`, over('maxTextBytes'), URLENCODED],
  ['header', 'maxHeaderBytes=999', `--b\r\nX: ${LONG}`, over('maxHeaderBytes')],
  [
    'header of a file',
    'maxHeaderBytes=999',
    part(`${FILE}\r\nX: ${LONG}`, ''),
    over('maxHeaderBytes'),
  ],
  ['bad header line', 'maxHeaderBytes=999', '--b\r\nX\r\n', MALFORMED],
  ['padding', 'maxFields=9', `--b${' '.repeat(1025)}`, MALFORMED],
  ['NUL in a name', 'maxFields=9', part('; filename="\0"', ''), MALFORMED],
  ['no form', 'maxFields=9', '{}', /^HTTP\/1\.0 400 Not a form/, 'application/json'],
  [
    'no disk',
    'directory=/nowhere&spoolThreshold=9',
    part(FILE, LONG),
    /^HTTP\/1\.0 500 Cannot store/,
  ],
].map(
  ([name, query, begin, response, type = MULTIPART]) =>
    ({ name, query, type, begin, response }) as Row,
)

/** Numbers between 0 and 1 that look random: mulberry32. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What the matrix is run with. */
export interface LimitsOptions {
  readonly rounds: number
  readonly seed: number
  /** A kind of server, or all. */
  readonly kind?: string | undefined
  /** What the names of the rows begin with. */
  readonly row?: string | undefined
  /** The most bytes after the one that breaks the limit. */
  readonly most: number
}

/** Run the matrix; each failure is noted as a fault. */
export async function limits(
  start: (kind: Kind) => Promise<MeasuredServer>,
  { rounds, seed, kind: only, row = '', most }: LimitsOptions,
): Promise<void> {
  for (const kind of KINDS.filter((name) => only === undefined || name === only)) {
    const server = await start(kind)
    const next = random(seed)
    let done = 0
    try {
      // The first form loads what it needs, in each thread or child.
      for (let warm = 0; warm < 20; warm++) {
        await fine(server.port)
      }
      const before = server.descriptors()
      for (const one of ROWS.filter(({ name }) => name.startsWith(row))) {
        for (const more of MORE.filter((bytes) => bytes <= most)) {
          for (let round = 0; round < rounds; round++) {
            const failure = await refused(server.port, one, more, next)
            done += 1
            check(failure === '', `${kind}, ${one.name}, ${String(more)} more: ${failure}`)
            await fine(server.port)
          }
        }
      }
      // A connection that lingers may last a little.
      await until(() => server.descriptors() <= before, 10)
      const after = server.openFiles()
      check(after.length <= before, `${kind}: ${String(before)} descriptors, then ${after.join()}`)
      check(!after.some((name) => name.endsWith(' (deleted)')), `${kind}: ${after.join()}`)
    } catch (error) {
      check(false, `${kind}, after ${String(done)} forms: ${String(error)}`)
    }
    server.child.stdin?.end()
    await until(() => server.child.exitCode !== null, 60)
    check(server.child.exitCode === 0, `${kind}: the server does not close`)
    await server.stop()
    console.log(`${kind}: ${String(done)} forms refused`)
  }
}

/** Send a form that is refused; returns what is wrong with the response. */
async function refused(port: number, row: Row, more: number, next: () => number) {
  const end = row.type === MULTIPART ? '\r\n\r\n\r\n--b--\r\n' : ''
  const length = row.begin.length + more + end.length
  const request = Buffer.concat([
    Buffer.from(
      `POST /?${row.query} HTTP/1.0\r\nContent-Type: ${row.type}\r\n` +
        `Content-Length: ${String(length)}\r\n\r\n${row.begin}`,
      'latin1',
    ),
    Buffer.alloc(more, 'x'),
    Buffer.from(end),
  ])
  // Byte by byte, in small or in large pieces; in large ones long after the limit.
  const size = [1, 100, 10_000, 1_000_000][Math.floor(next() * 4)] as number
  const fine = request.length - more + 2000
  let at = 0
  const response = await exchange(port, () => {
    const begin = at
    at += 1 + Math.floor(next() * (at < fine ? size : Math.max(size, 100_000)))
    return request.subarray(begin, at)
  })
  return row.response.test(response) && response.endsWith('</html>\n')
    ? ''
    : JSON.stringify(response.slice(0, 200))
}

/** Send a form that is fine. */
async function fine(port: number): Promise<void> {
  const body = `${part(FILE, LONG)}\r\n--b--\r\n`
  let request = `POST / HTTP/1.0\r\nContent-Type: ${MULTIPART}\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`
  const response = await exchange(port, () => {
    const all = request
    request = ''
    return Buffer.from(all)
  })
  if (!response.startsWith('HTTP/1.0 200 ')) {
    throw new Error(`A form that is fine: ${JSON.stringify(response.slice(0, 200))}`)
  }
}

/** Send pieces until there are none, or the server has responded; read until it closes. */
async function exchange(port: number, piece: () => Buffer): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let response = ''
  const closed = new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      response += '(no end within 60 s)'
      socket.destroy()
    }, 60_000)
    socket.on('data', (chunk: Buffer) => {
      response += chunk.toString('latin1')
    })
    socket.on('error', (error) => {
      response += response.endsWith('</html>\n') ? '' : `(${error.message})`
    })
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
  for (let bytes = piece(); bytes.length > 0 && socket.writable; bytes = piece()) {
    if (!socket.write(bytes)) {
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
    } else {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await closed
  return response
}
