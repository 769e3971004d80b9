/**
 * Wrong transports around right handlers: what goes wrong between a socket and a handler, and the
 * case of `18-clients.md` that finds it.
 *
 * Each is the same server, which is right, with a change of a line or two. Students make these
 * mistakes, and so have programs that many people use: a test with one client that sends its request
 * at once and waits for the end of the response sees none of them.
 */

import t from 'tap'
import { HANG_LIMIT } from '../patience.ts'
import { judge } from '../testing.ts'

// Each test starts processes, and a busy machine takes its time.
t.setTimeout(5 * HANG_LIMIT)

/** A right server for `custom10`, `custom11` and `simple11`, as far as these cases ask. */
const RIGHT = `
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

export default {
  apps: ['custom10', 'custom11', 'simple11'],
  async start(app, { port, root }) {
    const server = createServer((socket) => {
      const state = { received: Buffer.alloc(0), busy: false, count: 0 }
      socket.on('error', () => {})
      socket.on('data', async (data) => {
        state.received = Buffer.concat([state.received, data])
        if (!state.busy) {
          state.busy = true
          while (await take(socket, state)) {}
          state.busy = false
        }
      })
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return { port: server.address().port }

    async function take(socket, state) {
      const end = state.received.indexOf('\\r\\n\\r\\n') + 4
      if (end === 3) return false
      const head = state.received.toString('latin1', 0, end)
      const length = Number(/^content-length: *([0-9]+)/im.exec(head)?.[1] ?? 0)
      if (state.received.length < end + length) return false
      const body = state.received.subarray(end, end + length)
      state.received = state.received.subarray(end + length)
      state.count++
      const [method, target, version] = head.split('\\r\\n', 1)[0].split(' ')
      const closes = version === 'HTTP/1.0' || method === 'CLOSE' || /^connection: *close/im.test(head)
      await send(socket, Buffer.concat(respond(method, target, body, closes && version === 'HTTP/1.1')))
      if (closes) socket.end()
      return !closes
    }

    async function send(socket, response) {
      if (!socket.write(response) && !socket.destroyed) {
        await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve))
      }
    }

    function respond(method, target, body, says) {
      const files = app === 'simple11'
      const content = files
        ? readFileSync(root + target)
        : method === 'CLOSE'
        ? Buffer.alloc(0)
        : Buffer.concat([Buffer.from(method === 'GET' ? 'GET ' + target + '\\n' : method + ' ' + target + ' ' + body.length + '\\n'), body])
      const lines = [
        'HTTP/' + (app === 'custom10' ? '1.0' : '1.1') + ' 200 OK',
        'Server: ' + (files ? 'SimpleHTTP' : 'BaseHTTP') + '/0.6 Node/' + process.versions.node,
        'Date: ' + new Date().toUTCString(),
        ...(method === 'CLOSE' ? [] : [(files ? 'Content-type' : 'Content-Type') + ': text/plain']),
        'Content-Length: ' + content.length,
        ...(files ? ['Last-Modified: Thu, 06 Oct 2016 21:12:10 GMT'] : []),
        ...(says && app !== 'custom10' ? ['Connection: close'] : []),
      ]
      return [Buffer.from(lines.join('\\r\\n') + '\\r\\n\\r\\n'), content]
    }
  },
}
`

/** What is wrong, which case finds it, and the change. */
interface Wrong {
  readonly case: string
  readonly from: string
  readonly to: string
}

const STATE = 'const state = { received: Buffer.alloc(0), busy: false, count: 0 }'
const LISTENER = "socket.on('error', () => {})"
const WRITE = 'if (!socket.write(response) && !socket.destroyed) {'
const JOIN = 'state.received = Buffer.concat([state.received, data])'

