import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { BaseHTTPRequestHandler } from 'basehttp'
import t from 'tap'
import { HANDLERS } from '../../conformance/targets/handlers.ts'
import { HANG_LIMIT } from '../../conformance/patience.ts'
import { readSources, TOP } from '../checks/sources.ts'
import type { Explained } from './label.ts'
import type { Piece } from './pieces.ts'
import { explainExchange } from './serve.ts'
import type { HandlerClass } from './tape.ts'

/** A piece in a line: its bytes, what it is, and who has read or written it. */
function lineOf({ bytes, what, calls }: Piece): string {
  return `${JSON.stringify(bytes.toString('latin1'))} ${what} ${calls[0]?.name ?? '-'}`
}

async function explainText(Handler: HandlerClass, text: string): Promise<Explained[]> {
  return [...(await explainExchange(Handler, Buffer.from(text, 'latin1'))).exchanges]
}

const app = (name: string) => HANDLERS[name] as unknown as HandlerClass

t.test('explainExchange() tells who read, wrote and used each piece', async (t) => {
  const [explained] = await explainText(app('get'), 'GET //?a HTTP/1.1\r\nHost:  a\r\n\r\n')
  const { request = [], response = [] } = explained ?? {}
  t.same(request.map(lineOf), [
    '"GET" method handleOneRequest',
    '" " space handleOneRequest',
    '"//?a" target handleOneRequest',
    '" " space handleOneRequest',
    '"HTTP/1.1" version handleOneRequest',
    '"\\r\\n" line end handleOneRequest',
    '"Host" name of a field readFields',
    '":  " colon and white space readFields',
    '"a" value of Host readFields',
    '"\\r\\n" line end readFields',
    '"\\r\\n" end of the header readFields',
  ])
  const [method, , target, , , , , , host] = request
  t.match(method, { section: '9110 §9.3.1', becomes: { name: 'command' } })
  t.match(target, { section: '9112 §3.2.1', becomes: { name: 'path' } })
  t.same(
    host?.uses.map(({ name, path }) => `${name} ${path}`),
    ['do_GET docs/examples/http_server_GET.ts'],
  )
  t.same(response.slice(0, 6).map(lineOf), [
    '"HTTP/1.0" version sendResponse',
    '" " space sendResponse',
    '"200" status code sendResponse',
    '" " space sendResponse',
    '"OK" reason phrase sendResponse',
    '"\\r\\n" line end sendResponse',
  ])
  const body = response.at(-1)
  t.match(body, { what: 'body', section: '9110 §6.4' })
  t.same(
    body?.calls.map(({ name }) => name),
    ['do_GET', '#callMethod', 'handleOneRequest'],
  )
})

