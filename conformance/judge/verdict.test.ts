import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { play } from './exchange.ts'
import { parsePage } from './page.ts'
import type { Case } from './page.ts'
import { hole } from './pattern.ts'
import { judge, judgeLog, judgeText } from './verdict.ts'

const MINUTE = 60_000

function flaws(holes: string[], text: string): string[] {
  const pattern = holes.flatMap((name) => [hole(name), { literal: '\n' }])
  return judgeText([pattern], text, 4711).map(({ flaw }) => flaw)
}

t.test('a date is a date, and now', async (t) => {
  const now = (offset: number) => new Date(Date.now() + offset).toUTCString() + '\n'
  t.same(flaws(['http-date'], now(0)), [])
  t.same(flaws(['http-date'], now(-MINUTE)), [])
  t.same(flaws(['http-date'], now(60 * MINUTE)), ['this is not the time of the response'])
  t.same(flaws(['http-date'], 'Fri, 06 Oct 2016 20:44:11 GMT\n'), ['there is no such date'])
  t.same(flaws(['http-date'], 'Thu, 31 Sep 2016 20:44:11 GMT\n'), ['there is no such date'])
  t.same(flaws(['http-date'], 'Thu, 06 Oct 2016 25:44:11 GMT\n'), ['there is no such date'])
})

t.test('the time of the log is the local time', async (t) => {
  const log = (time: number, utcOffset?: number) => {
    const [, day, month, year, clock] = new Date(time).toUTCString().split(' ')
    const line = `${String(day)}/${String(month)}/${String(year)} ${String(clock)}\n`
    return judgeLog([[hole('log-date')]], line, utcOffset).map(({ flaw }) => flaw)
  }
  t.same(log(Date.now() - 240 * MINUTE, -240), [])
  t.same(log(Date.now(), -240), ['this is not the local time'])
  // Where the zone is not known, any zone will do; but not any time.
  t.same(log(Date.now() + 345 * MINUTE), [])
  t.same(log(Date.now() + 7 * MINUTE), ['this is not the local time'])
  t.match(judgeLog([[hole('log-date')]], '31/Sep/2016 10:00:00\n'), [
    { flaw: 'there is no such date' },
  ])
})

t.test('the same runtime stands everywhere, and the port is ours', async (t) => {
  t.same(flaws(['runtime', 'runtime'], 'Node/20.1.0\nNode/20.1.0\n'), [])
  t.same(flaws(['runtime', 'runtime'], 'Node/20.1.0\nNode/20.1.1\n'), [
    'earlier in this response it was Node/20.1.0',
  ])
  t.same(flaws(['client-port'], '4711\n'), [])
  t.same(flaws(['client-port'], '4712\n'), ["the client's port is 4711"])
})

// -- The fate of the connection --------------------------------------------------------------

const DATE = 'Date: Thu, 06 Oct 2016 21:12:10 GMT'
const SAYS: Record<string, string> = {
  '{{eof}}': `${DATE}\nConnection: close\n`,
  '{{open}}': `${DATE}\n`,
}

function pageCase(end: string): Case {
  const [one] = parsePage(
    [
      '## topic/name',
      '<!-- case={"app":"get","level":"must","source":"rfc:9112#9"} -->',
      'Why.',
      '```request\nGET / HTTP/1.1\n\n```',
      `\`\`\`response\nHTTP/1.1 204 No Content\n${SAYS[end] ?? ''}\n\n${end}\n\`\`\``,
    ].join('\n'),
    'test.md',
    () => '',
  ) as [Case]
  return one
}

/** Judge a server that does something after its response. */
async function fate(t: Test, end: string, then: (socket: Socket) => void): Promise<string[]> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(
        `HTTP/1.1 204 No Content\r\n${(SAYS[end] ?? '').replaceAll('\n', '\r\n')}\r\n`,
        () => {
          then(socket)
        },
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const patience = { missing: 100, quiet: 50, whole: 1000 }
  const one = pageCase(end)
  let open = false
  const whileOpen = async () => {
    open = true
  }
  const outcome = await play(one, { host: '127.0.0.1', port }, whileOpen, patience)
  t.equal(open, !outcome.closed)
  return judge(one, outcome).map(({ flaw }) => flaw)
}

t.test('a server that closes, stays, or resets', async (t) => {
  const close = (socket: Socket) => socket.end()
  const stay = () => {}
  const reset = (socket: Socket) => socket.resetAndDestroy()
  t.same(await fate(t, '{{eof}}', close), [])
  t.same(await fate(t, '{{open}}', stay), [])
  t.same(await fate(t, '{{eof}}', stay), ['the connection stays open all the same (RFC 9112 §9.6)'])
  t.same(await fate(t, '{{open}}', close), [
    'the server closed the connection; it must keep it open',
  ])
  t.same(await fate(t, '{{eof}}', reset), [
    'the server reset the connection; it must close it, or bytes under way are lost',
  ])
})

t.test('each connection is judged, and named', async (t) => {
  const fence = (kind: string, ...lines: string[]) => `\`\`\`${kind}\n${lines.join('\n')}\n\`\`\``
  const [one] = parsePage(
    [
      '## topic/name',
      '<!-- case={"app":"get","level":"must","source":"rfc:9112#9"} -->',
      'Why.',
      fence('request', 'GET /a HTTP/1.0', '', '{{line:b}}', 'GET /b HTTP/1.0', ''),
      fence('response', '{{line:a}}', 'HTTP/1.0 500 No', '', 'a\\', '{{eof}}'),
      fence('response', '{{line:b}}', 'HTTP/1.0 500 No', '', 'b\\', '{{eof}}'),
    ].join('\n'),
    'test.md',
    () => '',
  ) as [Case]
  const line = (body: string) => ({
    received: `HTTP/1.0 500 No\r\n\r\n${body}`,
    ends: [],
    arrivals: [],
    ...{ closed: true, reset: false, slow: false, flooded: false, late: 0, clientPort: 1 },
  })
  const judged = (a: string, b: string) => {
    const outcome = { ...line(a), waits: [], silences: [], beside: new Map([['b', line(b)]]) }
    return judge(one, outcome).map(({ flaw }) => flaw)
  }
  t.same(judged('a', 'b'), [])
  t.same(judged('b', 'a'), [
    'byte 19 is "b"; expected here: "a"',
    'over the connection "b": byte 19 is "a"; expected here: "b"',
  ])
})
