// Text that somebody else chose, on its way into a head, into the log, into a page. A new way is a
// row in one of the three tables; the texts are made up by fast-check.

import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { FieldStorage } from '../cgi/field-storage.ts'
import { parseArguments, UsageError } from '../cli-arguments.ts'
import { AsyncMixIn } from '../socketserver/mixins/async-mixin.ts'
import { BaseServer } from '../socketserver/base-server.ts'
import type { Connection } from '../socketserver/request-handler.ts'
import { quote } from '../stdlib/urls.ts'
import { captureStderr, serve, talk } from '../testing/helpers.ts'
import { ERROR_PAGE_HTML5 } from './error-page.ts'
import { RequestError } from './request-error.ts'
import { HTTPServer } from './server.ts'
import { SimpleHTTPRequestHandler } from './simple-handler.ts'
import { RESPONSES } from './status.ts'

const SEED = 20161006
const RUNS = 30

/** What the handler does with a text, instead of the usual. */
type Act = (handler: Probe, text: string) => unknown

let act: Act = () => {}
let current = ''

/** Does with the text what a test wants; serves files beside. */
class Probe extends SimpleHTTPRequestHandler {
  do_PROBE(): Promise<void> {
    return this.probe()
  }
  do_POST(): Promise<void> {
    return this.probe()
  }
  async probe(): Promise<void> {
    await act(this, current)
    // What began an answer may leave its end to us.
    this.endHeaders()
  }
  override logDateTimeString() {
    return 'now'
  }
}

/** A server for a directory with a file in it. */
async function start(t: Test) {
  const root = fs.mkdtempSync(join(tmpdir(), 'basehttp-injection-'))
  t.teardown(() => {
    fs.rmSync(root, { recursive: true })
  })
  fs.writeFileSync(join(root, 'file'), 'content')
  fs.mkdirSync(join(root, 'sub'))
  const log = captureStderr(t)
  const server = new (AsyncMixIn(HTTPServer))(['127.0.0.1', 0], Probe)
  server.handlerOptions = { directory: root }
  await serve(t, server)
  return { server, root, log }
}

/** Texts of pieces. */
function texts(...pieces: string[]) {
  return fc.string({ unit: fc.constantFrom(...pieces, 'a', ' ', ':', '%'), maxLength: 6 })
}

/** Try texts, always the same ones. */
async function tryAll(
  text: fc.Arbitrary<string>,
  test: (text: string) => unknown,
  numRuns = RUNS,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(text, async (one) => {
      await test(one)
    }),
    { numRuns, seed: SEED },
  )
}

// -- Into a head -----------------------------------------------------------------------------

