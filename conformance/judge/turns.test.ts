import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { play } from './exchange.ts'
import type { Fence } from './fence.ts'
import { sections } from './page.ts'
import { judgeRuleExchange, parseTurns } from './turns.ts'
import type { Stage } from './turns.ts'

const PATIENCE = { missing: 5000, quiet: 20, whole: 10_000, coarse: true }

/** Long enough for what never comes. */
const IMPATIENCE = { ...PATIENCE, missing: 500 }

function fencesOf(text: string): Fence[] {
  const [section] = sections(`## a/b\n${text}`, 'test.md')
  return section?.fences ?? []
}

function fence(kind: string, ...lines: string[]): string {
  return ['```' + kind, ...lines, '```', ''].join('\n')
}

/** A stage on which nothing happens but what a test looks at. */
class Quiet implements Stage {
  readonly acts: string[] = []

  act({ kind }: Fence) {
    return () => void this.acts.push(kind)
  }

  sigterm() {
    return () => Promise.resolve(void this.acts.push('SIGTERM'))
  }

  text(name: string) {
    return name === 'known' ? 'k' : undefined
  }
}

const ROOM = { authority: 'localhost', path: '/', body: '', post: undefined }

/** Hold a conversation with a server that does something for each request. */
async function judge(
  t: Test,
  page: string,
  respond: (request: string, socket: Socket) => void,
  patience = PATIENCE,
) {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    socket.on('data', (data) => {
      respond(data.toString('latin1'), socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const stage = new Quiet()
  const exchange = parseTurns(fencesOf(page), 'test.md', 'test.md:1', ROOM, stage)
  const { port } = server.address() as AddressInfo
  const outcome = await play(exchange, { host: '127.0.0.1', port }, undefined, patience)
  const { verdict, findings } = judgeRuleExchange(exchange, outcome)
  return { said: [verdict, ...findings.map(({ flaw }) => flaw)], findings, stage, outcome }
}

function response(body: string, ...fields: string[]): string {
  const length = `Content-Length: ${String(body.length)}`
  return ['HTTP/1.1 200 OK', length, ...fields, '', body].join('\r\n')
}

const GET = (path: string) => fence('request', `GET ${path} HTTP/1.1`, '')

t.test('a signal is sent while a request is under way', async (t) => {
  const page =
    fence('request', 'GET /b HTTP/1.1', '', '{{wait-for:begun}}', '{{sigterm}}', 'more\\') +
    fence('answer', '200', '', 'begun ended')
  const { said, stage } = await judge(t, page, (request, socket) => {
    const ended = request === 'more'
    socket.write(ended ? ' ended' : response('begun ended').replace(' ended', ''))
  })
  t.same([said, stage.acts], [['passed'], ['SIGTERM']])
})

t.test('a conversation ends when the client waits for something in vain', async (t) => {
  const after = ['{{wait-for:begun}}', '{{wait-for:never}}', '{{sigterm}}', '{{wait-for:nor this}}']
  const page = fence('request', 'GET /b HTTP/1.1', '', ...after) + fence('answer', '200')
  const respond = (_: string, socket: Socket) => void socket.write(response('begun'))
  const patience = { ...PATIENCE, missing: 100 }
  const { said, findings, stage, outcome } = await judge(t, page, respond, patience)
  t.same([said, stage.acts], [['lost', 'the client waited for "never" in vain'], []])
  t.equal(findings[0]?.line, 'begun', 'what has come instead is shown')
  t.equal(outcome.brokenAt, 2)
})

t.test('what has come is sent again, and must come back', async (t) => {
  const page =
    GET('/') +
    fence('answer', '200', 'ETag: {{save:tag:"[a-z]+"}}', '', 'tag={{tag}}') +
    fence('act') +
    fence('request', 'GET / HTTP/1.1', 'If-None-Match: {{tag}}', '') +
    fence('answer', '200', '', '{{tag}} {{known}}')
  const asked: string[] = []
  const { said, stage } = await judge(t, page, (request, socket) => {
    asked.push(request)
    const first = asked.length === 1
    socket.write(first ? response('tag="abc"', 'ETag: "abc"') : response('"abc" k'))
  })
  t.same(said, ['passed'])
  t.equal(asked[1], 'GET / HTTP/1.1\r\nIf-None-Match: "abc"\r\n\r\n')
  t.same(stage.acts, ['act'])
})

t.test('a conversation that is lost is broken off', async (t) => {
  const page =
    GET('/{{known}}') + fence('answer', '404') + fence('act') + GET('/2') + fence('answer', '200')
  const asked: string[] = []
  const { said, stage } = await judge(t, page, (request, socket) => {
    asked.push(request)
    socket.write(response(''))
  })
  t.same(said, ['lost', 'the status is 200 OK; expected 404'])
  t.equal(asked.length, 1)
  t.match(asked[0], /^GET \/k /)
  t.same(stage.acts, [], 'nor is anything done afterwards')
})

t.test('a conversation goes on over another connection if the server ends the first', async (t) => {
  const page =
    GET('/1') + fence('answer', '200', '', 'one') + GET('/2') + fence('answer', '200', '', 'two')
  const old = (body: string) => `HTTP/1.0 200 OK\r\n\r\n${body}`
  const bodies = ['one', 'two']
  const { said, outcome } = await judge(t, page, (_, socket) =>
    socket.end(old(bodies.shift() ?? '')),
  )
  t.same(said, ['passed'])
  t.equal(outcome.ends.length, 1)
})

t.test(
  'a body that ends with its connection has not been missed, and the next one has as long',
  async (t) => {
    const bodies = ['one', 'two', 'three']
    const page = bodies.map((body) => GET('/') + fence('answer', '200', '', body)).join('')
    const { said } = await judge(t, page, (_, socket) => {
      const response = `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${bodies.shift() ?? ''}`
      setTimeout(() => socket.end(response), 5 * PATIENCE.quiet)
    })
    t.same(said, ['passed'])
  },
)

t.test('after a 101, bytes come that are not HTTP', async (t) => {
  const page =
    GET('/') +
    fence('answer', '101') +
    fence('request', 'ping') +
    fence('response', 'pong\\') +
    fence('request', 'bye\\') +
    fence('response', '\\x01', '{{eof}}')
  const talk = (last: string) => (text: string, socket: Socket) => {
    if (text.startsWith('GET')) {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n')
    } else if (text.startsWith('ping')) {
      socket.write('pong')
    } else {
      socket.end(last)
    }
  }
  t.same((await judge(t, page, talk('\x01'))).said, ['passed'])
  t.same((await judge(t, page, talk('\x02'))).said, [
    'lost',
    'byte 61 is "\\u0002"; expected here: "\\u0001"',
  ])
  t.same((await judge(t, page, talk(''))).said, [
    'lost',
    'nothing more came: the server closed the connection',
  ])
  t.same((await judge(t, page, talk('\x01\x02'))).said, ['lost', 'nothing more was expected'])
})

t.test('after a 101 and the end of its connection, HTTP goes on over another one', async (t) => {
  const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n'
  const then =
    fence('request', 'HEAD / HTTP/1.1', '') +
    fence('answer', '200') +
    GET('/2') +
    fence('answer', '200', '', 'two')
  const frames = fence('request', 'bye\\') + fence('response', '\\x01', '{{eof}}')
  const bytes = fence('response', ...SWITCH.split('\r\n').slice(0, -1), '\\', '{{eof}}')
  for (const [what, page, end, last] of [
    ['at once', GET('/') + fence('answer', '101', '{{eof}}'), 'GET', SWITCH],
    ['byte for byte', GET('/') + bytes, 'GET', SWITCH],
    ['after a frame', GET('/') + fence('answer', '101') + frames, 'bye', '\x01'],
  ] as const) {
    const server = (how: 'end' | 'write', text: string) => (request: string, socket: Socket) => {
      if (request.startsWith('HEAD')) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n')
      } else if (request.startsWith('GET /2')) {
        socket.write(response('two'))
      } else if (request.startsWith(end)) {
        socket[how](text)
      } else {
        socket.write(SWITCH)
      }
    }
    const saidOf = async (how: 'end' | 'write', text: string, patience = PATIENCE) =>
      (await judge(t, page + then, server(how, text), patience)).said.join(': ')
    t.equal(await saidOf('end', last), 'passed', what)
    t.equal(
      await saidOf('end', `${last}\x02`),
      'lost: nothing more was expected',
      `${what}, and a byte too many`,
    )
    t.equal(
      await saidOf('write', last, IMPATIENCE),
      'lost: the connection stays open; the server must close it',
      `${what}, and no end`,
    )
  }
  const page = GET('/') + fence('answer', '101') + frames
  const closed = ['lost', 'nothing more came: the server closed the connection']
  const { said, outcome } = await judge(t, page, (text, socket) => {
    const switched = SWITCH.replace('upgrade', 'upgrade, close')
    socket.end(text.startsWith('GET') ? switched : '\x01')
  })
  t.same(said, closed)
  t.same(outcome.ends, [], 'no frame is sent over a connection on which nothing was agreed')
})

t.test('what is written must be sent at once', async (t) => {
  const page = GET('/') + fence('answer', '200', '{{apart:50:one:two}}')
  const chunk = (text: string) => `3\r\n${text}\r\n`
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  const slowly = (_: string, socket: Socket) => {
    socket.write(head + chunk('one'))
    setTimeout(() => socket.write(`${chunk('two')}0\r\n\r\n`), 200)
  }
  t.same((await judge(t, page, slowly)).said, ['passed'])
  const { said } = await judge(t, page, (_, socket) => {
    socket.write(`${head}${chunk('one')}${chunk('two')}0\r\n\r\n`)
  })
  t.same(said, [
    'lost',
    '"two" came sooner than 50 ms after "one": what is written must be sent at once, and not all at the end',
  ])
  const none = await judge(t, page, (_, socket) => socket.write(response('one')))
  t.same(none.said, ['lost', 'the body has no "two"'])
})

t.test('parseTurns() says what is wrong with a page', async (t) => {
  const broken: [string, string][] = [
    [
      GET('/') + fence('answer', '200', '{{apart:x}}'),
      'test.md:6: "{{apart:x}}" is not {{apart:MILLISECONDS:ONE:OTHER}}',
    ],
    [
      GET('/') + fence('answer', '101', '', 'x'),
      'test.md:6: a 101 has no body; what comes after it stands in a fence "response", below a request',
    ],
    [GET('/{{id}}') + fence('answer', '200'), 'test.md:2: there is no "{{id}}"; there are re:'],
    [
      fence('response', 'x'),
      'test.md:2: nothing has been sent over connection "a" that is answered',
    ],
  ]
  for (const [page, flaw] of broken) {
    t.throws(() => parseTurns(fencesOf(page), 'test.md', 'test.md:1', ROOM, new Quiet()), {
      message: new RegExp(`^${flaw.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
    })
  }
})
