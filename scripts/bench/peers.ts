/**
 * The servers that ours is measured against, each started as its users would start it.
 *
 * The npm packages among them are not dependencies: `npm run bench -- --install` puts them into
 * an ignored folder. What is not there is left out, and a line says so.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { TOP } from '../checks/sources.ts'

/** Where the peers are installed. */
export const PEERS = join(TOP, 'bench-peers')

/** Exact, so that a number can be had again. */
const PACKAGES = ['autocannon@8.0.0', 'http-server@14.1.1', 'serve@14.2.7', 'sirv-cli@3.0.1']

/** A server, and how it is started. */
export interface Contender {
  readonly name: string
  /** The command, for a port and a document root; undefined when it is not on this machine. */
  command(port: number, root: string): readonly string[] | undefined
}

const NODE = process.execPath

function program(name: string): string {
  return join(TOP, 'dist/scripts/bench/servers', name)
}

/** A program of an npm package, if that is installed. */
function packaged(name: string): string | undefined {
  const folder = join(PEERS, 'node_modules', name)
  if (!existsSync(folder)) {
    return undefined
  }
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>
  }
  return join(folder, typeof bin === 'string' ? bin : (Object.values(bin)[0] as string))
}

/** What a command prints; undefined if it cannot be run. */
function outputOf(command: string, ...args: readonly string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? (stdout + stderr).trim() : undefined
}

// The interpreter itself: a `python3` that first looks for the right Python would be charged for it.
const [PYTHON, PYTHON_VERSION] =
  outputOf(
    process.env.PYTHON ?? 'python3',
    '-c',
    'import platform, sys; print(sys.executable); print(platform.python_version())',
  )?.split('\n') ?? []