const WRONG: Readonly<Record<string, Wrong>> = {
  'one buffer for all connections': {
    case: 'clients/two-at-once',
    from: STATE,
    to: `const state = (globalThis.state ??= ${STATE.slice('const state = '.length)})`,
  },
  'the response goes to the client that came last': {
    case: 'clients/two-at-once',
    from: `${STATE}\n`,
    to: `${STATE}\n      globalThis.current = socket\n`,
  },
  'the second client is turned away': {
    case: 'clients/two-at-once',
    from: STATE,
    to: `${STATE}; if (server.connectionsNow) return socket.destroy(); server.connectionsNow = 1; socket.on('close', () => { server.connectionsNow = 0 })`,
  },
  'nobody listens for errors': { case: 'clients/reset-in-the-head', from: LISTENER, to: '' },
  'nobody listens for errors while a body comes': {
    case: 'clients/reset-in-the-body',
    from: 'if (state.received.length < end + length) return false',
    to: "if (state.received.length < end + length) { socket.removeAllListeners('error'); return false }",
  },
  'nobody listens for errors while a response goes': {
    case: 'clients/reset-in-the-response',
    from: WRITE,
    to: `socket.removeAllListeners('error'); ${WRITE}`,
  },
  'one response at a time, and the client who should read it has left': {
    case: 'clients/leaves-in-the-response',
    from: "if (!socket.write(response) && !socket.destroyed) {\n        await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve))",
    to: "while (globalThis.sending) await new Promise((resolve) => setTimeout(resolve, 5))\n      if (!socket.write(response)) {\n        globalThis.sending = true\n        await new Promise((resolve) => socket.once('drain', resolve))\n        globalThis.sending = false",
  },
  'the tenth request over a connection is lost': {
    case: 'clients/hundred-requests',
    from: 'state.count++',
    to: 'if (++state.count === 10) return true',
  },
  'an idle connection is closed after 400 ms': {
    case: 'clients/pause-between-requests',
    from: LISTENER,
    to: `${LISTENER}; socket.setTimeout(400, () => socket.end())`,
  },
  'a head must be there within 400 ms': {
    case: 'clients/a-byte-at-a-time',
    from: LISTENER,
    to: `${LISTENER}; const timer = setTimeout(() => socket.destroy(), 400); socket.on('close', () => clearTimeout(timer))`,
  },
  'only the last two packets are joined': {
    case: 'clients/three-pieces',
    from: JOIN,
    to: 'state.received = Buffer.concat([state.last ?? Buffer.alloc(0), data]); state.last = data',
  },
  'a body is what has come of it': {
    case: 'clients/three-pieces',
    from: 'if (state.received.length < end + length) return false',
    to: '',
  },
  'a body ends at a mebibyte': {
    case: 'clients/ten-mebibytes',
    from: 'const body = state.received.subarray(end, end + length)',
    to: 'const body = state.received.subarray(end, end + Math.min(length, 1 << 20))',
  },
  'a buffer is used again before it is sent': {
    case: 'clients/ten-mebibytes',
    from: WRITE,
    to: `const buffer = Buffer.alloc(65536)
      for (let at = 0; at < response.length; at += buffer.length) {
        const length = response.copy(buffer, 0, at)
        socket.write(buffer.subarray(0, length))
      }
      if (socket.writableNeedDrain && !socket.destroyed) {`,
  },
  'a connection is never closed by the server': {
    case: 'clients/no-descriptor-is-kept',
    from: 'createServer((socket) => {',
    to: 'createServer({ allowHalfOpen: true }, (socket) => {',
  },
  'a body is kept for ever': {
    case: 'clients/no-body-is-kept',
    from: 'state.count++',
    to: 'state.count++; (globalThis.bodies ??= []).push(body)',
  },
  'a response goes through a string': {
    case: 'clients/bytes-that-are-no-text',
    from: WRITE,
    to: WRITE.replace('response', 'String(response)'),
  },
  'a request comes through a string': {
    case: 'clients/bytes-that-are-no-text',
    from: JOIN,
    to: 'state.received = Buffer.from(state.received.toString() + data.toString())',
  },
  'the socket is destroyed after the write': {
    case: 'clients/ten-mebibytes',
    from: "await send(socket, Buffer.concat(respond(method, target, body, closes && version === 'HTTP/1.1')))\n      if (closes) socket.end()",
    to: "const sent = send(socket, Buffer.concat(respond(method, target, body, closes && version === 'HTTP/1.1')))\n      if (closes) socket.destroy()\n      await sent",
  },
}

/** The server with a change. */
function changed({ from, to }: Wrong): string {
  if (RIGHT.split(from).length !== 2) {
    throw new Error(`The right server must have this once: ${from}`)
  }
  const text = RIGHT.replace(from, () => to)
  return to.includes('globalThis.current')
    ? text.replace('await send(socket,', 'await send(globalThis.current,')
    : text
}

t.test('the server without a change is right', async (t) => {
  const only = [...new Set(Object.values(WRONG).map((wrong) => wrong.case))]
  const { status, stdout } = await judge(t, RIGHT, { only })
  t.equal(status, 0, stdout)
  t.match(stdout, new RegExp(`: ${String(only.length)} passed, 0 failed`))
})

t.test('what a server opens for itself, late and once, is no leak', async (t) => {
  const server = changed({
    case: '',
    from: 'createServer((socket) => {',
    to: `createServer((socket) => {
      globalThis.clients = (globalThis.clients ?? 0) + 1
      if (globalThis.clients === 150) {
        import('node:fs').then(({ openSync }) => { for (let n = 0; n < 10; n++) openSync('/dev/null') })
      }`,
  })
  const { status, stdout } = await judge(t, server, { only: ['clients/no-descriptor-is-kept'] })
  t.equal(status, 0, stdout)
  t.notMatch(stdout, /unsteady/)
  t.match(stdout, /: 1 passed, 0 failed/)
})

t.test('each wrong transport is found, by its case', { jobs: 4 }, (t) => {
  for (const [name, wrong] of Object.entries(WRONG)) {
    t.test(name, async (t) => {
      const run = await judge(t, changed(wrong), { only: [wrong.case], patience: 0.5 })
      t.match(run.stdout, new RegExp(`^not ok ${wrong.case} `, 'm'))
    })
  }
  t.end()
})
