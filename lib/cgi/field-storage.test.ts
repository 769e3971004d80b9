import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { BaseHTTPRequestHandler } from '../http/base-handler.ts'
import { HTTPMessage } from '../http/message.ts'
import { RequestError } from '../http/request-error.ts'
import type { Field } from '../http/message.ts'
import { AsyncHTTPServer, HTTPServer } from '../http/server.ts'
import { StreamReader } from '../socketserver/stream-reader.ts'
import { ValueError } from '../stdlib/errors.ts'
import { brokenForm, MULTIPART } from '../testing/forms.ts'
import { captureStderr, dial, readAll, readUntil, serve } from '../testing/helpers.ts'
import { FieldStorage } from './field-storage.ts'
import type { FieldStorageOptions } from './field-storage.ts'
import { FormField } from './form-field.ts'
import { FORM_LIMITS } from './form-limits.ts'

const URLENCODED = 'application/x-www-form-urlencoded'
const KIB = 1024
const MIB = 1024 * KIB

type Options = Omit<FieldStorageOptions, 'fp' | 'headers'>

/** Read a form from a body that comes in one piece. Each character of text is a byte. */
async function parse(
  t: Test,
  type: string | null,
  body: string | Buffer,
  options: Options = {},
  extra: readonly Field[] = [],
): Promise<FieldStorage> {
  const bytes = Buffer.from(body as string, 'latin1')
  const headers = new HTTPMessage([
    ...(type === null ? [] : [['Content-Type', type] as const]),
    ['Content-Length', String(bytes.length)],
    ...extra,
  ])
  const fp = new StreamReader(Readable.from([bytes], { objectMode: false }))
  const form = await FieldStorage.parse({ fp, headers, ...options })
  t.teardown(() => form.close())
  return form
}

const END = '\r\n--b--\r\n'

/** The body of a form; each part is its header, and its data. */
function multipart(...parts: readonly (readonly [header: string, data: string])[]): string {
  const texts = parts.map(([header, data]) => {
    const lines = header === '' ? '' : `${header}\r\n`
    return `--b\r\n${lines}\r\n${data}\r\n`
  })
  return `${texts.join('')}--b--\r\n`
}

function field(name: string, data: string): [string, string] {
  return [`Content-Disposition: form-data; name="${name}"`, data]
}

function file(name: string, filename: string, data: string): [string, string] {
  return [
    `Content-Disposition: form-data; name="${name}"; filename="${filename}"\r\n` +
      'Content-Type: application/octet-stream',
    data,
  ]
}

function only(form: FieldStorage): FormField {
  const [first, ...more] = form.list
  if (first === undefined || more.length > 0) {
    throw new Error(`There are ${String(form.list.length)} fields`)
  }
  return first
}

// -- What Python's FieldStorage offers -------------------------------------------------------

t.test('FieldStorage finds fields by name, in order of first appearance', async (t) => {
  const form = await parse(t, URLENCODED, 'b=1&a=2&b=3&__proto__=4')
  t.same(form.keys(), ['b', 'a', '__proto__'])
  t.same([...form], form.keys())
  t.equal(form.length, 3)
  t.same(
    form.list.map(({ name, value }) => [name, value]),
    [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
      ['__proto__', '4'],
    ],
  )
  t.match(form.get('a'), { name: 'a', value: '2', filename: null, type: null, size: 1 })
  t.match(form.get('b'), [{ value: '1' }, { value: '3' }])
  t.equal(form.get('c'), undefined)
  t.equal(form.getvalue('a'), '2')
  t.same(form.getvalue('b'), ['1', '3'])
  t.equal(form.getvalue('c'), null)
  t.equal(form.getvalue('c', 'x'), 'x')
  t.equal(form.getfirst('b'), '1')
  t.equal(form.getfirst('c'), null)
  t.equal(form.getfirst('c', 0), 0)
  t.same(form.getlist('b'), ['1', '3'])
  t.same(form.getlist('c'), [])
  t.ok(form.has('a'))
  t.notOk(form.has('c'))
  t.notOk(form.has('toString'))
})

