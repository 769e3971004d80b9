/**
 * The floor: `node:net` alone, the same bytes for whatever comes, nothing parsed.
 * `node raw-net.js PORT`.
 *
 * @module
 */

import { createServer } from 'node:net'

const ANSWER =
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\n' +
  'Hello, world\n'

createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {})
  socket.once('data', () => {
    socket.end(ANSWER)
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
