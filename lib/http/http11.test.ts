// What RFC 9110 and 9112 ask of HTTP/1.1 and Python does not do: with protocolVersion 'HTTP/1.1' and a
// request of HTTP/1.1 it is done; for everything else, Python's bytes stay.

import { once } from 'node:events'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import type { Test } from 'tap'
import { request as ask } from 'undici'
import { FieldStorage } from '../cgi/field-storage.ts'
import { captureStderr, dial, readAll, readUntil, serve, talk } from '../testing/helpers.ts'
import { BaseHTTPRequestHandler } from './base-handler.ts'
import { HTTPServer } from './server.ts'
import { SimpleHTTPRequestHandler } from './simple-handler.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

/** Says what it was asked, and what the body was. */
class Echo extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    this.reply(`GET ${this.path} ${String(this.headers.get('Host'))}`)
  }

  async do_POST() {
    const body = await this.rfile.read(this.bodySize())
    this.reply(`POST ${body.toString('latin1')}`)
  }

  /** Leaves the body unread. */
  do_PUT() {
    this.reply('PUT')
  }

  async do_PATCH() {
    let body = ''
    for await (const piece of this.body) {
      body += piece.toString('latin1')
    }
    this.reply(`PATCH ${body} ${JSON.stringify(this.trailers.items())}`)
  }

  bodySize() {
    const length = this.headers.get('Content-Length')
    return length === null ? -1 : Number(length)
  }

  reply(text: string) {
    this.sendResponse(200)
    this.sendHeader('Content-Length', text.length)
    this.endHeaders()
    void this.wfile.write(bytes(text))
  }
}

/** The same, as Python has it. */
class Old extends Echo {
  override protocolVersion = 'HTTP/1.0'
}

async function start(t: Test, Handler: new (...args: never[]) => BaseHTTPRequestHandler) {
  const log = captureStderr(t)
  const server = new HTTPServer(['127.0.0.1', 0], Handler as typeof Echo)
  await serve(t, server)
  return { server, log }
}

