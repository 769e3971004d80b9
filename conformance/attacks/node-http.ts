/**
 * What `node:http` makes of an attack: `node node-http.js PORT` says what it was asked.
 *
 * @module
 */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  response.end(`${String(request.method)} ${String(request.url)}\n`)
})
server.listen(Number(process.argv[2]), '127.0.0.1', () => {
  console.log(`READY ${String((server.address() as AddressInfo).port)}`)
})