t.test('a field of a multipart form says what was sent with it', async (t) => {
  const form = await parse(
    t,
    MULTIPART,
    multipart(
      field('name', 'caf\xc3\xa9'),
      file('data', '../it\'s "x".bin'.replaceAll('"', '\\"'), 'a\r\nb\xff\r\n'),
      ['Content-Disposition: form-data', 'no name'],
      ['', 'no header'],
      file('none', '', ''),
    ),
  )
  t.same(form.keys(), ['name', 'data', null, 'none'])
  const [name, data, none] = ['name', 'data', 'none'].map((key) =>
    form.get(key),
  ) as FormField[] as [FormField, FormField, FormField]
  t.match(name, { value: 'café', filename: null, type: 'text/plain', size: 5 })
  t.equal(name.headers.get('Content-Disposition'), 'form-data; name="name"')
  t.equal(data.filename, '../it\'s "x".bin', 'the path is kept')
  t.equal(data.type, 'application/octet-stream')
  t.same(data.value, Buffer.from('a\r\nb\xff\r\n', 'latin1'), 'a file is bytes')
  t.equal(data.size, 7)
  t.same(form.getvalue(null), ['no name', 'no header'])
  t.equal(none.filename, '', 'no file was chosen')
  t.same(none.value, Buffer.alloc(0))
})

t.test('filename* alone is no file name, as in Python', async (t) => {
  const header = 'Content-Disposition: form-data; name="f"; filename*=UTF-8\'\'caf%C3%A9'
  const form = await parse(t, MULTIPART, multipart([header, '\xff']))
  t.match(only(form), { name: 'f', filename: null, value: '\ufffd' })
  t.same(await only(form).file.read(), Buffer.of(0xff))
})

t.test('FormField.file is read in steps, in pieces, and as a stream', async (t) => {
  const data = 'x'.repeat(100 * KIB) + 'end'
  for (const spoolThreshold of [0, MIB]) {
    const form = await parse(t, MULTIPART, multipart(field('a', 'first'), file('f', 'f', data)), {
      spoolThreshold,
    })
    const { file: content } = form.get('f') as FormField
    t.equal(content.size, data.length)
    t.equal((await content.read(2)).toString(), 'xx')
    t.equal((await content.read()).toString(), data.slice(2), 'all that is left')
    t.equal((await content.read()).length, 0)
    t.equal((await content.read(5)).length, 0)
    content.seek(data.length - 3)
    const [one, two] = await Promise.all([content.read(1), content.read(2)])
    t.equal(`${String(one)}${String(two)}`, 'end', 'two reads at once take turns')
    content.seek(0)
    const lengths: number[] = []
    for await (const piece of content) {
      lengths.push(piece.length)
    }
    t.same(lengths, [64 * KIB, 36 * KIB + 3])
    content.seek(100 * KIB)
    t.same(await Readable.from(content).toArray(), [Buffer.from('end')])
    content.seek(0)
    const hash = createHash('sha256')
    await pipeline(content, hash)
    t.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'))
    await t.rejects(content.read(-2), ValueError)
    await t.rejects(content.read(1.5), ValueError)
    for (const place of [-1, 0.5, data.length + 1]) {
      t.throws(() => {
        content.seek(place)
      }, ValueError)
    }
  }
})

t.test('a part that comes byte by byte is whole', async (t) => {
  const body = Buffer.from(multipart(file('f', 'f', 'xyz'.repeat(2000))))
  const headers = new HTTPMessage([
    ['Content-Type', MULTIPART],
    ['Content-Length', String(body.length)],
  ])
  const source = new PassThrough()
  const parsing = FieldStorage.parse({ fp: new StreamReader(source), headers })
  for (const byte of body) {
    source.write(Buffer.of(byte))
    // Otherwise they would be put together on their way.
    await new Promise((resolve) => setImmediate(resolve))
  }
  const form = await parsing
  t.equal(form.getfirst('f')?.toString(), 'xyz'.repeat(2000))
})

/** What there is to know of a form that arrives in these pieces, or what is wrong with it. */
async function told(pieces: readonly Buffer[], options: Options): Promise<string> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const headers = new HTTPMessage([
    ['Content-Type', MULTIPART],
    ['Content-Length', String(length)],
  ])
  const source = new Readable({ read() {} })
  const fp = new StreamReader(source, {
    // The next piece arrives when all before it have been looked at.
    beforeWaiting() {
      const piece = pieces[at++] ?? null
      queueMicrotask(() => source.push(piece))
    },
  })
  let at = 0
  try {
    const form = await FieldStorage.parse({ fp, headers, ...options })
    const fields = form.list.map(({ headers, name, filename, type, file, value }) => {
      return [headers.items(), name, filename, type, file.size, String(value)]
    })
    await form.close()
    return JSON.stringify([fields, fp.position])
  } catch (error) {
    const { code, message, explain } = error as RequestError
    return JSON.stringify([code, message, explain])
  }
}

