import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { serve, talk } from '../testing/helpers.ts'
import { AsyncMixIn } from './mixins/async-mixin.ts'
import { BaseRequestHandler, StreamRequestHandler } from './request-handler.ts'
import { UnixStreamServer } from './unix-server.ts'

/** Sends the client’s address, as the server sees it. */
class WhoAmI extends StreamRequestHandler {
  override async handle() {
    await this.wfile.write(Buffer.from(JSON.stringify(this.clientAddress)))
  }
}

t.test('UnixStreamServer listens on a path', async (t) => {
  const path = join(temporaryDirectory(t), 'socket')
  const server = new UnixStreamServer(path, WhoAmI)
  await serve(t, server)
  t.equal(server.serverAddress, path)
  t.equal(await talk(server, ''), '""', 'its clients have no address')
  await t.rejects(new UnixStreamServer(path, BaseRequestHandler).bindAndActivate(), {
    message: `Cannot listen on '${path}': another server is listening there`,
    cause: { code: 'EADDRINUSE' },
  })
  t.equal(await talk(server, ''), '""', 'and the first is not disturbed')
})

t.test('UnixStreamServer says so when the file is left over', async (t) => {
  const path = join(temporaryDirectory(t), 'socket')
  const script =
    'const path = process.argv[1];' +
    "require('node:net').createServer().listen(path, () => process.kill(process.pid, 'SIGKILL'))"
  spawnSync(process.execPath, ['-e', script, path])
  t.ok(existsSync(path), 'a server that was killed leaves its file')
  await t.rejects(new UnixStreamServer(path, BaseRequestHandler).bindAndActivate(), {
    message: `Cannot listen on '${path}': the file is left over from a server that is gone; remove it first`,
  })
  rmSync(path)
  writeFileSync(path, 'precious')
  await t.rejects(new UnixStreamServer(path, BaseRequestHandler).bindAndActivate(), {
    message: `Cannot listen on '${path}': there is a file of that name, and it is no socket`,
  })
  rmSync(path)
  const server = new UnixStreamServer(path, BaseRequestHandler)
  await server.bindAndActivate()
  await server.serverClose()
  t.notOk(existsSync(path), 'a server that is closed removes it')
})

t.test('UnixStreamServer says what is wrong with a path, before anything is made', async (t) => {
  const directory = temporaryDirectory(t)
  const long = join(directory, 'x'.repeat(107 - directory.length - 1))
  const wrong: [string, RegExp][] = [
    ['', /^Cannot listen on '': a socket needs a path$/],
    [
      5 as unknown as string,
      /^Cannot listen on 5: the address of a Unix socket is a path, as text$/,
    ],
    [`${long}y`, /y': the path of a socket has 10[37] bytes at most, and this one 108$/],
    [`${long.slice(0, -1)}\u00e9`, / bytes at most, and this one 108$/],
    [join(directory, 'a\0b'), /: there is a NUL in the path$/],
    ['/no/such/directory/socket', /: there is no directory '\/no\/such\/directory'$/],
  ]
  for (const [path, message] of wrong) {
    await t.rejects(
      new UnixStreamServer(path, BaseRequestHandler).bindAndActivate(),
      { message },
      path,
    )
  }
  t.same(readdirSync(directory), [])
  if (process.platform === 'linux') {
    const longest = new UnixStreamServer(long, WhoAmI)
    await serve(t, longest)
    t.same(readdirSync(directory), [basename(long)])
    t.equal(await talk(longest, ''), '""')
  }
})

t.test('UnixStreamServer leaves the file of a successor where it is', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'socket')
  const first = new UnixStreamServer(path, WhoAmI)
  await first.bindAndActivate()
  rmSync(path)
  const second = new (class extends AsyncMixIn(UnixStreamServer) {})(path, WhoAmI)
  await serve(t, second)
  await first.serverClose()
  await first.serverClose()
  t.same(readdirSync(directory), ['socket'])
  t.equal(await talk(second, ''), '""', 'and it can be reached')
  const third = new UnixStreamServer(join(directory, 'gone'), WhoAmI)
  await third.bindAndActivate()
  rmSync(third.serverAddress)
  await third.serverClose()
  t.same(readdirSync(directory), ['socket'])
})

// -- Helpers ---------------------------------------------------------------------------------

t.test('UnixStreamServer is closed whatever is in the place of its file', async (t) => {
  const path = join(temporaryDirectory(t), 'socket')
  const server = new UnixStreamServer(path, BaseRequestHandler)
  await server.bindAndActivate()
  rmSync(path)
  mkdirSync(path)
  await server.serverClose()
  t.notOk(server.socket.listening)
  t.ok(existsSync(path), 'a directory stays')
})

function temporaryDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'basehttp-test-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  return directory
}
