/**
 * A file server on `node:http`, as a tutorial would write it: `node node-http.js PORT ROOT`.
 *
 * @module
 */

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

const [port, root = '.'] = process.argv.slice(2)

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = URL.parse(request.url ?? '', 'http://localhost')
  const path = root + (url?.pathname ?? '/')
  const status = await stat(path).catch(() => undefined)
  if (status?.isFile() === true) {
    response.setHeader('Content-Length', status.size)
    createReadStream(path).pipe(response)
  } else {
    response.statusCode = 404
    response.end('Not found')
  }
}

createServer((request, response) => {
  void respond(request, response)
}).listen(Number(port), '127.0.0.1')
