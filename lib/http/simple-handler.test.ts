import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { compileFunction } from 'node:vm'
import t from 'tap'
import type { Test } from 'tap'
import ts from 'typescript'
import { AsyncMixIn } from '../socketserver/mixins/async-mixin.ts'
import type { RequestHandlerClass } from '../socketserver/request-handler.ts'
import { StreamWriter } from '../socketserver/stream-writer.ts'
import type { OpenedFile, Source } from '../stdlib/source.ts'
import { sourceOf } from '../stdlib/source.ts'
import { captureStderr, dial, readUntil, serve, talk } from '../testing/helpers.ts'
import { HTTPServer } from './server.ts'
import { EXTENSIONS_MAP, SimpleHTTPRequestHandler } from './simple-handler.ts'

const WINDOWS = process.platform === 'win32'

/** An empty directory, which disappears with the test. */
function folder(t: Test): string {
  const root = fs.mkdtempSync(join(tmpdir(), 'basehttp-files-'))
  t.teardown(() => {
    fs.rmSync(root, { recursive: true })
  })
  return root
}

/** A server for a directory, and what is asked of it. */
async function start(
  t: Test,
  root: string,
  Handler: RequestHandlerClass = SimpleHTTPRequestHandler,
  options: object = {},
) {
  const log = captureStderr(t)
  const server = new HTTPServer(['127.0.0.1', 0], Handler)
  server.handlerOptions = { directory: root, ...options }
  await serve(t, server)
  const ask = (line: string, ...headers: string[]) =>
    talk(server, [line, ...headers, '', ''].join('\r\n'))
  return { server, ask, log }
}

/** Status code and body of an answer. */
function brief(response: string): [code: number, body: string] {
  const end = response.indexOf('\r\n\r\n')
  return [Number(response.slice(9, 12)), response.slice(end + 4)]
}

/** The value of a header; undefined if there is none. */
function header(response: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, 'm').exec(response)?.[1]
}

/** Put another function in the place of one of node:fs. */
function exchange(name: 'openSync', replacement: typeof fs.openSync): void {
  const nodeFs = createRequire(import.meta.url)('node:fs') as { openSync: typeof fs.openSync }
  nodeFs[name] = replacement
  syncBuiltinESMExports()
}

/** How many descriptors the process has open. */
function descriptors(): number {
  return fs.readdirSync('/proc/self/fd').length
}

// -- Files -----------------------------------------------------------------------------------

t.test('do_GET() sends a file, do_HEAD() its head', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a.txt'), 'contents\n')
  fs.utimesSync(join(root, 'a.txt'), 1475788330.9, 1475788330.9)
  const { ask, log } = await start(t, root)
  const head =
    /^HTTP\/1\.0 200 OK\r\nServer: SimpleHTTP\/0\.6 Node\/\S+\r\nDate: [^\r]*\r\nContent-type: text\/plain\r\nContent-Length: 9\r\nLast-Modified: Thu, 06 Oct 2016 21:12:10 GMT\r\n\r\n/
  const get = await ask('GET /a.txt HTTP/1.0')
  t.match(get, head)
  t.same(brief(get), [200, 'contents\n'])
  t.match(await ask('HEAD /a.txt?x HTTP/1.0'), new RegExp(`${head.source}$`))
  t.same(brief(await ask('GET /b.txt HTTP/1.0')), [404, brief(await ask('GET /c HTTP/1.0'))[1]])
  t.equal((await ask('HEAD /b.txt HTTP/1.0')).slice(-4), '\r\n\r\n')
  t.match(log(), /"GET \/a\.txt HTTP\/1\.0" 200 -\n/)
  t.match(log(), /code 404, message File not found\n/)
})

t.test('a file of any size arrives whole, through one buffer', async (t) => {
  const root = folder(t)
  const { ask } = await start(t, root)
  for (const size of [0, 1, 65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 3_000_000]) {
    const contents = Buffer.from(
      Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) % 251),
    )
    fs.writeFileSync(join(root, 'file'), contents)
    const response = await ask('GET /file HTTP/1.0')
    t.equal(header(response, 'Content-Length'), String(size))
    const [, body] = brief(response)
    t.ok(Buffer.from(body, 'latin1').equals(contents), `${String(size)} bytes`)
  }
})

t.test('with a timeout, a large file arrives whole', async (t) => {
  const root = folder(t)
  const contents = Buffer.alloc(2_500_000, 'x')
  fs.writeFileSync(join(root, 'file'), contents)
  const { ask } = await start(t, root, SimpleHTTPRequestHandler, { timeout: 10 })
  t.equal(brief(await ask('GET /file HTTP/1.0'))[1], contents.toString('latin1'))
})

t.test('a large file leaves the others their turn, however fast its client is', async (t) => {
  const root = folder(t)
  const pieces = 12
  fs.writeFileSync(join(root, 'file'), Buffer.alloc(pieces * 256 * 1024))
  let turns = 0
  class Counting extends SimpleHTTPRequestHandler {
    override async copyfile(source: Source) {
      const takesAllAtOnce = new Writable({
        write: (_chunk, _encoding, done) => {
          done()
        },
      })
      let copying = true
      const turn = () => {
        if (copying) {
          turns++
          setImmediate(turn)
        }
      }
      setImmediate(turn)
      await super.copyfile(source, new StreamWriter(takesAllAtOnce))
      copying = false
    }
  }
  const { ask, log } = await start(t, root, Counting)
  t.equal(brief(await ask('GET /file HTTP/1.0'))[0], 200)
  t.ok(turns >= pieces, `${String(turns)} turns`)
  t.notMatch(log(), /missing/)
})

