/**
 * Rules against servers that are wrong in one thing each.
 */

import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { runRules } from './rules.ts'
import type { Result } from './lanes.ts'
import { parseRules } from '../judge/rule.ts'
import type { Need } from '../judge/rule.ts'
import { HANG_LIMIT, patiently } from '../patience.ts'
import type { Target } from '../targets/target.ts'

t.setTimeout(HANG_LIMIT)

const GET = 'GET {{path}} HTTP/1.1\nHost: {{authority}}\n'

function rule(id: string, fences: string, meta = {}): string {
  const about = JSON.stringify({ level: 'MUST', source: 'rfc:9112#3.2', ...meta })
  return `## ${id}\n\n<!-- rule=${about} -->\n\nWhy.\n\n${fences}\n`
}

function fence(kind: string, text: string): string {
  return `\`\`\`${kind}\n${text}\n\`\`\`\n`
}

const request = (text: string) => fence('request', text)
const answer = (text: string) => fence('answer', text)

const CONTROL = rule('control/get', request(GET) + answer('200\n\n{{body}}'), {
  control: 'control/get',
})
const MISSING = rule('host/missing', request('GET {{path}} HTTP/1.1\n') + answer('400'))

/** What a server does with what it has received: return what to send, or do it itself. */
type Behaviour = (received: string, socket: Socket, server: Server) => string | undefined

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const BAD = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'

/**
 * A target whose servers are in this process.
 *
 * @param shared - whether all connections have one buffer
 */
function target(behave: Behaviour, counts: { starts: number }, shared: boolean): Target {
  let buffer = ''
  return {
    name: 'test',
    apps: new Set(['rfc']),
    lanes: 1,
    async start() {
      counts.starts++
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        let own = ''
        socket.on('error', () => {})
        socket.on('data', (data) => {
          let received = (shared ? buffer : own) + data.toString('latin1')
          if (received.includes('\r\n\r\n')) {
            const response = behave(received, socket, server)
            received = ''
            socket.write(response ?? '')
          }
          if (shared) {
            buffer = received
          } else {
            own = received
          }
        })
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as { port: number }
      return {
        host: '127.0.0.1',
        port,
        utcOffset: undefined,
        log: () => 'its log\n',
        said: () => [{ stream: 'stderr', text: 'its log\n' }],
        ending: () => Promise.resolve(undefined),
        alive: () => server.listening,
        async stop() {
          for (const socket of sockets) {
            socket.destroy()
          }
          if (server.listening) {
            server.close()
            await once(server, 'close')
          }
        },
      }
    },
  }
}

/** Nobody waits long for what these servers do not send. */
const patience = { missing: patiently(500), quiet: 50, whole: patiently(1000), coarse: true }

/** Run a page's rules; give their ids, verdicts and first findings. */
async function run(
  page: string,
  behave: Behaviour,
  {
    post = false,
    counts = { starts: 0 },
    shared = false,
    until = Infinity,
    version = 'HTTP/1.1',
  } = {},
) {
  const rules = parseRules(page, 'test.md')
  const facts = { path: '/x', body: 'hello', post: post ? '/post' : undefined }
  const has = new Set<Need>(post ? ['path', 'post'] : ['path'])
  const settings = { app: 'rfc', facts, has, ours: true, patience, until, version }
  const results = await runRules(target(behave, counts, shared), rules, rules, settings)
  return results.map(({ id, verdict, findings: [first] }: Result) => {
    return first === undefined ? [id, verdict] : [id, verdict, first.flaw]
  })
}

const hasHost = (received: string) => /^Host: /m.test(received)

t.test('a rule is passed between two controls', async (t) => {
  const seen: boolean[] = []
  const behave = (received: string) => {
    seen.push(hasHost(received))
    return hasHost(received) ? OK : BAD
  }
  t.same(await run(CONTROL + MISSING, behave), [
    ['control/get', 'pass'],
    ['host/missing', 'pass'],
  ])
  // The control as a rule; before; the rule; after.
  t.same(seen, [true, true, false, true])
})

t.test('a rule is lost if it is so twice', async (t) => {
  const flaw = 'the status is 200 OK; expected 400'
  t.same((await run(CONTROL + MISSING, () => OK))[1], ['host/missing', 'fail', flaw])
  const may = MISSING.replace('MUST', 'SHOULD')
  t.same((await run(CONTROL + may, () => OK))[1], ['host/missing', 'warn', flaw])
})

