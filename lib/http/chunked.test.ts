import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { piecesUntil } from '../socketserver/pieces.ts'
import { StreamReader } from '../socketserver/stream-reader.ts'
import { ChunkedReader } from './chunked-reader.ts'
import type { Field } from './message.ts'

/** What is decoded, and what is left of the input. */
interface Decoded {
  body: string
  trailers: readonly Field[] | undefined
  rest: string
}

/** Decode pieces that come one after the other, and after which the input ends. */
async function decode(...pieces: string[]): Promise<Decoded> {
  const source = new PassThrough()
  const rfile = new StreamReader(source)
  const sending = (async () => {
    for (const piece of pieces) {
      source.write(piece, 'latin1')
      await new Promise(setImmediate)
    }
    source.end()
  })()
  let body = ''
  let trailers: readonly Field[] | undefined
  const reader = new ChunkedReader(rfile, (fields) => (trailers = fields))
  for await (const piece of piecesUntil(reader, Infinity)) {
    body += piece.toString('latin1')
  }
  await sending
  return { body, trailers, rest: (await rfile.read()).toString('latin1') }
}

t.test('chunks are joined, and what follows the body is left alone', async (t) => {
  const next = 'GET /next HTTP/1.1\r\n\r\n'
  for (const [sent, body] of [
    ['0\r\n\r\n', ''],
    ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n', 'hello!'],
    ['2\r\n\r\n\r\n0\r\n\r\n', '\r\n', 'data may look like framing'],
    ['000005\r\nhello\r\n000\r\n\r\n', 'hello', 'zeros may lead'],
    ['a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n', '01234567890123456789', 'in either case'],
    ['5;name\r\nhello\r\n0;x=1;y="2;\\"3"\r\n\r\n', 'hello', 'extensions mean nothing'],
    ['5 ; name = value\r\nhello\r\n0\r\n\r\n', 'hello', 'bad white space may be taken'],
  ] as const) {
    t.same(await decode(sent + next), { body, trailers: [], rest: next }, JSON.stringify(sent))
  }
})

t.test('whatever else is refused, and nothing of it is taken for data', async (t) => {
  const good = 'hello\r\n0\r\n\r\n'
  for (const sent of [
    `+5\r\n${good}`,
    `-5\r\n${good}`,
    `0x5\r\n${good}`,
    `5_0\r\n${good}`,
    ` 5\r\n${good}`,
    `5 \r\n${good}`,
    `5\t\r\n${good}`,
    `5\n${good}`,
    `5\r\r\n${good}`,
    `5\x0b\r\n${good}`,
    `\r\n${good}`,
    `;name\r\n${good}`,
    `5;\r\n${good}`,
    `5;na me\r\n${good}`,
    `5;a="\r\n${good}`,
    `5;a=b\nc\r\n${good}`,
    `5;a="\0"\r\n${good}`,
    `5;a\0\r\n${good}`,
    `g\r\n${good}`,
    '5\r\nhello\n0\r\n\r\n',
    '5\r\nhello0\r\n\r\n',
    '5\r\nhello \r\n0\r\n\r\n',
    '4\r\nhello\r\n0\r\n\r\n',
    '6\r\nhello\r\n0\r\n\r\n',
    '0\r\nbad trailer\r\n\r\n',
    '0\r\nName : value\r\n\r\n',
    '0\r\n folded\r\n\r\n',
    `5;${'x'.repeat(5000)}\r\n${good}`,
  ]) {
    await t.rejects(
      decode(sent),
      { name: 'RequestError', code: 400 },
      JSON.stringify(sent).slice(0, 40),
    )
  }
})

t.test('sizes, extensions and trailers have limits', async (t) => {
  await t.rejects(decode('20000000000000\r\n'), { code: 413 }, 'more than can be counted')
  await t.rejects(decode(`${'f'.repeat(300)}\r\n`), { code: 413 })
  const extended = `1;${'x'.repeat(4000)}\r\n.\r\n`
  await t.rejects(decode(extended.repeat(17)), { code: 413 }, 'more than 64 KiB of extensions')
  t.equal((await decode(`${extended.repeat(16)}0\r\n\r\n`)).body.length, 16)
  await t.rejects(decode(`0\r\n${'a: b\r\n'.repeat(101)}\r\n`), { code: 431 })
})

t.test('an input that ends within the body is no end of the body', async (t) => {
  const whole = '5;x\r\nhello\r\n0\r\nname: value\r\n\r\n'
  t.equal((await decode(whole)).body, 'hello')
  for (let length = 0; length < whole.length; length++) {
    await t.rejects(decode(whole.slice(0, length)), `the first ${String(length)} bytes`)
  }
})

t.test('trailers are fields, in order', async (t) => {
  const { trailers } = await decode('0\r\nChecksum: 5d41\r\nContent-Length: 7\r\n\r\n')
  t.same(trailers, [
    ['Checksum', '5d41'],
    ['Content-Length', '7'],
  ])
})

t.test('chunks of any size, cut anywhere, give the same', async (t) => {
  const texts = fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }))
  const cuts = fc.array(fc.nat(300), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(texts, cuts, async (chunks, cuts) => {
      const framed = chunks.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('')
      const sent = `${framed}0\r\nname: value\r\n\r\nGET / HTTP/1.1\r\n`
      const at = [0, ...cuts.filter((cut) => cut < sent.length).sort((a, b) => a - b)]
      const pieces = at.map((from, index) => sent.slice(from, at[index + 1]))
      t.strictSame(await decode(...pieces), {
        body: chunks.join(''),
        trailers: [['name', 'value']],
        rest: 'GET / HTTP/1.1\r\n',
      })
    }),
    { numRuns: 300, seed: 711 },
  )
})

t.test('what is here is handed on although the rest is not', async (t) => {
  const source = new PassThrough()
  const body = new ChunkedReader(new StreamReader(source), () => {})
  source.write('5\r\nhello\r\n5\r\nwor')
  t.equal((await body.read(8)).toString(), 'hellowor')
  source.write('ld\r\n0\r\n\r\n')
  t.equal((await body.read()).toString(), 'ld', 'and a read without a length ends with the body')
})

t.test('nothing is taken from the client before it is asked for', async (t) => {
  const source = new PassThrough()
  const rfile = new StreamReader(source)
  const body = new ChunkedReader(rfile, () => {})
  source.write('1\r\na\r\n0\r\n\r\n')
  await new Promise(setImmediate)
  t.equal(rfile.position, 0)
  t.equal((await body.readline()).toString(), 'a')
})