t.test('a file that shrinks while it is sent cuts the connection', async (t) => {
  const root = folder(t)
  class Shrinking extends SimpleHTTPRequestHandler {
    override protocolVersion = 'HTTP/1.1'
    override copyfile(source: Source, outputfile: StreamWriter) {
      fs.truncateSync(join(root, 'file'), 100)
      return super.copyfile(source, outputfile)
    }
  }
  const { ask, log } = await start(t, root, Shrinking)
  for (const size of [1000, 200_000, 3_000_000]) {
    fs.writeFileSync(join(root, 'file'), Buffer.alloc(size, 'x'))
    // The connection would be kept; that it ends is the only way to say that this is not all.
    const response = await ask('GET /file HTTP/1.1', 'Host: x')
    t.equal(header(response, 'Content-Length'), String(size))
    t.same(brief(response), [200, 'x'.repeat(100)])
    const missing = `file became shorter while it was sent: ${String(size - 100)} bytes are missing`
    t.ok(log().endsWith(`${missing}\n`), log())
  }
})

t.test('a file that grows or vanishes while it is sent is sent as it was', async (t) => {
  const root = folder(t)
  class Growing extends SimpleHTTPRequestHandler {
    override copyfile(source: Source, outputfile: StreamWriter) {
      fs.appendFileSync(join(root, 'file'), 'more')
      fs.unlinkSync(join(root, 'file'))
      return super.copyfile(source, outputfile)
    }
  }
  const { ask } = await start(t, root, Growing)
  for (const size of [0, 1000, 3_000_000]) {
    fs.writeFileSync(join(root, 'file'), Buffer.alloc(size, 'x'))
    const response = await ask('GET /file HTTP/1.0')
    t.same(brief(response), [200, 'x'.repeat(size)])
  }
})

t.test('a client that leaves: one log line, and the file is closed', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'file'), Buffer.alloc(20_000_000))
  const { server, ask, log } = await start(t, root)
  await ask('GET / HTTP/1.0')
  const before = WINDOWS ? 0 : descriptors()
  for (let count = 1; count <= 5; count++) {
    const client = dial(server)
    client.write('GET /file HTTP/1.0\r\n\r\n')
    await readUntil(client, '\r\n\r\n')
    client.resetAndDestroy()
    // One at a time: when this is answered, that one is over.
    await ask('GET / HTTP/1.0')
    t.equal([...log().matchAll(/Connection lost: /g)].length, count)
  }
  if (!WINDOWS) {
    t.equal(descriptors(), before)
  }
  t.notMatch(log(), /Exception/)
})

t.test('what is no regular file is a 404, and stops nobody', { skip: WINDOWS }, async (t) => {
  const root = folder(t)
  execFileSync('mkfifo', [join(root, 'fifo')])
  fs.symlinkSync('/dev/zero', join(root, 'device'))
  const socket = createServer().listen(join(root, 'socket'))
  t.teardown(() => socket.close())
  const { ask } = await start(t, root)
  for (const name of ['fifo', 'device', 'socket']) {
    t.equal(brief(await ask(`GET /${name} HTTP/1.0`))[0], 404, name)
    t.match(brief(await ask('GET / HTTP/1.0'))[1], new RegExp(`>${name}@?<`))
  }
})

// -- Conditions ------------------------------------------------------------------------------

t.test(
  'If-Modified-Since is answered with 304 for a valid date, and ignored otherwise',
  async (t) => {
    const root = folder(t)
    fs.writeFileSync(join(root, 'a'), 'x')
    fs.utimesSync(join(root, 'a'), 1475788330.75, 1475788330.75)
    const { ask, server } = await start(t, root)
    const code = async (...headers: string[]) => brief(await ask('GET /a HTTP/1.0', ...headers))[0]
    // The fraction of the second is not compared.
    t.equal(await code('If-Modified-Since: Thu, 06 Oct 2016 21:12:10 GMT'), 304)
    t.equal(await code('If-Modified-Since: Thu, 06 Oct 2016 21:12:09 GMT'), 200)
    t.equal(await code('If-Modified-Since: Thu, 06 Oct 2016 23:12:10 +0200'), 200)
    t.equal(await code('If-Modified-Since: Oct 06 2033 21:12:10'), 200)
    t.equal(await code('If-Modified-Since: 7 Oct 33 1:2:3'), 200)
    t.equal(await code('If-Modified-Since: Thursday, 06-Oct-16 21:12:10 GMT'), 304)
    t.equal(await code('If-Modified-Since: Thu Oct  6 21:12:10 2016'), 304)
    t.equal(await code('If-Modified-Since: yesterday'), 200)
    const date = 'If-Modified-Since: Thu, 06 Oct 2016 21:12:10 GMT'
    t.equal(await code(date, date), 200)
    t.equal(
      await code('If-Modified-Since: Thu, 06 Oct 2016 21:12:10 GMT', 'If-None-Match: "x"'),
      200,
    )
    const fresh = 'If-Modified-Since: Thu, 06 Oct 2016 21:12:10 GMT'
    const response = await talk(server, `GET /a HTTP/1.0\r\n${fresh}\r\n\r\n`)
    t.match(response, /^HTTP\/1\.0 304 Not Modified\r\nServer: [^\r]*\r\nDate: [^\r]*\r\n\r\n$/)
  },
)

// -- What a subclass may send of a file --------------------------------------------------------

/** The files of a directory that are open; none are known where the system does not tell. */
function openIn(root: string): string[] {
  if (process.platform !== 'linux') {
    return []
  }
  return fs.readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [fs.readlinkSync(`/proc/self/fd/${descriptor}`)].filter((name) =>
        name.startsWith(root),
      )
    } catch {
      return [] // The descriptor by which this directory is read is gone by now.
    }
  })
}

/** One range of a file, as a program would add it. */
class RangeHandler extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override sendFileHead(file: OpenedFile, path: string): Source | null {
    const [, from = '', to = ''] =
      /^bytes=(\d*)-(\d*)$/i.exec(this.headers.get('Range') ?? '') ?? []
    if (this.command !== 'GET' || from + to === '') {
      return super.sendFileHead(file, path)
    }
    const end = file.size - 1
    const first = from === '' ? Math.max(0, file.size - Number(to)) : Number(from)
    const last = from === '' || to === '' ? end : Math.min(Number(to), end)
    if (first > last) {
      this.sendError(416, undefined, undefined, [['Content-Range', `bytes */${String(file.size)}`]])
      return null
    }
    this.sendResponse(206)
    this.sendHeader('Content-Type', this.guessType(path))
    this.sendHeader('Content-Range', `bytes ${String(first)}-${String(last)}/${String(file.size)}`)
    this.sendHeader('Content-Length', last - first + 1)
    this.endHeaders()
    return file.slice(first, last)
  }
}

