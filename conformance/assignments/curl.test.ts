import t from 'tap'
import { curlOf } from './curl.ts'

t.test('curl says by itself that the connection stays, and not what else is said of it', (t) => {
  const line = (connection: string) =>
    curlOf(`GET /echo HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`, 'h:1')
  t.equal(line('keep-alive'), 'curl -i http://h:1/echo')
  t.equal(line('close'), 'curl -i http://h:1/echo')
  t.equal(line('Upgrade'), "curl -i -H 'Connection: Upgrade' http://h:1/echo")
  t.equal(
    line('keep-alive, Upgrade'),
    "curl -i -H 'Connection: keep-alive, Upgrade' http://h:1/echo",
  )
  t.end()
})
