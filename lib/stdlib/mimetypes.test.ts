import t from 'tap'
import { guessFileType } from './mimetypes.ts'

t.test('guessFileType() tells type and coding', async (t) => {
  // What CPython 3.13 says, its tables of the host cleared.
  const cases: [string, string | null, string | null][] = [
    ['a.txt', 'text/plain', null],
    ['a.HTML', 'text/html', null],
    ['a.tar.gz', 'application/x-tar', 'gzip'],
    ['a.tgz', 'application/x-tar', 'gzip'],
    ['a.TGZ', 'application/x-tar', 'gzip'],
    ['a.svgz', 'image/svg+xml', 'gzip'],
    ['a.css.br', 'text/css', 'br'],
    ['a.txt.Z', 'text/plain', 'compress'],
    ['a.txt.GZ', null, null],
    ['a.z', null, null],
    ['a.gz', null, 'gzip'],
    ['README', null, null],
    ['.html', null, null],
    ['/dir.html/name', null, null],
    ['a.constructor', null, null],
  ]
  for (const [path, type, encoding] of cases) {
    t.same(guessFileType(path), [type, encoding], path)
  }
})
