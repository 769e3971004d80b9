import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { FormData, Request } from 'undici'
import { HTTPMessage } from '../http/message.ts'
import { RequestError } from '../http/request-error.ts'
import { StreamReader } from '../socketserver/stream-reader.ts'
import { brokenForm, MULTIPART } from '../testing/forms.ts'
import { FieldStorage } from './field-storage.ts'

// Python's own cgi reads the same forms: those that clients send, and broken ones. It was removed in
// Python 3.13.

const FORMS = 3000
const SEED = 20161006

/** A Python program that reads forms, one a line, and writes what is in them. */
const READER = `
import base64, cgi, io, json, sys
for line in sys.stdin:
    form = json.loads(line)
    body = base64.b64decode(form['body'])
    try:
        storage = cgi.FieldStorage(
            fp=io.BytesIO(body),
            headers={'content-type': form['type'], 'content-length': str(len(body))},
            environ={'REQUEST_METHOD': 'POST'},
            keep_blank_values=form['keepBlankValues'],
        )
    except Exception as error:
        print(json.dumps(repr(error)), flush=True)
        continue
    fields = []
    for field in storage.list:
        value = field.value
        isBytes = isinstance(value, bytes)
        if not isBytes:
            value = value.encode('utf-8', 'surrogatepass')
        fields.append([field.name, field.filename, field.type and field.type.lower(), isBytes,
                       base64.b64encode(value).decode()])
    print(json.dumps(fields), flush=True)
`

/** A Python that has cgi: one of pyenv's, or the machine's. */
function findPython(): string | undefined {
  const root = process.env.PYENV_ROOT ?? join(homedir(), '.pyenv')
  let versions: string[] = []
  try {
    versions = readdirSync(join(root, 'versions')).filter((name) => name.startsWith('3.'))
  } catch {
    // No pyenv.
  }
  const newestFirst = versions.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  return [...newestFirst.map((name) => join(root, 'versions', name, 'bin/python')), 'python3'].find(
    (python) => spawnSync(python, ['-W', 'ignore', '-c', 'import cgi']).status === 0,
  )
}

// -- Forms -----------------------------------------------------------------------------------

/** Stands for a boundary without its last character, once the boundary is known. */
const LOOKALIKE = 'L@@K'

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\\\\',
    '\\"',
    'a"b\\c',
    'trailing\\',
    ' spaces ',
    '; filename="no"',
    'a\r\nb',
    '\n',
    '\r',
    '%22%0D%0A',
    'é\u{1f600}',
    '--',
    '\r\n--',
    `\r\n--${LOOKALIKE}`,
    `\r\n--${LOOKALIKE}\r\n`,
    `--${LOOKALIKE}--\r\n`,
    'x'.repeat(5000),
  ),
)
// A NUL in a name is refused here, and taken by Python: see field-storage.test.ts.
const name = text.map((word) => word.replaceAll('\0', ''))
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
  text.map((word) => Buffer.from(word, 'utf8')),
)
const file = fc.record({
  filename: name,
  // No charset: where undici or a backslash leaves no file name, it is one only to us.
  type: fc.constantFrom('', 'text/plain', 'application/x-y; a="b;c"'),
  content: bytes,
})
const form = fc.record({
  fields: fc.array(fc.tuple(fc.oneof(name, fc.constantFrom('a', 'b')), fc.oneof(text, file)), {
    maxLength: 6,
  }),
  urlencoded: fc.boolean(),
  keepBlankValues: fc.boolean(),
  cut: fc.integer({ min: 1, max: 100 }),
})

type Form = typeof form extends fc.Arbitrary<infer Value> ? Value : never