t.test('any form gives the same, however it is cut: 3000 broken ones', async (t) => {
  const limit = (max: number) => fc.option(fc.nat(max), { nil: Infinity, freq: 2 })
  const limits = fc.record({
    maxFields: limit(4),
    maxFiles: limit(2),
    maxPartBytes: limit(150),
    maxTextBytes: limit(300),
    maxHeaderBytes: limit(300),
    spoolThreshold: fc.constantFrom(0, 100, ...Array<number>(20).fill(MIB)),
  })
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(
      brokenForm,
      limits,
      fc.array(fc.double({ max: 1, min: 0, noNaN: true }), { maxLength: 8 }),
      async (text, options, places) => {
        const body = Buffer.from(text, 'latin1')
        const whole = await told([body], options)
        const cuts = [0, ...places.map((place) => Math.floor(place * body.length)), body.length]
        cuts.sort((a, b) => a - b)
        const some = cuts.slice(1).map((end, index) => body.subarray(cuts[index], end))
        // Byte by byte takes its time: `multipart.test.ts` does so with all of them.
        const bytes = body.length < 150 ? Array.from(body, (byte) => Buffer.of(byte)) : [body]
        for (const pieces of [some.filter(({ length }) => length > 0), bytes]) {
          const found = await told(pieces, options)
          if (found !== whole) {
            throw new Error(`whole ${whole}\ncut   ${found}`)
          }
        }
        const kind = /"[^"]*(?:\((\w+)\)|(missing|empty|NUL in a name))"\]$/.exec(whole)
        const name = kind?.[1] ?? kind?.[2] ?? 'accepted'
        seen.set(name, (seen.get(name) ?? 0) + 1)
      },
    ),
    { numRuns: 3000, seed: 20161006 },
  )
  for (const name of Object.keys(FORM_LIMITS).filter((name) => name !== 'maxBytes')) {
    t.ok((seen.get(name) ?? 0) > 5, `${name} ${String(seen.get(name))}`)
  }
  for (const name of ['accepted', 'missing', 'empty', 'NUL in a name']) {
    t.ok((seen.get(name) ?? 0) > 5, `${name} ${String(seen.get(name))}`)
  }
})

t.test('a form that comes byte by byte takes little memory', async (t) => {
  const program = `
    import { Readable } from 'node:stream'
    import { FieldStorage, HTTPMessage, StreamReader } from 'basehttp'
    const SIZE = 2 ** 18
    async function read(type, begin, end) {
      const source = new Readable({ read() {} })
      const fp = new StreamReader(source)
      const length = begin.length + SIZE + end.length
      const headers = new HTTPMessage([['Content-Type', type], ['Content-Length', String(length)]])
      const form = FieldStorage.parse({ fp, headers, spoolThreshold: Infinity })
      source.push(begin)
      for (let sent = 0; sent < SIZE; sent++) {
        source.push(Buffer.from('x'))
        // Otherwise it would come together with the next one.
        await new Promise((resolve) => setImmediate(resolve))
      }
      source.push(end)
      console.log((await form).list[0].size)
    }
    await read('${URLENCODED}', 'a=', '')
    await read('${MULTIPART}', '--b\\r\\n\\r\\n', '\\r\\n--b--')`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--max-old-space-size=24', '--input-type=module', '--eval', program],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  )
  t.equal(stdout, `${String(MIB / 4)}\n`.repeat(2), stderr)
})

t.test('an urlencoded form is read as Python reads it', async (t) => {
  const values = async (body: string, type: string | null = URLENCODED, options: Options = {}) => {
    const form = await parse(t, type, body, options)
    return form.list.map(({ name, value }) => [name, value])
  }
  t.same(await values(''), [])
  t.same(await values('a=1&b=&c&=d'), [
    ['a', '1'],
    ['', 'd'],
  ])
  t.same(await values('b=&c', URLENCODED, { keepBlankValues: true }), [
    ['b', ''],
    ['c', ''],
  ])
  t.same(await values('a=x+y%2B%zz;b'), [['a', 'x y+%zz;b']])
  t.same(await values('a=1', null), [['a', '1']], 'without a Content-Type')
  t.same(await values('a=1', 'APPLICATION/X-WWW-Form-Urlencoded'), [['a', '1']])
})

