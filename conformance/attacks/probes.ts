/**
 * Attacks that no page can hold: they need something on the disk, or patience.
 *
 * @module
 */

import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { settled } from '../run/converse.ts'
import type { RunningApp } from '../targets/target.ts'
import type { ControlName } from './controls.ts'
import { brief, RULES, see } from './rules.ts'

/** What a server made of a probe. */
export interface Finding {
  /** For a cell of the table. */
  readonly text: string
  /** Whether what must hold has held; undefined where there is no rule. */
  readonly holds?: boolean
  /** Whether nothing can be told, since the request without the flaw is not served either. */
  readonly untold?: true
}

/** An attack. */
export interface Probe {
  /** What is sent, for the page. */
  readonly sends: string
  /** What must hold, as in `rules.ts`; undefined where there is no rule. */
  readonly says?: string
  /** The request without the flaw, which must be served before. */
  readonly control: ControlName
  /** The apps that it may be tried on; the first that a server has is taken. */
  readonly apps: readonly string[]
  /** Whether it takes minutes, for which it waits. */
  readonly slow?: boolean
  run(app: RunningApp): Promise<Finding>
}

/** How long a connection is kept alive by a byte a second, before that is enough, in seconds. */
const ENDURANCE = 120

/** Make the directory that the probes ask for, with something outside. */
export function makeProbeRoot(folder: string): string {
  const root = join(folder, 'root')
  mkdirSync(root)
  mkdirSync(join(folder, 'outside'))
  writeFileSync(join(folder, 'outside', 'file'), 'outside\n')
  symlinkSync('../outside', join(root, 'link'))
  execFileSync('mkfifo', [join(root, 'fifo')])
  writeFileSync(join(root, 'hello.txt'), 'Hello, world\n')
  writeFileSync(join(root, 'large'), '')
  truncateSync(join(root, 'large'), 2 ** 30)
  return root
}

/** The probes by name. */
export const PROBES = {
  link: {
    sends: '`GET /link/file`, where `link` leads out of the directory',
    control: 'file',
    apps: ['simple'],
    run: async (app) => ({ text: brief(await ask(app, '/link/file', 3)) }),
  },

  fifo: {
    sends: '`GET /fifo`',
    says: RULES.error.says,
    control: 'file',
    apps: ['simple'],
    run: async (app) => {
      const seen = await ask(app, '/fifo', 3)
      return { text: brief(seen), holds: RULES.error.holds(seen) }
    },
  },

  leaves: {
    sends: '`GET /large`, a file of 1 GiB, and a reset after its first bytes',
    says: 'takes the next request, and has no traceback in its log',
    control: 'file',
    apps: ['simple'],
    run: async (app) => {
      const client = await dial(app)
      client.write('GET /large HTTP/1.0\r\n\r\n')
      await new Promise((resolve) => client.once('data', resolve))
      client.resetAndDestroy()
      const lives = (await settled(app)) === 'idle'
      // What a child or a thread has to say may come a moment later.
      await sleep(200)
      const traceback = /Traceback|^ +at /m.test(app.log() ?? '')
      const parts = [lives ? 'goes on' : 'hangs', ...(traceback ? ['traceback'] : [])]
      return { text: parts.join(', '), holds: lives && !traceback }
    },
  },

  'slow head': {
    sends: `\`GET / HTTP/1.1\` and a header to which a byte is added every second, for ${String(ENDURANCE)} s`,
    says: `closes the connection before ${String(ENDURANCE)} s are over`,
    control: 'get',
    apps: ['files', 'custom11'],
    slow: true,
    run: async (app) => {
      const client = await dial(app)
      const start = performance.now()
      client.write('GET / HTTP/1.1\r\nHost: example.org\r\nX-Slow: ')
      const seconds = () => Math.round((performance.now() - start) / 1000)
      const closed = hasClosed(client)
      while (!(await Promise.race([closed, sleep(1000, false)]))) {
        if (seconds() >= ENDURANCE) {
          client.destroy()
          return { text: `open after ${String(ENDURANCE)} s`, holds: false }
        }
        client.write('x')
      }
      return { text: `closed after ${String(seconds())} s`, holds: true }
    },
  },
} satisfies Record<string, Probe>

export type ProbeName = keyof typeof PROBES

async function dial({ host, port }: RunningApp): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true })
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {})
  socket.resume()
  return socket
}

/** True when the server has closed a connection, by an end or a reset. */
function hasClosed(socket: Socket): Promise<true> {
  return new Promise((resolve) => {
    for (const event of ['end', 'close']) {
      socket.once(event, () => {
        resolve(true)
      })
    }
  })
}

/** Ask for a path, and wait so many seconds for the end of the response. */
async function ask(app: RunningApp, path: string, seconds: number) {
  const request = Buffer.from(`GET ${path} HTTP/1.0\r\nHost: example.org\r\n\r\n`)
  const client = await dial(app)
  let received = ''
  client.on('data', (data: Buffer) => {
    received += data.toString('latin1')
  })
  client.write(request)
  const closed = await Promise.race([hasClosed(client), sleep(seconds * 1000, false)])
  client.destroy()
  return see({ received, closed }, request)
}
