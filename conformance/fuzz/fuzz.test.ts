import t from 'tap'
import type { Test } from 'tap'
import { serve } from '../../lib/testing/helpers.ts'
import type { ExpectedResponse, Conversation } from './conversations.ts'
import { isInstalled } from '../attacks/front-ends.ts'
import { fuzz, FRONT_END } from './fuzz.ts'
import { difference, readStrictly, unmarked } from './readings.ts'
import type { Reading } from './readings.ts'
import { converse as hold, FileHandler, PlainHandler, Subject } from './subject.ts'

t.test('a few hundred conversations of each kind find nothing', async (t) => {
  t.same(await fuzz({ runs: 200, seed: 20161006 }), [])
})

const lacking = !isInstalled(FRONT_END) && `this machine has no ${FRONT_END.program}`
t.test('nor do they behind a front end', { skip: lacking }, async (t) => {
  t.same(await fuzz({ runs: 200, seed: 20161006, only: 'behind' }), [])
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
  const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
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
  await converse(t, PlainHandler, get, [2], { body: '/\nHost:x\n' })
  await t.rejects(
    converse(t, PlainHandler, get, [2], { body: '/x\n' }),
    /^it understood "\/\\nHost:x\\n", but was told "\/x\\n"$/m,
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
      'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 32\r\n\r\n.GET /inside-a-body HTTP/1.1\r\n\r\n',
    ),
    /^it takes the body for a request: GET \/inside-a-body HTTP\/1\.1$/m,
  )
})

t.test('the fuzzer sees what programs read differently', (t) => {
  const read = (...targets: string[]): Reading[] =>
    targets.map((target) => ({ method: 'GET', target, body: '' }))
  t.equal(difference(read('/a', '/b'), read('/a')), undefined, 'one of them has ended')
  t.equal(difference(read('//a'), read('/a')), undefined)
  t.match(
    difference(read('/a', '/b'), read('/a', '/c')),
    'request 2 is ["GET","/b",""] to the one, ["GET","/c",""] to the other',
  )
  const marked = (target: string, mark: string) => ({ method: 'GET', target, body: '', mark })
  t.equal(unmarked([marked('/a', '1 GET /a'), marked('/a', '2 GET //a')]), undefined)
  t.match(unmarked(read('/a')), '["GET","/a",""] has the mark ""')
  t.match(unmarked([marked('/a', '1 GET /a'), marked('/a', '1 GET /a')]), 'has the mark "1 GET /a"')
  t.match(unmarked([marked('/a', '1 GET /b')]), 'has the mark "1 GET /b"')

  const head = 'PUT /a HTTP/1.1\r\nHost: x\r\n'
  const chunks = `${head}Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\n`
  const length = `${head}Content-Length: 3\r\n\r\nabc`
  const one = { method: 'PUT', target: '/a', body: 'abc' }
  t.same(readStrictly(chunks + length + chunks), [one, one, one])
  for (const [from, to] of [
    ['3;', '0x3;'],
    ['3;', '2;'],
    ['3;x\r', '3;x'],
    ['Host', 'Content-Length: 3\r\nHost'],
    ['chunked', 'chunked, chunked'],
    ['A: b', 'A : b'],
    ['1.1', '1.0'],
  ] as const) {
    t.same(readStrictly(length + chunks.replace(from, to) + length), [one], to)
  }
  t.end()
})