t.test('text is UTF-8, or what a charset says, and what is no text is replaced', async (t) => {
  const part = (type: string) =>
    multipart([`${field('a', '')[0]}\r\nContent-Type: ${type}`, '\xe9'])
  const cases: [type: string, body: string, options: Options, value: string][] = [
    [URLENCODED, 'a=\xe9&b', {}, '\ufffd'],
    [URLENCODED, 'a=%E9', {}, '\ufffd'],
    [URLENCODED, 'a=\xc3\xa9', {}, 'é'],
    [URLENCODED, 'a=%E9', { encoding: 'latin-1' }, 'é'],
    [`${URLENCODED}; charset=iso-8859-1`, 'a=\xe9', {}, 'é'],
    [`${URLENCODED}; charset=shift_jis`, 'a=%83A', {}, 'ア'],
    [MULTIPART, multipart(field('a', '\xe9')), {}, '\ufffd'],
    [MULTIPART, multipart(field('a', '\xe9')), { encoding: 'latin-1' }, 'é'],
    [MULTIPART, part('text/plain; charset=latin-1'), {}, 'é'],
    [MULTIPART, part('text/plain; charset="latin-1"'), {}, 'é'],
    [`${MULTIPART}; charset=koi8-r`, multipart(field('\xc1', '\xc1')), {}, 'а'],
  ]
  for (const [type, body, options, value] of cases) {
    t.equal(only(await parse(t, type, body, options)).value, value, `${type} ${body}`)
  }
  for (const charset of ['nope', '', '""', "'latin-1'", '"', 'utf-7']) {
    const values: [type: string, body: string, value: string][] = [
      [`${URLENCODED}; charset=${charset}`, 'a=\xc3\xa9', 'é'],
      [`${MULTIPART}; charset=${charset}`, multipart(field('a', '\xc3\xa9')), 'é'],
      [MULTIPART, part(`text/plain; charset=${charset}`), '\ufffd'],
    ]
    for (const [type, body, value] of values) {
      t.equal(only(await parse(t, type, body)).value, value, `an unknown charset: ${type} ${body}`)
    }
  }
  const named = await parse(t, MULTIPART, multipart(file('caf\xc3\xa9', '\xff\xc3\xa9', '')))
  t.match(only(named), { name: 'café', filename: '\ufffdé' })
})

// -- What is wrong with forms ----------------------------------------------------------------

