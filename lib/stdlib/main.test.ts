import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

const TOP = import.meta.resolve('basehttp/package.json')
const LIBRARY = new URL('dist/lib/index.js', TOP).href

/** A folder with a program that says whether it is the main one, and what else is started. */
function folder(t: Test): string {
  const made = realpathSync(mkdtempSync(join(tmpdir(), 'basehttp 100% #?-')))
  t.teardown(() => {
    rmSync(made, { recursive: true })
  })
  const files = {
    'package.json': '{ "type": "module", "main": "server.js" }',
    'server.js': `import { isMain } from '${LIBRARY}'\nconsole.log(isMain(import.meta))\n`,
    'other.js': "await import('./server.js')\n",
    'thread.js': `import { Worker } from 'node:worker_threads'
      new Worker(new URL('server.js', import.meta.url))\n`,
    'child.js': `import { fork } from 'node:child_process'
      fork(new URL('other.js', import.meta.url))\n`,
    'served.js': `import { ForkingTCPServer, isMain, StreamRequestHandler, ThreadingTCPServer }
        from '${LIBRARY}'
      import { connect } from 'node:net'
      export class Handler extends StreamRequestHandler {
        static module = import.meta.url
        async handle() {
          await this.rfile.read()
          this.wfile.write(Buffer.from(String(isMain(import.meta)) + '\\n'))
        }
      }
      if (isMain(import.meta)) {
        for (const Server of [ThreadingTCPServer, ForkingTCPServer]) {
          const server = new Server(['127.0.0.1', 0], Handler)
          await server.bindAndActivate()
          const client = connect(server.serverAddress[1], '127.0.0.1').end('x')
          await server.handleRequest()
          for await (const chunk of client) process.stdout.write(chunk)
          await server.serverClose()
        }
      }\n`,
    'inner/index.js': "await import('../server.js')\n",
    'indexed/index.js': `import { isMain } from '${LIBRARY}'\nconsole.log(isMain(import.meta))\n`,
  }
  mkdirSync(join(made, 'inner'))
  mkdirSync(join(made, 'indexed'))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(made, name), text)
  }
  return made
}

function run(cwd: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  return stdout + stderr
}

t.test('isMain() is true for the program, however it is named', async (t) => {
  const made = folder(t)
  for (const name of ['server.js', './server.js', 'server', '.', './', join(made, 'server')]) {
    t.equal(run(made, name), 'true\n', name)
  }
  t.equal(run(made, 'indexed'), 'true\n', 'a folder with an index')
  t.equal(run(join(made, 'inner'), '../server'), 'true\n', 'another working directory')
  t.equal(run(made, '--', 'server.js', 'an argument'), 'true\n', 'behind flags, with arguments')
})

t.test('isMain() is true behind symbolic links', async (t) => {
  const made = folder(t)
  try {
    symlinkSync(join(made, 'server.js'), join(made, 'inner', 'linked.js'))
    symlinkSync(join('..', 'server.js'), join(made, 'inner', 'command'))
    symlinkSync(made, join(made, 'inner', 'folder'))
  } catch {
    t.comment('skipped: no symbolic links may be made here')
    return
  }
  for (const name of ['linked.js', 'linked', 'command', 'folder/server.js', 'folder', 'folder/.']) {
    t.equal(run(join(made, 'inner'), name), 'true\n', name)
  }
  const flag = '--preserve-symlinks-main'
  t.equal(run(join(made, 'inner'), flag, 'linked.js'), 'true\n', flag)
})

t.test('isMain() is false for what another program imports, in a thread or not', async (t) => {
  const made = folder(t)
  for (const name of ['other.js', 'inner', 'thread.js', 'child.js']) {
    t.equal(run(made, name), 'false\n', name)
  }
  t.equal(run(made, 'served.js'), 'false\nfalse\n', 'the threads and children of a server')
  const flags = ['--input-type=module', '--eval', "await import('./server.js')"]
  t.equal(run(made, ...flags), 'false\n', 'code on the command line')
  t.equal(run(made, ...flags, 'no-such-file'), 'false\n', 'with an argument')
})
