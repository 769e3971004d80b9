/**
 * `npm run uploads`: what a large upload costs, and what happens when the disk is full. `npm run
 * uploads -- limits`: forms that are refused, see `upload-limits.ts`.
 *
 * ```text
 *   this process                           upload-server.ts
 *   makes a form as it sends it, 1 GiB --> FieldStorage.parse(): disk
 *   compares size and SHA-256 <----------- what is on the disk, how much memory it took
 * ```
 *
 * It takes some seconds and 1 GiB of disk, too much for a test; `field-storage.test.ts` does the
 * same with 64 MiB. Give another size in MiB as the argument.
 *
 * For the full disk, a small one is mounted, which only root may do. For anybody else the shell
 * limits the size of files: the write then fails in the same place, with `EFBIG` and not `ENOSPC`.
 *
 * @module
 */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { limits } from './upload-limits.ts'
import type { Kind, UploadReport } from './upload-server.ts'

const MIB = 1024 * 1024
/** How much more memory a server may take for an upload of any size, in bytes. */
const MEMORY_LIMIT = 64 * MIB

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    kind: { type: 'string' },
    row: { type: 'string' },
    most: { type: 'string', default: String(16 * MIB) },
  },
})
const [what = '1024'] = positionals
const size = Number(what) * MIB
const failures: string[] = []
if (what === 'limits') {
  await refusedForms()
} else if (size > 0) {
  await largeUpload()
  await fullDisk()
} else {
  console.error('usage: npm run uploads -- [MIB | limits [--rounds N] [--seed S] ...]')
  process.exit(2)
}
for (const failure of failures) {
  console.error(`not ok: ${failure}`)
}
process.exitCode = failures.length === 0 ? 0 : 1

function check(ok: boolean, what: string): void {
  if (!ok) {
    failures.push(what)
  }
}

// -- The two runs ----------------------------------------------------------------------------

async function largeUpload(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-uploads-'))
  const server = await start([process.execPath], folder)
  try {
    // The code is loaded and compiled, and the buffers have their size.
    await send(server.port, MIB)
    const before = report(await send(server.port, 8 * MIB))
    const started = performance.now()
    const { answer, sha256 } = await upload(server.port, size)
    const seconds = (performance.now() - started) / 1000
    const after = report(answer)
    const growth = after.peak - before.peak
    console.log(
      `${mib(size)} in ${seconds.toFixed(1)} s (${mib(size / seconds)}/s); memory: ` +
        `${mib(before.peak)} at most before, ${mib(growth)} more at most meanwhile`,
    )
    check(after.size === size && after.sha256 === sha256, 'what is on the disk is what was sent')
    check(growth < MEMORY_LIMIT, `memory grows by less than ${mib(MEMORY_LIMIT)}`)
    check(after.named.length === 0, `no file has a name: ${after.named.join()}`)
    if (after.unnamed !== undefined) {
      check(
        after.unnamed.join() === String(size),
        `one file, of that size: ${after.unnamed.join()}`,
      )
    }
    const rest = report(await get(server.port))
    check((rest.unnamed ?? []).length === 0, 'the file is gone when the request has been answered')
    console.log('the file had no name, and is gone')
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
}

async function fullDisk(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-uploads-'))
  const mount = ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder]
  const mounted = spawnSync('mount', mount).status === 0
  const limit = ['sh', '-c', 'ulimit -f 16384 && exec "$@"', 'sh', process.execPath]
  const server = await start(mounted ? [process.execPath] : limit, folder)
  try {
    const how = mounted ? 'a disk of 16 MiB' : 'ulimit -f (a disk cannot be mounted here)'
    const answer = await send(server.port, 64 * MIB)
    const statusLine = answer.slice(0, answer.indexOf('\r\n'))
    console.log(`64 MiB onto ${how}: ${statusLine}`)
    console.log(server.log().trimEnd())
    check(/^HTTP\/1\.0 500 Cannot store the form: \S/.test(statusLine), 'a full disk is a 500')
    check(/code 500, message Cannot store the form: \S/.test(server.log()), 'and a line in the log')
    const next = report(await send(server.port, 4 * MIB))
    check(next.size === 4 * MIB, 'the server goes on, and the disk is free again')
    check(readdirSync(folder).length === 0, 'nothing is left')
  } finally {
    await server.stop()
    if (mounted) {
      spawnSync('umount', [folder])
    }
    rmSync(folder, { recursive: true })
  }
}