t.test('sendFileHead() may send a part of the file, or say that there is none', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a.txt'), '0123456789')
  const { ask, log } = await start(t, root, RangeHandler)
  const close = ['Host: example.org', 'Connection: close']
  const get = (range: string) => ask('GET /a.txt HTTP/1.1', `Range: ${range}`, ...close)
  for (const [range, content, body] of [
    ['bytes=0-4', 'bytes 0-4/10', '01234'],
    ['bytes=7-', 'bytes 7-9/10', '789'],
    ['bytes=-2', 'bytes 8-9/10', '89'],
    ['bytes=8-99', 'bytes 8-9/10', '89'],
  ] as const) {
    const response = await get(range)
    t.same(brief(response), [206, body], range)
    t.equal(header(response, 'Content-Range'), content, range)
  }
  const beyond = await get('bytes=10-')
  t.equal(brief(beyond)[0], 416)
  t.equal(header(beyond, 'Content-Range'), 'bytes */10')
  t.same(brief(await get('lines=1-2')), [200, '0123456789'])
  t.same(openIn(root), [])
  t.notMatch(log(), /Exception/)
})

t.test(
  'sendFileHead() of a subclass gets no file that may not be served',
  { skip: WINDOWS },
  async (t) => {
    const top = folder(t)
    const root = join(top, 'root')
    fs.mkdirSync(root)
    fs.writeFileSync(join(top, 'secret'), 'SECRET')
    fs.writeFileSync(join(root, 'a'), 'OPEN')
    fs.symlinkSync('../secret', join(root, 'out'))
    fs.symlinkSync('a', join(root, 'in'))
    fs.symlinkSync('/dev/zero', join(root, 'device'))
    execFileSync('mkfifo', [join(root, 'fifo')])
    const { ask } = await start(t, root, RangeHandler, { followSymlinks: false })
    const get = (path: string) =>
      ask(`GET ${path} HTTP/1.1`, 'Range: bytes=0-2', 'Host: example.org', 'Connection: close')
    t.same(brief(await get('/in')), [206, 'OPE'])
    for (const path of ['/out', '/fifo', '/device']) {
      const response = await get(path)
      t.equal(brief(response)[0], 404, path)
      t.notMatch(response, 'SECRET')
    }
    t.same(brief(await get('/a')), [206, 'OPE'], 'the server goes on')
  },
)

t.test('sendFileHead() may send what it makes of the file, or fail', async (t) => {
  const root = folder(t)
  for (const name of ['a', 'fails', 'nothing']) {
    fs.writeFileSync(join(root, name), '0123456789')
  }
  class Reversed extends SimpleHTTPRequestHandler {
    override sendFileHead(file: OpenedFile, path: string): Source | null {
      if (path.endsWith('fails')) {
        throw new Error('of the subclass')
      }
      if (path.endsWith('nothing')) {
        this.sendError(403)
        return null
      }
      const bytes = Buffer.alloc(file.size)
      file.read(bytes)
      this.sendResponse(200)
      this.sendHeader('Content-Length', bytes.length)
      this.endHeaders()
      return sourceOf(bytes.reverse())
    }
  }
  const { ask, log } = await start(t, root, Reversed)
  t.same(brief(await ask('GET /a HTTP/1.0')), [200, '9876543210'])
  t.same(brief(await ask('HEAD /a HTTP/1.0')), [200, ''])
  t.equal(brief(await ask('GET /nothing HTTP/1.0'))[0], 403)
  t.equal(await ask('GET /fails HTTP/1.0'), '')
  t.match(log(), /Error\('of the subclass'\)|Error: of the subclass/)
  t.same(openIn(root), [])
})

t.test('isFresh() decides between 304 and the file, and sees the file', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a'), '0123456789')
  class Tagged extends SimpleHTTPRequestHandler {
    override protocolVersion = 'HTTP/1.1'

    override isFresh(file: OpenedFile): boolean {
      const tag = `"${String(file.size)}"`
      this.extraResponseHeaders = [['ETag', tag]]
      return this.headers.get('If-None-Match') === tag
    }
  }
  const { ask } = await start(t, root, Tagged)
  const get = (tag: string) =>
    ask('GET /a HTTP/1.1', `If-None-Match: ${tag}`, 'Host: example.org', 'Connection: close')
  t.same(brief(await get('"9"')), [200, '0123456789'])
  const fresh = await get('"10"')
  t.same(brief(fresh), [304, ''])
  t.equal(header(fresh, 'ETag'), '"10"')
  // What the client wants only as it was is refused before that.
  const other = await ask('GET /a HTTP/1.1', 'If-Match: "9"', 'Host: a', 'Connection: close')
  t.equal(brief(other)[0], 412)
})

// -- Directories -----------------------------------------------------------------------------

t.test('a directory without its slash is redirected, and never to another host', async (t) => {
  const root = folder(t)
  fs.mkdirSync(join(root, 'sub'))
  fs.mkdirSync(join(root, 'evil.com'))
  const { ask } = await start(t, root)
  const location = async (target: string) => {
    const response = await ask(`GET ${target} HTTP/1.0`)
    t.equal(response.slice(9, 12), '301', target)
    t.equal(header(response, 'Content-Length'), '0')
    return header(response, 'Location')
  }
  t.equal(await location('/sub'), '/sub/')
  t.equal(await location('/sub?a=b/'), '/sub/?a=b/')
  t.equal(await location('//evil.com/..%2fsub'), '/evil.com/..%2fsub/')
  t.equal(await location('//evil.com/%2e%2e/sub'), '/evil.com/%2e%2e/sub/')
  t.equal(await location('/\\evil.com/%2e%2e/sub'), '/%5Cevil.com/%2e%2e/sub/')
  t.equal(await location('//\\evil.com/%2e%2e/sub'), '/%5Cevil.com/%2e%2e/sub/')
  t.equal(await location('\\\\evil.com/%2e%2e'), '%5C%5Cevil.com/%2e%2e/')
})

