import t from 'tap'
import { decodeLatin1, decodeUtf8, encodeLatin1, encodeUtf8 } from './bytes.ts'

t.test('decodeLatin1() makes each byte the character of its number', async (t) => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  const text = decodeLatin1(all)
  t.same(
    Array.from(text, (character) => character.charCodeAt(0)),
    [...all],
  )
  t.same(encodeLatin1(text), Buffer.from(all), 'and encodeLatin1() takes it back')
  t.equal(decodeLatin1(all.subarray(65, 68)), 'ABC', 'a view is read as a view')
})

t.test('decodeUtf8() and encodeUtf8() replace what cannot be', async (t) => {
  t.equal(decodeUtf8(Uint8Array.of(0x61, 0xc3, 0xa9, 0xff)), 'a\xe9\ufffd')
  t.same(encodeUtf8('\xe9\u{1f600}'), Buffer.from('c3a9f09f9880', 'hex'))
  t.same(encodeUtf8('a\ud800b'), Buffer.from('a?b'), 'a lone surrogate is a question mark')
})