t.test('FieldStorage.parse() says what is wrong with a form', async (t) => {
  const cases: [type: string | null, body: string, message: string, explain: RegExp][] = [
    ['text/plain', 'a=1', 'Not a form', /and not 'text\/plain'/],
    ['', 'a=1', 'Not a form', /and not ''/],
    ['application/json', '{}', 'Not a form', /must be multipart\/form-data or application/],
    ['multipart/form-data', '', 'Bad boundary', /it is ''/],
    ['multipart/form-data; boundary="a "', '', 'Bad boundary', /it is 'a '/],
    [`multipart/form-data; boundary=${'b'.repeat(252)}`, '', 'Bad boundary', /it is 'bbb/],
    ['multipart/form-data; boundary=\xe9', '', 'Bad boundary', /it is 'é'/],
    [MULTIPART, '', 'Malformed form', /boundary that ends it is missing/],
    [MULTIPART, 'no boundary', 'Malformed form', /boundary that ends it is missing/],
    [MULTIPART, multipart(field('a', '1')).slice(0, -4), 'Malformed form', /ends it is missing/],
    [MULTIPART, '--b\r\nA: b\r\n--b--\r\n', 'Malformed form', /neither "name: value" nor empty/],
    [MULTIPART, multipart(field('a\0', '1')), 'Malformed form', /NUL in a name/],
    [MULTIPART, multipart(file('a', '\0', '1')), 'Malformed form', /NUL in a name/],
    [URLENCODED, '%00=1', 'Malformed form', /NUL in a name/],
  ]
  for (const [type, body, message, explain] of cases) {
    await t.rejects(
      parse(t, type, body),
      { code: 400, message, explain },
      `${String(type)} ${body}`,
    )
  }
})

t.test('FieldStorage.parse() wants a Content-Length, and all of the body', async (t) => {
  const read = (headers: Field[], body: string) =>
    FieldStorage.parse({
      fp: new StreamReader(Readable.from([Buffer.from(body, 'latin1')])),
      headers: new HTTPMessage(headers),
    })
  await t.rejects(read([['Content-Type', MULTIPART]], multipart()), {
    code: 400,
    message: 'Missing Content-Length',
  })
  await t.rejects(read([['Content-Length', '+3']], 'a=1'), {
    code: 400,
    message: 'Bad Content-Length',
  })
  await t.rejects(read([['Content-Length', '50']], 'a=1'), {
    code: 400,
    message: 'Truncated form',
    explain: 'the body ended after 3 of 50 bytes',
  })
  const body = multipart(file('f', 'f', 'x'.repeat(1000)))
  for (const cut of [0, 1, 50, body.length - 1]) {
    const headers: Field[] = [
      ['Content-Type', MULTIPART],
      ['Content-Length', String(body.length)],
    ]
    await t.rejects(read(headers, body.slice(0, cut)), {
      code: 400,
      message: 'Truncated form',
      explain: `the body ended after ${String(cut)} of ${String(body.length)} bytes`,
    })
  }
})

t.test('a part has at most 100 fields in its header', async (t) => {
  const part = (count: number) =>
    multipart(['X: y\r\n'.repeat(count - 1) + 'Content-Disposition: form-data; name="a"', '1'])
  t.equal((await parse(t, MULTIPART, part(100))).getfirst('a'), '1')
  await t.rejects(parse(t, MULTIPART, part(101)), {
    code: 413,
    message: 'Content Too Large',
    explain: 'the header of a part has more than 100 fields',
  })
})

t.test('a limit is kept to the byte, and named in the answer', async (t) => {
  const text = multipart(field('a', 'x'.repeat(600)), field('b', 'x'.repeat(400)))
  const files = multipart(file('a', 'f', 'x'.repeat(600)), file('b', 'f', 'x'.repeat(400)))
  const header = 'Content-Disposition: form-data; name="a"\r\nX-Long: '
  const long = (size: number) => multipart([header + 'y'.repeat(size - header.length - 2), '1'])
  const many = 'X: y\r\n'.repeat(98)
  const cases: [type: string, body: string, within: Options, over: Options][] = [
    [URLENCODED, 'a=12345678', { maxBytes: 10 }, { maxBytes: 9 }],
    [URLENCODED, 'a=12345678', { maxTextBytes: 10 }, { maxTextBytes: 9 }],
    [URLENCODED, 'a&b&c=1', { maxFields: 3 }, { maxFields: 2 }],
    [MULTIPART, text, { maxBytes: text.length }, { maxBytes: text.length - 1 }],
    [MULTIPART, text, { maxTextBytes: 1000 }, { maxTextBytes: 999 }],
    [MULTIPART, text, { maxPartBytes: 600 }, { maxPartBytes: 599 }],
    [MULTIPART, text, { maxFields: 2, maxFiles: 0 }, { maxFields: 1 }],
    [MULTIPART, files, { maxFiles: 2, maxFields: 0, maxTextBytes: 0 }, { maxFiles: 1 }],
    [MULTIPART, files, { maxPartBytes: 600 }, { maxPartBytes: 599 }],
    [MULTIPART, files, { maxHeaderBytes: 200 }, { maxHeaderBytes: 50 }],
    [MULTIPART, long(5000), { maxHeaderBytes: 5000 }, { maxHeaderBytes: 4999 }],
    [MULTIPART, long(200_000), { maxHeaderBytes: Infinity }, {}],
    [
      MULTIPART,
      multipart([many + header, '']),
      { maxHeaderBytes: 20_000 },
      { maxHeaderBytes: 100 },
    ],
  ]
  for (const [type, body, within, over] of cases) {
    const name = Object.keys(over)[0] ?? 'maxHeaderBytes'
    await t.resolves(parse(t, type, body, within), JSON.stringify(within))
    await t.rejects(
      parse(t, type, body, over),
      { code: 413, message: 'Content Too Large', explain: new RegExp(`\\(${name}\\)$`) },
      JSON.stringify(over),
    )
  }
})

t.test('FieldStorage.parse() has limits by default', async (t) => {
  const explain = (name: string) => ({ code: 413, explain: new RegExp(`\\(${name}\\)$`) })
  const million = Array.from({ length: 1_000_000 }, () => 'a').join('&')
  await t.rejects(parse(t, URLENCODED, million), explain('maxFields'))
  await t.rejects(parse(t, URLENCODED, 'a'.repeat(4 * MIB + 1)), explain('maxTextBytes'))
  const fields = Array.from({ length: 1001 }, () => field('a', ''))
  await t.rejects(parse(t, MULTIPART, multipart(...fields)), explain('maxFields'))
  const files = Array.from({ length: 101 }, () => file('a', 'f', ''))
  await t.rejects(parse(t, MULTIPART, multipart(...files)), explain('maxFiles'))
  const fp = new StreamReader(Readable.from([]))
  const headers = new HTTPMessage([
    ['Content-Type', MULTIPART],
    ['Content-Length', '10000000000'],
  ])
  await t.rejects(FieldStorage.parse({ fp, headers }), explain('maxBytes'))
})

t.test('FieldStorage.parse() refuses limits and encodings that make no sense', async (t) => {
  const cases: [options: object, message: string][] = [
    [{ maxBytes: -1 }, 'Cannot limit maxBytes to -1: give a number, or Infinity'],
    [{ maxFiles: NaN }, 'Cannot limit maxFiles to nan: give a number, or Infinity'],
    [{ maxFields: '9' }, "Cannot limit maxFields to '9': give a number, or Infinity"],
    [{ encoding: 'utf-9' }, "Cannot decode 'utf-9': there is no such encoding"],
  ]
  for (const [options, message] of cases) {
    await t.rejects(parse(t, URLENCODED, 'a=1', options), { name: 'ValueError', message })
  }
})

// -- In a handler ----------------------------------------------------------------------------

/** Answers with what is in a form. */
class FormHandler extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'
  static parsing = 0
  static options: Options = {}
  static onForm: (form: FieldStorage) => void | Promise<void> = () => {}

  async do_POST(): Promise<void> {
    const { rfile: fp, headers } = this
    FormHandler.parsing += 1
    let form
    try {
      form = await FieldStorage.parse({
        fp,
        headers,
        spoolThreshold: 1000,
        ...FormHandler.options,
      })
    } finally {
      FormHandler.parsing -= 1
    }
    await FormHandler.onForm(form)
    this.reply(form.list.map(({ name, size }) => `${String(name)}=${String(size)}`).join())
  }

  do_GET(): void {
    this.reply('got')
  }

  reply(text: string): void {
    this.sendResponse(200)
    this.sendHeader('Content-Length', text.length)
    this.endHeaders()
    void this.wfile.write(Buffer.from(text))
  }
}

