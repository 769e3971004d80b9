import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Obedient, unfit } from '../../testing/handlers.ts'
import { captureStderr, dial, readAll, readUntil, serve, talk } from '../../testing/helpers.ts'
import { ForkingTCPServer, ForkingUnixStreamServer, inheritable } from './forking-mixin.ts'

const LOCAL = ['127.0.0.1', 0] as const

interface Who {
  name: string
  nativeId: number
  processId: number
}

async function who(server: ForkingTCPServer | ForkingUnixStreamServer): Promise<Who> {
  return JSON.parse(await talk(server, 'who\n')) as Who
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}

t.test('a child handles one connection after the other', async (t) => {
  const server = new ForkingTCPServer(LOCAL, Obedient)
  server.maxChildren = 1
  server.handlerOptions = { greeting: 'good day' }
  await serve(t, server)
  const [child] = [...server.activeChildren] as [number]

  await t.test('it is another process, with a main thread of its own', async (t) => {
    t.not(child, process.pid)
    t.match(await who(server), { name: 'MainThread', nativeId: 0, processId: child })
    t.match(await who(server), { processId: child })
    t.same([...server.activeChildren], [child])
  })

  await t.test('the handler sees the address and the options, and its own counter', async (t) => {
    t.same(JSON.parse(await talk(server, 'server\n')), {
      serverAddress: server.serverAddress,
      options: { greeting: 'good day' },
      greeting: 'good day',
    })
    const first = Number(await talk(server, 'count\n'))
    t.equal(Number(await talk(server, 'count\n')), first + 1)
  })

  await t.test('bytes go both ways, and the end as well', async (t) => {
    t.equal(await talk(server, 'echo\none\ntwo', { halfClose: true }), 'one\ntwo')
    t.equal((await talk(server, 'give 3000000\n')).length, 3_000_000)
    t.equal(await talk(server, `take 3000000\n${'x'.repeat(3_000_000)}`), '3000000\n')
    t.equal(await talk(server, '', { halfClose: true }), '"no such command: "\n')
  })

  await t.test('what came before the hand-over is not lost', async (t) => {
    const holder = dial(server)
    holder.write('echo\nx\n')
    await readUntil(holder, 'x\n')
    // The only child is busy, and the kernel takes what it can.
    const waiting = dial(server)
    waiting.write(`take 3000000\n${'x'.repeat(3_000_000)}`)
    const answer = readAll(waiting)
    await sleep(50)
    holder.end()
    t.equal(await answer, '3000000\n')
  })

  await t.test('a client that is gone leaves the child free', async (t) => {
    captureStderr(t)
    for (const command of ['take 5', 'trickle 100000000', 'sleep 20']) {
      const client = dial(server)
      client.write(`${command}\n`)
      await once(client, command === 'take 5' ? 'connect' : 'data')
      client.resetAndDestroy()
    }
    const holder = dial(server)
    holder.write('echo\nx\n')
    await readUntil(holder, 'x\n')
    const waiting = dial(server)
    await once(waiting, 'connect')
    waiting.resetAndDestroy()
    holder.destroy()
    t.match(await who(server), { processId: child })
  })

  await t.test('an exception is reported by the parent, with its stack', async (t) => {
    const log = captureStderr(t)
    t.equal(await talk(server, 'fail\n'), '"so far"\n')
    await who(server)
    t.match(
      log(),
      /^-{40}\nException occurred during processing of request from \('127\.0\.0\.1', \d+\)\n/,
    )
    t.match(log(), /\nRangeError: on purpose\n {4}at .*handlers\.[jt]s:\d+/)
  })

  await t.test('lines of the log arrive whole', async (t) => {
    const log = captureStderr(t)
    await talk(server, 'log 100 client\n')
    await who(server)
    const lines = log().split('\n')
    t.equal(lines.pop(), '')
    t.equal(lines.length, 100)
    t.ok(lines.every((line) => /^client \d+ \.{200}$/.test(line)))
  })

  await t.test('a child that is killed loses its connection, and is replaced', async (t) => {
    const log = captureStderr(t)
    const client = dial(server)
    client.write('sleep 60000\n')
    await readUntil(client, 'asleep')
    const next = talk(server, 'who\n')
    process.kill(child, 'SIGKILL')
    t.equal(await readAll(client), '')
    t.match(
      log(),
      /^Child \d+ was killed by SIGKILL while handling the request from \('127\.0\.0\.1', \d+\)\n$/,
    )
    const { processId } = JSON.parse(await next) as Who
    t.not(processId, child)
    t.same([...server.activeChildren], [processId])
  })

  await t.test('a child that ends, or throws where nobody catches, is replaced', async (t) => {
    const log = captureStderr(t)
    t.equal(await talk(server, 'exit 3\n'), '"so far"\n')
    t.match(log(), /^Child \d+ ended with exit code 3 while handling/)
    t.equal(await talk(server, 'crash\n'), '')
    t.match(log(), /\nError: nobody catches this\n {4}at /)
    t.match(await talk(server, 'who\n'), /"MainThread"/)
  })
})

