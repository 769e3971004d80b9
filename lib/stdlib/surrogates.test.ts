import t from 'tap'
import {
  decodeSurrogatepass,
  encodeSurrogateescape,
  encodeSurrogatepass,
  fsdecode,
  fsencode,
} from './surrogates.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

t.test('fsdecode() keeps what is no UTF-8, and fsencode() gives it back', async (t) => {
  const cases: [string, string][] = [
    ['abc', 'abc'],
    ['caf\xe9', 'caf\udce9'],
    ['\xc3\xa9\xff', '\xe9\udcff'],
    ['\xed\xa0\x80', '\udced\udca0\udc80'],
    ['\xf0\x9f\x98\x80', '\u{1f600}'],
    ['\xf0\x9f\x98', '\udcf0\udc9f\udc98'],
    ['\xe2\x82', '\udce2\udc82'],
    ['\xc0\xaf', '\udcc0\udcaf'],
    ['\xef\xbb\xbfx', '\ufeffx'],
  ]
  for (const [name, text] of cases) {
    t.equal(fsdecode(bytes(name)), text)
    const back = fsencode(text)
    t.same(back === null ? null : Buffer.from(back), bytes(name))
  }
})

t.test('fsencode() knows what no file is called', async (t) => {
  t.equal(fsencode('a\0b'), null)
  t.equal(fsencode('\ud800'), null)
  t.equal(fsencode('\udc7f'), null)
  t.equal(fsencode('plain'), 'plain')
})

t.test(
  'encodeSurrogateescape() and encodeSurrogatepass() write surrogates their way',
  async (t) => {
    t.same(encodeSurrogateescape('é\udce9x'), bytes('\xc3\xa9\xe9x'))
    t.same(encodeSurrogateescape('é'), bytes('\xc3\xa9'))
    t.same(
      encodeSurrogatepass('é\udce9\ud800\u{1f600}'),
      bytes('\xc3\xa9\xed\xb3\xa9\xed\xa0\x80\xf0\x9f\x98\x80'),
    )
    t.same(encodeSurrogatepass('é'), bytes('\xc3\xa9'))
  },
)

t.test('decodeSurrogatepass() reads escaped bytes, and nothing that is no name', async (t) => {
  t.equal(decodeSurrogatepass(bytes('caf\xed\xb3\xa9')), 'caf\udce9')
  t.equal(decodeSurrogatepass(bytes('\xc3\xa9\xed\xb3\xa9\xf0\x9f\x98\x80')), '\xe9\udce9\u{1f600}')
  t.equal(decodeSurrogatepass(bytes('\xed\xb2\x80\xed\xb3\xbf')), '\udc80\udcff')
  t.equal(decodeSurrogatepass(bytes('\xed\x9f\xbf')), '\ud7ff')
  for (const bad of ['\xff', '\xed\xb2', '\xed', '\xed\xa0\x80', '\xc3']) {
    t.equal(decodeSurrogatepass(bytes(bad)), null)
  }
})
