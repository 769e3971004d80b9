/**
 * Servers that send what a page allows and HTTP does not: each breaks one rule of `invariants.ts`, and
 * beside it stands one that does the same rightly.
 */

import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { play } from '../judge/exchange.ts'
import { parsePage } from '../judge/page.ts'
import { judge } from '../judge/verdict.ts'

/** What a server sends, and whether it closes then. */
interface Sends {
  readonly response: string
  readonly ends?: boolean
}

const DATE = 'Date: Thu, 06 Oct 2016 21:12:10 GMT\r\n'
const CLOSE = 'Connection: close\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n'
const EMPTY = 'Content-Length: 0\r\n\r\n'

/** A head with its Date, and what comes after. */
const head = (status: string, rest: string) => `HTTP/1.1 ${status}\r\n${DATE}${rest}`
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const OLD = 'GET / HTTP/1.0\r\n\r\n'

/** The bytes as they stand in a fence. */
const escaped = (bytes: string) =>
  bytes.replace(/[^\x20-\x7e]|[\\{]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })

/** Ask a server that sends this, with a page that wants just that; the rules that it breaks. */
async function broken(t: Test, request: string, { response, ends = false }: Sends) {
  const server = createServer((socket: Socket) => {
    let received = ''
    socket.on('error', () => {})
    socket.on('data', (data) => {
      received += data.toString('latin1')
      if (received === request) {
        socket.write(response, 'latin1')
        if (ends) {
          socket.end()
        }
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const page = [
    '## a/b',
    '<!-- case={"app":"get","level":"must","source":"cpython:3.13"} -->',
    'Why.',
    '```request',
    `${escaped(request)}\\`,
    '```',
    '```response',
    escaped(response),
    ends ? '{{eof}}' : '{{open}}',
    '```',
  ].join('\n')
  const [one] = parsePage(page, 'a.md', () => '')
  if (one === undefined) {
    throw new Error('the page has no case')
  }
  const { port } = server.address() as AddressInfo
  return judge(one, await play(one, { host: '127.0.0.1', port })).map(({ rule, flaw }) => {
    return `${String(rule)}: ${flaw}`
  })
}

interface Pair {
  readonly rule: string
  readonly request?: string
  readonly wrong: Sends
  readonly right: Sends
}

const body = (size: string, rest = '\r\n') =>
  head('200 OK', `${CHUNKED}\r\n${size}\r\nhi\r\n0\r\n${rest}`)

const PAIRS: Readonly<Record<string, Pair>> = {
  'Transfer-Encoding in a 204': {
    rule: 'transfer-encoding',
    wrong: { response: head('204 No Content', `${CHUNKED}\r\n`) },
    right: { response: head('204 No Content', '\r\n') },
  },
  'Transfer-Encoding in a 100': {
    rule: 'transfer-encoding',
    wrong: { response: `HTTP/1.1 100 Continue\r\n${CHUNKED}\r\n${head('200 OK', EMPTY)}` },
    right: { response: `HTTP/1.1 100 Continue\r\n\r\n${head('200 OK', EMPTY)}` },
  },
  'Transfer-Encoding before a tunnel': {
    rule: 'transfer-encoding',
    request: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
    wrong: { response: head('200 OK', `${CHUNKED}\r\n`) },
    right: { response: head('200 OK', '\r\n') },
  },
  'Content-Length before a tunnel': {
    rule: 'content-length',
    request: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
    wrong: { response: head('200 OK', EMPTY) },
    right: { response: head('200 OK', '\r\n') },
  },
  'chunks to HTTP/1.0': {
    rule: 'transfer-encoding',
    request: OLD,
    wrong: { response: head('200 OK', `${CLOSE}${CHUNKED}\r\n2\r\nhi\r\n0\r\n\r\n`), ends: true },
    right: { response: head('200 OK', `${CLOSE}\r\nhi`), ends: true },
  },
  'chunked twice': {
    rule: 'transfer-encoding',
    wrong: {
      response: head('200 OK', 'Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'),
    },
    right: {
      response: head('200 OK', 'Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'),
    },
  },
  'chunked twice, in two fields': {
    rule: 'transfer-encoding',
    wrong: { response: head('200 OK', `${CHUNKED}${CHUNKED}\r\n2\r\nhi\r\n0\r\n\r\n`) },
    right: {
      response: head('200 OK', `Transfer-Encoding: gzip\r\n${CHUNKED}\r\n2\r\nhi\r\n0\r\n\r\n`),
    },
  },
  'a 100 to HTTP/1.0': {
    rule: 'interim',
    request: 'PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
    wrong: {
      response: `HTTP/1.1 100 Continue\r\n\r\n${head('200 OK', CLOSE + EMPTY)}`,
      ends: true,
    },
    right: { response: head('200 OK', CLOSE + EMPTY), ends: true },
  },
  'a 405 without Allow': {
    rule: 'required-field',
    wrong: { response: head('405 No', EMPTY) },
    right: { response: head('405 No', `Allow:\r\n${EMPTY}`) },
  },
  'a 401 without WWW-Authenticate': {
    rule: 'required-field',
    wrong: { response: head('401 No', EMPTY) },
    right: { response: head('401 No', `WWW-Authenticate: Basic realm="a"\r\n${EMPTY}`) },
  },
  'a 401 without a challenge': {
    rule: 'required-field',
    wrong: { response: head('401 No', `WWW-Authenticate:\r\n${EMPTY}`) },
    right: { response: head('401 No', `www-authenticate: Bearer\r\n${EMPTY}`) },
  },
  'a 407 without Proxy-Authenticate': {
    rule: 'required-field',
    wrong: { response: head('407 No', EMPTY) },
    right: { response: head('407 No', `Proxy-Authenticate: Basic realm="a"\r\n${EMPTY}`) },
  },
  'a 426 without Upgrade': {
    rule: 'required-field',
    wrong: { response: head('426 No', EMPTY) },
    right: { response: head('426 No', `Upgrade: HTTP/3.0\r\n${EMPTY}`) },
  },
  'a 206 without Content-Range': {
    rule: 'required-field',
    wrong: { response: head('206 Part', 'Content-Length: 2\r\n\r\nhi') },
    right: {
      response: head('206 Part', 'Content-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nhi'),
    },
  },
  'a 206 of several parts with Content-Range': {
    rule: 'required-field',
    wrong: {
      response: head(
        '206 Part',
        `Content-Range: bytes 0-1/9\r\nContent-Type: multipart/byteranges; boundary=b\r\n${EMPTY}`,
      ),
    },
    right: {
      response: head('206 Part', `Content-Type: Multipart/ByteRanges; boundary=b\r\n${EMPTY}`),
    },
  },
  'no Date': {
    rule: 'date',
    wrong: { response: `HTTP/1.1 404 No\r\n${EMPTY}` },
    right: { response: `HTTP/1.1 500 No\r\n${EMPTY}` },
  },
  'an odd Date': {
    rule: 'date',
    wrong: { response: `HTTP/1.1 200 OK\r\nDate: Thu Oct  6 21:12:10 2016\r\n${EMPTY}` },
    right: { response: head('200 OK', EMPTY) },
  },
  'a Date that there is not': {
    rule: 'date',
    wrong: { response: `HTTP/1.1 500 No\r\nDate: Fri, 06 Oct 2016 21:12:10 GMT\r\n${EMPTY}` },
    right: { response: head('500 No', EMPTY) },
  },
  'two Dates': {
    rule: 'date',
    wrong: { response: head('200 OK', DATE + EMPTY) },
    right: { response: head('200 OK', EMPTY) },
  },
  'two responses to one request': {
    rule: 'unasked',
    wrong: { response: head('200 OK', EMPTY) + head('200 OK', EMPTY) },
    right: { response: `HTTP/1.1 103 Early Hints\r\n\r\n${head('200 OK', EMPTY)}` },
  },
  'two responses to one request in chunks': {
    rule: 'unasked',
    request: `POST / HTTP/1.1\r\nHost: a\r\n${CHUNKED}\r\n2\r\nhi\r\n0\r\n\r\n`,
    wrong: { response: head('200 OK', EMPTY) + head('400 No', CLOSE + EMPTY), ends: true },
    right: { response: head('200 OK', EMPTY) },
  },
  'a control character in a field': {
    rule: 'field-line',
    wrong: { response: head('200 OK', `X: \x1b[31m\r\n${EMPTY}`) },
    right: { response: head('200 OK', `X: a\tb\xe9\r\n${EMPTY}`) },
  },
  'DEL in a field': {
    rule: 'field-line',
    wrong: { response: head('200 OK', `X: a\x7f\r\n${EMPTY}`) },
    right: { response: head('200 OK', `X: a~\r\n${EMPTY}`) },
  },
  'a control character in a chunk line': {
    rule: 'chunks',
    wrong: { response: body('2;a=\x01') },
    right: { response: body('2;a="\t;"') },
  },
  'a bare LF in a chunk line': {
    rule: 'chunks',
    wrong: { response: head('200 OK', `${CHUNKED}\r\n2\nhi\r\n0\r\n\r\n`) },
    right: { response: body('2') },
  },
  'white space after the size of a chunk': {
    rule: 'chunks',
    wrong: { response: body('2 ') },
    right: { response: body('2 ; a = b') },
  },
  'a trailer that is not a field': {
    rule: 'chunks',
    wrong: { response: body('2', 'a trailer\r\n\r\n') },
    right: { response: body('2', 'A: trailer\r\n\r\n') },
  },
}

t.test('a rule is broken, and the same done rightly breaks none', { jobs: 4 }, (t) => {
  for (const [name, { rule, request = GET, wrong, right }] of Object.entries(PAIRS)) {
    t.test(name, async (t) => {
      const found = await broken(t, request, wrong)
      t.equal(found.length, 1, found.join('\n'))
      t.match(found[0], new RegExp(`^${rule}: .*\\(RFC [0-9]+ §[0-9.]+\\)$`))
      t.same(await broken(t, request, right), [])
    })
  }
  t.end()
})

const RIGHT: Readonly<Record<string, Sends & { readonly request?: string }>> = {
  'a transfer coding that ends with the connection': {
    response: head('200 OK', `${CLOSE}Transfer-Encoding: gzip\r\n\r\n\x1f\x8b`),
    ends: true,
  },
  'another protocol after a 101': {
    request: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n',
    response:
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n\x81\x02hi',
  },
  'another protocol after a 101, and its end': {
    request: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n',
    response:
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nHTTP/',
    ends: true,
  },
  'a tunnel': {
    request: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
    response: head('200 OK', '\r\nSSH-2.0-a\r\n'),
  },
  'a tunnel that ends': {
    request: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
    response: head('200 OK', '\r\nSSH-2.0-a\r\n'),
    ends: true,
  },
  'no tunnel': {
    request: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
    response: head('400 No', EMPTY),
  },
  'an end that was not announced': { response: head('200 OK', EMPTY), ends: true },
  'an error that nobody can place': {
    request: `${GET}not HTTP\r\n\r\n`,
    response: head('200 OK', EMPTY) + head('400 No', CLOSE + EMPTY),
    ends: true,
  },
}

t.test('what is right is accused of nothing', { jobs: 4 }, (t) => {
  for (const [name, { request = GET, ...sends }] of Object.entries(RIGHT)) {
    t.test(name, async (t) => {
      t.same(await broken(t, request, sends), [])
    })
  }
  t.end()
})
