import t from 'tap'
import type { Test } from 'tap'
import { serve } from '../../lib/testing/helpers.ts'
import type { ExpectedResponse, Conversation } from './conversations.ts'
import { fuzz } from './fuzz.ts'
import { converse as hold, FileHandler, PlainHandler, Subject } from './subject.ts'

t.test('a few hundred conversations of each kind find nothing', async (t) => {
  t.same(await fuzz({ runs: 300, seed: 20161006 }), [])
})

/** One conversation with a server that does something wrong. */
async function converse(
  t: Test,
  Handler: typeof PlainHandler | typeof FileHandler,
  text: string,
  hundreds?: ExpectedResponse['hundred'][],
  more: Partial<Conversation & ExpectedResponse> = {},
) {
  const server = new Subject(['127.0.0.1', 0], Handler)
  await serve(t, server)
  const expected = hundreds?.map((hundred) => ({
    hundred,
    method: 'GET',
    version: 'HTTP/1.1',
    ...more,
  }))
  await hold(server, { text, cuts: [], expected, ...more })
}

t.test('the fuzzer sees what a server must not do', async (t) => {
  const get = 'GET / HTTP/1.1\r\n\r\n'
  await converse(t, PlainHandler, get, [2])

  await t.rejects(
    converse(t, PlainHandler, get, [2, 2]),
    /^responses of 2 hundred, expected 2, 2$/m,
    'a missing response',
  )
  class Throws extends PlainHandler {
    override do_GET() {
      throw new Error('on purpose')
    }
  }
  await t.rejects(converse(t, Throws, get), /^an exception: Error: on purpose$/m)
  class Short extends PlainHandler {
    override do_GET() {
      this.sendResponse(200)
      this.sendHeader('Content-Length', 3)
      this.endHeaders()
    }
  }
  await t.rejects(converse(t, Short, get), /the header says 3, the body has 0 bytes/)
  await converse(t, PlainHandler, get, [2], { body: '/\n' })
  await t.rejects(
    converse(t, PlainHandler, get, [2], { body: '/x\n' }),
    /^it understood "\/\\n", but was told "\/x\\n"$/m,
  )
  class Astray extends FileHandler {
    override do_GET() {
      this.sendResponse(301)
      this.sendHeader('Location', '//evil.example/')
      this.endHeaders()
    }
  }
  await t.rejects(converse(t, Astray, get, [0]), /^it sends the client to another host: /m)
  class LogsBytes extends PlainHandler {
    override logRequest() {
      process.stderr.write('\x1b[31m\n')
    }
  }
  await t.rejects(converse(t, LogsBytes, get), /^not a valid line of the log: /m)
  class LosesCount extends PlainHandler {
    override async do_PUT() {
      // As if the body ended before its last 26 bytes, and the next request began there.
      await this.rfile.read(1)
      this.rawRequestline = await this.rfile.readline()
      await this.parseRequest()
      this.do_GET()
    }
  }
  await t.rejects(
    converse(
      t,
      LosesCount,
      'PUT / HTTP/1.1\r\nContent-Length: 32\r\n\r\n.GET /inside-a-body HTTP/1.1\r\n\r\n',
    ),
    /^it takes the body for a request: GET \/inside-a-body HTTP\/1\.1$/m,
  )
})
