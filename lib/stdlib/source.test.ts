import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { open } from './files.ts'
import { copyfileobj, sourceFrom, sourceOf } from './source.ts'
import type { OpenedFile, Source } from './source.ts'

/** A file that is open, and gone with the test. */
function opened(t: Test, text: string): OpenedFile {
  const root = fs.mkdtempSync(join(tmpdir(), 'basehttp-source-'))
  fs.writeFileSync(join(root, 'a'), text)
  const file = open(join(root, 'a'), null)
  t.teardown(() => {
    file?.close()
    fs.rmSync(root, { recursive: true })
  })
  return file as OpenedFile
}

/** All that is left of a source, read in pieces of three bytes. */
async function allOf(source: Source): Promise<string> {
  const buffer = Buffer.alloc(3)
  let text = ''
  for (let count; (count = await source.read(buffer)) > 0;) {
    text += buffer.toString('latin1', 0, count)
  }
  return text
}

t.test('OpenedFile.slice() counts from 0, and includes the last byte', async (t) => {
  const file = opened(t, '0123456789')
  const part = file.slice(2, 5)
  t.same([part.size, part.remaining], [4, 4])
  t.equal(await allOf(part), '2345')
  t.same([part.size, part.remaining], [4, 0])
  t.equal(await allOf(file.slice(9, 9)), '9')
})

t.test('OpenedFile.slice() does not disturb what else is read of the file', async (t) => {
  const file = opened(t, '0123456789')
  const [one, other] = [file.slice(0, 9), file.slice(5, 9)]
  const buffer = Buffer.alloc(2)
  for (const [source, text] of [
    [file, '01'],
    [other, '56'],
    [one, '01'],
    [file, '23'],
    [other, '78'],
  ] as const) {
    t.equal(await source.read(buffer), 2)
    t.equal(buffer.toString(), text)
  }
  one.close()
  t.equal(await allOf(file), '456789', 'a part does not close the file')
})

t.test('OpenedFile.slice() refuses what the file does not have', async (t) => {
  const file = opened(t, '0123456789')
  for (const [first, last] of [
    [-1, 3],
    [5, 4],
    [0, 10],
    [Number.NaN, 3],
    [0, Number.NaN],
  ] as const) {
    const message = `Cannot take the bytes ${String(first)} to ${String(last)} of a file of 10`
    t.throws(() => file.slice(first, last), new RangeError(message))
  }
  t.throws(() => opened(t, '').slice(0, 0), RangeError)
})

t.test('OpenedFile.close() closes once, and nothing is read afterwards', async (t) => {
  const file = opened(t, '0123456789')
  const part = file.slice(0, 3)
  file.close()
  // The next file gets the same descriptor: neither may be taken for the other.
  const next = opened(t, 'SECRET')
  file.close()
  t.throws(() => part.read(Buffer.alloc(3)), /closed/)
  t.throws(() => file.read(Buffer.alloc(3)), /closed/)
  t.equal(await allOf(next), 'SECRET')
})

t.test('sourceFrom() closes the file with what was made of it, or at once', async (t) => {
  const whole = opened(t, 'abc')
  t.equal(
    sourceFrom(whole, () => whole),
    whole,
  )

  const file = opened(t, 'abc')
  const part = sourceFrom(file, () => file.slice(1, 2)) as Source
  t.same([part.size, part.remaining, await allOf(part), part.remaining], [2, 2, 'bc', 0])
  part.close()
  t.throws(() => file.read(Buffer.alloc(1)), /closed/)

  const complete = opened(t, 'abc')
  t.equal(
    sourceFrom(complete, () => null),
    null,
  )
  t.throws(() => complete.read(Buffer.alloc(1)), /closed/)

  const failed = opened(t, 'abc')
  const failure = new Error('a header that cannot be sent')
  t.throws(
    () =>
      sourceFrom(failed, () => {
        throw failure
      }),
    failure,
  )
  t.throws(() => failed.read(Buffer.alloc(1)), /closed/)
})

t.test('copyfileobj() copies a source of any kind', async (t) => {
  const bytes = Buffer.from('0123456789'.repeat(60_000))
  const slow: Source & { at: number } = {
    at: 0,
    size: bytes.length,
    get remaining() {
      return this.size - this.at
    },
    async read(buffer) {
      const count = bytes.copy(buffer, 0, this.at)
      this.at += count
      return count
    },
    close() {},
  }
  for (const source of [sourceOf(bytes), sourceOf(Buffer.from('ab')), slow]) {
    const pieces: Buffer[] = []
    await copyfileobj(source, {
      async write(data) {
        pieces.push(Buffer.from(data))
      },
    })
    t.equal(source.remaining, 0)
    t.ok(Buffer.concat(pieces).equals(bytes.subarray(0, source.size)) || source.size === 2)
  }
})
