import { setTimeout as sleep } from 'node:timers/promises'
import { Readable } from 'node:stream'
import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { RequestError } from '../http/request-error.ts'
import { piecesUntil } from '../socketserver/pieces.ts'
import { StreamReader } from '../socketserver/stream-reader.ts'
import { brokenForm } from '../testing/forms.ts'
import { isBoundary, readParts } from './multipart.ts'
import type { Body } from './multipart.ts'

const BODY =
  'preamble\r\n--b\r\nContent-Disposition: form-data; name="a"\r\nX: y\r\nx: z\r\n\r\n' +
  'one\r\n-\r\n--\r\n--B\r\n-- b\r\n\r\n--b\r\n\r\n\r\n--b\r\nA: 1\r\n 2\r\n\r\n\r\n\r\n--b--\r\nepilogue'

const OPTIONS = { boundary: 'b', maxHeaderBytes: 1000 }

/** Read a body that comes in pieces; give the headers and the data of each part. */
async function read(pieces: readonly Buffer[], length: number) {
  const source = Readable.from([...pieces, Buffer.from('next request')], { objectMode: true })
  const fp = new StreamReader(source)
  const parts: [fields: (readonly string[])[], data: string][] = []
  for await (const { headers, data } of readParts(piecesUntil(fp, length), OPTIONS)) {
    let text = ''
    for await (const piece of data) {
      text += piece.toString('latin1')
    }
    parts.push([headers.items().map((field) => [...field]), text])
  }
  return { parts, rest: (await fp.read()).toString() }
}

const PARTS = [
  [
    [
      ['content-disposition', 'form-data; name="a"'],
      ['x', 'y'],
      ['x', 'z'],
    ],
    'one\r\n-\r\n--\r\n--B\r\n-- b\r\n',
  ],
  [[], ''],
  [[['a', '1 2']], '\r\n'],
]

/** The body, byte by byte. */
function bytesOf(body: string): AsyncIterableIterator<Buffer> {
  const bytes = Buffer.from(body, 'latin1')
  let at = 0
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next() {
      const done = at >= bytes.length
      const value = bytes.subarray(at, ++at)
      return Promise.resolve(done ? { done, value: undefined } : { done, value })
    },
  }
}

t.test('readParts() takes a body apart, wherever it is cut', async (t) => {
  const body = Buffer.from(BODY, 'latin1')
  const whole = await read([body], body.length)
  t.same(whole, { parts: PARTS, rest: 'next request' })
  for (let cut = 1; cut < body.length; cut++) {
    const found = await read([body.subarray(0, cut), body.subarray(cut)], body.length)
    if (JSON.stringify(found) !== JSON.stringify(whole)) {
      t.same(found, whole, `cut at ${String(cut)}`)
    }
  }
  const bytes = Array.from(body, (byte) => Buffer.of(byte))
  t.same(await read(bytes, body.length), whole, 'byte by byte')
})

t.test('readParts() does not depend on the cuts: 3000 broken bodies, byte by byte', async (t) => {
  const told = async (body: Body, maxHeaderBytes: number) => {
    const seen: string[] = []
    try {
      for await (const { headers, data } of readParts(body, { boundary: 'b', maxHeaderBytes })) {
        seen.push(JSON.stringify(headers.items()), '')
        for await (const piece of data) {
          seen.push((seen.pop() as string) + piece.toString('latin1'))
        }
      }
    } catch (error) {
      seen.push(String((error as RequestError).explain))
    }
    return seen
  }
  await fc.assert(
    fc.asyncProperty(brokenForm, fc.nat(300), async (body, maxHeaderBytes) => {
      const whole = await told(Readable.from([Buffer.from(body, 'latin1')]), maxHeaderBytes)
      const cut = await told(bytesOf(body), maxHeaderBytes)
      deepEqual(cut, whole)
    }),
    { numRuns: 3000, seed: 20161006 },
  )
})

t.test('readParts() reads no faster than its parts are stored', async (t) => {
  const data = 'x'.repeat(64 * 1024)
  const head = '--b\r\n\r\n'
  const count = 40
  let given = 0
  let stored = 0
  let most = 0
  const source = Readable.from(
    (function* () {
      yield Buffer.from(head)
      for (; given < count; given++) {
        yield Buffer.from(data)
      }
      yield Buffer.from('\r\n--b--')
    })(),
    { objectMode: true, highWaterMark: 1 },
  )
  const length = head.length + count * data.length + '\r\n--b--'.length
  const body = piecesUntil(new StreamReader(source), length)
  for await (const { data: pieces } of readParts(body, OPTIONS)) {
    for await (const piece of pieces) {
      await sleep(1)
      stored += piece.length
      most = Math.max(most, given * data.length - stored)
    }
  }
  t.equal(stored, count * data.length)
  t.ok(most < 10 * data.length, `${String(most)} bytes were read and not yet stored`)
})