t.test('three connections in turn meet three children; all end with the server', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const server = new ForkingUnixStreamServer(join(folder, 'socket'), Obedient)
  await server.bindAndActivate()
  const serving = server.serveForever()
  const seen = [await who(server), await who(server), await who(server)]
  t.equal(new Set(seen.map(({ processId }) => processId)).size, 3)
  t.equal((await talk(server, 'give 3000000\n')).length, 3_000_000)
  const client = dial(server)
  client.write('sleep 100\n')
  await once(client, 'data')
  const answer = readAll(client)
  await server.shutdown()
  await serving
  await server.serverClose()
  t.equal(await answer, '"awake"\n')
  t.equal(server.activeChildren.size, 0)
  t.ok(seen.every(({ processId }) => !isAlive(processId)))
})

t.test('what cannot be is a TypeError', async (t) => {
  t.throws(() => new ForkingTCPServer(LOCAL, unfit.Inherited), {
    name: 'TypeError',
    message: /^Cannot run Inherited in a child process: .* static readonly module = import/,
  })
  const server = new ForkingTCPServer(LOCAL, unfit.Hidden)
  server.maxChildren = 1
  await t.rejects(server.bindAndActivate(), { name: 'TypeError', message: /^Cannot find Hidden/ })
  t.equal(server.activeChildren.size, 0)
})

t.test('options that do not fit between processes are refused, and nothing is left', async (t) => {
  const refused = {
    name: 'TypeError',
    message: /^Cannot send the handler option 'greeting' .* without shared memory/,
  }
  const server = new ForkingTCPServer(LOCAL, Obedient)
  server.maxChildren = 1
  server.handlerOptions = { greeting: new SharedArrayBuffer(8) }
  await t.rejects(server.bindAndActivate(), refused)

  const later = new ForkingTCPServer(LOCAL, Obedient)
  later.maxChildren = 1
  await serve(t, later)
  const log = captureStderr(t)
  later.handlerOptions = { greeting: new SharedArrayBuffer(8) }
  for (const time of ['first', 'second']) {
    const before = log().length
    t.equal(await talk(later, 'who\n'), '')
    t.match(log().slice(before), /Cannot send the handler option 'greeting'/, time)
  }
  // The end of the child, in the teardown, would reject a promise that nobody awaits.
})

t.test('inheritable() leaves out what this process alone is to do', async (t) => {
  const loaders = ['--import=./loader.mjs', '--conditions=x', '--enable-source-maps', '-r', 'y']
  t.same(inheritable(loaders), loaders)
  t.same(
    inheritable([
      ...['--inspect-brk=9230', '--inspect-port', '9231', '--watch', '--test', '--title=x'],
      ...['--input-type=module', '--conditions', 'x', '-e', 'while (true) {}'],
    ]),
    ['--conditions', 'x'],
  )
})