/** A server, its log, and what is left on the disk and open of its temporary files. */
async function start(t: Test, Server: typeof HTTPServer = AsyncHTTPServer) {
  const directory = mkdtempSync(join(tmpdir(), 'basehttp-test-'))
  const before = process.env.TMPDIR
  process.env.TMPDIR = directory
  t.teardown(() => {
    if (before === undefined) {
      delete process.env.TMPDIR
    } else {
      process.env.TMPDIR = before
    }
    rmSync(directory, { recursive: true })
  })
  const log = captureStderr(t)
  const server = new Server(['127.0.0.1', 0], FormHandler)
  await serve(t, server)
  const left = () => ({ named: readdirSync(directory), unnamed: unnamedSizes(directory) })
  return { server, log, left }
}

const NOTHING = { named: [], unnamed: [] }

/** The sizes of open files below a directory whose names are gone; none where there is no /proc. */
function unnamedSizes(directory: string): number[] {
  if (process.platform !== 'linux') {
    return []
  }
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      const found = path.startsWith(directory) && path.endsWith(' (deleted)')
      return found ? [fstatSync(Number(fd)).size] : []
    } catch {
      return []
    }
  })
}

function post(body: string, type = MULTIPART): string {
  return (
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\n` +
    `Content-Length: ${String(body.length)}\r\n\r\n${body}`
  )
}

/** Wait for something that nobody announces. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

t.test('the request behind a form on the same connection is untouched', async (t) => {
  const { server, left } = await start(t)
  const socket = dial(server)
  const body = multipart(field('a', '1'), file('f', 'f', 'x'.repeat(5000)))
  socket.write(
    post(body) +
      post(`what is in front${body.replace(/^/, '\r\n')}and what is behind`) +
      post('a=1&b=234', URLENCODED) +
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'latin1',
  )
  const answers = (await readAll(socket)).split(/(?=HTTP\/1\.1 )/)
  t.same(
    answers.map((answer) => answer.split('\r\n\r\n')[1]),
    ['a=1,f=5000', 'a=1,f=5000', 'a=1,b=3', 'got'],
  )
  t.same(left(), NOTHING)
})

t.test('a temporary file lives as long as its request, and no longer', async (t) => {
  const { server, left } = await start(t)
  const body = multipart(file('f', 'f', 'x'.repeat(5000)), file('g', 'g', 'y'.repeat(3000)))
  let form: FieldStorage | undefined
  FormHandler.onForm = async (parsed) => {
    form = parsed
    if (process.platform === 'linux') {
      t.same(left(), { named: [], unnamed: [8000] }, 'one file for both, without a name')
    }
    t.equal(parsed.getfirst('g')?.toString(), 'y'.repeat(3000))
  }
  t.teardown(() => {
    FormHandler.onForm = () => {}
  })
  const socket = dial(server)
  socket.write(post(body))
  await readUntil(socket, 'f=5000,g=3000')
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await readUntil(socket, 'got')
  t.same(left(), NOTHING, 'and the connection is still open')
  t.throws(() => form?.getfirst('f'), ValueError)
  socket.destroy()
})

t.test('a temporary file is gone when a handler closes the form, or throws', async (t) => {
  const { server, log, left } = await start(t)
  const body = post(multipart(file('f', 'f', 'x'.repeat(5000))))
  t.teardown(() => {
    FormHandler.onForm = () => {}
  })
  FormHandler.onForm = async (form) => {
    await form.close()
    t.same(left(), NOTHING)
    await form.close()
  }
  const socket = dial(server)
  socket.write(body)
  await readUntil(socket, 'f=5000')
  FormHandler.onForm = () => {
    throw new Error('boom')
  }
  socket.write(body)
  await readAll(socket)
  t.match(log(), /Error: boom/)
  t.same(left(), NOTHING)
})

t.test('what is wrong with a form is answered, and the connection ends', async (t) => {
  const { server, log, left } = await start(t)
  const file5000 = multipart(file('f', 'f', 'x'.repeat(5000)))
  const cases: [request: string, status: string, explain: string][] = [
    [post('{}', 'application/json'), '400 Not a form', "and not 'application/json'"],
    [post(file5000.slice(0, -8)), '400 Malformed form', 'the boundary that ends it is missing'],
    [
      post(multipart(...Array.from({ length: 101 }, () => file('f', 'f', 'x'.repeat(100))))),
      '413 Content Too Large',
      'the form has more than 100 files (maxFiles)',
    ],
    [
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${MULTIPART}\r\nContent-Length: 99999999999\r\n\r\n`,
      '413 Content Too Large',
      `the form has more than ${String(2 * 1024 * MIB)} bytes (maxBytes)`,
    ],
  ]
  for (const [request, status, explain] of cases) {
    const socket = dial(server)
    socket.write(request, 'latin1')
    const answer = await readAll(socket)
    t.ok(answer.startsWith(`HTTP/1.1 ${status}\r\n`), status)
    t.ok(answer.includes('\r\nConnection: close\r\n'))
    t.ok(answer.includes(explain), explain)
    t.match(log(), new RegExp(`code ${status.replace(' ', ', message ')}\n`))
    t.same(left(), NOTHING)
  }
})