t.test('readParts() skips what has not been read of a part', async (t) => {
  const names: (string | null)[] = []
  for await (const { headers, data } of readParts(bytesOf(BODY), OPTIONS)) {
    names.push(headers.keys()[0] ?? null)
    if (names.length === 1) {
      t.equal(String((await data.next()).value), 'o')
    }
  }
  t.same(names, ['content-disposition', null, 'a'])
})

t.test('readParts() takes padding, LF alone, and a delimiter right after a header', async (t) => {
  const cases: [body: string, parts: (readonly [fields: string[][], data: string])[]][] = [
    ['--b \t\r\nA: 1\r\n\r\n2\r\n--b--\t \r\n', [[[['a', '1']], '2']]],
    ['--b\nA: 1\n\n2\n--b--\n', [[[['a', '1']], '2']]],
    [
      '--b\r\nA: 1\nB: 2\r\n\n3\r\n\n--b--',
      [
        [
          [
            ['a', '1'],
            ['b', '2'],
          ],
          '3\r\n',
        ],
      ],
    ],
    [
      '--b\r\nA: 1\r\n\r\n--b\r\n\r\n--b--',
      [
        [[['a', '1']], ''],
        [[], ''],
      ],
    ],
    [
      '--b\r\n\r\n\r\n--b-\r\n--bb\r\n--b---\r\n--b -\r\n--b--',
      [[[], '\r\n--b-\r\n--bb\r\n--b---\r\n--b -']],
    ],
    ['--b\r\nA:\r\n \t1 \r\n\t2\r\n \r\n\r--b\r\n--b--', [[[['a', '1 \t2']], '\r--b']]],
    ['--b--', []],
  ]
  for (const [body, parts] of cases) {
    for (const pieces of [
      [Buffer.from(body)],
      Array.from(Buffer.from(body), (byte) => Buffer.of(byte)),
    ]) {
      t.same((await read(pieces, body.length)).parts, parts, JSON.stringify(body))
    }
  }
})

t.test('readParts() refuses what it cannot read for certain', async (t) => {
  const line = 'the header of a part has a line that is neither "name: value" nor empty'
  const end = 'the boundary that ends it is missing'
  const cases: [body: string, explain: string, code?: number][] = [
    ['--b\r\nA: 1\r\nno colon\r\nB: 2\r\n\r\n--b--', line],
    ['--b\r\nA: 1\r\n--b--\r\n', line],
    ['--b\r\n A: 1\r\n\r\n\r\n--b--', line],
    ['--b\r\nA : 1\r\n\r\n\r\n--b--', line],
    ['--b\r\n: 1\r\n\r\n\r\n--b--', line],
    ['--b\r\n\xe9: 1\r\n\r\n\r\n--b--', line],
    ['--b\r\nA: 1\rB: 2\r\n\r\n\r\n--b--', line],
    ['', end],
    ['--b', end],
    ['--b\r\nA: 1', end],
    ['--b\r\n\r\n\r\n--b-', end],
    ['\r --b\r\n\r\n\r\n --b--', end],
    [
      `--b${' '.repeat(1023)}\n\n--b--${' '.repeat(1023)}`,
      'there are more than 1024 bytes after a boundary',
    ],
    [
      `--b\nA: ${'x'.repeat(998)}\n\n\n--b--`,
      'the header of a part has more than 1000 bytes (maxHeaderBytes)',
      413,
    ],
    [
      `--b\n${'A: 1234567\n'.repeat(91)}\n\n--b--`,
      'the header of a part has more than 1000 bytes (maxHeaderBytes)',
      413,
    ],
    [`--b\n${'A:\n'.repeat(101)}\n\n--b--`, 'the header of a part has more than 100 fields', 413],
  ]
  for (const [body, explain, code = 400] of cases) {
    const bytes = Buffer.from(body, 'latin1')
    for (const pieces of [[bytes], Array.from(bytes, (byte) => Buffer.of(byte))]) {
      await t.rejects(read(pieces, bytes.length), { code, explain }, JSON.stringify(body))
    }
  }
})

t.test('readParts() lets go when the one who stores throws, and reads no further', async (t) => {
  const body = bytesOf(BODY)
  const storing = async () => {
    for await (const { data } of readParts(body, OPTIONS)) {
      for await (const piece of data) {
        throw new Error(`no room for ${String(piece.length)}`)
      }
    }
  }
  await t.rejects(storing(), { message: 'no room for 1' })
  t.same((await body.next()).value, Buffer.from('-'), 'held back were 4 bytes: LF, --b')
})

t.test('isBoundary() is as strict as Python', async (t) => {
  for (const good of ['a', '-', "'()+_,./:=? x", '-'.repeat(201)]) {
    t.ok(isBoundary(good), good)
  }
  for (const bad of ['', ' ', 'a ', 'a\n', 'é', 'a\tb', '-'.repeat(202)]) {
    t.notOk(isBoundary(bad), bad)
  }
})
