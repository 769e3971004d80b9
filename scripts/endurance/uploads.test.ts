import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { HANG_LIMIT } from '../../conformance/patience.ts'

const MIB = 1024 * 1024

t.test('64 MiB are stored in little memory, and a full disk is survived', async (t) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'uploads.js'), '64'],
    { encoding: 'utf8', timeout: HANG_LIMIT },
  )
  t.equal(stderr, '')
  t.equal(status, 0, stdout)
  t.match(stdout, /^64 MiB in /)
  t.match(stdout, /: HTTP\/1\.0 500 Cannot store the form: /)
})

t.test('forms that are refused get a response from each kind of server', async (t) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'uploads.js'), 'limits', '--rounds', '1', '--most', String(MIB)],
    { encoding: 'utf8', timeout: HANG_LIMIT },
  )
  t.equal(stderr, '')
  t.equal(status, 0)
  t.equal(
    stdout,
    ['plain', 'tasks', 'threads', 'forks'].map((kind) => `${kind}: 51 forms refused\n`).join(''),
  )
})

t.test('a signal in the middle of an upload leaves nothing', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
    const folder = mkdtempSync(join(tmpdir(), 'basehttp-uploads-'))
    t.teardown(() => {
      rmSync(folder, { recursive: true })
    })
    const server = spawn(process.execPath, [join(import.meta.dirname, 'upload-server.js')], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    t.teardown(() => server.kill('SIGKILL'))
    const [ready] = (await once(server.stdout, 'data')) as [Buffer]
    const port = Number(String(ready).slice('port '.length))
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n' +
        `Content-Length: ${String(64 * MIB)}\r\n\r\n` +
        '--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n',
    )
    // More than the buffers on the way can hold: once it has left, the file has been opened.
    await new Promise((resolve) => socket.write(Buffer.alloc(32 * MIB), resolve))
    const exited = once(server, 'exit')
    server.kill(signal)
    t.same(await exited, [null, signal], 'the signal does what it did before')
    t.same(readdirSync(folder), [], signal)
    socket.destroy()
  }
})
