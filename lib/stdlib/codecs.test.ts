import t from 'tap'
import { findDecoder } from './codecs.ts'

t.test(
  'findDecoder() knows the names that clients use, and what Python makes of the bytes',
  async (t) => {
    const cases: [charset: string, bytes: number[], text: string][] = [
      ['utf-8', [0xc3, 0xa9, 0xff], 'é\ufffd'],
      ['UTF8', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
      ['ISO-8859-1', [0xe9, 0x80], 'é\x80'],
      [' latin-1 ', [0xe9], 'é'],
      ['iso_8859_1', [0xe9], 'é'],
      ['us-ascii', [0x61, 0xe9], 'a\ufffd'],
      ['shift_jis', [0x83, 0x41], 'ア'],
      ['utf-16le', [0x61, 0x00], 'a'],
      ['koi8-r', [0xc1], 'а'],
    ]
    for (const [charset, bytes, text] of cases) {
      t.equal(findDecoder(charset)?.(Buffer.from(bytes)), text, charset)
    }
  },
)

t.test('findDecoder() returns null for what is no encoding', async (t) => {
  for (const charset of ['', 'x', 'utf-9', 'hex', 'base64', '__proto__']) {
    t.equal(findDecoder(charset), null, charset)
  }
})