t.test('each call is on the line of the source that it names', async (t) => {
  const [explained] = await explainText(app('get'), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const sources = readSources(['lib', 'docs/examples'])
  const text = (path: string) => sources.find((one) => one.path === path)?.tree.text ?? ''
  const pieces = [...(explained?.request ?? []), ...(explained?.response ?? [])]
  const places = pieces.flatMap(({ calls, uses }) => [...calls, ...uses])
  const lineAt = (name: string) => {
    const place = places.find((one) => one.name === name)
    return text(place?.path ?? '')
      .split('\n')
      [(place?.line ?? 0) - 1]?.trim()
  }
  t.match(lineAt('handleOneRequest'), /this\.rfile\.takeTextLine\(/)
  t.match(lineAt('readFields'), /rfile\.takeTextLine\(/)
  t.match(lineAt('sendResponse'), /this\.sendResponseOnly\(/)
  t.match(lineAt('do_GET'), /this\./)
})

t.test('explain() labels chunks, trailers and whoever reads them', async (t) => {
  const text =
    'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' +
    '5;x\r\nhello\r\n0\r\nSum: 1\r\n\r\n'
  class Handler extends BaseHTTPRequestHandler {
    override protocolVersion = 'HTTP/1.1'

    async do_PUT(): Promise<void> {
      const body = await this.rfile.read()
      this.sendResponse(200)
      this.endHeadersChunked()
      await this.wfile.write(body)
    }
  }
  const [explained] = await explainText(Handler, text)
  const { request = [], response = [] } = explained ?? {}
  const start = request.findIndex(({ what }) => what.startsWith('size'))
  t.same(request.slice(start).map(lineOf), [
    '"5" size of a chunk readLine',
    '";x" extension of a chunk readLine',
    '"\\r\\n" line end readLine',
    '"hello" data of a chunk decodeInto',
    '"\\r\\n" end of a chunk readLine',
    '"0" size of the last chunk readLine',
    '"\\r\\n" line end readLine',
    '"Sum" name of a field readFields',
    '": " colon and white space readFields',
    '"1" value of Sum readFields',
    '"\\r\\n" line end readFields',
    '"\\r\\n" end of the body readFields',
  ])
  t.same(
    request[start + 3]?.uses.map(({ name }) => name),
    ['do_PUT'],
  )
  t.same(response.slice(-7).map(lineOf), [
    '"5" size of a chunk do_PUT',
    '"\\r\\n" line end do_PUT',
    '"hello" data of a chunk do_PUT',
    '"\\r\\n" end of a chunk do_PUT',
    '"0" size of the last chunk handleOneRequest',
    '"\\r\\n" line end handleOneRequest',
    '"\\r\\n" end of the body handleOneRequest',
  ])
})

t.test('explain() keeps pipelined requests apart', async (t) => {
  const one = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n'
  const explained = await explainText(app('custom11'), `${one}HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n`)
  t.equal(explained.length, 2)
  t.equal(Buffer.concat(explained[0]?.request.map(({ bytes }) => bytes) ?? []).toString(), one)
  t.equal(explained[0]?.response.at(-1)?.what, 'body')
  t.equal(explained[1]?.response.at(-1)?.what, 'end of the header')
})

t.test('explain() labels what nobody reads, too', async (t) => {
  const refused = 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /secret HTTP/1.1\r\n\r\n'
  const [explained] = await explainText(app('custom11'), refused)
  const last = explained?.request.at(-1)
  t.match(last, { what: 'not read: the connection had ended', calls: [] })
  t.equal(last?.bytes.toString(), 'GET /secret HTTP/1.1\r\n\r\n')
})

t.test('explain() labels a response of HTTP/0.9', async (t) => {
  const [explained] = await explainText(app('get'), 'GET /\r\n\r\n')
  t.match(explained?.response, [
    { what: 'body of HTTP/0.9, which has no header', section: '1945 §4.1' },
  ])
})

t.test('explain() throws when a handler writes behind its back', async (t) => {
  class Sly extends BaseHTTPRequestHandler {
    async do_GET(): Promise<void> {
      this.sendResponse(200)
      this.endHeaders()
      await this.wfile.flush()
      this.request.write('sly')
    }
  }
  await t.rejects(explainText(Sly, 'GET / HTTP/1.0\r\n\r\n'), {
    name: 'NotTiled',
    message: /^Cannot label what was received: at byte \d+, "sly" is on the wire, and "" came by/,
  })
})

t.test('explain() does not take an override of sendHeader() for its caller', async (t) => {
  class Twice extends BaseHTTPRequestHandler {
    override sendHeader(keyword: string, value: string | number): void {
      super.sendHeader(keyword, value)
      super.sendHeader(`X-${keyword}`, value)
    }

    do_GET(): void {
      this.sendResponse(200)
      this.endHeaders()
    }
  }
  const [explained] = await explainText(Twice, 'GET / HTTP/1.0\r\n\r\n')
  const values = explained?.response.filter(({ what }) => what.startsWith('value of')) ?? []
  t.same(
    values.map(({ what }) => what),
    ['value of Server', 'value of X-Server', 'value of Date', 'value of X-Date'],
  )
})

t.test('explainExchange() tells what the handler has thrown', async (t) => {
  const { error, exchanges } = await explainExchange(
    app('custom11'),
    Buffer.from('BROKEN / HTTP/1.1\r\nHost: a\r\n\r\n'),
  )
  t.match(error, { message: 'boom' })
  t.same(exchanges[0]?.response, [])
})

const PROGRAM = join(TOP, 'dist', 'scripts', 'explain', 'main.js')

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    timeout: HANG_LIMIT,
  })
  return { status, stdout, stderr }
}

t.test('the command prints what it knows', async (t) => {
  const { status, stdout, stderr } = run(
    'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n',
    '--app',
    'errors',
  )
  t.same({ status, stderr }, { status: 0, stderr: '' })
  t.match(
    stdout,
    /^Request, 27 bytes\n\nread by handleOneRequest, lib\/http\/base-handler\.ts:\d+\n/,
  )
  t.match(stdout, / {4}GET {21} {2}method {22} {2}RFC 9110 §9\.3\.1\n/)
  t.match(stdout, /\nwritten by sendError, lib\/http\/base-handler\.ts:\d+\n {2}called by do_GET, /)
  t.match(stdout, /\nLog: code 404, message Not Found\nLog: "GET \/ HTTP\/1\.1" 404 -\n$/)
})

t.test('the command says in one line what is wrong with its arguments', async (t) => {
  const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [[], /^Nothing to explain: give a request, as in 'GET \/ HTTP/],
    [['GET', '/'], /^Cannot explain "\/" as well: put the request in quotes/],
    [['GET /\\q'], /^The request: "\\q" is not a valid escape; there are/],
    [['GET /{{http-date}}'], /^The request: "{{http-date}}" stands for many texts/],
    [['GET /{{nonsense}}'], /^The request: .*nonsense/],
    [['GET /', '--app', 'nope'], /^There is no app "nope"; there are errors, get/],
    [['GET /', '--app', 'get', '--directory', '.'], /^--directory is for the apps simple/],
    [['GET /', '--app', 'simple', '--directory', '/nowhere'], /^Cannot serve the directory/],
    [['GET /', '--what'], /--what/],
  ]
  for (const [args, message] of wrong) {
    const { status, stdout, stderr } = run(...args)
    t.same({ status, stdout }, { status: 2, stdout: '' }, args.join(' '))
    t.match(stderr, message)
    t.equal(stderr.split('\n').length, 2, 'one line')
  }
})
