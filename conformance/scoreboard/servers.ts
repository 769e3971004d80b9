/**
 * The servers of the scoreboard: how each is installed, which version is there, and the one line that
 * starts it.
 *
 * Each serves a folder as it does when it has just been installed: no limit, no module and no option
 * is there for the sake of a rule. What has no command of its own is a program in `servers/`, as its
 * manual would write it.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TOP } from '../paths.ts'
import { COMMAND_LINE } from '../targets/library.ts'
import { findPython } from '../targets/python.ts'
import { startOnPort } from '../targets/child.ts'
import type { Target } from '../targets/target.ts'

/** A server of the board. */
export interface Contender {
  readonly name: string
  /** What installs it. */
  readonly install: string
  /** Its version; undefined if it is not on this machine. */
  version(): string | undefined
  /**
   * The line that starts it, for the shell: `{port}`, `{root}`, and `{own}`, a folder with what is in
   * `servers/`, in which these words are replaced, too.
   */
  readonly line: string
  /** A line to be run once before, in the folder of a server that is not started. */
  readonly build?: string
}

/** Where `--install` puts the packages of npm. */
export const PEERS = join(tmpdir(), 'conformance-scoreboard')

/** Exact, so that a row can be had again. */
const PACKAGES = {
  ...{ 'http-server': '14.1.1', serve: '14.2.7', 'sirv-cli': '3.0.1' },
  ...{ bun: '1.4.5', deno: '2.9.6' },
} as const

const PROGRAMS = join(TOP, 'conformance', 'scoreboard', 'servers')
const NODE = process.execPath

/** The version that a command tells. */
function told(pattern: RegExp, command: string, ...args: readonly string[]) {
  return (): string | undefined => {
    const { error, stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      timeout: 30_000,
    })
    return error === undefined ? pattern.exec(stdout + stderr)?.[1] : undefined
  }
}

const apt = (name: string) => `apt-get install ${name}`

/** A package of npm, and a command of it. */
function npm(name: keyof typeof PACKAGES, args: string, file?: string): Contender {
  const program = join(PEERS, 'node_modules', '.bin', name === 'sirv-cli' ? 'sirv' : name)
  return {
    name: file === undefined ? name.replace('-cli', '') : name === 'bun' ? 'Bun' : 'Deno',
    install: `npm install ${name}@${PACKAGES[name]}`,
    version() {
      try {
        const path = join(PEERS, 'node_modules', name, 'package.json')
        return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
      } catch {
        return undefined
      }
    },
    line: `exec '${program}' ${args}`,
  }
}