t.test('an escaped slash at the end is a slash', async (t) => {
  const root = folder(t)
  fs.mkdirSync(join(root, 'sub'))
  fs.writeFileSync(join(root, 'file'), 'x')
  const { ask } = await start(t, root)
  for (const slash of ['/', '%2F', '%2f', '/%2F', '%2f%2f?q', '%2F#f']) {
    const [code, page] = brief(await ask(`GET /sub${slash} HTTP/1.0`))
    t.equal(code, 200, slash)
    t.match(page, /<title>Directory listing for \/sub\/+<\/title>/, slash)
    t.equal(brief(await ask(`GET /file${slash} HTTP/1.0`))[0], 404, slash)
  }
  t.equal(header(await ask('GET /sub?%2F HTTP/1.0'), 'Location'), '/sub/?%2F')
  // Escaped twice, it belongs to the name.
  t.equal(brief(await ask('GET /sub%252F HTTP/1.0'))[0], 404)
})

t.test('the title of a listing is the path alone, and no tag', async (t) => {
  const { ask } = await start(t, folder(t))
  for (const target of ['/', '/?<b>', '/#<b>', '/?a#b?c']) {
    const page = brief(await ask(`GET ${target} HTTP/1.0`))[1]
    t.match(page, '<title>Directory listing for /</title>', target)
  }
  const page = brief(await ask('GET /<b>%3Ci%3E/../ HTTP/1.0'))[1]
  t.match(page, '<title>Directory listing for /&lt;b&gt;&lt;i&gt;/../</title>')
})

// -- The directory ---------------------------------------------------------------------------

t.test('directory: nothing is the current directory, a URL its path', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a'), 'found')
  const before = process.cwd()
  process.chdir(root)
  t.teardown(() => {
    process.chdir(before)
  })
  for (const directory of ['', null, undefined, root, '.', pathToFileURL(`${root}/`)]) {
    const { ask, log } = await start(t, directory as string)
    t.same(brief(await ask('GET /a HTTP/1.0')), [200, 'found'], String(directory))
    // Not the root of the file system.
    t.match(brief(await ask('GET / HTTP/1.0'))[1], '<li><a href="a">a</a></li>')
    t.notMatch(log(), /Exception/)
  }
  class Own extends SimpleHTTPRequestHandler {
    override directory = 'sub/..'
  }
  fs.mkdirSync(join(root, 'sub'))
  const { ask } = await start(t, root, Own, { directory: 'sub/..' })
  t.same(brief(await ask('GET /a HTTP/1.0')), [200, 'found'])
})

t.test('directory: what cannot be served is an error of bindAndActivate()', async (t) => {
  const root = folder(t)
  const file = join(root, 'file')
  fs.writeFileSync(file, '')
  const no = 'there is none of that name'
  const cases: [directory: unknown, message: string, name?: string][] = [
    [file, `'${file}': it is a file`],
    [`${file}/x`, `'${file}/x': ${no}`],
    [join(root, 'none'), `'${join(root, 'none')}': ${no}`],
    [pathToFileURL(file), `'${file}': it is a file`],
    [new URL('http://x/'), 'http://x/: give a path, or a file: URL', 'TypeError'],
    [5, '5: give a path, or a file: URL', 'TypeError'],
    [true, 'True: give a path, or a file: URL', 'TypeError'],
  ]
  for (const [directory, message, name = 'Error'] of cases) {
    const server = new HTTPServer(['127.0.0.1', 0], SimpleHTTPRequestHandler)
    server.handlerOptions = { directory }
    const expected = { name, message: `Cannot serve the directory ${message}` }
    await t.rejects(server.bindAndActivate(), expected)
    t.equal(server.serverPort, 0)
  }
})

t.test('options of a server that make no sense are errors of bindAndActivate()', async (t) => {
  const wrong: Record<string, unknown>[] = [
    ...[1.1, '1.1', 'http/1.1', 'HTTP/2', null].map((protocolVersion) => ({ protocolVersion })),
    ...['index.html', null, [1]].map((indexPages) => ({ indexPages })),
    ...[{ a: 'b' }, null, 'a: b', [['a']]].map((value) => ({ extraResponseHeaders: value })),
    { headTimeout: '5' },
    { bodyTimeout: -1 },
  ]
  for (const options of wrong) {
    const [name] = Object.keys(options)
    const server = new HTTPServer(['127.0.0.1', 0], SimpleHTTPRequestHandler)
    server.handlerOptions = options
    await t.rejects(
      server.bindAndActivate(),
      {
        name: 'TypeError',
        message: new RegExp(`^Cannot set the handler option '${String(name)}'`),
      },
      JSON.stringify(options),
    )
  }
  const { ask } = await start(t, folder(t), SimpleHTTPRequestHandler, {
    protocolVersion: undefined,
    indexPages: undefined,
    headTimeout: undefined,
    extraResponseHeaders: [['X-Frame-Options', 'DENY']],
  })
  t.match(await ask('GET / HTTP/1.0'), /^HTTP\/1\.0 200 OK\r\n[^]*X-Frame-Options: DENY/)
})

t.test('directory: the current one is not asked for when another is given', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a'), 'found')
  t.intercept(process, 'cwd', {
    value: () => {
      throw new Error('ENOENT: uv_cwd')
    },
  })
  const { ask } = await start(t, root)
  t.same(brief(await ask('GET /a HTTP/1.0')), [200, 'found'])
  await t.rejects(start(t, ''), { message: 'ENOENT: uv_cwd' })
})

