/**
 * A server that a test starts with few descriptors: `starved.js thread`, or `child`, and
 * perhaps how many children there may be. It says its port, and closes itself when its standard
 * input ends.
 *
 * @module
 */

import { once } from 'node:events'
import { ForkingTCPServer } from '../socketserver/mixins/forking-mixin.ts'
import { ThreadingTCPServer } from '../socketserver/mixins/threading-mixin.ts'
import { Obedient } from './handlers.ts'

const Server = process.argv[2] === 'thread' ? ThreadingTCPServer : ForkingTCPServer
const server = new Server(['127.0.0.1', 0], Obedient)
if (server instanceof ForkingTCPServer) {
  server.maxChildren = Number(process.argv[3] ?? 40)
}
await server.bindAndActivate()
const serving = server.serveForever()
console.log(server.serverAddress[1])
await once(process.stdin.resume(), 'end')
await server.shutdown()
await serving
await server.serverClose()
console.log('closed')
