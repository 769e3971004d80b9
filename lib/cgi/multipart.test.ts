import { setTimeout as sleep } from 'node:timers/promises'
import { Readable } from 'node:stream'
import t from 'tap'
import { HTTPMessage } from '../http/message.ts'
import { StreamReader } from '../socketserver/stream-reader.ts'
import { isBoundary, readParts } from './multipart.ts'

const BODY =
  'preamble\r\n--b\r\nContent-Disposition: form-data; name="a"\r\nX: y\r\nx: z\r\n\r\n' +
  'one\r\n-\r\n--\r\n--B\r\n-- b\r\n\r\n--b\r\n\r\n\r\n--b\r\nA: 1\r\n 2\r\n\r\n\r\n\r\n--b--\r\nepilogue'

/** Read a body that comes in pieces; give the headers and the data of each part. */
async function read(pieces: readonly Buffer[], length: number, wait = 0) {
  const source = Readable.from([...pieces, Buffer.from('next request')], { objectMode: true })
  const fp = new StreamReader(source)
  const parts: [fields: (readonly string[])[], data: string][] = []
  const body = { fp, length, boundary: 'b', maxHeaderBytes: 1000 }
  await readParts(body, async (headers: HTTPMessage, data) => {
    let text = ''
    for await (const piece of data) {
      text += piece.toString('latin1')
      await sleep(wait)
    }
    parts.push([headers.items().map((field) => [...field]), text])
  })
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
  const body = { fp: new StreamReader(source), length, boundary: 'b', maxHeaderBytes: 1000 }
  await readParts(body, async (_, pieces) => {
    for await (const piece of pieces) {
      await sleep(1)
      stored += piece.length
      most = Math.max(most, given * data.length - stored)
    }
  })
  t.equal(stored, count * data.length)
  t.ok(most < 10 * data.length, `${String(most)} bytes were read and not yet stored`)
})

t.test(
  'readParts() rejects with what the one who stores has thrown, once it is done',
  async (t) => {
    const body = Buffer.from(BODY, 'latin1')
    const fp = new StreamReader(Readable.from([body]))
    let running = 0
    const reading = readParts(
      { fp, length: body.length, boundary: 'b', maxHeaderBytes: 1000 },
      async (_, data) => {
        running += 1
        try {
          for await (const piece of data) {
            await sleep(5)
            throw new Error(`no room for ${String(piece.length)}`)
          }
        } finally {
          running -= 1
        }
      },
    )
    await t.rejects(reading, { message: /^no room for \d+$/ })
    t.equal(running, 0)
  },
)

t.test('isBoundary() is as strict as Python', async (t) => {
  for (const good of ['a', '-', "'()+_,./:=? x", '-'.repeat(201)]) {
    t.ok(isBoundary(good), good)
  }
  for (const bad of ['', ' ', 'a ', 'a\n', 'é', 'a\tb', '-'.repeat(202)]) {
    t.notOk(isBoundary(bad), bad)
  }
})
