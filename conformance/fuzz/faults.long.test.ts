// A fuzzer that finds nothing is right, or blind. Here the library has a fault, of those by which requests
// have been smuggled, and the fuzzer must find it.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { Copy } from '../faults/copy.ts'
import { HANG_LIMIT } from '../patience.ts'

t.setTimeout(10 * HANG_LIMIT)

const CHUNKED = 'lib/http/chunked.js'
const BASE = 'lib/http/base-handler.js'
const MESSAGE = 'lib/http/message.js'

const FAULTS: readonly (readonly [name: string, file: string, from: string, to: string])[] = [
  ['a size with 0x', CHUNKED, '^([0-9A-Fa-f]+)', '^((?:0x)?[0-9A-Fa-f]+)'],
  ['a size with a sign', CHUNKED, '^([0-9A-Fa-f]+)', '^([+-]?[0-9A-Fa-f]+)'],
  ['white space after a size', CHUNKED, '^([0-9A-Fa-f]+)', '^([0-9A-Fa-f]+)[ \\\\t]*'],
  ['a size in decimal', CHUNKED, 'Number.parseInt(digits, 16)', 'Number.parseInt(digits, 10)'],
  [
    'a size that overflows',
    CHUNKED,
    'Number.parseInt(digits, 16)',
    'Number(BigInt.asUintN(32, BigInt(`0x${digits}`)))',
  ],
  ['LF alone after a size', CHUNKED, ')*)\\\\r\\\\n$`', ')*)\\\\r?\\\\n$`'],
  ['any extension', CHUNKED, '((?:${EXTENSION})*)', '((?:;[^\\\\n]*)?)'],
  [
    'data that ends anyhow',
    CHUNKED,
    "(yield* readLine(rfile)) !== '\\r\\n'",
    '!(yield* readLine(rfile))',
  ],
  ['a byte of the data too many', CHUNKED, 'missing = chunk.size;', 'missing = chunk.size + 1;'],
  ['trailers that are not read', CHUNKED, 'return trailers;', 'return [];'],
  ['no end after the last chunk', CHUNKED, 'chunk.size === 0', 'chunk.size <= 1'],
  [
    'trailers that are merged',
    BASE,
    'this.trailers = new this.MessageClass(trailers)',
    'this.headers = new this.MessageClass([...this.headers.items(), ...trailers])',
  ],
  ['a length beside chunks', MESSAGE, 'lengths.length > 0)', 'lengths.length > 9)'],
  ['another coding before chunked', MESSAGE, 'codings.length === 1', 'codings.length >= 1'],
  [
    'chunked in its first letters',
    MESSAGE,
    "codings.indexOf('chunked')",
    "codings.findIndex((c) => c.startsWith('chunked'))",
  ],
]

t.test('the fuzzer finds each fault in the reading of chunks', async (t) => {
  const copy = new Copy()
  t.teardown(copy.remove)
  const right = await run(copy, 'in chunks')
  t.equal(right.code, 0, `where there is none, none is found\n${right.output}`)
  for (const [name, file, from, to] of FAULTS) {
    copy.replace(file, from, to)
    // Where the fault is in the head, the head is what must vary.
    const { code, output } = await run(copy, file === MESSAGE ? 'by the grammar' : 'in chunks')
    t.equal(code, 1, `${name}\n${output}`)
    copy.restore(file)
  }
})

function run({ top }: Copy, only: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const program = join(top, 'dist/conformance/fuzz/main.js')
    const flags = ['--runs', '1000', '--seed', '20161006', '--first', '--only', only]
    const child = spawn(process.execPath, [program, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (data) => (output += String(data)))
    child.stderr.on('data', (data) => (output += String(data)))
    child.on('close', (code) => {
      resolve({ code, output })
    })
  })
}