const SPLITTING = texts(
  ...['\r\n', '\r', '\n', '\0', '\u010a', '\u010d', '\u2028', '\ud800', '\u{1f600}'],
  ...['\t', '\x0b', '\x85', '\xff', '\r\nInjected: yes', '\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
)

/** Every way in which a program's text gets into a head. */
const HEAD: Readonly<Record<string, Act>> = {
  'sendHeader(): the name': (h, text) => {
    h.sendHeader(text, 'x')
  },
  'sendHeader(): the value': (h, text) => {
    h.sendHeader('X', text)
  },
  'sendResponse(): the message': (h, text) => {
    h.sendResponse(200, text)
  },
  'sendResponseOnly(): the message': (h, text) => {
    h.sendResponseOnly(200, text)
  },
  'sendResponseOnly(): a code that is text': (h, text) => {
    h.sendResponseOnly(text as unknown as number)
  },
  'sendError(): the message': (h, text) => {
    h.sendError(404, text)
  },
  'RequestError: the message': (_, text) => {
    throw new RequestError(400, text, '')
  },
  'a handleExpect100() with a message': (h, text) => {
    h.handleExpect100 = () => {
      h.sendResponseOnly(100, text)
      return true
    }
    return h.handleExpect100()
  },
  protocolVersion: (h, text) => {
    h.protocolVersion = text
    h.sendResponse(200)
  },
  serverVersion: (h, text) => {
    h.serverVersion = text
    h.sendResponse(200)
  },
  sysVersion: (h, text) => {
    h.sysVersion = text
    h.sendResponse(200)
  },
  'versionString()': (h, text) => {
    h.versionString = () => text
    h.sendResponse(200)
  },
  'dateTimeString(): Date': (h, text) => {
    h.dateTimeString = () => text
    h.sendResponse(200)
  },
  'dateTimeString(): Last-Modified': (h, text) => {
    h.dateTimeString = (timestamp) => (timestamp === undefined ? 'now' : text)
    return serveFile(h)
  },
  'responses: the phrase': (h, text) => {
    h.responses = { ...RESPONSES, 200: [text, ''] }
    h.sendResponse(200)
  },
  errorContentType: (h, text) => {
    h.errorContentType = text
    h.sendError(404)
  },
  'extraResponseHeaders: a name': (h, text) => {
    h.extraResponseHeaders = [[text, 'x']]
    return serveFile(h)
  },
  'extraResponseHeaders: a value': (h, text) => {
    h.extraResponseHeaders = [['X', text]]
    return serveFile(h)
  },
  defaultContentType: (h, text) => {
    h.defaultContentType = text
    return serveFile(h)
  },
  extensionsMap: (h, text) => {
    h.extensionsMap = { '': text }
    return serveFile(h)
  },
  'guessType()': (h, text) => {
    h.guessType = () => text
    return serveFile(h)
  },
}

function serveFile(handler: Probe): void | Promise<void> {
  handler.path = '/file'
  return handler.do_GET()
}

/** The lines of a head. */
function headLines(received: string): string[] {
  return (received.split('\r\n\r\n', 1)[0] as string).split('\r\n')
}

t.test('a text stays within its line of the head, or nothing is sent', async (t) => {
  const { server, log } = await start(t)
  const ask = (text: string) => {
    current = text
    return talk(server, 'PROBE / HTTP/1.0\r\n\r\n')
  }
  for (const [way, does] of Object.entries(HEAD)) {
    act = does
    const usual = headLines(await ask('harmless'))
    t.equal(usual.filter((line) => line.includes('harmless')).length, 1, way)
    await tryAll(SPLITTING, async (text) => {
      const from = log().length
      const received = await ask(text)
      if (/[\r\n\0]|[^\0-\xff]/.test(text)) {
        t.equal(received, '', way)
        t.match(log().slice(from), /TypeError: Cannot send the header line/, way)
      } else {
        const lines = headLines(received)
        t.equal(lines.length, usual.length, way)
        t.ok(
          lines.some((line) => line.includes(text)),
          way,
        )
      }
    })
  }
})

t.test('no field of a handler that is text gets out of its line', async (t) => {
  const { server, root } = await start(t)
  const handler = new Probe(null as unknown as Connection, '', new BaseServer('', Probe))
  const fields = Object.entries(handler).flatMap(([name, value]) =>
    typeof value === 'string' ? [name] : [],
  )
  t.ok(fields.includes('serverVersion') && fields.includes('defaultContentType'))
  for (const name of fields) {
    for (const text of ['a\r\nInjected: yes', 'a\nInjected: yes', '\u010d\u010aInjected: yes']) {
      server.handlerOptions = { directory: root, [name]: text }
      for (const path of ['/file', '/', '/sub', '/none']) {
        const head = headLines(await talk(server, `GET ${path} HTTP/1.0\r\n\r\n`)).join('\n')
        t.notMatch(head, /^Injected/m, `${name}: GET ${path}`)
      }
    }
  }
})

t.test('no argument of the command line gets out of its line', async (t) => {
  for (const flag of ['-H', '--content-type', '-p']) {
    await tryAll(SPLITTING, (text) => {
      for (const argument of [text, `X: ${text}`, `text/${text}`]) {
        let args
        try {
          args = parseArguments([flag, argument])
        } catch (error) {
          t.ok(error instanceof UsageError)
          continue
        }
        t.type(args, 'object')
        t.notMatch(JSON.stringify(args), /\\[rn]|\\u0000|[^\0-\xff]/, argument)
      }
    })
  }
})

t.test('no request is answered with a redirect to another host', async (t) => {
  const { server } = await start(t)
  const target = fc
    .tuple(
      fc.constantFrom(
        '',
        '/',
        '/\\',
        '\\',
        '\x01/',
        '\0//',
        'http:',
        'http:///',
        'https:\\',
        '//h/',
      ),
      texts(
        ...['/', '\\', '..', '/../', '%2e%2e/', '%2f', '%5c', '?', '#', '@', '[', ']', 'http://'],
        ...['\0', '\x01', '\x1b', '\x7f', '\xff', 'evil.example', '/evil.example', '/sub', '%00'],
      ),
    )
    .map(([first, rest]) => first + rest.replaceAll(' ', ''))
  let redirects = 0
  await tryAll(
    target,
    async (text) => {
      for (const path of [text, `${text}/../../../../../sub`, `${text}/..`]) {
        const received = await talk(server, `GET ${path} HTTP/1.0\r\n\r\n`)
        if (path !== '' && !/^\/*$/.test(path)) {
          t.match(received, /^HTTP\/1\.0 (?:200|301|404) /, path)
        }
        const location = /^Location: (.*)\r$/m.exec(received)?.[1]
        if (location === undefined) {
          continue
        }
        redirects++
        const base = 'http://here.example/'
        t.equal(
          URL.canParse(location, base) && new URL(location, base).origin,
          'http://here.example',
        )
      }
    },
    200,
  )
  t.ok(redirects > 50, `${String(redirects)} redirects`)
})

// -- Into the log ----------------------------------------------------------------------------

const FORGED = '9.9.9.9 - - [now] "GET /forged HTTP/1.1" 200 -'

const FORGING = texts(
  ...['\n', '\r', '\r\n', `\n${FORGED}`, `\r${FORGED}`, '\x1b[31m', '\x1b]0;title\x07', '\x08'],
  ...['\0', '\t', '\x0b', '\x7f', '\x85', '\x9b', '\\', '\\x0a', '%0a', '%1b', '"', '\xe9'],
).map((text) => `a${text}`)

/** A form with a field. */
function form(name: string, filename: string, type = 'multipart/form-data; boundary=b'): string {
  const body =
    `--b\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\n\r\n` +
    'content\r\n--b--\r\n'
  return (
    `POST / HTTP/1.0\r\nContent-Type: ${type}\r\nContent-Length: ${String(body.length)}\r\n\r\n` +
    body
  )
}

/** Reads a form, and logs what it is told. */
const readForm: Act = async (h) => {
  const storage = await FieldStorage.parse({ fp: h.rfile, headers: h.headers })
  for (const { name, filename } of storage.list) {
    h.logMessage('%s %s', name, filename)
  }
  h.sendResponse(204)
}

const probe = () => 'PROBE / HTTP/1.0\r\n\r\n'

function fail(error: unknown): Act {
  return () => {
    throw error
  }
}

/** Every way into the log: what is sent, and what the handler does. */
const LOG: Readonly<Record<string, [send: (text: string) => string, does?: Act]>> = {
  'a method': [(text) => `${text} / HTTP/1.0\r\n\r\n`],
  'a path': [(text) => `GET /${text} HTTP/1.0\r\n\r\n`],
  'a query': [(text) => `GET /sub?${text} HTTP/1.0\r\n\r\n`],
  'a version': [(text) => `GET / HTTP/${text}\r\n\r\n`],
  'a request line': [(text) => `${text}\r\n\r\n`],
  'a name of a header': [(text) => `GET / HTTP/1.0\r\n${text}: x\r\n\r\n`],
  'a header': [(text) => `GET / HTTP/1.0\r\nX: ${text}\r\n\r\n`],
  Host: [(text) => `GET / HTTP/1.0\r\nHost: ${text}\r\nHost: ${text}\r\n\r\n`],
  Connection: [(text) => `GET / HTTP/1.0\r\nConnection: ${text}\r\n\r\n`],
  Expect: [(text) => `GET / HTTP/1.0\r\nExpect: ${text}\r\n\r\n`],
  'Content-Length': [(text) => `GET / HTTP/1.0\r\nContent-Length: ${text}\r\n\r\n`],
  'Transfer-Encoding': [(text) => `GET / HTTP/1.0\r\nTransfer-Encoding: ${text}\r\n\r\n`],
  'If-Modified-Since': [(text) => `GET /file HTTP/1.0\r\nIf-Modified-Since: ${text}\r\n\r\n`],
  'the type of a form': [(text) => form('n', 'f', text), readForm],
  'a boundary': [(text) => form('n', 'f', `multipart/form-data; boundary=${text}`), readForm],
  'a charset': [
    (text) => form('n', 'f', `multipart/form-data; boundary=b; charset=${text}`),
    readForm,
  ],
  'a name in a form': [(text) => form(text, 'f'), readForm],
  'a file name in a form': [(text) => form('n', text), readForm],
  'logMessage()': [
    probe,
    (h, text) => {
      h.logMessage('%s %r', text, text)
    },
  ],
  'logMessage(): the format': [
    probe,
    (h, text) => {
      h.logMessage(text.replaceAll('%', '%%'))
    },
  ],
  'logError()': [
    probe,
    (h, text) => {
      h.logError('%s', text)
    },
  ],
  'logRequest()': [
    probe,
    (h, text) => {
      h.logRequest(text, text)
    },
  ],
  'sendError()': [
    probe,
    (h, text) => {
      h.sendError(404, text, text)
    },
  ],
  'addressString()': [
    probe,
    (h, text) => {
      h.addressString = () => text
      h.logMessage('x')
    },
  ],
  'logDateTimeString()': [
    probe,
    (h, text) => {
      h.logDateTimeString = () => text
      h.logMessage('x')
    },
  ],
  'RequestError behind an answer': [
    probe,
    (h, text) => {
      h.sendResponse(200)
      throw new RequestError(400, text, text)
    },
  ],
  'an exception': [probe, (h, text) => fail(new Error(text))(h, text)],
  'its cause': [probe, (h, text) => fail(new Error('x', { cause: new Error(text) }))(h, text)],
  'several exceptions': [probe, (h, text) => fail(new AggregateError([new Error(text)]))(h, text)],
  'a field of an exception': [
    probe,
    (h, text) => fail(Object.assign(new Error('x'), { path: text, [text]: text }))(h, text),
  ],
  'text that is thrown': [probe, (h, text) => fail(text)(h, text)],
  'an object that is thrown': [probe, (h, text) => fail({ text: [text] })(h, text)],
  'an error of the system': [
    probe,
    (h, text) => {
      fs.readFileSync(join(h.directory, 'none', text))
    },
  ],
}

t.test('a text in the log is in its line, and moves no cursor', async (t) => {
  const { server, log } = await start(t)
  for (const [way, [send, does = () => {}]] of Object.entries(LOG)) {
    act = does
    await tryAll(FORGING, async (text) => {
      current = text
      const from = log().length
      await talk(server, send(text), { halfClose: true })
      const lines = log().slice(from).split('\n')
      t.equal(lines.pop(), '', way)
      t.ok(lines.length > 0 || text.includes('\n'), way)
      for (const line of lines) {
        // In front of a stack stands what was thrown, and there a tab may stand.
        t.notMatch(line, /[\0-\x08\x0a-\x1f\x7f-\x9f]|^9\.9\.9\.9/, way)
      }
    })
  }
})

// -- Into a page -----------------------------------------------------------------------------

const PIECES = ['<', '>', '"', "'", '&', '&lt;', '</title>', '<script>', '<!--', '-->', '\xe9']
const MARKUP = texts(...PIECES, '/')
const WIDE_MARKUP = texts(...PIECES, '/', '\n', '\0', '\u{1f600}', '\ud800')

/** Every way into a page. */
const PAGE: Readonly<
  Record<string, [texts: fc.Arbitrary<string>, send: (text: string) => string, does?: Act]>
> = {
  'a method that is not there': [
    MARKUP,
    (text) => `${text.replaceAll(' ', '')}! / HTTP/1.0\r\n\r\n`,
  ],
  'a request line': [MARKUP, (text) => `a ${text} b c d\r\n\r\n`],
  'a version': [MARKUP, (text) => `GET / HTTP/${text}\r\n\r\n`],
  'the title of a listing': [
    MARKUP,
    (text) => `GET /${text.replaceAll(/[ %]/g, '')}/../${'../'.repeat(6)}sub/ HTTP/1.0\r\n\r\n`,
  ],
  'the title of a listing, escaped': [
    WIDE_MARKUP,
    (text) => `GET /${quote(text.replaceAll(/[/\0]/g, ''))}/../sub/ HTTP/1.0\r\n\r\n`,
  ],
  'the type of a form': [MARKUP, (text) => form('n', 'f', `a${text}`), readForm],
  'sendError(): the message': [
    MARKUP,
    probe,
    (h, text) => {
      h.sendError(404, text)
    },
  ],
  'sendError(): the explanation': [
    WIDE_MARKUP,
    probe,
    (h, text) => {
      h.sendError(404, 'x', text)
    },
  ],
  'sendError(): on the page of HTML 5': [
    WIDE_MARKUP,
    probe,
    (h, text) => {
      h.errorMessageFormat = ERROR_PAGE_HTML5
      h.sendError(404, 'x', text)
    },
  ],
  'RequestError: the explanation': [
    WIDE_MARKUP,
    probe,
    (_, text) => {
      throw new RequestError(400, 'x', text)
    },
  ],
  'responses: the description': [
    WIDE_MARKUP,
    probe,
    (h, text) => {
      h.responses = { ...RESPONSES, 404: ['x', text] }
      h.sendError(404)
    },
  ],
}

/** The tags of a page, each link without where it leads to. */
function tags(page: string): string[] {
  return (page.match(/<[^>]*>?/g) ?? []).map((tag) => tag.replace(/^<a href="[\w.~%/-]*">$/, '<a>'))
}

t.test('a text in a page is text', async (t) => {
  const { server } = await start(t)
  for (const [way, [text, send, does = () => {}]] of Object.entries(PAGE)) {
    act = does
    const ask = async (text: string) => {
      current = text
      const received = await talk(server, send(text), { halfClose: true })
      const [head = '', page] = received.split('\r\n\r\n')
      // An answer to HTTP/0.9 is a page without a head.
      t.equal(/^Content-type: text\/html; ?charset=utf-8\r?$/im.test(head), page !== undefined, way)
      return tags(page ?? head)
    }
    const usual = await ask('harmless')
    t.ok(usual.length > 5, way)
    await tryAll(text, async (text) => {
      t.same(await ask(text), usual, way)
    })
  }
})

t.test('the name of a file is text in a listing, and its link leads to it', async (t) => {
  const { server, root } = await start(t)
  const names = fc.uniqueArray(
    texts(...PIECES, '\n', '\r\n', '\x1b', '\\', '"><b>', '?', '#', ';', '\u{1f600}').filter(
      (name) => !/[/\0]|^[. ]*$/.test(name),
    ),
    { minLength: 1, maxLength: 5 },
  )
  const empty = tags(await talk(server, 'GET /sub/ HTTP/1.0\r\n\r\n'))
  await fc.assert(
    fc.asyncProperty(names, async (names) => {
      const folder = fs.mkdtempSync(join(root, 'names-'))
      for (const name of names) {
        fs.writeFileSync(join(folder, name), name)
      }
      const path = folder.slice(root.length)
      const listing = await talk(server, `GET ${path}/ HTTP/1.0\r\n\r\n`)
      const entry = ['<li>', '<a>', '</a>', '</li>']
      t.same(tags(listing), [
        ...empty.slice(0, -4),
        ...names.flatMap(() => entry),
        ...empty.slice(-4),
      ])
      const links = Array.from(listing.matchAll(/<a href="([^"]*)">/g), ([, link]) => String(link))
      const contents = []
      for (const link of links) {
        const received = await talk(server, `GET ${path}/${link} HTTP/1.0\r\n\r\n`)
        t.equal(headLines(received).length, 6)
        contents.push(
          Buffer.from(received.slice(received.indexOf('\r\n\r\n') + 4), 'latin1').toString(),
        )
      }
      t.same(contents.sort(), [...names].sort())
    }),
    { numRuns: RUNS, seed: SEED },
  )
})
