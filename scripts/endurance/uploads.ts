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
 * It takes some seconds and 1 GiB of disk, too much for a test; `uploads.test.ts` does the same with
 * 64 MiB. The argument is another size, in MiB.
 *
 * The full disk is a small one, which only root may mount. Otherwise the shell limits the size
 * of files: the write then fails in the same place, with `EFBIG` instead of `ENOSPC`.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MeasuredServer, temporaryFolder } from '../measured-server.ts'
import { ask, check, dial, finish, mib, MiB, readAll } from './trial.ts'
import { limits } from './upload-limits.ts'
import type { Kind, UploadReport } from './upload-server.ts'

/** How much more memory a server may take for an upload of any size, in bytes. */
const MEMORY_LIMIT = 64 * MiB

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    kind: { type: 'string' },
    row: { type: 'string' },
    most: { type: 'string', default: String(16 * MiB) },
  },
})
const [what = '1024'] = positionals
const size = Number(what) * MiB
if (what === 'limits') {
  await refusedForms()
} else if (size > 0) {
  await largeUpload()
  await fullDisk()
} else {
  console.error('usage: npm run uploads -- [MIB | limits [--rounds N] [--seed S] ...]')
  process.exit(2)
}
finish()

// -- The runs --------------------------------------------------------------------------------

/** @param command - what runs the server's program */
function start(folder: string, kind: Kind, command = [process.execPath]): Promise<MeasuredServer> {
  const program = join(import.meta.dirname, 'upload-server.js')
  return MeasuredServer.start([...command, program, kind], { env: { TMPDIR: folder } })
}

async function largeUpload(): Promise<void> {
  const server = await start(temporaryFolder('uploads'), 'plain')
  // Until the code is loaded and compiled, and the buffers have their size.
  await upload(server, MiB)
  const before = report((await upload(server, 8 * MiB)).response)
  const started = performance.now()
  const { response, sha256 } = await upload(server, size)
  const seconds = (performance.now() - started) / 1000
  const after = report(response)
  const growth = after.peak - before.peak
  console.log(
    `${mib(size)} in ${seconds.toFixed(1)} s (${mib(size / seconds)}/s); memory: ` +
      `${mib(before.peak)} at most before, ${mib(growth)} more at most meanwhile`,
  )
  check(after.size === size && after.sha256 === sha256, 'what is on the disk is what was sent')
  check(growth < MEMORY_LIMIT, `memory grows by less than ${mib(MEMORY_LIMIT)}`)
  check(after.named.length === 0, `no file has a name: ${after.named.join()}`)
  if (after.unnamed !== undefined) {
    check(after.unnamed.join() === String(size), `one file, of that size: ${after.unnamed.join()}`)
  }
  const rest = report(await ask(server, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
  check((rest.unnamed ?? []).length === 0, 'the file is gone after the response')
  console.log('the file had no name, and is gone')
  await server.stop()
}

async function fullDisk(): Promise<void> {
  const folder = temporaryFolder('uploads')
  const mount = ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder]
  const mounted = spawnSync('mount', mount).status === 0
  const limit = ['sh', '-c', 'ulimit -f 16384 && exec "$@"', 'sh', process.execPath]
  const server = await start(folder, 'plain', mounted ? undefined : limit)
  try {
    const how = mounted ? 'a disk of 16 MiB' : 'ulimit -f (a disk cannot be mounted here)'
    const { response } = await upload(server, 64 * MiB)
    const statusLine = response.slice(0, response.indexOf('\r\n'))
    console.log(`64 MiB onto ${how}: ${statusLine}`)
    console.log(server.log().trimEnd())
    check(/^HTTP\/1\.0 500 Cannot store the form: \S/.test(statusLine), 'a full disk is a 500')
    check(/code 500, message Cannot store the form: \S/.test(server.log()), 'and a line in the log')
    const next = report((await upload(server, 4 * MiB)).response)
    check(next.size === 4 * MiB, 'the server goes on, and the disk is free again')
    check(readdirSync(folder).length === 0, 'nothing is left')
  } finally {
    await server.stop()
    if (mounted) {
      spawnSync('umount', [folder])
    }
  }
}

async function refusedForms(): Promise<void> {
  const folder = temporaryFolder('uploads')
  const { rounds, seed, most, ...which } = values
  const options = { rounds: Number(rounds), seed: Number(seed), most: Number(most), ...which }
  await limits((kind) => start(folder, kind), options)
  check(readdirSync(folder).length === 0, 'no file is left')
}

// -- The client ------------------------------------------------------------------------------

/** Send a form with a file of so many bytes; returns the response, and the hash of the file. */
async function upload(server: MeasuredServer, bytes: number) {
  const head =
    '--boundary\r\n' +
    'Content-Disposition: form-data; name="file"; filename="large"\r\n' +
    'Content-Type: application/octet-stream\r\n\r\n'
  const tail = '\r\n--boundary--\r\n'
  const hash = createHash('sha256')
  const socket = dial(server)
  const response = readAll(socket)
  const gone = response.then(() => false)
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
  return { response: await response, sha256: hash.digest('hex') }
}

/** 64 KiB that are different at each place, with line ends and the beginnings of boundaries. */
function pieceAt(place: number): Buffer {
  const piece = Buffer.alloc(64 * 1024, `\r\n--bound ${String(place)} \0\xff`, 'latin1')
  piece.writeDoubleBE(place, 100)
  return piece
}

function report(response: string): UploadReport {
  const [head = '', body = ''] = response.split('\r\n\r\n')
  if (!head.startsWith('HTTP/1.0 200 ')) {
    throw new Error(`Unexpected response ${JSON.stringify(response.slice(0, 200))}`)
  }
  return JSON.parse(body) as UploadReport
}
