import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Deviations } from '../judge/deviations.ts'
import type { Action } from '../judge/exchange.ts'
import { runRecordings } from '../run/run.ts'
import type { Target } from '../targets/target.ts'
import { replayCase } from './recording.ts'
import type { RecordedCase, Recording } from './recording.ts'
import { withAgain } from './with-field.ts'

const HOST = 'Host: example.org\r\n'
const REFUSAL = 'HTTP/1.1 400 Bad Host header\r\nConnection: close\r\n\r\n'

const declared = (own = {}): Deviations =>
  new Map(
    Object.entries({
      'a-custom11-x': [
        { because: 'no Host', response: REFUSAL, closed: true, again: HOST.trimEnd() },
      ],
      ...own,
    }),
  )

/** It closes: what is missing need not be waited for. */
const recorded = (send: RecordedCase['send'], response = '') => {
  const one = { id: 'a-custom11-x', title: 'x', server: 'custom11', tags: ['a'], send }
  return replayCase(one, { id: one.id, response, closed: true, log: [] }, 'cpython-3.13')
}

/** What is sent, pauses as bars. */
const sent = (actions: readonly Action[]) =>
  actions.map((one) => (one.do === 'send' ? one.bytes.toString('latin1') : '|')).join('')

t.test('a case is there once more, with the field, where its row says so', async (t) => {
  const one = recorded([{ latin1: 'GET / HTTP/1.1\r\n\r\n' }])
  const other = { ...one, id: 'cpython-3.13/b' }
  const cases = withAgain([one, other], declared())
  t.same(
    cases.map(({ id }) => id),
    ['cpython-3.13/a-custom11-x', 'cpython-3.13/a-custom11-x/again', 'cpython-3.13/b'],
  )
  t.equal(cases[0], one)
  t.equal(sent(cases[1]?.actions ?? []), `GET / HTTP/1.1\r\n${HOST}\r\n`)
})

t.test('the field goes into each head that lacks it, and the pieces stay', async (t) => {
  const again = (...send: RecordedCase['send'][number][]) =>
    sent(withAgain([recorded(send)], declared())[1]?.actions ?? [])
  const get = 'GET / HTTP/1.1\r\n'
  for (const [what, expected] of [
    [`${get}A: 1\r\n\r\n${get}\r\n`, `${get}${HOST}A: 1\r\n\r\n${get}${HOST}\r\n`],
    // After a body.
    [`PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi${get}\r\n`, undefined],
    [`${get}A: 1\r\nhost: x\r\n\r\n${get}\r\n`, `${get}A: 1\r\nhost: x\r\n\r\n${get}${HOST}\r\n`],
    ['GET / HTTP/1.1\nA: 1\n\n', `GET / HTTP/1.1\n${HOST}A: 1\n\n`],
    ['GET / HTTP/1.2\r\n\r\n', `GET / HTTP/1.2\r\n${HOST}\r\n`],
    ['GET / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n'],
    ['GET / HTTP/1.10\r\n\r\n', 'GET / HTTP/1.10\r\n\r\n'],
    ['GET /\r\n\r\n', 'GET /\r\n\r\n'],
    [`${get}A: \xff\r\n\r\n`, `${get}${HOST}A: \xff\r\n\r\n`],
  ] as const) {
    t.equal(again({ latin1: what }), expected ?? what.replace(/ HTTP\/1\.1\r\n/g, `$&${HOST}`))
  }
  const cut = again({ latin1: 'GET / HTTP/1.1\r' }, { pause_ms: 1 }, { latin1: '\n\r\n' })
  t.equal(cut, `GET / HTTP/1.1\r|\n${HOST}\r\n`)
  const bytes = again({ latin1: `${get}\r\n`, split_ms: 1 })
  t.equal(bytes, `${Array.from(get).join('|')}|\r|\n|`.replace(/\n\|/, `\n${HOST}|`))
})