/** The handler that the guide shows, from its text: what people copy is what is tried. */
function guidesHandler(name: string): RequestHandlerClass {
  const top = new URL('.', import.meta.resolve('basehttp/package.json'))
  const guide = fs.readFileSync(new URL('docs/guide.md', top), 'utf8')
  const program = [...guide.matchAll(/^```ts\n([^]*?)^```$/gm)]
    .map(([, text = '']) => text)
    .find((text) => text.includes(`export class ${name} `))
  const { CommonJS } = ts.ModuleKind
  const script = ts.transpile(program ?? '', { module: CommonJS, target: ts.ScriptTarget.ES2022 })
  const exported: Record<string, RequestHandlerClass> = {}
  const required = { EXTENSIONS_MAP, SimpleHTTPRequestHandler }
  const run = compileFunction(script, ['exports', 'require']) as (...args: unknown[]) => void
  run(exported, () => required)
  return exported[name] as RequestHandlerClass
}

t.test("the guide's handler serves no dot file, however its directory is written", async (t) => {
  const Notes = guidesHandler('Notes')
  const root = folder(t)
  const before = process.cwd()
  process.chdir(root)
  t.teardown(() => {
    process.chdir(before)
  })
  for (const name of ['.git', 'sub', 'sub/.git']) {
    fs.mkdirSync(join(root, 'nd', name), { recursive: true })
    fs.writeFileSync(join(root, 'nd', name, 'config'), 'secret')
    fs.writeFileSync(join(root, 'nd', name, 'a..b.md'), 'found')
  }
  fs.writeFileSync(join(root, 'nd', '.env'), 'secret')
  const nd = join(root, 'nd')
  const url = pathToFileURL(`${nd}/`)
  for (const directory of ['nd', 'nd/', './nd', './nd/', 'nd//', nd, `${nd}/`, url, '/', '']) {
    if (directory === '') {
      process.chdir(nd)
    }
    const { ask } = await start(t, directory as string, Notes)
    for (const path of [
      '/.env',
      '/%2eenv',
      '/.git',
      '/.git/config',
      '//.git/',
      '/sub/.git/config',
    ]) {
      // Not `File not found`, which is what is said of a name that does not exist.
      const response = await ask(`GET ${path} HTTP/1.0`)
      t.match(response, /^HTTP\/1\.0 404 Not Found\r\n/, `${String(directory)}: ${path}`)
    }
    if (directory !== '/') {
      const response = await ask('GET /sub/a..b.md HTTP/1.0')
      t.same(brief(response), [200, 'found'], String(directory))
      t.equal(header(response, 'Content-type'), 'text/markdown; charset=utf-8')
    }
  }
})

t.test('indexPages names the pages that stand for a directory', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'index.htm'), 'second')
  const { ask } = await start(t, root)
  t.same(brief(await ask('GET / HTTP/1.0')), [200, 'second'])
  fs.mkdirSync(join(root, 'index.html'))
  t.same(brief(await ask('GET / HTTP/1.0')), [200, 'second'])
  fs.rmdirSync(join(root, 'index.html'))
  fs.writeFileSync(join(root, 'index.html'), 'first')
  t.same(brief(await ask('GET / HTTP/1.0')), [200, 'first'])

  class Readme extends SimpleHTTPRequestHandler {
    override indexPages = ['README']
  }
  const other = await start(t, root, Readme)
  t.match(brief(await other.ask('GET / HTTP/1.0'))[1], /^<!DOCTYPE HTML>/)
})

t.test('a listing is sorted and escaped as Python’s', { skip: WINDOWS }, async (t) => {
  const root = folder(t)
  for (const name of ['b', 'A', '<i>&"\'', '\u{ff5e}', '\u{1f600}']) {
    fs.writeFileSync(join(root, name), '')
  }
  fs.mkdirSync(join(root, 'dir'))
  fs.symlinkSync('dir', join(root, 'to-dir'))
  fs.symlinkSync('nowhere', join(root, 'to-nowhere'))
  const { ask } = await start(t, root)
  const response = await ask('GET /?<q> HTTP/1.0')
  t.equal(header(response, 'Content-type'), 'text/html; charset=utf-8')
  const page = Buffer.from(brief(response)[1], 'latin1').toString('utf8')
  t.equal(header(response, 'Content-Length'), String(Buffer.byteLength(page)))
  t.match(page, '<title>Directory listing for /</title>')
  const rows = [...page.matchAll(/<li><a href="(.*)">(.*)<\/a><\/li>/g)].map(
    ([, href, text]) => `${String(href)} ${String(text)}`,
  )
  t.same(rows, [
    '%3Ci%3E%26%22%27 &lt;i&gt;&amp;"\'',
    'A A',
    'b b',
    'dir/ dir/',
    'to-dir/ to-dir@',
    'to-nowhere to-nowhere@',
    '%EF%BD%9E \u{ff5e}',
    '%F0%9F%98%80 \u{1f600}',
  ])
})

t.test('names that are no UTF-8 are listed, and the link leads to the file', async (t) => {
  const root = folder(t)
  const name = Buffer.concat([Buffer.from(`${root}/caf`), Buffer.of(0xe9), Buffer.from('.txt')])
  try {
    fs.writeFileSync(name, 'found')
  } catch {
    t.comment('skipped: this file system takes no such names')
    return
  }
  const { ask } = await start(t, root)
  const page = brief(await ask('GET / HTTP/1.0'))[1]
  t.ok(page.includes('<a href="caf%ED%B3%A9.txt">caf\xe9.txt</a>'), page)
  t.same(brief(await ask('GET /caf%ED%B3%A9.txt HTTP/1.0')), [200, 'found'])
  // Who knows the name may also say it.
  t.same(brief(await ask('GET /caf%E9.txt HTTP/1.0')), [
    404,
    brief(await ask('GET /- HTTP/1.0'))[1],
  ])
})

