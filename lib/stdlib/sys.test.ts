import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { captureStderr } from '../testing/helpers.ts'
import { runtime, stderr } from './sys.ts'

t.test('runtime names what runs the program', async (t) => {
  t.equal(runtime, `Node/${process.versions.node}`)
  // As they are there, both with the version of a Node.
  const here = process
  t.teardown(() => {
    globalThis.process = here
  })
  for (const [name, version] of [
    ['Bun', '1.4.5'],
    ['Deno', '2.9.6'],
  ] as const) {
    const versions = { node: '26.3.0', [name.toLowerCase()]: version }
    globalThis.process = Object.create(here, { versions: { value: versions } }) as typeof process
    const elsewhere = (await import(`./sys.js?${name}`)) as { runtime: string }
    t.equal(elsewhere.runtime, `${name}/${version}`)
  }
})

t.test('stderr.write() writes, in order', async (t) => {
  const written = captureStderr(t)
  stderr.write('one\n')
  stderr.write('two\n')
  t.equal(written(), 'one\ntwo\n')
})

t.test('stderr.write() survives a reader that goes away', async (t) => {
  // A program with its log going to a process that has ended already.
  const program = `
    const { stderr } = await import(${JSON.stringify(new URL('sys.js', import.meta.url).href)})
    for (let count = 0; count < 200; count++) {
      stderr.write('line\\n')
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    console.log('alive')
  `
  const { stdout } = spawnSync(
    'sh',
    ['-c', '{ "$0" --input-type=module -e "$1" 2>&1 >&3 | true; } 3>&1', process.execPath, program],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) },
  )
  t.equal(stdout, 'alive\n')
})