function ours(version: '1.0' | '1.1'): Contender {
  const path = join(TOP, 'package.json')
  return {
    name: `basehttp, HTTP/${version}`,
    install: 'this repository',
    version: () => (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version,
    line:
      `exec '${NODE}' '${COMMAND_LINE}' {port} --bind 127.0.0.1 --directory '{root}' ` +
      `--protocol HTTP/${version}`,
  }
}

function cpython(minor: string): Contender {
  const path = findPython(minor)?.path ?? `python${minor}`
  return {
    name: `CPython ${minor}`,
    install: `pyenv install ${minor}`,
    version: () => findPython(minor)?.version,
    line: `exec '${path}' -m http.server {port} --bind 127.0.0.1 --directory '{root}'`,
  }
}

/** All of them, in the order in which they are judged. */
export const CONTENDERS: readonly Contender[] = [
  ours('1.1'),
  ours('1.0'),
  {
    name: 'nginx',
    install: apt('nginx-light'),
    version: told(/nginx\/([\d.]+)/, 'nginx', '-v'),
    line: "exec nginx -e stderr -c '{own}/nginx.conf'",
  },
  {
    name: 'Apache',
    install: apt('apache2'),
    version: told(/Apache\/([\d.]+)/, 'apache2', '-v'),
    line: "exec apache2 -D FOREGROUND -d '{own}' -f '{own}/httpd.conf'",
  },
  {
    name: 'lighttpd',
    install: apt('lighttpd'),
    version: told(/lighttpd\/([\d.]+)/, 'lighttpd', '-v'),
    line: "exec lighttpd -D -f '{own}/lighttpd.conf'",
  },
  {
    name: 'Caddy',
    install: apt('caddy'),
    version: told(/v?(\d[\d.]+)/, 'caddy', 'version'),
    line: "HOME='{own}' exec caddy file-server --root '{root}' --listen 127.0.0.1:{port}",
  },
  {
    name: 'busybox',
    install: apt('busybox'),
    version: told(/v([\d.]+)/, 'busybox'),
    line: "exec busybox httpd -f -p 127.0.0.1:{port} -h '{root}'",
  },
  {
    name: 'mini_httpd',
    install: apt('mini-httpd'),
    version: told(/mini_httpd\/([\d.]+)/, 'mini_httpd', '-V'),
    line: "exec mini_httpd -D -u root -h 127.0.0.1 -p {port} -d '{root}' -i '{own}/pid' -l /dev/null",
  },
  {
    name: 'webfs',
    install: apt('webfs'),
    version: told(/Version: ([\d.]+)/, 'dpkg', '-s', 'webfs'),
    line: "exec webfsd -F -i 127.0.0.1 -p {port} -r '{root}'",
  },
  {
    name: 'thttpd',
    install: apt('thttpd'),
    version: told(/thttpd\/([\d.]+)/, 'thttpd', '-V'),
    line: "exec thttpd -D -u root -h 127.0.0.1 -p {port} -d '{root}' -i '{own}/pid' -l /dev/null",
  },
  {
    name: 'Merecat',
    install: apt('merecat'),
    version: told(/v?([\d.]+)/, 'merecat', '-V'),
    line: "exec merecat -n -s -p {port} '{root}'",
  },
  cpython('3.13'),
  cpython('3.8'),
  {
    name: 'Twisted',
    install: apt('python3-twisted'),
    version: told(/daemon\) ([\d.]+)/, 'twistd3', '--version'),
    line:
      "cd '{own}' && exec twistd3 --nodaemon --pidfile= web --path '{root}' " +
      '--listen tcp:{port}:interface=127.0.0.1',
  },
  {
    name: 'WEBrick',
    install: apt('ruby ruby-webrick'),
    version: told(/([\d.]+)/, 'ruby', '-rwebrick', '-e', 'puts WEBrick::VERSION'),
    line: "exec ruby -run -e httpd -- '{root}' --port={port} --bind-address=127.0.0.1",
  },
  {
    name: 'php -S',
    install: apt('php-cli'),
    version: told(/PHP ([\d.]+)/, 'php', '-v'),
    line: "exec php -S 127.0.0.1:{port} -t '{root}'",
  },
  {
    name: 'HTTP::Daemon',
    install: apt('libhttp-daemon-perl'),
    version: told(/([\d.]+)/, 'perl', '-MHTTP::Daemon', '-e', 'print $HTTP::Daemon::VERSION'),
    line: "exec perl '{own}/daemon.pl' {port} '{root}'",
  },
  {
    name: 'Go FileServer',
    install: apt('golang-go'),
    version: told(/go(\d[\d.]+)/, 'go', 'version'),
    line: "exec '{built}/files' {port} '{root}'",
    build: "HOME='{built}' go build -o '{built}/files' files.go",
  },
  {
    name: 'node:http',
    install: apt('nodejs'),
    version: () => process.versions.node,
    line: `exec '${NODE}' '${join(TOP, 'dist/conformance/scoreboard/node-http.js')}' {port} '{root}'`,
  },
  npm('http-server', "'{root}' -p {port} -a 127.0.0.1"),
  npm('serve', "'{root}' -l tcp://127.0.0.1:{port} -L -u"),
  npm('sirv-cli', "'{root}' --port {port} --host 127.0.0.1 --quiet"),
  npm('bun', "'{own}/bun.js' {port} '{root}'", 'bun.js'),
  npm('deno', "run --allow-net --allow-read '{own}/deno.js' {port} '{root}'", 'deno.js'),
]

/** The line as it may be shown anywhere: programs without the folders of this machine. */
export function publicLine({ line }: Contender): string {
  return line.replace(/'\/[^']*\/([^'/]*)'/g, '$1').replace(/'([^' ]*)'/g, '$1')
}

/**
 * A server as a target.
 *
 * @param folder - for what the server needs itself; the caller removes it
 * @throws an Error when it cannot be built.
 */
export function targetOf({ name, line, build }: Contender, folder: string): Target {
  const built = mkdtempSync(join(folder, 'built-'))
  if (build !== undefined) {
    copyPrograms(built, { built })
    const command = fill(build, { built })
    const { status, stderr } = spawnSync(command, { cwd: built, shell: true, encoding: 'utf8' })
    if (status !== 0) {
      throw new Error(`${name} cannot be built: ${stderr}`)
    }
  }
  return {
    name,
    apps: new Set(['rfc']),
    start: (_, { root = '.', port: wished } = {}) =>
      startOnPort((port) => {
        const own = mkdtempSync(join(folder, 'own-'))
        const words = { own, root, built, port: String(port) }
        copyPrograms(own, words)
        // Some servers give up root's rights, and must be able to read.
        chmodSync(own, 0o755)
        return { name, command: fill(line, words), port }
      }, wished),
  }
}

function copyPrograms(to: string, words: Readonly<Record<string, string>>): void {
  mkdirSync(to, { recursive: true })
  for (const name of readdirSync(PROGRAMS)) {
    const text = fill(readFileSync(join(PROGRAMS, name), 'utf8'), words)
    writeFileSync(join(to, name), text)
  }
}

function fill(text: string, words: Readonly<Record<string, string>>): string {
  return text.replace(/\{(own|root|port|built)\}/g, (whole, word: string) => words[word] ?? whole)
}

/** Put the packages of npm into {@link PEERS}. */
export function installPeers(): void {
  mkdirSync(PEERS, { recursive: true })
  writeFileSync(join(PEERS, 'package.json'), '{ "private": true }\n')
  const packages = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`)
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '-E', ...packages], {
    cwd: PEERS,
    stdio: 'inherit',
  })
  if (status !== 0) {
    throw new Error(`npm install ended with ${String(status)}`)
  }
}
