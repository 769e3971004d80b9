import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { askStrictly, plainRequest } from './strict-client.ts'
import type { PlainRequest } from './strict-client.ts'

/** These bytes, as a request. */
function plain(sent: string): PlainRequest {
  const request = plainRequest(Buffer.from(sent, 'latin1'))
  if (request === undefined) {
    throw new Error(`not one request: ${sent}`)
  }
  return request
}

/** A server that calls back for each connection with what it has received, as soon as it ends so. */
async function serve(t: Test, end: string, respond: (socket: Socket, received: string) => void) {
  const server = createServer((socket) => {
    let received = ''
    socket.on('error', () => {})
    socket.on('data', (data) => {
      received += data.toString('latin1')
      if (received.endsWith(end)) {
        respond(socket, received)
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

t.test('askStrictly() sends what the page sends, to the byte', async (t) => {
  const all = [
    'GET /a?b HTTP/1.1\r\nhost: example.org\r\nX-Odd:  two spaces \r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.1\nHost: a\n\n',
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n\0\xff',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\n\r\n',
    'BREW coffee HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  ]
  for (const sent of all) {
    let seen = ''
    const server = await serve(t, sent.slice(-4), (socket, received) => {
      seen = received
      socket.end('HTTP/1.1 200 OK\r\nx-Spelt: So\r\nContent-Length: 2\r\n\r\nhi')
    })
    const { received } = await askStrictly(plain(sent), server, 'HTTP/1.1 200 OK')
    t.equal(seen, sent)
    t.equal(received, 'HTTP/1.1 200 OK\r\nx-Spelt: So\r\nContent-Length: 2\r\n\r\nhi')
  }
})

t.test(
  'askStrictly() reads no body after HEAD, and takes no response that it cannot read',
  async (t) => {
    const head = plain('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
    const server = await serve(t, '\r\n\r\n', (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n')
    })
    const { received } = await askStrictly(head, server, 'HTTP/1.1 200 OK')
    t.equal(received, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n')

    const get = plain('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const odd = await serve(t, '\r\n\r\n', (socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi')
    })
    await t.rejects(askStrictly(get, odd, 'HTTP/1.1 200 OK'))
    await t.rejects(askStrictly(head, server, 'HTTP/1.1 404 No'), /reads the status 200/)
  },
)

t.test('a server that takes no more connections is an error of the request', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const asking = askStrictly(
    plain('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    { host: '127.0.0.1', port },
    '',
  )
  await t.rejects(asking, { code: 'ECONNREFUSED' })
})

t.test('plainRequest() is undefined where more or less than one response is due', async (t) => {
  const none = [
    'GET / HTTP/1.1\r\nHost: a\r\n',
    'GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\nmore',
    'PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell',
    'GET /\r\n\r\n',
    'PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n',
    'GET / HTTP/1.1\r\nUpgrade: echo\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\n\r\n',
    '(: / HTTP/1.1\r\n\r\n',
  ]
  for (const sent of none) {
    t.equal(plainRequest(Buffer.from(sent)), undefined, sent)
  }
})