t.test('a rule that is not the same twice is unsteady', async (t) => {
  let times = 0
  const behave = (received: string) => (!hasHost(received) && times++ > 0 ? BAD : OK)
  t.same((await run(CONTROL + MISSING, behave))[1], [
    'host/missing',
    'unsteady',
    'it is fail once and pass once: the status is 200 OK; expected 400',
  ])
})

t.test('who refuses everything is told nothing', async (t) => {
  const flaw = 'the status is 400 Bad Request; expected 200'
  t.same(await run(CONTROL + MISSING, () => BAD), [
    ['control/get', 'fail', flaw],
    ['host/missing', 'untold', `its control, control/get, is not served: ${flaw}`],
  ])
})

t.test('a control that is not served afterwards tells nothing', async (t) => {
  const counts = { starts: 0 }
  const spoilt = new WeakSet<Server>()
  const behave: Behaviour = (received, _, server) => {
    if (!hasHost(received)) {
      spoilt.add(server)
    }
    return hasHost(received) && !spoilt.has(server) ? OK : BAD
  }
  const other = MISSING.replace('host/missing', 'host/other').replace('{{path}}', '/other')
  const told = await run(CONTROL + MISSING + other, behave, { counts })
  const flaw =
    'afterwards, its control, control/get, is not served: the status is 400 Bad Request; expected 200'
  t.same(told.slice(1), [
    ['host/missing', 'untold', flaw],
    ['host/other', 'untold', flaw],
  ])
  t.ok(counts.starts > 2, 'the next rule has a new server')
})

t.test('a control that an earlier rule has spoilt gets a new server', async (t) => {
  const spoilt = new WeakSet<Server>()
  const behave: Behaviour = (received, _, server) => {
    if (received.startsWith('POST')) {
      return spoilt.has(server) ? BAD : OK
    }
    if (!hasHost(received)) {
      spoilt.add(server)
      return BAD
    }
    return OK
  }
  const post = request('POST {{path}} HTTP/1.1\nHost: {{authority}}\nContent-Length: 0\n')
  const page =
    CONTROL +
    rule('control/post', post + answer('200'), { control: 'control/post' }) +
    MISSING +
    rule('post/twice', post + answer('200'), { control: 'control/post' })
  t.same((await run(page, behave)).at(-1), ['post/twice', 'pass'])
})

t.test('a server that dies is told, and started again', async (t) => {
  const counts = { starts: 0 }
  const behave: Behaviour = (received, socket, server) => {
    if (hasHost(received)) {
      return OK
    }
    socket.destroy()
    server.close()
    return undefined
  }
  const again = MISSING.replace('host/missing', 'host/later').replace('GET {', 'HEAD {')
  const closed = again.replace('```answer\n400', '```answer\nclosed')
  const told = await run(CONTROL + MISSING + closed, behave, { counts })
  const dead = 'the server is dead afterwards; its last words:\nits log'
  t.same(told, [
    ['control/get', 'pass'],
    ['host/missing', 'dies', dead],
    ['host/later', 'dies', dead],
  ])
  t.equal(counts.starts, 4)
})

t.test('what the RFC leaves open is neither won nor lost', async (t) => {
  const page = CONTROL + MISSING + fence('answer allowed', '200')
  t.same((await run(page, () => OK))[1], ['host/missing', 'allowed'])
  const closes: Behaviour = (received, socket) => {
    if (hasHost(received)) {
      return OK
    }
    socket.end()
    return undefined
  }
  t.same((await run(CONTROL + MISSING + answer('closed'), closes))[1], ['host/missing', 'pass'])
})

t.test('what a client waits for in vain is lost', async (t) => {
  const asks = request(
    'PUT {{path}} HTTP/1.1\nHost: {{authority}}\n\n{{wait-for:HTTP/1.}}\nhello\\',
  )
  const page = CONTROL + rule('expect/late', asks + fence('answer allowed', '200'))
  const late: Behaviour = (received) => (received.startsWith('PUT') ? undefined : OK)
  const eager = () => OK
  t.same((await run(page, eager))[1], ['expect/late', 'allowed'])
  const flaw = 'the client waited for "HTTP/1." in vain'
  t.same((await run(page, late))[1], ['expect/late', 'fail', flaw])
})

