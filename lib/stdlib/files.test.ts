import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import {
  compareCodePoints,
  directoryPath,
  directoryProblem,
  isOddOnWindows,
  open,
  scandir,
  stat,
} from './files.ts'

const WINDOWS = process.platform === 'win32'

/** An empty directory, which disappears with the test. */
function folder(t: Test): string {
  const root = fs.mkdtempSync(join(tmpdir(), 'basehttp-files-'))
  t.teardown(() => {
    fs.rmSync(root, { recursive: true })
  })
  return root
}

t.test('stat() is null for what is not there, or cannot be', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a'), 'abc')
  t.equal(stat(join(root, 'a'), null)?.size, 3)
  for (const name of ['b', 'a/b', 'a\0', '\ud800', 'x'.repeat(1000)]) {
    t.equal(stat(join(root, name), null), null, JSON.stringify(name))
  }
})

t.test('stat(), open() and scandir() keep to a directory', { skip: WINDOWS }, async (t) => {
  const top = folder(t)
  const root = join(top, 'root')
  for (const name of ['root', 'root/inside', 'root-secret']) {
    fs.mkdirSync(join(top, name))
    fs.writeFileSync(join(top, name, 'a'), name)
  }
  fs.symlinkSync('../root-secret', join(root, 'link'))
  for (const path of [join(root, 'link'), join(top, 'root-secret'), top]) {
    t.equal(stat(path, root), null, path)
    t.equal(open(join(path, 'a'), root), null, path)
    t.not(stat(path, null), null, path)
  }
  for (const path of [root, join(root, 'inside')]) {
    t.equal(stat(path, root)?.isDirectory(), true, path)
    const file = open(join(path, 'a'), root)
    t.not(file, null, path)
    file?.close()
    t.equal(scandir(path, root).length > 0, true, path)
  }
  if (process.platform === 'linux') {
    t.throws(() => scandir(join(root, 'link'), root), /does not lie in/)
  }
  t.same(
    scandir(join(root, 'link'), null).map(({ name }) => name),
    ['a'],
  )
})

t.test('scandir() tells every name as text', { skip: WINDOWS }, async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a\ufffd'), '')
  t.same(
    scandir(root, null).map(({ name }) => name),
    ['a\ufffd'],
  )
  try {
    fs.mkdirSync(Buffer.from(`${root}/b\xe9`, 'latin1'))
  } catch {
    t.comment('names must be UTF-8 here')
    return
  }
  const entries = scandir(root, null).sort((one, other) => (one.name < other.name ? -1 : 1))
  t.same(
    entries.map((entry) => [entry.name, entry.isDirectory()]),
    [
      ['a\ufffd', false],
      ['b\udce9', true],
    ],
  )
  t.equal(stat(join(root, 'b\udce9'), null)?.isDirectory(), true)
})

t.test('open() takes regular files alone', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a'), 'abc')
  t.equal(open(root, null), null)
  t.equal(open(join(root, 'b'), null), null)
  const file = open(join(root, 'a'), null)
  fs.appendFileSync(join(root, 'a'), 'def')
  const buffer = Buffer.alloc(10)
  t.same([file?.size, file?.read(buffer), file?.remaining, file?.read(buffer)], [3, 3, 0, 0])
  t.equal(buffer.toString('latin1', 0, 3), 'abc')
  file?.close()
})

t.test('compareCodePoints() sorts as Python does', async (t) => {
  const names = ['\u{1f600}', '\uff5e', 'b', 'a', 'ab', '', '\udce9', '\u{1f600}a']
  t.same(names.sort(compareCodePoints), [
    '',
    'a',
    'ab',
    'b',
    '\udce9',
    '\uff5e',
    '\u{1f600}',
    '\u{1f600}a',
  ])
})

t.test('isOddOnWindows() knows devices, streams and what is dropped', async (t) => {
  for (const path of ['CON', 'a/nul.txt', 'a.', 'a /b', 'c:', 'a::$DATA', 'a\\b', 'com\xb9']) {
    t.equal(isOddOnWindows(path), true, path)
  }
  for (const path of ['', '/a/b', 'console', 'com', 'com10', 'a.con']) {
    t.equal(isOddOnWindows(path), false, path)
  }
})

t.test('directoryPath() and directoryProblem() say what cannot be served', async (t) => {
  const root = folder(t)
  fs.writeFileSync(join(root, 'a'), '')
  t.equal(directoryPath(null), process.cwd())
  t.throws(() => directoryPath(new URL('http://example.org/')), TypeError)
  t.equal(directoryProblem(root), null)
  t.equal(directoryProblem(join(root, 'a')), 'it is a file')
  t.equal(directoryProblem(join(root, 'b')), 'there is none of that name')
})