async function refusedForms(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-uploads-'))
  const { rounds, seed, most, ...which } = values
  const options = { rounds: Number(rounds), seed: Number(seed), most: Number(most), ...which }
  const found = await limits((kind) => start([process.execPath], folder, kind), options)
  failures.push(...found)
  check(readdirSync(folder).length === 0, 'no file is left')
  rmSync(folder, { recursive: true })
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`
}

// -- The server ------------------------------------------------------------------------------

/** A server in a process of its own. */
export interface Running {
  readonly port: number
  readonly pid: number
  log(): string
  stop(): Promise<void>
  /** Have it close; tells how the process has ended: 0 if by itself. */
  close(): Promise<unknown>
}

async function start(
  command: readonly string[],
  folder: string,
  kind: Kind = 'plain',
): Promise<Running> {
  const [program = '', ...args] = command
  const server = join(import.meta.dirname, 'upload-server.js')
  const child: ChildProcess = spawn(program, [...args, server, kind], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const exited = once(child, 'exit')
  const first = once(child.stdout as NodeJS.ReadableStream, 'data') as Promise<[Buffer]>
  const ready = await Promise.race([first, exited.then(() => [Buffer.from(log)])])
  const port = /^READY ([0-9]+)/.exec(String(ready[0]))?.[1]
  if (port === undefined) {
    throw new Error(`The server does not start: ${String(ready[0])}`)
  }
  return {
    port: Number(port),
    pid: child.pid as number,
    log: () => log,
    async close() {
      child.stdin?.end()
      const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
      const [code, signal] = (await exited) as unknown[]
      clearTimeout(timer)
      return code ?? signal
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

// -- The client ------------------------------------------------------------------------------

async function send(port: number, bytes: number): Promise<string> {
  return (await upload(port, bytes)).answer
}

/** Send a form with a file of so many bytes; tell the answer, and the hash of the file. */
async function upload(port: number, bytes: number): Promise<{ answer: string; sha256: string }> {
  const head =
    '--boundary\r\n' +
    'Content-Disposition: form-data; name="file"; filename="large"\r\n' +
    'Content-Type: application/octet-stream\r\n\r\n'
  const tail = '\r\n--boundary--\r\n'
  const hash = createHash('sha256')
  const socket = connect(port, '127.0.0.1')
  const answer = readAll(socket)
  const gone = answer.then(
    () => false,
    () => false,
  )
  socket.write(
    'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n' +
      'Content-Type: multipart/form-data; boundary=boundary\r\n' +
      `Content-Length: ${String(head.length + bytes + tail.length)}\r\n\r\n${head}`,
  )
  let going = true
  for (let sent = 0; sent < bytes && going;) {
    const piece = pieceAt(sent).subarray(0, bytes - sent)
    hash.update(piece)
    sent += piece.length
    if (!socket.write(piece)) {
      going = await Promise.race([once(socket, 'drain').then(() => true), gone])
    }
  }
  if (going) {
    socket.write(tail)
  }
  return { answer: await answer, sha256: hash.digest('hex') }
}

/** 64 KiB that are different at each place, with line ends and the beginnings of boundaries. */
function pieceAt(place: number): Buffer {
  const piece = Buffer.alloc(64 * 1024, `\r\n--bound ${String(place)} \0\xff`, 'latin1')
  piece.writeDoubleBE(place, 100)
  return piece
}

async function get(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\n\r\n')
  return readAll(socket)
}

function readAll(socket: NodeJS.ReadWriteStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
    })
    socket.on('end', () => {
      resolve(received)
    })
    socket.on('error', reject)
  })
}

function report(answer: string): UploadReport {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  if (!head.startsWith('HTTP/1.0 200 ')) {
    throw new Error(`The server answers ${JSON.stringify(answer.slice(0, 200))}`)
  }
  return JSON.parse(body) as UploadReport
}