/** The codes of all responses. */
const codes = (received: string) =>
  [...received.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((match) => Number(match[1]))

const head = (line: string, ...fields: string[]) => `${[line, ...fields].join('\r\n')}\r\n\r\n`
const LAST = head('GET /last HTTP/1.1', 'Host: x', 'Connection: close')
const CHUNKED = 'Transfer-Encoding: chunked'

t.test('a request of HTTP/1.1 has one Host that is a host', async (t) => {
  const { server } = await start(t, Echo)
  for (const good of [
    ...['x', 'example.org:8080', '127.0.0.1', 'a_b', 'a%20b', 'x:', ''],
    ...['[::1]', '[::1]:80', '[::ffff:127.0.0.1]', '[v1.a:b]', '[VF.~]:80'],
  ]) {
    const sent = head('GET / HTTP/1.1', `Host: ${good}`) + LAST
    t.same(codes(await talk(server, sent)), [200, 200], good)
  }
  for (const fields of [
    [],
    ['Host: a', 'Host: a'],
    ['Host: a b'],
    ['Host: http://a'],
    ['Host: user@a'],
    ['Host: a/b'],
    ['Host: a?b'],
    ['Host: a#b'],
    ['Host: a:b'],
    ['Host: [::1'],
    ['Host: [:::]'],
    ['Host: [1.2.3.4]'],
    ['Host: [1:2]'],
    ['Host: [fe80::1%25eth0]'],
    ['Host: [v1.]'],
    ['Host: [v.a]'],
    ['Host: []'],
    ['Host: a%zz'],
    ['Host: a\x80'],
  ]) {
    const received = await talk(server, head('GET / HTTP/1.1', ...fields) + LAST)
    t.same(codes(received), [400], fields.join())
    t.match(received, /\r\nConnection: close\r\n/)
  }
  t.same(codes(await talk(server, head('GET / HTTP/1.0'))), [200], 'HTTP/1.0 has none')
  const { server: old } = await start(t, Old)
  t.same(codes(await talk(old, head('GET / HTTP/1.1'))), [200], 'nor does Python ask for one')
})

t.test('a chunked body is decoded, and the next request is right', async (t) => {
  const { server } = await start(t, Echo)
  const body = '5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nChecksum: 1\r\nHost: evil\r\n\r\n'
  for (const method of ['POST', 'PATCH', 'PUT']) {
    const received = await talk(
      server,
      head(`${method} / HTTP/1.1`, 'Host: x', CHUNKED) + body + LAST,
    )
    t.same(codes(received), [200, 200], method)
    t.match(received, method === 'PUT' ? 'PUTHTTP' : `${method} hello world`)
    t.match(received, 'GET /last x', 'trailers are not merged')
  }
  const patch = await talk(server, head('PATCH / HTTP/1.1', 'Host: x', CHUNKED) + body + LAST)
  t.match(patch, '[["Checksum","1"],["Host","evil"]]', 'but at hand')
  const spelled = head('POST / HTTP/1.1', 'Host: x', 'transfer-encoding: CHUNKED')
  t.same(codes(await talk(server, spelled + body + LAST)), [200, 200], 'in any case')
})

t.test('a chunked body may come in pieces of any size', async (t) => {
  const { server } = await start(t, Echo)
  const sent = head('POST / HTTP/1.1', 'Host: x', CHUNKED) + '5\r\nhello\r\n0\r\n\r\n' + LAST
  for (const size of [1, 2, 3, 7]) {
    const socket = dial(server)
    const received = readAll(socket)
    for (let at = 0; at < sent.length; at += size) {
      socket.write(sent.slice(at, at + size), 'latin1')
      await new Promise(setImmediate)
    }
    t.match(await received, /POST helloHTTP\/1\.1 200 OK\r\n[^]*GET \/last x$/, String(size))
  }
})

t.test('what Transfer-Encoding may not say', async (t) => {
  const { server } = await start(t, Echo)
  for (const [code, line, ...fields] of [
    [400, 'POST / HTTP/1.1', CHUNKED, 'Content-Length: 3'],
    [400, 'POST / HTTP/1.1', 'Content-Length: 3', CHUNKED],
    [400, 'POST / HTTP/1.0', CHUNKED],
    [400, 'POST / HTTP/1.1', 'Transfer-Encoding:'],
    [400, 'POST / HTTP/1.1', 'Transfer-Encoding: chunked, chunked'],
    [400, 'POST / HTTP/1.1', CHUNKED, CHUNKED],
    [400, 'POST / HTTP/1.1', 'Transfer-Encoding: chunked, gzip'],
    [400, 'POST / HTTP/1.1', 'Transfer-Encoding: chunked;x'],
    [400, 'POST / HTTP/1.1', 'Transfer-Encoding: \x0bchunked'],
    [501, 'POST / HTTP/1.1', 'Transfer-Encoding: gzip, chunked'],
    [501, 'POST / HTTP/1.1', 'Transfer-Encoding: gzip', CHUNKED],
    [400, 'POST / HTTP/1.1', 'Transfer-Encoding: gzip'],
    [400, 'POST / HTTP/1.1', 'Transfer-Encoding: xchunked'],
    [400, 'POST / HTTP/1.1', 'Transfer-Encoding: identity'],
  ] as const) {
    const received = await talk(server, head(line, 'Host: x', ...fields) + '0\r\n\r\n' + LAST)
    t.same(codes(received), [code], fields.join())
  }
  const { server: old } = await start(t, Old)
  const received = await talk(old, head('POST / HTTP/1.1', 'Host: x', CHUNKED) + '0\r\n\r\n')
  t.same(codes(received), [501], 'HTTP/1.0 has no chunks')
})

t.test('a chunked body that is broken is a 400, once, and ends the connection', async (t) => {
  const { server } = await start(t, Echo)
  for (const method of ['POST', 'PATCH']) {
    const sent = head(`${method} / HTTP/1.1`, 'Host: x', CHUNKED) + '5\r\nhello\r\nzz\r\n'
    const received = await talk(server, sent + LAST)
    t.same(codes(received), [400], method)
    t.match(received, 'RFC 9112 section 7.1')
  }
  const unread = head('PUT / HTTP/1.1', 'Host: x', CHUNKED) + 'zz\r\n' + LAST
  t.same(codes(await talk(server, unread)), [200], 'nobody has looked at this one')
})

t.test('a chunked body that breaks off is a lost connection', async (t) => {
  const { server, log } = await start(t, Echo)
  const sent = head('PATCH / HTTP/1.1', 'Host: x', CHUNKED) + '5\r\nhel'
  t.equal(await talk(server, sent, { halfClose: true }), '')
  t.match(log(), 'Connection lost')
})

t.test('a long chunked body that nobody reads ends the connection', async (t) => {
  const { server } = await start(t, Echo)
  const chunk = `10000\r\n${'x'.repeat(65536)}\r\n`
  const short = head('PUT / HTTP/1.1', 'Host: x', CHUNKED) + chunk.repeat(4) + '0\r\n\r\n' + LAST
  t.same(codes(await talk(server, short)), [200, 200])
  const long = head('PUT / HTTP/1.1', 'Host: x', CHUNKED) + chunk.repeat(5) + '0\r\n\r\n' + LAST
  t.same(codes(await talk(server, long)), [200])
})

t.test('forms come in chunks, under the same limits', async (t) => {
  class Form extends Echo {
    override async do_POST() {
      const form = await FieldStorage.parse({
        fp: this.rfile,
        headers: this.headers,
        maxBytes: 200_000,
        maxTextBytes: 100,
      })
      this.reply(
        form
          .keys()
          .map((key) => `${String(key)}=${String(form.getvalue(key))}`)
          .join(),
      )
    }
  }
  const { server } = await start(t, Form)
  const send = (type: string, body: string) => {
    const chunks = (body.match(/[^]{1,7000}/g) ?? []).map(
      (text) => `${text.length.toString(16)}\r\n${text}\r\n`,
    )
    const fields = ['Host: x', CHUNKED, `Content-Type: ${type}`]
    return talk(server, head('POST / HTTP/1.1', ...fields) + `${chunks.join('')}0\r\n\r\n` + LAST)
  }
  const urlencoded = 'application/x-www-form-urlencoded'
  t.match(await send(urlencoded, 'a=1&b=2'), /a=1,b=2HTTP[^]*GET \/last/)
  t.same(codes(await send(urlencoded, `a=${'x'.repeat(99)}`)), [413], 'text over its limit')
  const part = (text: string) =>
    `--B\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n${text}\r\n--B--\r\n`
  const multipart = 'multipart/form-data; boundary=B'
  t.match(await send(multipart, part('hello')), /f=helloHTTP[^]*GET \/last/)
  t.same(codes(await send(multipart, part('x'.repeat(200_000)))), [413], 'bytes over their limit')
  t.same(codes(await send(multipart, part('x').slice(0, -6))), [400], 'cut off')
})

t.test(
  'a handler that only knows Content-Length gets an empty body, and nothing breaks',
  async (t) => {
    class Python extends Echo {
      override bodySize() {
        return Number(this.headers.get('Content-Length', '0'))
      }
    }
    const { server } = await start(t, Python)
    const sent = head('POST / HTTP/1.1', 'Host: x', CHUNKED) + '5\r\nhello\r\n0\r\n\r\n' + LAST
    t.match(await talk(server, sent), /POST HTTP[^]*GET \/last/)
  },
)

t.test('a client that waits to be told sends its chunks', async (t) => {
  const { server } = await start(t, Echo)
  const socket = dial(server)
  socket.write(head('POST / HTTP/1.1', 'Host: x', CHUNKED, 'Expect: 100-continue'))
  await readUntil(socket, '100 Continue\r\n\r\n')
  socket.write('5\r\nhello\r\n0\r\n\r\n')
  await readUntil(socket, 'POST hello')
  socket.write(LAST)
  t.match(await readAll(socket), 'GET /last')
})

t.test('signal is about the client, and not about the end of a chunked body', async (t) => {
  let aborted: boolean | undefined
  class Watchful extends Echo {
    override async do_POST() {
      const { signal } = this
      await this.rfile.read()
      await new Promise(setImmediate)
      aborted = signal.aborted
      this.reply('')
      if (this.path === '/wait') {
        await this.wfile.flush()
        await once(signal, 'abort')
        aborted = true
      }
    }
  }
  const { server } = await start(t, Watchful)
  const body = '1\r\na\r\n0\r\n\r\n'
  const sent = head('POST / HTTP/1.1', 'Host: x', CHUNKED) + body
  t.same(codes(await talk(server, sent + LAST)), [200, 200])
  t.equal(aborted, false)
  const socket = dial(server)
  socket.write(head('POST /wait HTTP/1.1', 'Host: x', CHUNKED) + body)
  await readUntil(socket, '200 OK')
  socket.end()
  await readAll(socket)
  t.equal(aborted, true)
})

t.test('undici uploads a stream', async (t) => {
  const { server } = await start(t, Echo)
  const url = `http://127.0.0.1:${String(server.serverAddress[1])}/`
  const pieces = Array.from({ length: 300 }, (_, index) => String(index).repeat(100))
  const { statusCode, body } = await ask(url, { method: 'POST', body: Readable.from(pieces) })
  t.equal(statusCode, 200)
  t.equal(await body.text(), `POST ${pieces.join('')}`)
})

t.test('Connection is a list, and the end is announced', async (t) => {
  const { server } = await start(t, Echo)
  const ends = async (...fields: string[]) => {
    const received = await talk(server, head('GET / HTTP/1.1', 'Host: x', ...fields) + LAST)
    t.match(received, /\r\nConnection: close\r\n[^]*$/, 'said')
    return codes(received).length === 1
  }
  t.equal(await ends('Connection: x, close'), true)
  t.equal(await ends('Connection: CLOSE'), true)
  t.equal(await ends('Connection: x', 'Connection: y,close'), true)
  t.equal(await ends('Connection: keep-alive, close'), true)
  t.equal(await ends('Connection: closed'), false)
  t.equal(await ends('Connection: x close'), false)
  t.equal(await ends(), false)
  const old = head('GET / HTTP/1.0', 'Connection: keep-alivexyz')
  t.same(codes(await talk(server, old + LAST)), [200], 'nor is every word like keep-alive one')
  const list = head('GET / HTTP/1.0', 'Connection: x, Keep-Alive')
  const kept = await talk(server, list + LAST)
  t.same(codes(kept), [200, 200])
  t.match(kept, /\r\nConnection: keep-alive\r\n/)
  const first = await talk(server, head('GET / HTTP/1.0'))
  t.notMatch(first, /\r\nConnection:/, 'to HTTP/1.0 the end goes without saying')
})

/** Says of the connection what the query says, and `!` for the field. */
class Connecting extends Echo {
  override do_GET() {
    this.sendResponse(200)
    for (const word of this.path.match(/[^/?,]+/g) ?? []) {
      if (word === '!') {
        this.closeConnection = true
      } else {
        this.sendHeader('Connection', word)
      }
    }
    this.sendHeader('Content-Length', 0)
    this.endHeaders()
  }
}

t.test('a close of either side is final, and is said once', async (t) => {
  const { server } = await start(t, Connecting)
  const said = (received: string) =>
    [...received.matchAll(/^Connection: (.*)\r$/gm)].map((match) => match[1])
  for (const [query, asked, ...expected] of [
    ['', 'close', 'close'],
    ['keep-alive', 'close', 'close'],
    ['Keep-Alive', 'x, Close', 'close'],
    ['close', 'close', 'close'],
    ['close', 'x', 'close'],
    ['close,keep-alive', 'x', 'close'],
    ['keep-alive,close', 'x', 'keep-alive', 'close'],
    ['!', 'x', 'close'],
    ['x', 'close', 'x', 'close'],
    ['keep-alive,!', 'x', 'keep-alive', 'close'],
  ] as const) {
    const request = head(`GET /?${query} HTTP/1.1`, 'Host: x', `Connection: ${asked}`)
    const received = await talk(server, request + LAST)
    t.same(codes(received), [200], `${asked} and ${query}`)
    t.same(said(received), expected, `${asked} and ${query}`)
  }
  for (const query of ['', 'keep-alive', 'x']) {
    const received = await talk(server, head(`GET /?${query} HTTP/1.1`, 'Host: x') + LAST)
    t.same(codes(received), [200, 200], `kept with ${query}`)
  }

  class OldConnecting extends Connecting {
    override protocolVersion = 'HTTP/1.0'
  }
  const { server: old } = await start(t, OldConnecting)
  for (const [line, on] of [
    ['GET /?keep-alive HTTP/1.1', old],
    ['GET /?keep-alive HTTP/1.0', server],
  ] as const) {
    const request = head(line, 'Connection: close')
    t.same(codes(await talk(on, request + request + head('GET /?close HTTP/1.0'))), [200, 200, 200])
  }
})

t.test('nothing is kept, or said to be, while the server closes', async (t) => {
  class Closing extends Connecting {
    override do_GET() {
      void this.server.shutdown()
      super.do_GET()
    }
  }
  const { server } = await start(t, Closing)
  const received = await talk(server, head('GET /?keep-alive HTTP/1.1', 'Host: x'))
  t.match(received, '\r\nConnection: close\r\n')
  t.notMatch(received, 'keep-alive')
})

t.test('a response is the last one if too much of the body is unread, and says so', async (t) => {
  class Late extends Echo {
    override async do_POST() {
      this.sendResponse(200)
      this.sendHeader('Content-Length', 1)
      this.endHeaders()
      const body = await this.rfile.read(this.bodySize())
      void this.wfile.write(bytes(String(body.length === this.bodySize())[0] ?? ''))
    }
  }
  const { server } = await start(t, Echo)
  const { server: late } = await start(t, Late)
  const send = (on: typeof server, line: string, length: number, ...fields: string[]) =>
    talk(
      on,
      head(line, 'Host: x', `Content-Length: ${String(length)}`, ...fields) +
        'x'.repeat(length) +
        LAST,
    )
  const limit = 256 * 1024
  t.same(codes(await send(server, 'PUT / HTTP/1.1', limit)), [200, 200], 'this is skipped')
  for (const method of ['PUT', 'OPTIONS']) {
    const received = await send(server, `${method} / HTTP/1.1`, limit + 1)
    t.match(codes(received), [/20[04]/], method)
    t.match(received, '\r\nConnection: close\r\n', method)
  }
  t.same(codes(await send(server, 'POST / HTTP/1.1', limit + 1)), [200, 200], 'this has been read')
  const read = await send(late, 'POST / HTTP/1.1', limit + 1)
  t.match(read, /\r\nConnection: close\r\n\r\nt$/, 'what follows can still be read')
  const one = await send(server, 'PUT / HTTP/1.0', limit + 1, 'Connection: keep-alive')
  t.notMatch(one, 'Connection: keep-alive', 'nor is the contrary promised')
})

t.test('the host in an absolute target is the one that counts', async (t) => {
  const { server } = await start(t, Echo)
  const get = async (target: string, host = 'Host: other') => {
    return talk(server, head(`GET ${target} HTTP/1.1`, host, 'Connection: close'))
  }
  t.match(await get('http://example.org:80/a?b'), 'GET http://example.org:80/a?b example.org:80')
  t.match(await get('HTTP://[::1]/'), 'GET HTTP://[::1]/ [::1]')
  for (const target of ['http:///a', 'http://', 'http://a b/'.replace(' ', '%zz'), 'http://u@a/']) {
    t.same(codes(await get(target)), [400], target)
  }
  t.same(codes(await talk(server, head('GET http://a/ HTTP/1.1'))), [400], 'Host is needed, too')
})

t.test('an empty line before a request is ignored, once', async (t) => {
  const { server } = await start(t, Echo)
  t.same(codes(await talk(server, `\r\n${LAST}`)), [200])
  t.same(codes(await talk(server, `\n${LAST}`)), [200])
  t.same(codes(await talk(server, `\r\n\r\n${LAST}`)), [], 'and no more than once')
  const sent = head('POST / HTTP/1.1', 'Host: x', 'Content-Length: 2') + 'ab\r\n' + LAST
  t.same(codes(await talk(server, sent)), [200, 200], 'old clients end a body with one')
  const { server: old } = await start(t, Old)
  t.equal(await talk(old, `\r\n${LAST}`), '', 'as in Python')
})

t.test('a malformed request line gets a response with a head', async (t) => {
  const { server } = await start(t, Echo)
  for (const line of ['GET / http/1.1', 'GET', 'GET / HTTP/x', 'POST /', 'a b c d']) {
    const received = await talk(server, head(line, 'Host: x'))
    t.match(received, /^HTTP\/1\.1 400 /, line)
  }
  t.match(await talk(server, head('GET /')), /^HTTP\/1\.1 400 /, 'HTTP/0.9 is not spoken here')
  for (const version of ['HTTP/1.10', 'HTTP/01.1', 'HTTP/1.1.1']) {
    t.match(await talk(server, head(`GET / ${version}`, 'Host: x')), /^HTTP\/1\.1 400 /, version)
  }
  for (const target of [
    ...['a', '/a#b', 'http://x/#b', '**', '*a', ''],
    ...[
      '/\0',
      '/\x1b',
      '/\x7f',
      '/?\x01',
      '/\xe9',
      '/\xff',
      '/?\xc3\xa9',
      'http://x/\xe9',
      'http://x\xe9/',
    ],
  ]) {
    const received = await talk(server, head(`GET ${target} HTTP/1.1`, 'Host: x'))
    t.match(received, /^HTTP\/1\.1 400 /, target)
  }
  for (const line of ['OPTIONS *', 'CONNECT a:443', 'GET urn:isbn:1']) {
    t.notMatch(
      await talk(server, head(`${line} HTTP/1.1`, 'Host: x', 'Connection: close')),
      ' 400 ',
      line,
    )
  }
  for (const target of ['/|', '/"<>^`{}', '/a[b]', '/%zz', '/\\']) {
    const received = await talk(
      server,
      head(`GET ${target} HTTP/1.1`, 'Host: x', 'Connection: close'),
    )
    t.match(received, /^HTTP\/1\.1 200 /, `browsers send ${target}`)
  }
  for (const version of ['HTTP/0.9', 'HTTP/0.0', 'HTTP/2.0']) {
    const received = await talk(server, head(`GET / ${version}`, 'Host: x'))
    t.match(received, /^HTTP\/1\.1 505 /, version)
  }
  const { server: old } = await start(t, Old)
  t.notMatch(await talk(old, head('GET / http/1.1')), /^HTTP/, 'as in Python')
  t.match(await talk(old, head('GET / HTTP/0.9')), /^GET \/ null$/, 'as in Python')
  t.match(
    await talk(old, head('GET /\xe9\x7f HTTP/1.1')),
    / 200 [^]*GET \/\xe9\x7f/,
    'as in Python',
  )
})

t.test('what is asked of https is not served without TLS', async (t) => {
  const { server } = await start(t, Echo)
  const get = (on: HTTPServer, target: string, version = 'HTTP/1.1') =>
    talk(on, head(`GET ${target} ${version}`, 'Host: x', 'Connection: close'))
  for (const target of ['https://x/', 'HTTPS://x:443', 'https://']) {
    t.match(await get(server, target), /^HTTP\/1\.1 421 Misdirected Request\r\n/, target)
  }
  t.same(codes(await get(server, '/?https://x/')), [200])
  t.same(codes(await get(server, 'https://x/', 'HTTP/1.0')), [200], 'as in Python')
  // A server behind something that does the TLS can say so.
  const behind = Object.assign(new HTTPServer(['127.0.0.1', 0], Echo), { encrypted: true })
  await serve(t, behind)
  t.match(await get(behind, 'https://y/'), 'GET https://y/ y')
})

t.test('Allow names what can be asked for', async (t) => {
  class Odd extends Echo {
    do_NOTHING = undefined
    declare do_TEXT: undefined
    declare 'do_A B': () => void
  }
  Object.assign(Odd.prototype, { do_TEXT: 'text', 'do_A B': () => undefined, do_: () => undefined })
  const { server } = await start(t, Odd)
  const received = await talk(server, head('OPTIONS * HTTP/1.1', 'Host: x', 'Connection: close'))
  t.match(received, '\r\nAllow: GET, OPTIONS, PATCH, POST, PUT\r\n')
})

t.test('files: absolute targets, OPTIONS, and dates that are not in the future', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'basehttp-http11-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  writeFileSync(join(directory, 'a.txt'), 'hello')
  utimesSync(join(directory, 'a.txt'), 4e9, 4e9)
  class Files extends SimpleHTTPRequestHandler {
    override protocolVersion = 'HTTP/1.1'
    override directory = directory
  }
  const { server } = await start(t, Files)
  const get = (line: string, ...fields: string[]) =>
    talk(server, head(`${line} HTTP/1.1`, 'Host: x', 'Connection: close', ...fields))
  t.match(await get('GET http://example.org/a.txt?q'), /200 OK[^]*hello$/)
  t.match(await get('GET http://example.org'), /200 OK[^]*Directory listing for \//)
  t.match(await get('GET ftp://example.org/a.txt'), / 404 /, 'not ours')
  const file = await get('GET /a.txt')
  const [date, modified] = ['Date', 'Last-Modified'].map((name) =>
    Date.parse(new RegExp(`^${name}: (.*)\\r$`, 'm').exec(file)?.[1] ?? ''),
  )
  t.ok((modified as number) <= (date as number), 'Last-Modified is not after Date')
  for (const target of ['*', '/a.txt', '/nothing']) {
    const received = await get(`OPTIONS ${target}`)
    t.match(received, /^HTTP\/1\.1 20[04] /, target)
    t.match(received, /^Allow: GET, HEAD, OPTIONS\r$/m)
  }
  class OldFiles extends Files {
    override protocolVersion = 'HTTP/1.0'
  }
  t.match(await get('GET https://example.org/a.txt'), / 421 /)
  const { server: old } = await start(t, OldFiles)
  t.match(await talk(old, head('OPTIONS * HTTP/1.1')), / 501 /, 'as in Python')
  t.match(await talk(old, head('GET http://example.org/a.txt HTTP/1.0')), / 404 /)
})

t.test('files: every condition is evaluated, in its order', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'basehttp-http11-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  writeFileSync(join(directory, 'a.txt'), 'hello')
  utimesSync(join(directory, 'a.txt'), 1e9, 1e9)
  class Files extends SimpleHTTPRequestHandler {
    override protocolVersion = 'HTTP/1.1'
    override directory = directory
  }
  class OldFiles extends Files {
    override protocolVersion = 'HTTP/1.0'
  }
  const { server } = await start(t, Files)
  const { server: old } = await start(t, OldFiles)
  const [before, then, after] = [-1, 0, 1].map((seconds) =>
    new Date(1e12 + seconds * 1000).toUTCString(),
  ) as [string, string, string]
  for (const [code, ...fields] of [
    [200],
    [412, 'If-Match: "tag"'],
    [200, 'If-Match: *'],
    [412, 'If-Match: "tag"', `If-Unmodified-Since: ${after}`],
    [200, 'If-Match: *', `If-Unmodified-Since: ${before}`],
    [412, `If-Unmodified-Since: ${before}`],
    [200, `If-Unmodified-Since: ${then}`],
    [200, 'If-Unmodified-Since: yesterday'],
    [200, `If-Unmodified-Since: ${before}`, `If-Unmodified-Since: ${before}`],
    [304, 'If-None-Match: *'],
    [412, 'If-None-Match: *', 'If-Match: "tag"'],
    [200, 'If-None-Match: "tag"', `If-Modified-Since: ${then}`],
    [304, `If-Modified-Since: ${then}`],
    [200, `If-Modified-Since: ${before}`],
  ] as const) {
    const sent = head('GET /a.txt HTTP/1.1', 'Host: x', 'Connection: close', ...fields)
    t.same(codes(await talk(server, sent)), [code], fields.join())
    const isPythons = !fields.some((field) => /^If-(?:Match|Unm|None-Match: \*)/.test(field))
    t.same(codes(await talk(old, sent)), [isPythons ? code : 200], `as in Python: ${fields.join()}`)
  }
  // A listing has neither a date nor a tag.
  for (const [code, ...fields] of [
    [412, 'If-Match: "tag"'],
    [200, 'If-Match: *'],
    [200, `If-Unmodified-Since: ${before}`],
    [304, 'If-None-Match: *'],
    [200, 'If-None-Match: "tag"'],
    [200, 'If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT'],
  ] as const) {
    const sent = head('GET / HTTP/1.1', 'Host: x', 'Connection: close', ...fields)
    t.same(codes(await talk(server, sent)), [code], `a listing: ${fields.join()}`)
    t.same(codes(await talk(old, sent)), [200], `a listing, as in Python: ${fields.join()}`)
  }
})