t.test('a listing of 1,000 and of 100,000 names is complete', async (t) => {
  for (const count of [1000, 100_000]) {
    const root = folder(t)
    for (let index = 0; index < count; index++) {
      fs.closeSync(fs.openSync(join(root, `name-${String(index)}`), 'w'))
    }
    const { ask } = await start(t, root)
    const response = await ask('GET / HTTP/1.0')
    const page = brief(response)[1]
    t.equal(header(response, 'Content-Length'), String(page.length))
    const names = [...page.matchAll(/^<li><a href="(name-\d+)">\1<\/a><\/li>$/gm)].map(
      ([, name]) => name,
    )
    t.equal(names.length, count)
    t.same(names, [...names].sort())
  }
})

t.test(
  'what may not be read is a 404, and nobody else hears of it',
  { skip: WINDOWS },
  async (t) => {
    const root = folder(t)
    fs.chmodSync(root, 0o755)
    fs.writeFileSync(join(root, 'open'), 'content')
    fs.writeFileSync(join(root, 'secret'), '', { mode: 0o000 })
    for (const [name, mode] of [
      ['closed', 0o000],
      ['unlisted', 0o111],
    ] as const) {
      fs.mkdirSync(join(root, name))
      fs.writeFileSync(join(root, name, 'open'), 'content')
      fs.chmodSync(join(root, name), mode)
    }
    const { ask, log } = await start(t, root)
    const asked = async (path: string) => brief(await ask(`GET ${path} HTTP/1.0`))[0]
    // To root, all files are open: let it be nobody for a moment.
    const isRoot = process.getuid?.() === 0
    try {
      if (isRoot) {
        process.seteuid?.(65534)
      }
      t.equal(await asked('/secret'), 404)
      t.equal(await asked('/closed'), 301)
      t.equal(await asked('/closed/'), 404)
      t.equal(await asked('/closed/open'), 404)
      t.equal(await asked('/unlisted/'), 404)
      t.equal(await asked('/unlisted/open'), 200)
      t.equal(await asked('/open'), 200)
      t.equal(await asked('/'), 200)
    } finally {
      if (isRoot) {
        process.seteuid?.(0)
      }
      fs.chmodSync(join(root, 'closed'), 0o755)
      fs.chmodSync(join(root, 'unlisted'), 0o755)
    }
    t.notMatch(log(), /Exception/)
  },
)

t.test('a directory that cannot be read is a 404', async (t) => {
  const root = folder(t)
  fs.mkdirSync(join(root, 'sub'))
  class Hidden extends SimpleHTTPRequestHandler {
    override listDirectory(path: string) {
      return super.listDirectory(join(path, 'gone'))
    }
  }
  const { ask } = await start(t, root, Hidden)
  t.match(await ask('GET /sub/ HTTP/1.0'), /^HTTP\/1\.0 404 No permission to list directory\r\n/)
})

// -- Paths -----------------------------------------------------------------------------------

t.test('no path leads out of the directory', async (t) => {
  const top = folder(t)
  const root = join(top, 'root')
  fs.mkdirSync(root)
  fs.mkdirSync(join(top, 'root-secret'))
  for (const name of ['secret', 'root-secret/secret']) {
    fs.writeFileSync(join(top, name), 'SECRET')
  }
  fs.writeFileSync(join(root, 'open'), 'OPEN')
  const { ask } = await start(t, root)
  const ways = [
    ...['/../secret', '/../../secret', '/%2e%2e/secret', '/..%2fsecret', '/.%2e/secret'],
    ...[
      '/%252e%252e/secret',
      '/..%5csecret',
      '/..\\secret',
      '/%c0%ae%c0%ae/secret',
      '/%2e%2e%2fsecret',
    ],
    ...['/../root-secret/secret', '/%2e%2e/root-secret/secret', '/open/../../secret', '../secret'],
    ...['/....//secret', '/..;/secret', '/..%00/secret', '/open%00.txt', '/%zz/../../secret'],
    ...[`/${top}/secret`, `//${top}/secret`, `/%2f${top.slice(1)}/secret`, '..', '%2e%2e/secret'],
    ...['/..%ef%bc%8fsecret', '/%ed%b3%a9', '/%ed%a0%80', '/secret', '/root-secret/secret'],
  ]
  for (const way of ways) {
    const [code, body] = brief(await ask(`GET ${way} HTTP/1.0`))
    t.notMatch(body, /SECRET/, way)
    t.ok(code === 404 || code === 301 || body.includes('>open<'), `${way}: ${String(code)}`)
  }
  t.same(brief(await ask('GET /x/../%6fpen HTTP/1.0')), [200, 'OPEN'])
  t.equal(brief(await ask('GET /open/ HTTP/1.0'))[0], 404)
})

t.test('translatePath() maps a target into the directory', async (t) => {
  const handler = new SimpleHTTPRequestHandler(null as never, '', null as never)
  handler.directory = '/srv'
  const paths: [string, string][] = [
    ['/', '/srv/'],
    ['/a/b', '/srv/a/b'],
    ['/a/b/', '/srv/a/b/'],
    ['/a%20b?c=/', '/srv/a b'],
    ['/a#b/', '/srv/a'],
    ['/a#b?c/', '/srv/a'],
    ['/a%2F', '/srv/a/'],
    ['/%2f', '/srv/'],
    ['/a//b/./c/..', '/srv/a/b'],
    ['/../..', '/srv'],
    ['/%zz%', '/srv/%zz%'],
    ['/%C3%A9', '/srv/é'],
    ['', '/srv'],
  ]
  for (const [target, path] of paths) {
    t.equal(handler.translatePath(target), path, target)
  }
})

t.test('followSymlinks = false refuses what leaves the directory', { skip: WINDOWS }, async (t) => {
  const top = folder(t)
  const root = join(top, 'root')
  fs.mkdirSync(join(root, 'sub'), { recursive: true })
  fs.mkdirSync(join(top, 'root-secret'))
  fs.writeFileSync(join(top, 'root-secret', 'file'), 'SECRET')
  fs.writeFileSync(join(root, 'sub', 'file'), 'OPEN')
  fs.symlinkSync('../root-secret', join(root, 'out'))
  fs.symlinkSync('../root-secret/file', join(root, 'out-file'))
  fs.symlinkSync('sub', join(root, 'in'))
  const free = await start(t, root)
  t.same(brief(await free.ask('GET /out/file HTTP/1.0')), [200, 'SECRET'])
  const { ask } = await start(t, root, SimpleHTTPRequestHandler, { followSymlinks: false })
  t.same(brief(await ask('GET /in/file HTTP/1.0')), [200, 'OPEN'])
  for (const path of ['/out/file', '/out-file', '/out/', '/out', '/in/../out/file']) {
    t.equal(brief(await ask(`GET ${path} HTTP/1.0`))[0], 404, path)
  }
  t.match(brief(await ask('GET / HTTP/1.0'))[1], />out@</)
})

