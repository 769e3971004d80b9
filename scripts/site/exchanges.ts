/**
 * The exchanges of which the site explains every byte: what is sent, to whom, and why that is worth a look.
 *
 * They are held when the site is made, with a real server; so the pages cannot say anything else than what
 * it does. Only the clock and the client's port are fixed, or each build would be another.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeDocumentRoot } from '../../conformance/recordings/document-root.ts'
import { readSections, requestsIn } from '../../conformance/run/article.ts'
import { HANDLERS } from '../../conformance/targets/handlers.ts'
import { renameThread } from '../../lib/stdlib/threading.ts'
import { explainExchange } from '../explain/serve.ts'
import type { Explanation, Settings } from '../explain/serve.ts'
import type { HandlerClass } from '../explain/tape.ts'

/** An exchange, before it is held. */
export interface Planned {
  /** Its page: `exchanges/NAME.html`. */
  readonly name: string
  readonly title: string
  /** Why it is worth a look, in Markdown. */
  readonly why: string
  /** The handler that gets it. */
  readonly app: string
  readonly sent: Buffer
  /** The time on the server's clock. */
  readonly time: string
  readonly options?: Settings['options']
}

/** An exchange that has been held. */
export interface Held extends Planned, Explanation {}

const ARTICLE = new Map(readSections().map((section) => [section.id, section]))

/** What the article's client sends. */
function article(id: string): Buffer {
  const section = ARTICLE.get(id)
  const [request] = section === undefined ? [] : requestsIn(section)
  if (request === undefined) {
    throw new Error(`The article has no request "${id}"`)
  }
  return request
}