t.test('Last-Modified is not later than Date, be it by the blink of an eye', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'basehttp-http11-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  writeFileSync(join(directory, 'a.txt'), 'hello')
  utimesSync(join(directory, 'a.txt'), 4e9, 4e9)
  // Each look at the clock is a second later than the one before.
  let time = Date.now()
  t.intercept(Date, 'now', { value: () => (time += 1000) })
  class Files extends SimpleHTTPRequestHandler {
    override protocolVersion = 'HTTP/1.1'
    override directory = directory
  }
  const { server } = await start(t, Files)
  const file = await talk(server, head('GET /a.txt HTTP/1.1', 'Host: x', 'Connection: close'))
  const [date, modified] = ['Date', 'Last-Modified'].map((name) =>
    Date.parse(new RegExp(`^${name}: (.*)\\r$`, 'm').exec(file)?.[1] ?? ''),
  )
  t.ok((modified as number) <= (date as number), file)
})

t.test('endHeadersChunked() refuses a response that cannot be in chunks', async (t) => {
  class Refused extends BaseHTTPRequestHandler {
    override protocolVersion = 'HTTP/1.1'
    do_GET() {
      const [, code, name] = this.path.split('/') as [string, string, string?]
      this.sendResponse(Number(code))
      if (name !== undefined) {
        this.sendHeader(name, name === 'Transfer-Encoding' ? 'chunked' : 5)
      }
      this.endHeadersChunked()
      void this.wfile.write(bytes('hello'))
    }
    do_CONNECT() {
      this.path = '/200'
      this.do_GET()
    }
    do_HEAD() {
      this.do_GET()
    }
  }
  const { server, log } = await start(t, Refused)
  for (const [line, message] of [
    ['GET /200/Content-Length', 'it has a Content-Length or Transfer-Encoding already'],
    ['GET /200/content-LENGTH', 'it has a Content-Length or Transfer-Encoding already'],
    ['GET /200/Transfer-Encoding', 'it has a Content-Length or Transfer-Encoding already'],
    ['GET /199', 'one with status 199 has no body'],
    ['GET /204', 'one with status 204 has no body'],
    ['GET /304', 'one with status 304 has no body'],
    ['CONNECT x:443', 'one with status 200 has no body'],
  ] as const) {
    for (const version of ['HTTP/1.1', 'HTTP/1.0']) {
      const before = log().length
      t.equal(await talk(server, head(`${line} ${version}`, 'Host: x')), '', line)
      const command = line.split(' ')[0] ?? ''
      t.match(
        log().slice(before),
        `ValueError: Cannot send the response to ${command} in chunks: ${message}\n`,
      )
    }
  }
  const asked = await talk(
    server,
    head('HEAD /200 HTTP/1.1', 'Host: x') +
      head('GET /200 HTTP/1.1', 'Host: x', 'Connection: close'),
  )
  t.match(asked, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/)
})