const NGINX_VERSION = outputOf('nginx', '-v')?.replace(/^.*\//, '')

/** Names and versions of the peers that are there. */
export function versions(): string[] {
  const packages = PACKAGES.filter((name) => packaged(name.split('@')[0] as string) !== undefined)
  return [
    ...(PYTHON_VERSION === undefined ? [] : [`CPython ${PYTHON_VERSION}`]),
    ...(NGINX_VERSION === undefined ? [] : [`nginx ${NGINX_VERSION}`]),
    ...packages.map((name) => name.replace('@', ' ')),
  ]
}

function python(...args: readonly string[]): readonly string[] | undefined {
  return PYTHON === undefined ? undefined : [PYTHON, ...args]
}

/** This library, with a handler of a few lines. */
export const OURS: Contender = {
  name: 'basehttp',
  command: (port) => [NODE, program('ours.js'), 'small', String(port)],
}

/** With a handler that reads a body. */
export const OUR_UPLOADS: Contender = {
  name: 'basehttp',
  command: (port) => [NODE, program('ours.js'), 'upload', String(port)],
}

/** Its mix-in for threads, below HTTP. */
export const OUR_THREADS: Contender = {
  name: 'basehttp, ThreadingMixIn',
  command: (port) => [NODE, program('ours.js'), 'threads', String(port)],
}

/** Its mix-in for children, below HTTP. */
export const OUR_CHILDREN: Contender = {
  name: 'basehttp, ForkingMixIn',
  command: (port) => [NODE, program('ours.js'), 'children', String(port)],
}

const cli = join(TOP, 'dist/lib/cli.js')

/** This library's command line, as a file server. */
export const OUR_FILES: Contender = {
  name: 'basehttp',
  command: (port, root) => [
    NODE,
    cli,
    String(port),
    '-b',
    '127.0.0.1',
    '-d',
    root,
    '-p',
    'HTTP/1.1',
  ],
}

export const NODE_HTTP: Contender = {
  name: 'node:http',
  command: (port) => [NODE, program('node-http.js'), 'small', String(port)],
}

export const NODE_UPLOADS: Contender = {
  name: 'node:http',
  command: (port) => [NODE, program('node-http.js'), 'upload', String(port)],
}

export const NODE_READFILE: Contender = {
  name: 'node:http + readFile',
  command: (port, root) => [NODE, program('node-http.js'), 'readFile', String(port), root],
}

export const NODE_STREAM: Contender = {
  name: 'node:http + createReadStream',
  command: (port, root) => [NODE, program('node-http.js'), 'stream', String(port), root],
}

/** A bare `node:net` server that makes the same system calls as ours, and parses nothing. */
function floor(what: string, name: string): Contender {
  return {
    name: `the floor, ${name}`,
    command: (port, root) => [NODE, program('raw-net.js'), what, String(port), root],
  }
}

export const FLOOR = floor('canned', 'canned bytes')
export const FLOOR_CLOSE = floor('close', 'canned bytes')
export const FLOOR_FILE = floor('file', 'open to close and a write')
export const FLOOR_LARGE = floor('large', 'reads and writes')
export const FLOOR_LISTING = floor('listing', 'readdir and a write')

export const CPYTHON_SMALL: Contender = {
  name: 'CPython',
  command: (port) => python(join(TOP, 'scripts/bench/servers/small.py'), String(port)),
}

export const CPYTHON_10: Contender = {
  name: 'CPython, HTTP/1.0',
  command: (port, root) => python('-m', 'http.server', String(port), '-b', '127.0.0.1', '-d', root),
}

export const CPYTHON_11: Contender = {
  name: 'CPython, HTTP/1.1',
  command: (port, root) =>
    python('-m', 'http.server', String(port), '-b', '127.0.0.1', '-d', root, '-p', 'HTTP/1.1'),
}

export const HTTP_SERVER: Contender = {
  name: 'http-server',
  command: (port, root) =>
    packagedCommand('http-server', root, '-p', String(port), '-a', '127.0.0.1'),
}

export const SERVE: Contender = {
  name: 'serve',
  command: (port, root) =>
    packagedCommand('serve', root, '-l', `tcp://127.0.0.1:${String(port)}`, '-L', '-u'),
}

export const SIRV: Contender = {
  name: 'sirv',
  command: (port, root) =>
    packagedCommand('sirv-cli', root, '--port', String(port), '--host', '127.0.0.1', '--quiet'),
}

function packagedCommand(name: string, ...args: readonly string[]): readonly string[] | undefined {
  const file = packaged(name)
  return file === undefined ? undefined : [NODE, file, ...args]
}

export const NGINX: Contender = {
  name: 'nginx',
  command(port, root) {
    if (NGINX_VERSION === undefined) {
      return undefined
    }
    const folder = join(root, '..', 'nginx')
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'nginx.conf')
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join(' ')
    writeFileSync(
      file,
      `daemon off; worker_processes 1; error_log stderr; pid ${folder}/pid; ${
        process.getuid?.() === 0 ? 'user root;' : ''
      } events {} http { access_log off; keepalive_requests 1000000000; ${temporary}
       server { listen 127.0.0.1:${String(port)} backlog=1024; root ${root}; autoindex on; } }`,
    )
    return ['nginx', '-c', file]
  },
}

/** One of ours, from another clone that has been built. */
export function inClone(ours: Contender, folder: string): Contender {
  return {
    name: `basehttp in ${folder}`,
    command: (port, root) =>
      ours
        .command(port, root)
        ?.map((word) =>
          word.startsWith(join(TOP, 'dist')) ? join(folder, relative(TOP, word)) : word,
        ),
  }
}

/** What is missing in a folder that is to be another clone; undefined if nothing is. */
export function missingIn(folder: string): string | undefined {
  return ['dist/lib/cli.js', 'dist/scripts/bench/servers/ours.js'].find(
    (name) => !existsSync(join(folder, name)),
  )
}

/** Put the npm packages in their folder. */
export function installPeers(): void {
  mkdirSync(PEERS, { recursive: true })
  writeFileSync(join(PEERS, 'package.json'), '{ "private": true }\n')
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '-E', ...PACKAGES], {
    cwd: PEERS,
    stdio: 'inherit',
  })
  if (status !== 0) {
    throw new Error(`npm install ended with ${String(status)}`)
  }
}
