/**
 * A minimal server on `node:http`: `node node-http.js small|upload|readFile|stream PORT ROOT`.
 *
 * @module
 */

import { createReadStream, readFile, stat } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'

const [what = '', port, root = '.'] = process.argv.slice(2)
const BODY = Buffer.from('Hello, world\n')

const listeners: Record<string, RequestListener> = {
  small(request, response) {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': BODY.length })
    response.end(BODY)
  },

  upload(request, response) {
    let length = 0
    request.on('data', (piece: Buffer) => {
      length += piece.length
    })
    request.on('end', () => {
      const body = `${String(length)}\n`
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length })
      response.end(body)
    })
  },

  readFile(request, response) {
    readFile(join(root, request.url ?? ''), (error, data) => {
      if (error !== null) {
        response.writeHead(404).end()
        return
      }
      response.writeHead(200, { 'Content-Length': data.length }).end(data)
    })
  },

  stream(request, response) {
    const path = join(root, request.url ?? '')
    stat(path, (error, status) => {
      if (error !== null) {
        response.writeHead(404).end()
        return
      }
      response.writeHead(200, { 'Content-Length': status.size })
      createReadStream(path).pipe(response)
    })
  },
}

createServer(listeners[what]).listen(Number(port), '127.0.0.1')
