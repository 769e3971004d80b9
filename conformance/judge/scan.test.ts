import t from 'tap'
import { cutsOf } from './scan.ts'

t.test('cutsOf() cuts a short head at each byte', async (t) => {
  t.same(cutsOf(Buffer.from('GET /\r\n\r\n')), [1, 2, 3, 4, 5, 6, 7, 8])
  t.same(cutsOf(Buffer.from('a')), [])
})

t.test('cutsOf() cuts a body at its line ends', async (t) => {
  // After the head, on both sides of each line feed.
  const cuts = cutsOf(Buffer.from('P /\r\n\r\nabc\ndef'))
  t.same(cuts, [1, 2, 3, 4, 5, 6, 7, 10, 11])
})

t.test('cutsOf() cuts a long head at its line ends', async (t) => {
  const line = 'GET /' + 'x'.repeat(200)
  t.same(cutsOf(Buffer.from(`${line}\r\n\r\n`)), [206, 207, 208])
  const many = 'X: y\r\n'.repeat(500)
  t.equal(cutsOf(Buffer.from(`${line}\r\n${many}\r\n`)).length, 250)
})
