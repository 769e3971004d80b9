import { hostname } from 'node:os'
import t from 'tap'
import { serve } from '../testing/helpers.ts'
import { BaseHTTPRequestHandler } from './base-handler.ts'
import { HTTPServer } from './server.ts'

t.test('HTTPServer knows its name and port once it is bound', async (t) => {
  const server = new HTTPServer(['localhost', 0], BaseHTTPRequestHandler)
  t.equal(server.serverName, '')
  t.equal(server.serverPort, 0)
  await serve(t, server)
  t.equal(server.serverName, 'localhost')
  t.equal(server.serverPort, server.serverAddress[1])
  t.ok(server.serverPort > 0)
})

t.test('HTTPServer on all interfaces has the name of the machine', async (t) => {
  const server = new HTTPServer(['', 0], BaseHTTPRequestHandler)
  await serve(t, server)
  t.equal(server.serverName, hostname())
})