/** The form as undici sends it. */
async function encode({ fields, urlencoded }: Form): Promise<{ type: string; body: Buffer }> {
  const data = urlencoded ? new URLSearchParams() : new FormData()
  for (const [name, value] of fields) {
    if (typeof value === 'string') {
      data.append(name, value)
    } else if (data instanceof FormData) {
      const { filename, type, content } = value
      data.append(name, new File([content], filename, { type }))
    }
  }
  const request = new Request('http://127.0.0.1/', { method: 'POST', body: data })
  const type = request.headers.get('content-type') ?? ''
  const boundary = type.slice(type.indexOf('=') + 1)
  const sent = Buffer.from(await request.arrayBuffer()).toString('latin1')
  return { type, body: Buffer.from(sent.replaceAll(LOOKALIKE, boundary.slice(0, -1)), 'latin1') }
}

/** The same as READER, by ours. */
async function read(type: string, pieces: readonly Buffer[], keepBlankValues: boolean) {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const headers = new HTTPMessage([
    ['Content-Type', type],
    ['Content-Length', String(length)],
  ])
  const fp = new StreamReader(Readable.from(pieces))
  const storage = await FieldStorage.parse({ fp, headers, keepBlankValues })
  return storage.list.map(({ name, filename, type, value }) => [
    name,
    filename,
    type,
    typeof value !== 'string',
    Buffer.from(value as string, 'utf8').toString('base64'),
  ])
}

function cut(body: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; at += size) {
    pieces.push(body.subarray(at, at + size))
  }
  return pieces
}

// -- The comparison --------------------------------------------------------------------------

const python = findPython()
const skip = python === undefined && 'there is no Python with cgi (3.12 or older)'

/** Asks a Python what is in a form; a text is the exception that it raised instead. */
type Ask = (type: string, body: Buffer, keepBlankValues: boolean) => Promise<unknown>

async function withPython(t: Test, compare: (ask: Ask) => Promise<void>): Promise<void> {
  const child = spawn(python as string, ['-W', 'ignore', '-c', READER], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await compare(async (type, body, keepBlankValues) => {
    const form = { type, body: body.toString('base64'), keepBlankValues }
    child.stdin.write(`${JSON.stringify(form)}\n`)
    const { value } = (await lines.next()) as { value: string }
    return JSON.parse(value) as unknown
  })
  child.stdin.end()
  t.same(await once(child, 'exit'), [0, null])
}

function compareWith(theirs: unknown, ours: unknown, body: Buffer): void {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)]
  if (a !== b) {
    throw new Error(`${JSON.stringify(body.toString('latin1'))}\nours   ${a}\nPython ${b}`)
  }
}

t.test(`${String(FORMS)} forms are read as Python reads them`, { skip }, async (t) => {
  await withPython(t, async (ask) => {
    await fc.assert(
      fc.asyncProperty(form, async (one) => {
        const { type, body } = await encode(one)
        const theirs = await ask(type, body, one.keepBlankValues)
        compareWith(theirs, await read(type, cut(body, one.cut), one.keepBlankValues), body)
      }),
      { numRuns: FORMS, seed: SEED },
    )
  })
})

// Whatever is not refused is read as Python reads it, and what is refused is refused for a reason
// that `docs/differences.md` gives.
const REFUSED = /neither "name: value" nor empty|ends it is missing|NUL in a name/

t.test(
  `${String(FORMS)} broken forms are read as Python reads them, or refused`,
  { skip },
  async (t) => {
    let accepted = 0
    await withPython(t, async (ask) => {
      await fc.assert(
        fc.asyncProperty(brokenForm, fc.integer({ min: 1, max: 100 }), async (text, size) => {
          const body = Buffer.from(text, 'latin1')
          const theirs = await ask(MULTIPART, body, false)
          let ours: unknown
          try {
            ours = await read(MULTIPART, cut(body, size), false)
          } catch (error) {
            if (!(error instanceof RequestError) || !REFUSED.test(error.explain ?? '')) {
              throw error
            }
            return
          }
          accepted += 1
          compareWith(theirs, ours, body)
        }),
        { numRuns: FORMS, seed: SEED },
      )
    })
    t.ok(accepted > FORMS / 4 && accepted < FORMS * 0.9, `${String(accepted)} were accepted`)
  },
)