t.test('a response of unknown length is sent in chunks', async (t) => {
  class Chunks extends BaseHTTPRequestHandler {
    override protocolVersion = 'HTTP/1.1'
    async do_GET() {
      this.sendResponse(200)
      this.endHeadersChunked()
      await this.wfile.write(bytes('hello'))
      await this.wfile.write(bytes(''))
      await this.wfile.write(bytes(' world'))
      if (this.path === '/throws') {
        throw new Error('on purpose')
      }
    }
    do_HEAD() {
      return this.do_GET()
    }
  }
  const { server, log } = await start(t, Chunks)
  const get = (line: string, rest = LAST) => talk(server, head(line, 'Host: x') + rest)
  const received = await get('GET / HTTP/1.1')
  t.same(codes(received), [200, 200])
  t.match(received, '\r\nTransfer-Encoding: chunked\r\n')
  t.match(received, '\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nHTTP/1.1 200')
  t.match(await get('GET / HTTP/1.0', ''), /\r\n\r\nhello world$/, 'HTTP/1.0 gets none')
  t.notMatch(await get('GET / HTTP/1.0', ''), 'Transfer-Encoding')
  const asked = await get('HEAD / HTTP/1.1')
  t.same(codes(asked), [200, 200], 'HEAD has a head')
  t.equal(asked.split('hello').length, 2, 'and no more')
  t.notMatch(await get('HEAD / HTTP/1.0', ''), 'hello')
  const broken = await get('GET /throws HTTP/1.1', '')
  t.match(broken, /6\r\n world\r\n$/, 'a body that is not whole does not look as if it were')
  t.match(log(), 'on purpose')
  const url = `http://127.0.0.1:${String(server.serverAddress[1])}/`
  t.equal(await (await ask(url)).body.text(), 'hello world')
})

