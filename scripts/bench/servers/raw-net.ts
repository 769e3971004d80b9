/**
 * The floors: `node:net` alone, with the system calls that a row cannot do without and nothing else.
 * `node raw-net.js canned|close|file|large|listing PORT ROOT`.
 *
 * ```text
 *   canned    the same bytes for each request; a request is whatever ends with an empty line
 *   close     the same, and the connection is closed
 *   file      open, fstat, read, close, and one write: `small.bin`
 *   large     open, fstat, a loop of read and write, close: `large.bin`
 *   listing   the names of a directory are read, and a page of the right size is written
 * ```
 *
 * @module
 */

import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'

const [what = '', port, root = '.'] = process.argv.slice(2)

function withHead(body: string, fields = ''): string {
  return (
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${String(body.length)}\r\n` +
    `${fields}\r\n${body}`
  )
}

const SMALL = withHead('Hello, world\n')
const SMALL_AND_CLOSE = withHead('Hello, world\n', 'Connection: close\r\n')
const PAGE =
  what === 'listing'
    ? withHead(
        readdirSync(join(root, 'listing'))
          .map((name) => `<li><a href="${name}">${name}</a></li>\n`)
          .join(''),
      )
    : ''

const FLOORS: Readonly<Record<string, (socket: Socket, requests: number) => unknown>> = {
  canned: (socket, requests) => socket.write(SMALL.repeat(requests)),
  close: (socket) => socket.end(SMALL_AND_CLOSE),

  file(socket) {
    const descriptor = openSync(join(root, 'small.bin'), 'r')
    const { size } = fstatSync(descriptor)
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${String(size)}\r\n\r\n`
    const bytes = Buffer.allocUnsafe(head.length + size)
    bytes.write(head, 'latin1')
    readSync(descriptor, bytes, head.length, size, null)
    closeSync(descriptor)
    socket.write(bytes)
  },

  async large(socket) {
    const descriptor = openSync(join(root, 'large.bin'), 'r')
    const { size } = fstatSync(descriptor)
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${String(size)}\r\n\r\n`)
    const buffer = Buffer.allocUnsafe(256 * 1024)
    for (let left = size; left > 0 && !socket.destroyed;) {
      const count = readSync(descriptor, buffer)
      left -= count
      await new Promise((resolve) => socket.write(buffer.subarray(0, count), resolve))
    }
    closeSync(descriptor)
  },

  listing(socket) {
    readdirSync(join(root, 'listing'), { withFileTypes: true })
    socket.write(PAGE)
  },
}

const respond = FLOORS[what]
createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    let requests = 0
    for (let at = chunk.indexOf('\r\n\r\n'); at !== -1; at = chunk.indexOf('\r\n\r\n', at + 4)) {
      requests++
    }
    respond?.(socket, requests)
  })
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 })
