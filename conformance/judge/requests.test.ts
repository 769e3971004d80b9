import t from 'tap'
import { requestsOf } from './requests.ts'

t.test('requestsOf() reads the requests out of what was sent', async (t) => {
  t.same(requestsOf('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), {
    requests: [{ method: 'GET', version: 'HTTP/1.1' }],
    whole: true,
  })
  const two = 'PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET \r\nHEAD / HTTP/1.0\n\n'
  t.match(requestsOf(two), { requests: [{ method: 'PUT' }, { version: 'HTTP/1.0' }], whole: true })
  t.match(requestsOf('GET /\r\n\r\n'), { requests: [{ version: 'HTTP/0.9' }], whole: true })
  t.same(requestsOf('GET /'), { requests: [], whole: false })
})

t.test('requestsOf() does not take chunks for requests', async (t) => {
  const head = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'
  const chunks = '12\r\nGET / HTTP/1.1\r\n\r\n\r\n0\r\n\r\n'
  t.match(requestsOf(`${head}${chunks}GET / HTTP/1.1\r\n\r\n`), {
    requests: [{ method: 'POST' }, { method: 'GET' }],
    whole: true,
  })
  t.match(requestsOf(`${head}5\r\nhello`), { requests: [{ method: 'POST' }], whole: false })
  const cut = 'POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell'
  t.match(requestsOf(cut), { requests: [{ method: 'POST' }], whole: false })
})