t.test('a client that waits for 100 is not left waiting, however it says so', async (t) => {
  const { server } = await start(t, Echo)
  for (const fields of [
    ['Expect: 100-continue'],
    ['Expect: 100-Continue \t'],
    ['Expect: , 100-continue'],
    ['Expect: other', 'Expect: 100-continue'],
  ]) {
    const socket = dial(server)
    const sent = head('POST / HTTP/1.1', 'Host: x', 'Content-Length: 5', ...fields)
    socket.write(sent, 'latin1')
    t.equal(await readUntil(socket, '\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n', fields.join())
    const received = readAll(socket)
    socket.write(`hello${LAST}`, 'latin1')
    t.match(await received, 'POST hello')
  }
})

t.test('a 304 has the fields of the 200 that a cache needs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-http11-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  writeFileSync(join(folder, 'a.txt'), 'hello')
  class Files extends SimpleHTTPRequestHandler {
    override protocolVersion = 'HTTP/1.1'
    override directory = folder
    override extraResponseHeaders = [
      ['cache-control', 'max-age=60'],
      ['X-Other', 'x'],
      ['Vary', 'Accept'],
    ] as const
  }
  const { server } = await start(t, Files)
  const sent = head(
    'GET /a.txt HTTP/1.1',
    'Host: x',
    'Connection: close',
    'If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT',
  )
  const received = await talk(server, sent)
  t.match(received, /^HTTP\/1\.1 304 [^]*\r\ncache-control: max-age=60\r\nVary: Accept\r\n/)
  t.notMatch(received, 'X-Other')
})