t.test('a response that says what the request had says so of the field, too', async (t) => {
  const expected = (response: string) =>
    withAgain([recorded([], response)], declared())[1]?.recording.response
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: '
  const echo = 'command="ECHO"\npath="/"\nrequest_version="x"\nrequestline="y"\n'
  t.equal(
    expected(`${head}88\r\n\r\n${echo}close_connection=false\n"A": "1"\n`),
    `${head}110\r\n\r\n${echo}close_connection=false\n"Host": "example.org"\n"A": "1"\n`,
  )
  const lookup = `${head}37\r\n\r\nget=null\nget_all=null\nin=false\nlen=`
  t.equal(expected(`${lookup}3\n`), `${lookup}4\n`)
  const plain = `${head}6\r\n\r\nlen=3\n`
  t.equal(expected(plain), plain)
})

/** A target whose servers send this to a request without a Host, that to one with it, and close. */
function serving(without: string, withHost: string): Target {
  return {
    name: 'a server',
    apps: new Set(['custom11']),
    async start() {
      const server = createServer((socket) => {
        socket.on('error', () => {})
        socket.on('data', (data) => {
          socket.end(data.includes('Host:') ? withHost : without)
        })
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      return {
        host: '127.0.0.1',
        port,
        utcOffset: undefined,
        log: () => undefined,
        said: () => [],
        alive: () => true,
        ending: async () => undefined,
        async stop() {
          server.close()
          await once(server, 'close')
        },
      }
    },
  }
}

t.test('a server that is right about Host is still judged by the rest', async (t) => {
  const RECORDED = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc'
  const WRONG = RECORDED.replace('abc', 'abd')
  const one = recorded([{ latin1: 'GET / HTTP/1.1\r\n\r\n' }], RECORDED)
  const verdicts = async (without: string, withHost: string, own = {}) => {
    const deviations = declared(own)
    const settings = { root: process.cwd(), deviations }
    const results = await runRecordings(
      serving(without, withHost),
      withAgain([one], deviations),
      settings,
    )
    return results.map(({ verdict }) => verdict)
  }
  t.same(await verdicts(REFUSAL, RECORDED), ['expected failure', 'pass'])
  t.same(await verdicts(REFUSAL, WRONG), ['expected failure', 'fail'], 'another body')
  t.same(await verdicts(REFUSAL, REFUSAL), ['expected failure', 'fail'], 'refuses all')
  t.same(await verdicts(RECORDED, RECORDED), ['unexpected pass', 'pass'], 'refuses none')
  const own = { 'a-custom11-x/again': [{ because: 'so', response: WRONG }] }
  t.same(await verdicts(REFUSAL, WRONG, own), ['expected failure', 'expected failure'])
  t.same(await verdicts(REFUSAL, RECORDED, own), ['expected failure', 'unexpected pass'])
})

t.test('older recordings follow the newer ones, there too', async (t) => {
  const RECORDED = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nnew'
  const OLD = RECORDED.replace('new', 'old')
  const send = [{ latin1: 'GET / HTTP/1.1\r\n\r\n' }]
  const newer = recorded(send, RECORDED)
  const recording: Recording = { ...newer.recording, response: OLD }
  const older = { ...recorded(send, OLD), id: 'cpython-3.6/a-custom11-x', recording }
  const as = [{ because: 'newer', as: 'cpython-3.13' }]
  const deviations = declared({ 'cpython-3.6/*': as, 'cpython-3.6/*/again': as })
  const others = new Map(withAgain([newer], deviations).map((other) => [other.id, other]))
  for (const [withHost, verdict] of [
    [RECORDED, 'expected failure'],
    [OLD, 'pass'],
    [RECORDED.replace('new', 'xxx'), 'fail'],
  ] as const) {
    const settings = { root: process.cwd(), deviations }
    const cases = withAgain([older], deviations)
    const results = await runRecordings(serving(REFUSAL, withHost), cases, settings, others)
    t.same(
      results.map((result) => result.verdict),
      ['expected failure', verdict],
    )
  }
})
