/**
 * The servers that are attacked, each started as its users would start it.
 *
 * All are asked with the same bytes. `custom11` and `override` are handlers that say what they were
 * asked, `simple` is a server of files: nginx and `node:http` have a configuration or a program of a
 * few lines for that.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startOnPort, startProgram } from '../targets/child.ts'
import { findPython, PYTHONS } from '../targets/python.ts'
import { BasehttpTarget } from '../targets/library.ts'
import { CPythonTarget } from '../targets/target.ts'
import type { Target } from '../targets/target.ts'
import { TOP } from '../paths.ts'
import { FILES } from './controls.ts'

/** The columns of the page, in their order. All Pythons share one. */
export const COLUMNS = ['basehttp', 'nginx', 'node:http', 'CPython'] as const

export type Column = (typeof COLUMNS)[number]

/** A server, and the column of its responses. */
export interface Server {
  readonly column: Column
  /** The version: `1.22.1`. */
  readonly version: string
  readonly target: Target
  /** Whether it runs the handlers of the suite, and does not only say what it was asked. */
  readonly runsHandlers: boolean
}

/** The programs whose response describes the request. */
const HANDLERS = ['custom10', 'custom11', 'override']

/** This library. */
export function ours(): Server {
  return { column: 'basehttp', version: '', target: new BasehttpTarget(), runsHandlers: true }
}

/**
 * All that this machine has, and the names of those that it lacks.
 *
 * @param folder - for what they need themselves; the caller removes it
 */
export async function findServers(
  folder: string,
): Promise<{ servers: Server[]; missing: string[] }> {
  const servers: Server[] = [
    ours(),
    {
      column: 'node:http',
      version: process.versions.node,
      target: NODE_HTTP,
      runsHandlers: false,
    },
  ]
  const missing: string[] = []
  const { status, stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' })
  if (status === 0) {
    const version = /nginx\/(\S+)/.exec(stderr)?.[1] ?? ''
    servers.push({ column: 'nginx', version, target: nginx(folder), runsHandlers: false })
  } else {
    missing.push('nginx')
  }
  for (const name of PYTHONS) {
    const python = findPython(name)
    if (python === undefined) {
      missing.push(`CPython ${name}`)
    } else {
      const { version } = python
      const target = await CPythonTarget.of(python)
      servers.push({ column: 'CPython', version, target, runsHandlers: true })
    }
  }
  return { servers, missing }
}

const NODE_HTTP: Target = {
  name: 'node:http',
  apps: new Set(HANDLERS),
  start(app, { port = 0 } = {}) {
    const program = join(TOP, 'dist/conformance/attacks/node-http.js')
    const command = [process.execPath, program, String(port)]
    return startProgram({ name: 'node:http', command })
  },
}

function nginx(folder: string): Target {
  return {
    name: 'nginx',
    apps: new Set([...HANDLERS, ...FILES]),
    async start(app, { root = '.', port } = {}) {
      const own = mkdtempSync(join(folder, 'nginx-'))
      const file = join(own, 'nginx.conf')
      const command = ['nginx', '-e', 'stderr', '-c', file]
      const running = await startOnPort((port) => {
        writeFileSync(file, nginxConfiguration(app, own, root, port))
        return { name: 'nginx', command, port }
      }, port)
      return { ...running, log: () => readFileSync(join(own, 'log'), 'latin1') }
    },
  }
}

/** The least that it needs; every limit and every time is nginx's own. */
function nginxConfiguration(app: string, folder: string, root: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  const location = FILES.includes(app)
    ? `root "${root}"; autoindex on;`
    : 'location / { return 200 "$request_method $request_uri\\n"; }'
  return `
    daemon off; worker_processes 1; pid ${folder}/pid; error_log /dev/null;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    events {}
    http {
      access_log ${folder}/log; ${temporary}
      server { listen 127.0.0.1:${String(port)}; ${location} }
    }`
}