t.test('a client that is still sending reads what was wrong', async (t) => {
  const { server } = await start(t)
  const socket = dial(server)
  const body = Buffer.alloc(8 * MIB, 'x')
  socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${String(body.length)}\r\n\r\n`,
  )
  const answer = readAll(socket)
  socket.write(body)
  t.match(await answer, /^HTTP\/1\.1 400 Not a form\r\n/)
})

t.test('a client that stops at any tenth, by a close or a reset, leaves nothing', async (t) => {
  const { server, log, left } = await start(t)
  const request = Buffer.from(
    post(
      multipart(field('a', '1'), file('f', 'f', 'x'.repeat(MIB)), file('g', 'g', 'y'.repeat(MIB))),
    ),
  )
  for (const ending of ['close', 'reset'] as const) {
    for (let tenth = 1; tenth < 10; tenth++) {
      const logged = log().length
      const socket = dial(server)
      socket.write(request.subarray(0, (request.length * tenth) / 10))
      await until(() => FormHandler.parsing === 1)
      if (ending === 'close') {
        const answer = readAll(socket)
        socket.end()
        t.match(await answer, /^HTTP\/1\.1 400 Truncated form\r\n/)
      } else {
        socket.resetAndDestroy()
      }
      // libuv reports a reset that comes with the last bytes as the end of the input.
      await until(() => /Truncated form|Connection lost: /.test(log().slice(logged)))
      t.equal(FormHandler.parsing, 0, 'no promise is left')
      t.same(left(), NOTHING, `${ending} after ${String(tenth)} tenths`)
    }
  }
})

t.test('a form that cannot be stored is a 500 that says why, and the server lives', async (t) => {
  const { server, log } = await start(t)
  const directory = process.env.TMPDIR as string
  process.env.TMPDIR = join(directory, 'missing')
  const socket = dial(server)
  const body = multipart(file('f', 'f', 'x'.repeat(5000)))
  socket.write(post(body))
  t.match(
    await readAll(socket),
    /^HTTP\/1\.1 500 Cannot store the form: no such file or directory\r\n/,
  )
  t.match(log(), /code 500, message Cannot store the form: no such file or directory\n/)
  process.env.TMPDIR = directory
  const again = dial(server)
  again.write(post(body))
  await readUntil(again, 'f=5000')
  again.destroy()
})

t.test('RequestError keeps the reason of a failed write', async (t) => {
  const before = process.env.TMPDIR
  process.env.TMPDIR = '/nowhere'
  try {
    await parse(t, MULTIPART, multipart(field('a', 'xx')), { spoolThreshold: 1 })
    t.fail('there is no such directory')
  } catch (error) {
    t.ok(error instanceof RequestError)
    t.match(error, { code: 500, cause: { code: 'ENOENT' } })
  } finally {
    if (before === undefined) {
      delete process.env.TMPDIR
    } else {
      process.env.TMPDIR = before
    }
  }
})

t.test('a form that is refused gets its response, however much follows', async (t) => {
  const { server, left } = await start(t, HTTPServer)
  const long = 'x'.repeat(1000)
  const fields = (count: number) => Array.from({ length: count }, () => field('a', '1'))
  const files = (count: number) => Array.from({ length: count }, () => file('a', 'f', '1'))
  // Each of them is over at its last byte; what follows is a part of the same form.
  const cases: [options: Options, begin: string, response: RegExp, type?: string][] = [
    [{ maxPartBytes: 999 }, multipart(field('a', long)), /413 .*\(maxPartBytes\)/s],
    [{ maxPartBytes: 999 }, multipart(file('a', 'f', long)), /413 .*\(maxPartBytes\)/s],
    [{ maxTextBytes: 1999 }, multipart(field('a', long), field('b', long)), /\(maxTextBytes\)/],
    [{ maxFields: 4 }, multipart(...fields(5)), /413 .*\(maxFields\)/s],
    [{ maxFiles: 4 }, multipart(...files(5)), /413 .*\(maxFiles\)/s],
    [{ maxHeaderBytes: 999 }, `--b\r\nA: ${long}`, /413 .*\(maxHeaderBytes\)/s],
    [{ maxBytes: 999 }, long, /413 .*\(maxBytes\)/s],
    [{ maxBytes: 999 }, long, /413 .*\(maxBytes\)/s, URLENCODED],
    [{ maxTextBytes: 999 }, long, /413 .*\(maxTextBytes\)/s, URLENCODED],
    [{ maxFields: 500, maxTextBytes: 1e8 }, 'a&'.repeat(500), /\(maxFields\)/, URLENCODED],
    [{}, multipart(file('\0', 'f', long)), /400 Malformed form/],
    [{}, `--b\r\nA\r\n${long}`, /400 Malformed form/],
    [{}, '{}', /400 Not a form/, 'application/json'],
    [
      { spoolThreshold: 500 },
      multipart(file('a', 'f', long)),
      /500 Cannot store the form: no such/,
    ],
  ]
  t.teardown(() => {
    FormHandler.options = {}
  })
  const directory = process.env.TMPDIR as string
  for (const [options, begin, expected, type = MULTIPART] of cases) {
    for (const more of [1, 64 * KIB, MIB]) {
      for (const step of [Infinity, 1009, 61]) {
        FormHandler.options = options
        process.env.TMPDIR = expected.source.startsWith('500') ? '/nowhere' : directory
        const body = `${begin.replace(END, '')}${'x'.repeat(more)}${type === MULTIPART ? END : ''}`
        const socket = dial(server)
        const response = readAll(socket)
        const sent = Buffer.from(post(body, type), 'latin1')
        for (let at = 0, size = step; at < sent.length; at += size) {
          // Once it is refused, the rest may be in larger pieces.
          size = at < 4 * KIB ? step : 64 * KIB
          socket.write(sent.subarray(at, at + size))
          await new Promise((resolve) => setImmediate(resolve))
        }
        t.match(await response, expected, `${String(expected)}, ${String(more)} bytes more`)
        process.env.TMPDIR = directory
        t.equal(FormHandler.parsing, 0)
        t.same(left(), NOTHING)
      }
    }
  }
})