t.test('followSymlinks = false looks at the bytes of a name', { skip: WINDOWS }, async (t) => {
  const top = folder(t)
  const root = join(top, 'root')
  fs.mkdirSync(root)
  fs.writeFileSync(join(top, 'secret'), 'SECRET')
  // As text, both names would be the same.
  fs.symlinkSync('../secret', Buffer.from(`${root}/s\xff`, 'latin1'))
  fs.writeFileSync(join(root, 's\ufffd'), 'DECOY')
  fs.writeFileSync(Buffer.from(`${root}/n\xe9`, 'latin1'), 'OPEN')
  const { ask } = await start(t, root, SimpleHTTPRequestHandler, { followSymlinks: false })
  t.equal(brief(await ask('GET /s%ED%B3%BF HTTP/1.0'))[0], 404)
  t.same(brief(await ask('GET /n%ED%B3%A9 HTTP/1.0')), [200, 'OPEN'])
})

t.test(
  'followSymlinks = false: a link that is exchanged in between is noticed',
  { skip: process.platform === 'linux' ? false : 'only Linux tells where an open file is' },
  async (t) => {
    const top = folder(t)
    const root = join(top, 'root')
    fs.mkdirSync(join(root, 'inside'), { recursive: true })
    fs.mkdirSync(join(top, 'outside'))
    fs.writeFileSync(join(root, 'inside', 'file'), 'OPEN')
    fs.writeFileSync(join(top, 'outside', 'file'), 'SECRET')
    const point = (target: string) => {
      fs.rmSync(join(root, 'link'), { force: true })
      fs.symlinkSync(target, join(root, 'link'))
    }
    // The handler's own calls: at each of them, the link leads elsewhere.
    const { openSync } = fs
    t.teardown(() => {
      exchange('openSync', openSync)
    })
    const { ask } = await start(t, root, SimpleHTTPRequestHandler, { followSymlinks: false })
    for (const target of ['/link/file', '/link/']) {
      point('inside')
      exchange('openSync', openSync)
      t.match(brief(await ask(`GET ${target} HTTP/1.0`)), [200, /OPEN|<title>/], target)
      const before = descriptors()
      exchange('openSync', (...args: Parameters<typeof openSync>) => {
        point('../outside')
        const descriptor = openSync(...args)
        point('inside')
        return descriptor
      })
      const [code, body] = brief(await ask(`GET ${target} HTTP/1.0`))
      t.equal(code, 404, target)
      t.notMatch(body, /SECRET|<title>Directory/)
      t.equal(descriptors(), before)
    }
  },
)

t.test('followSymlinks = false does not tell what lies outside', { skip: WINDOWS }, async (t) => {
  const top = folder(t)
  const root = join(top, 'root')
  fs.mkdirSync(root)
  fs.symlinkSync('..', join(root, 'out'))
  const { ask } = await start(t, root, SimpleHTTPRequestHandler, { followSymlinks: false })
  t.match(brief(await ask('GET / HTTP/1.0'))[1], /<a href="out">out@</)
})

t.test('a file from beyond the year 9999 has no Last-Modified', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a'), 'abc')
  fs.utimesSync(join(root, 'a'), 253402300800, 253402300800)
  if (fs.statSync(join(root, 'a')).mtimeMs < 253402300800000) {
    t.comment('skipped: this file system has no such times')
    return
  }
  const { ask } = await start(t, root)
  const response = await ask('GET /a HTTP/1.0')
  t.same(brief(response), [200, 'abc'])
  t.equal(header(response, 'Last-Modified'), undefined)
})

t.test('a file that cannot be read costs the connection, and a line', async (t) => {
  // A file of Linux's kernel that can be opened, has a size, and fails when it is read.
  const root = '/sys/class/net/lo'
  if (!fs.existsSync(join(root, 'speed'))) {
    t.comment('skipped: there is no /sys/class/net/lo/speed on this machine')
    return
  }
  const { ask, log } = await start(t, root)
  t.equal(brief(await ask('GET /speed HTTP/1.0'))[0], 200)
  t.match(log(), /file cannot be read: EINVAL: invalid argument, read\n$/)
  t.notMatch(log(), /Exception|shorter/)
})

t.test('a redirect stays on this host, whatever the target looks like', async (t) => {
  const { ask, log } = await start(t, folder(t))
  const cases: [string, string][] = [
    ['https:evil.example/..', '/evil.example/../'],
    ['http:///evil.example/../..', '/evil.example/../../'],
    ['http:/evil.example/../..', '/evil.example/../../'],
    ['http:\\/evil.example/../..', '/%5C/evil.example/../../'],
    ['\x01//evil.example/../..', '/evil.example/../../'],
    ['\x01/\\evil.example/../..', '/%5Cevil.example/../../'],
    ['x:y/..', '/y/../'],
    ['..', '../'],
    ['http://evil.example/../..', '/../../'],
    ['http://evil.example/../..?x', '/../../?x'],
    ['javascript://evil.example/%0aalert(1)/../../../..', '/%0aalert(1)/../../../../'],
    ['javascript:alert(1)/..', '/alert(1)/../'],
    ['x:javascript:alert(1)/..', '/javascript:alert(1)/../'],
    ['x:\\\\evil.example/..', '/%5C%5Cevil.example/../'],
    // No exception, no cut connection: a control character has no place in a header.
    ['/..?a\0b', '/../?a%00b'],
    ['/..?a\x1b[31m\x7f', '/../?a%1B[31m%7F'],
    ['/\0/..', '/%00/../'],
  ]
  for (const [target, location] of cases) {
    const response = await ask(`GET ${target} HTTP/1.0`)
    t.equal(header(response, 'Location'), location, target)
  }
  t.equal(brief(await ask('GET http://[/../.. HTTP/1.0'))[0], 404)
  t.notMatch(log(), /Exception/)
})

