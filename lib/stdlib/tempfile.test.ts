import { fstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ValueError } from './errors.ts'
import { TemporaryFile } from './tempfile.ts'

/** Let temporary files be made in an empty directory. */
function inOwnDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'basehttp-test-'))
  const before = process.env.TMPDIR
  process.env.TMPDIR = directory
  t.teardown(() => {
    if (before === undefined) {
      delete process.env.TMPDIR
    } else {
      process.env.TMPDIR = before
    }
    rmSync(directory, { recursive: true })
  })
  return directory
}

/** The open files below a directory whose names are gone, by descriptor. */
function unnamed(directory: string): number[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(directory) && path.endsWith(' (deleted)') ? [Number(fd)] : []
    } catch {
      return []
    }
  })
}

t.test('TemporaryFile is read where it was written', async (t) => {
  inOwnDirectory(t)
  const file = await TemporaryFile.create()
  t.equal(file.size, 0)
  await file.write(Buffer.from('hello '))
  await file.write(Buffer.from('world'))
  t.equal(file.size, 11)
  t.equal((await file.read(6, 5)).toString(), 'world')
  t.equal(file.readSync(0, 5).toString(), 'hello')
  t.equal((await file.read(9, 100)).toString(), 'ld', 'no more than there is')
  t.equal(file.readSync(11, 1).length, 0)
  await file.close()
  await t.rejects(file.read(0, 1), ValueError)
  t.throws(() => file.readSync(0, 1), ValueError)
  await file.close()
})

t.test('TemporaryFile waits with the close for what is under way', async (t) => {
  inOwnDirectory(t)
  const file = await TemporaryFile.create()
  await file.write(Buffer.alloc(1024 * 1024, 'x'))
  const reading = file.read(0, 1024 * 1024)
  await file.close()
  t.equal((await reading).length, 1024 * 1024)
})

const skip = process.platform !== 'linux' && 'only Linux tells, in /proc, what is open'
t.test('TemporaryFile has no name, and mode 600', { skip }, async (t) => {
  const directory = inOwnDirectory(t)
  const file = await TemporaryFile.create()
  t.same(readdirSync(directory), [], 'nobody can open it, nobody need remove it')
  const [descriptor, ...more] = unnamed(directory)
  t.same(more, [])
  t.equal(fstatSync(descriptor as number).mode & 0o777, 0o600)
  await file.close()
  t.same(unnamed(directory), [])
})

t.test('TemporaryFile.create() leaves nothing when it cannot be done', async (t) => {
  process.env.TMPDIR = join(inOwnDirectory(t), 'missing')
  await t.rejects(TemporaryFile.create(), { code: 'ENOENT' })
})