t.test('RFC 9112 does not bind a server of HTTP/1.0', async (t) => {
  const semantics = MISSING.replace('host/missing', 'host/other').replace('9112', '9110')
  const safe = MISSING.replace('host/missing', 'host/safe').replace('MUST', 'safe')
  const page = CONTROL + MISSING + semantics + safe
  const flaw = 'the status is 200 OK; expected 400'
  t.same((await run(page, () => OK, { version: 'HTTP/1.0' })).slice(1), [
    ['host/missing', 'allowed'],
    ['host/other', 'fail', flaw],
    ['host/safe', 'fail', flaw],
  ])
  const strict = (received: string) => (hasHost(received) ? OK : BAD)
  t.same((await run(CONTROL + MISSING, strict, { version: 'HTTP/1.0' }))[1], [
    'host/missing',
    'pass',
  ])
})

t.test('what is not there is skipped', async (t) => {
  const page = CONTROL + MISSING.replace('"MUST"', '"MUST","needs":["post"]')
  const behave = (received: string) => (hasHost(received) ? OK : BAD)
  t.same((await run(page, behave))[1], [
    'host/missing',
    'skip',
    'it needs a resource that takes a body: --post /x',
  ])
  t.same((await run(page, behave, { post: true }))[1], ['host/missing', 'pass'])
})

t.test('requests in a pipeline, and one after the other', async (t) => {
  const two = request(`${GET}\n${GET}`) + answer('200\n\n{{body}}\n{{then}}\n200\n\n{{body}}')
  const page =
    CONTROL +
    rule('pipeline/two', two) +
    rule('turns/two', (request(GET) + answer('200')).repeat(2))
  const behave = (received: string) => OK.repeat(received.split('GET').length - 1)
  t.same((await run(page, behave)).slice(1), [
    ['pipeline/two', 'pass'],
    ['turns/two', 'pass'],
  ])
  t.match((await run(page, () => OK)).slice(1), [
    ['pipeline/two', 'fail', /^response 2: there is no further response: time-out/],
    ['turns/two', 'pass'],
  ])
})

t.test('a server that floods, or trickles, is given up', async (t) => {
  const flood: Behaviour = (received, socket) => {
    if (hasHost(received)) {
      return OK
    }
    const block = Buffer.alloc(1 << 20, 'x')
    const pour = () => {
      while (!socket.destroyed && socket.write(block));
    }
    socket.on('drain', pour)
    pour()
    return undefined
  }
  t.match((await run(CONTROL + MISSING, flood))[1], ['host/missing', 'fail', /./])
  const trickle: Behaviour = (received, socket) => {
    if (hasHost(received)) {
      return OK
    }
    const timer = setInterval(() => socket.write('x'), 50)
    socket.on('close', () => {
      clearInterval(timer)
    })
    return 'HTTP/1.1 400 '
  }
  t.match((await run(CONTROL + MISSING, trickle))[1], ['host/missing', 'fail', /./])
})

t.test('when the time is over, nothing more is run', async (t) => {
  const counts = { starts: 0 }
  t.same(await run(CONTROL, () => OK, { counts, until: performance.now() - 1 }), [
    ['control/get', 'dependent', 'not run: the time of the run is over'],
  ])
  t.equal(counts.starts, 0)
})

t.test('several connections at once, and a client that leaves', async (t) => {
  const both =
    request(
      `GET {{path}} HT\\\n{{pause:50}}\n{{line:b}}\n${GET}\n{{pause:50}}\n{{line:a}}\nTP/1.1\nHost: {{authority}}\n`,
    ) +
    answer('200\n\n{{body}}') +
    answer('{{line:b}}\n200\n\n{{body}}')
  const left = request(`${GET}\n{{reset}}\n{{new}}\n${GET}`) + answer('200')
  const page = CONTROL + rule('sturdy/two', both) + rule('sturdy/reset', left)
  t.same((await run(page, () => OK)).slice(1), [
    ['sturdy/two', 'pass'],
    ['sturdy/reset', 'pass'],
  ])
  const strict = (received: string) => {
    return /^GET \S+ HTTP\/1\.1\r\nHost: \S+\r\n\r\n$/.test(received) ? OK : BAD
  }
  const [, [, verdict, flaw] = []] = await run(page, strict, { shared: true })
  t.same([verdict, flaw], ['fail', 'connection "a": the status is 400 Bad Request; expected 200'])
})