function text(...lines: string[]): Buffer {
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

const HTTP11 = { protocolVersion: 'HTTP/1.1' }
const LATER = 'Thu, 06 Oct 2016 21:20:00 GMT'

/** The article's six, in its order, and what it does not show. */
export const EXCHANGES: readonly Planned[] = [
  {
    name: 'get',
    title: 'A GET request',
    why: 'The first program of the article: a handler sends back what it knows of the request. The client speaks HTTP/1.1, the server responds with HTTP/1.0; without a length, the body ends with the connection.',
    app: 'get',
    sent: article('article/http-get'),
    time: 'Thu, 06 Oct 2016 20:44:11 GMT',
  },
  {
    name: 'post',
    title: 'A form with a file',
    why: 'The second program: `curl -F` sends two fields and a file in one body, whose parts are told apart by a boundary. `FieldStorage` reads it. The client expects `100 Continue`, which a server of HTTP/1.0 does not send.',
    app: 'post',
    sent: article('article/http-post'),
    time: 'Thu, 06 Oct 2016 20:53:48 GMT',
  },
  {
    name: 'threads',
    title: 'A response from a thread',
    why: 'The third program has a thread for each connection. A thread cannot be looked into from outside, so here its handler runs in the main one, which is called as the thread would be.',
    app: 'threads',
    sent: article('article/threads'),
    time: 'Thu, 06 Oct 2016 20:56:00 GMT',
  },
  {
    name: 'errors',
    title: 'An error with its page',
    why: 'The fourth program calls `sendError(404)`, and all of the response follows from that: the reason phrase, the page, its type and its length.',
    app: 'errors',
    sent: article('article/errors'),
    time: 'Thu, 06 Oct 2016 20:58:08 GMT',
  },
  {
    name: 'headers',
    title: 'Fields of your own',
    why: 'The fifth program adds a field, `Last-Modified`, to the two that each response has.',
    app: 'send_header',
    sent: article('article/headers'),
    time: 'Thu, 06 Oct 2016 21:00:54 GMT',
  },
  {
    name: 'head',
    title: 'HEAD of a file',
    why: 'The last one of the article: the server of files, asked by `curl -I` for the header alone. `Content-Length` is that of the body that a GET would get.',
    app: 'simple',
    sent: article('article/command-line'),
    time: 'Thu, 06 Oct 2016 21:13:00 GMT',
  },
  {
    name: 'not-modified',
    title: 'A file that has not changed',
    why: 'The client has a copy, and says how old it is. 304 means: use that. A response of 304 has no body, and needs no length.',
    app: 'simple11',
    sent: text(
      'GET /hello.txt HTTP/1.1',
      'Host: 127.0.0.1:8080',
      'If-Modified-Since: Thu, 06 Oct 2016 21:12:10 GMT',
      '',
      '',
    ),
    time: LATER,
  },
  {
    name: 'not-found',
    title: 'A file that does not exist',
    why: 'A 404 from the server of files. In HTTP/1.1 the connection would go on, but after an error this server ends it, and says so.',
    app: 'simple11',
    sent: text('GET /nothing.txt HTTP/1.1', 'Host: 127.0.0.1:8080', '', ''),
    time: LATER,
  },
  {
    name: 'pipelined',
    title: 'Two requests at once',
    why: 'The client does not wait for the first response before it sends the second request. Both come over one connection, so the responses must come in the same order, and each must say where it ends.',
    app: 'simple11',
    sent: text(
      'GET /hello.txt HTTP/1.1',
      'Host: 127.0.0.1:8080',
      '',
      'HEAD /index.rst HTTP/1.1',
      'Host: 127.0.0.1:8080',
      'Connection: close',
      '',
      '',
    ),
    time: LATER,
  },
  {
    name: 'chunked',
    title: 'A form that comes in chunks',
    why: 'The client did not know how long its body would be when it began. So it sends chunks, each with its size, and after the last one a trailer: a field that it knew only then. The handler does not notice: `rfile` gives it what is in the chunks.',
    app: 'post',
    sent: text(
      'POST / HTTP/1.1',
      'Host: 127.0.0.1:8080',
      'Content-Type: application/x-www-form-urlencoded',
      'Transfer-Encoding: chunked',
      'Connection: close',
      '',
      'e',
      'name=dhellmann',
      '8;note=second',
      '&foo=bar',
      '0',
      'Fields: 2',
      '',
      '',
    ),
    time: LATER,
    options: HTTP11,
  },
  {
    name: 'smuggling',
    title: 'A smuggled request, refused',
    why: 'An attack. By its `Content-Length` the body has 45 bytes; by its `Transfer-Encoding` it ends after five, and the rest is a second request. A proxy that goes by the length lets that pass without having looked at it. RFC 9112 §6.1 allows a server to reject such a request, and has it close the connection in any case. So nobody here reads `GET /secret`.',
    app: 'simple11',
    sent: text(
      'POST /hello.txt HTTP/1.1',
      'Host: 127.0.0.1:8080',
      'Content-Length: 45',
      'Transfer-Encoding: chunked',
      '',
      '0',
      '',
      'GET /secret HTTP/1.1',
      'Host: internal',
      '',
      '',
    ),
    time: LATER,
  },
  {
    name: 'http-0-9',
    title: 'HTTP/0.9',
    why: 'The first HTTP, of 1991: a request is one line without a version, the response a body without a header. Python still speaks it, so this server does, too, as long as it is one of HTTP/1.0. Like Python it waits for the empty line that HTTP/0.9 did not have.',
    app: 'get',
    sent: text('GET /?foo=bar', '', ''),
    time: LATER,
  },
]

/** Hold them all, one after the other: they share a clock. */
export async function holdExchanges(): Promise<Held[]> {
  const root = mkdtempSync(join(tmpdir(), 'basehttp-exchanges-'))
  try {
    makeDocumentRoot(root)
    const held: Held[] = []
    for (const planned of EXCHANGES) {
      const { app, sent, time, options } = planned
      if (app === 'threads') {
        renameThread('Thread-1')
      }
      const explanation = await explainExchange(HANDLERS[app] as unknown as HandlerClass, sent, {
        options: { ...options, ...(app.startsWith('simple') && { directory: root }) },
        clientAddress: ['127.0.0.1', 52934],
        time: Date.parse(time),
      })
      renameThread('MainThread')
      held.push({ ...planned, ...explanation })
    }
    return held
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
