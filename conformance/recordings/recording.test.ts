import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Deviation } from '../judge/deviations.ts'
import { normalise, normaliseLog, readRecordings, replayCase } from './recording.ts'
import type { RecordedCase, Recording } from './recording.ts'
import { runRecordings } from '../run/run.ts'
import { BasehttpTarget } from '../targets/library.ts'

const CASE: RecordedCase = {
  id: 'family-custom11-one',
  title: 'one',
  server: 'custom11',
  tags: ['family'],
  send: [{ latin1: 'GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' }],
  half_close: false,
}

const RECORDING: Recording = {
  id: CASE.id,
  response:
    'HTTP/1.1 200 OK\r\nServer: BaseHTTP/0.6 Python/@PY@\r\nDate: @DATE@\r\n' +
    'Content-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /x\n',
  closed: true,
  log: ['127.0.0.1 - - [@TIME@] "GET /x HTTP/1.1" 200 -'],
}

t.test('normalise() replaces what varies', async (t) => {
  const response =
    'HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6 Node/20.20.2\r\n' +
    'Date: Thu, 06 Oct 2016 20:44:11 GMT\r\nLast-Modified: Thu, 06 Oct 2016 20:44:11 GMT\r\n\r\n' +
    "('127.0.0.1', 52934) Python/3.13.0\n"
  const expected =
    'HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6 Python/@PY@\r\nDate: @DATE@\r\n' +
    "Last-Modified: @DATE@\r\n\r\n('127.0.0.1', @PORT@) Python/@PY@\n"
  t.equal(normalise(response, 'send_header'), expected)
  t.match(normalise(response, 'simple'), /^Last-Modified: Thu, 06 Oct 2016/m)
  t.equal(normalise('x\nForm data:\n\tb=1\n\ta=2\n', 'post'), 'x\nForm data:\n\ta=2\n\tb=1\n')
  t.equal(normalise('no form', 'post'), 'no form')
})

t.test('normaliseLog() replaces times and reports of exceptions', async (t) => {
  const dashes = '-'.repeat(40)
  t.same(
    normaliseLog(
      `127.0.0.1 - - [06/Oct/2016 17:00:54] "x" 200 -\n${dashes}\nError: boom\n${dashes}\nlast\n`,
    ),
    ['127.0.0.1 - - [@TIME@] "x" 200 -', '<exception Error: boom>', 'last'],
  )
  t.same(normaliseLog(''), [])
  t.same(normaliseLog(`${dashes}\nunfinished`), ['<exception unfinished>'])
})

t.test('the steps of a recording become actions', async (t) => {
  const { actions } = replayCase(
    {
      ...CASE,
      send: [
        { latin1: 'ab', times: 2 },
        { base64: 'Yw==' },
        { pause_ms: 5 },
        { latin1: 'de', split_ms: 1 },
        { wait_for: 'x' },
      ],
      half_close: true,
    },
    RECORDING,
    'cpython-3.13',
  )
  t.same(actions, [
    { do: 'send', bytes: Buffer.from('ababc') },
    { do: 'pause', ms: 5 },
    { do: 'send', bytes: Buffer.from('d') },
    { do: 'pause', ms: 1 },
    { do: 'send', bytes: Buffer.from('e') },
    { do: 'pause', ms: 1 },
    { do: 'wait-for', text: 'x' },
    { do: 'half-close' },
  ])
})

t.test('recordings are read from files', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-recordings-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const write = (name: string, value: unknown) => {
    const path = join(folder, name)
    writeFileSync(path, JSON.stringify(value))
    return path
  }
  write('cases.json', { cases: [CASE] })
  write('cpython-1.json', { records: [RECORDING] })
  write('cpython-2.json', { records: [] })
  t.match(readRecordings(folder, 'cpython-1'), [{ id: 'cpython-1/family-custom11-one' }])
  t.throws(() => readRecordings(folder, 'cpython-2'), {
    message: 'cpython-2.json has no response for the case "family-custom11-one"',
  })
})

t.test('a replay agrees, deviates as declared, or fails', async (t) => {
  const target = new BasehttpTarget('oracle.js')
  const verdict = async (recording: Recording, deviation?: Deviation) => {
    const deviations = new Map(deviation === undefined ? [] : [[CASE.id, [deviation]]])
    const cases = [replayCase(CASE, recording, 'cpython-3.13')]
    const [result] = await runRecordings(target, cases, { root: process.cwd(), deviations })
    return `${String(result?.verdict)}: ${(result?.findings ?? []).map(({ flaw }) => flaw).join()}`
  }
  t.equal(await verdict(RECORDING), 'pass: ')
  const other = { ...RECORDING, response: 'HTTP/1.1 404 Not Found\r\n\r\n' }
  t.equal(await verdict(other), 'fail: response differs from the recording')
  t.equal(await verdict(other, { because: 'x', status: 'HTTP/1\\.1 200 OK' }), 'expected failure: ')
  t.equal(
    await verdict(other, { because: 'x', status: 'HTTP/1\\.1 400' }),
    'fail: response differs from the recording',
  )
  t.equal(
    await verdict(other, { because: 'x', response: 'something else' }),
    'fail: response differs from the recording',
  )
  t.equal(
    await verdict(RECORDING, { because: 'x', status: 'HTTP/1\\.1 200 OK' }),
    'unexpected pass: it passes, but "family-custom11-one" declares that it does not: remove the row',
  )
  t.equal(
    await verdict({ ...RECORDING, log: ['more', 'lines'] }),
    'fail: log differs from the recording',
  )
})
