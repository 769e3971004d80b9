import t from 'tap'
import { join, normpath, splitext } from './posixpath.ts'

t.test('splitext() finds the last extension, and none in a dotfile', async (t) => {
  const cases: [string, string, string][] = [
    ['a.txt', 'a', '.txt'],
    ['a.tar.gz', 'a.tar', '.gz'],
    ['.profile', '.profile', ''],
    ['..a', '..a', ''],
    ['...', '...', ''],
    ['a.', 'a', '.'],
    ['/x.y/z', '/x.y/z', ''],
    ['/x.y/.z', '/x.y/.z', ''],
    ['/x/.a.b', '/x/.a', '.b'],
    ['', '', ''],
  ]
  for (const [path, root, extension] of cases) {
    t.same(splitext(path), [root, extension], path)
  }
})

t.test('normpath() works out dots and slashes', async (t) => {
  const cases: [string, string][] = [
    ['', '.'],
    ['/', '/'],
    ['//', '//'],
    ['///', '/'],
    ['//a', '//a'],
    ['a//b', 'a/b'],
    ['./a/../b', 'b'],
    ['../a', '../a'],
    ['a/../../b', '../b'],
    ['/../a', '/a'],
    ['/a/./b/', '/a/b'],
    ['.', '.'],
  ]
  for (const [path, expected] of cases) {
    t.equal(normpath(path), expected, path)
  }
})

t.test('join() puts one slash between', async (t) => {
  t.equal(join('/a', 'b'), '/a/b')
  t.equal(join('/a/', 'b'), '/a/b')
  t.equal(join('', 'b'), 'b')
})