t.test('on Windows, names of devices, streams and drives are a 404', async (t) => {
  const root = folder(t)
  const names = [
    ...[
      'CON',
      'con.txt',
      'AUX',
      'nul',
      'prn.a.b',
      'COM1',
      'com\xb9.txt',
      'LPT9',
      'CONIN$',
      'aux .x',
    ],
    ...['name.', 'name ', 'x:', 'x::$DATA', 'a\\b', '..\\secret', 'sub/con'],
  ]
  const ordinary = ['console', 'com10', 'lpt', 'auxiliary.txt', 'a.con', ' con']
  class Windows extends SimpleHTTPRequestHandler {
    override platform: NodeJS.Platform = 'win32'
  }
  const { ask } = await start(t, root, Windows)
  const elsewhere = await start(t, root)
  fs.mkdirSync(join(root, 'sub'))
  for (const [name, expected] of [
    ...names.map((name) => [name, 404] as const),
    ...ordinary.map((name) => [name, 200] as const),
  ]) {
    if (!WINDOWS) {
      fs.writeFileSync(join(root, name), 'x')
    }
    const target = `/${encodeURI(name)}`
    t.equal(brief(await ask(`GET ${target} HTTP/1.0`))[0], expected, name)
    if (!WINDOWS) {
      t.equal(brief(await elsewhere.ask(`GET ${target} HTTP/1.0`))[0], 200, name)
    }
  }
})

// -- What may be overridden ------------------------------------------------------------------

t.test('guessType() looks at extensionsMap, then at the tables', async (t) => {
  class Types extends SimpleHTTPRequestHandler {
    override extensionsMap = { ...EXTENSIONS_MAP, '.x': 'a/x', '.Y': 'a/y' }
    override defaultContentType = 'a/default'
  }
  const plain = new SimpleHTTPRequestHandler(null as never, '', null as never)
  const types = new Types(null as never, '', null as never)
  const table: [string, string, string][] = [
    ['a.txt', 'text/plain', 'text/plain'],
    ['a.HTML', 'text/html', 'text/html'],
    ['a.tar.gz', 'application/gzip', 'application/gzip'],
    ['a.tgz', 'application/x-tar', 'application/x-tar'],
    ['a.rst', 'application/octet-stream', 'application/octet-stream'],
    ['a.x', 'application/octet-stream', 'a/x'],
    ['a.X', 'application/octet-stream', 'a/x'],
    ['a.y', 'application/octet-stream', 'a/default'],
    ['a.Y', 'application/octet-stream', 'a/y'],
    ['constructor', 'application/octet-stream', 'a/default'],
    ['a.__proto__', 'application/octet-stream', 'a/default'],
  ]
  for (const [name, one, other] of table) {
    t.equal(plain.guessType(name), one, name)
    t.equal(types.guessType(name), other, name)
  }
})

t.test('extraResponseHeaders go with a 200 only', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a'), '')
  fs.mkdirSync(join(root, 'sub'))
  const options = {
    extraResponseHeaders: [
      ['X-One', '1'],
      ['X-Two', '2'],
    ],
  }
  const { ask } = await start(t, root, SimpleHTTPRequestHandler, options)
  for (const path of ['/a', '/']) {
    t.match(await ask(`GET ${path} HTTP/1.0`), /\r\nX-One: 1\r\nX-Two: 2\r\n\r\n/)
  }
  for (const path of ['/b', '/sub']) {
    t.notMatch(await ask(`GET ${path} HTTP/1.0`), /X-One/)
  }
})

t.test('copyfile() may change what is sent', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a'), 'abc')
  class Upper extends SimpleHTTPRequestHandler {
    override async copyfile(source: Source, outputfile: StreamWriter) {
      const buffer = Buffer.alloc(source.size)
      await source.read(buffer)
      await outputfile.write(Buffer.from(buffer.toString().toUpperCase()))
    }
  }
  const { ask } = await start(t, root, Upper)
  t.same(brief(await ask('GET /a HTTP/1.0')), [200, 'ABC'])
})

t.test(
  'a handler that fails in the middle of an answer closes the file',
  { skip: WINDOWS },
  async (t) => {
    const root = folder(t)
    fs.writeFileSync(join(root, 'a'), 'abc')
    const options = { extraResponseHeaders: [['Bad', 'line\nbreak']] }
    const { ask, log } = await start(t, root, SimpleHTTPRequestHandler, options)
    await ask('GET /b HTTP/1.0')
    const before = descriptors()
    for (let count = 0; count < 5; count++) {
      t.equal(await ask('GET /a HTTP/1.0'), '')
    }
    t.equal(descriptors(), before)
    t.match(log(), /TypeError: Cannot send the header line 'Bad: line\\nbreak'/)
  },
)

t.test('many large files at once take one small buffer each', async (t) => {
  const root = folder(t)
  const contents = Buffer.alloc(3_000_000, 'x')
  fs.writeFileSync(join(root, 'file'), contents)
  const log = captureStderr(t)
  class AsyncServer extends AsyncMixIn(HTTPServer) {
    override requestQueueSize = 100
  }
  const server = new AsyncServer(['127.0.0.1', 0], SimpleHTTPRequestHandler)
  server.handlerOptions = { directory: root }
  await serve(t, server)
  const requests = Array.from({ length: 50 }, () => talk(server, 'GET /file HTTP/1.0\r\n\r\n'))
  for (const response of await Promise.all(requests)) {
    t.equal(brief(response)[1].length, contents.length)
  }
  t.equal([...log().matchAll(/" 200 -\n/g)].length, 50)
})
