/**
 * Checks the package as its users have it: packed, installed into an empty folder, and compiled
 * against by the TypeScripts that are in use, with bare settings. `npm run package`; it needs the
 * registry, and says so where that cannot be had.
 *
 * The programs are the guide's first one, the article's, and the classes that people make in
 * functions. What is compiled to CommonJS is also run.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TOP } from './sources.ts'

const VERSIONS = ['5.9', '6.0', '7.0']

/** As bare as it gets, and as strict, with declarations, for an old target and with no types asked for. */
const SETTINGS: readonly object[] = [
  { module: 'nodenext' },
  {
    ...{ module: 'nodenext', target: 'es2020', types: [], declaration: true },
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
  },
]

/** A class made by a function, from each class of ours that is there to be extended. */
const MADE = `
import * as basehttp from 'basehttp'
import type { Constructor } from 'basehttp'
${[
  'BaseRequestHandler',
  'StreamRequestHandler',
  'BaseHTTPRequestHandler',
  'SimpleHTTPRequestHandler',
  'BaseServer<string>',
  'TCPServer',
  'UnixStreamServer',
  'HTTPServer',
  'HTTPSServer',
  'AsyncHTTPServer',
  'ThreadingHTTPServer',
  'ForkingTCPServer',
  'HTTPMessage',
  'RequestError',
  'StreamReader',
  'StreamWriter',
]
  .map(
    (name) => `export function make${name.replace(/<.*/, '')}() {
  return class extends basehttp.${name} {}
}`,
  )
  .join('\n')}

export function CountingMixIn<Base extends Constructor<basehttp.BaseServer>>(Server: Base) {
  return class extends Server {
    count = 0
    override verifyRequest() {
      this.count++
      return true
    }
  }
}
export class CountingServer extends CountingMixIn(basehttp.AsyncHTTPServer) {}

export function JSONMixIn<Base extends Constructor<basehttp.BaseHTTPRequestHandler>>(Handler: Base) {
  return class extends Handler {
    override protocolVersion = 'HTTP/1.1'
    json(value: unknown) {
      this.wfile.write(Buffer.from(JSON.stringify(value)))
    }
  }
}
export class JSONHandler extends JSONMixIn(basehttp.SimpleHTTPRequestHandler) {
  override do_GET() {
    this.json(this.headers.items())
  }
}
`

const COMMON_JS = `
import basehttp = require('basehttp')
class Hello extends basehttp.BaseHTTPRequestHandler {
  do_GET() {
    this.sendResponse(200)
    this.endHeaders()
    this.wfile.write(Buffer.from('Hello'))
  }
}
const server = new basehttp.HTTPServer(['127.0.0.1', 0], Hello)
async function main() {
  const serving = server.serveForever()
  await server.bindAndActivate()
  const response = await fetch(\`http://127.0.0.1:\${server.serverPort}/\`)
  console.log(await response.text())
  await server.shutdown()
  await serving
  await server.serverClose()
}
void main()
`

/** The first program of the guide's page for those who have no clone. */
function guidesProgram(): string {
  const guide = readFileSync(join(TOP, 'docs/guide.md'), 'utf8')
  const program = /\n## A program of your own\n[^]*?\n```ts\n([^]*?)```\n/.exec(guide)?.[1]
  if (program === undefined) {
    throw new Error('Cannot find the program under "A program of your own" in docs/guide.md')
  }
  return program
}

/** Run a command; returns all that it says, and null if it went well. */
function run(folder: string, command: string, ...args: string[]): string | null {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  return status === 0 ? null : `${stdout}${stderr}`
}

const root = mkdtempSync(join(tmpdir(), 'basehttp-package-'))
const faults: string[] = []
try {
  const failed = run(TOP, 'npm', 'pack', '--ignore-scripts', '--pack-destination', root)
  if (failed !== null) {
    throw new Error(`Cannot pack: ${failed}`)
  }
  const [tarball = ''] = readdirSync(root)
  const { devDependencies } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const nodeTypes = `@types/node@${String(devDependencies['@types/node'])}`
  for (const version of VERSIONS) {
    checkWith(version, join(root, tarball), nodeTypes)
  }
} finally {
  rmSync(root, { recursive: true })
}
for (const fault of faults) {
  console.error(fault)
}
process.exitCode = faults.length === 0 ? 0 : 1

function checkWith(version: string, tarball: string, nodeTypes: string): void {
  const folder = join(root, version)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }')
  const install = ['install', '--no-audit', '--no-fund', `typescript@${version}`]
  const missing = run(folder, 'npm', ...install, nodeTypes, tarball)
  if (missing !== null) {
    console.log(`TypeScript ${version}: skipped, it cannot be installed\n${missing}`)
    return
  }
  writeFileSync(join(folder, 'hello.ts'), guidesProgram())
  writeFileSync(join(folder, 'made.ts'), MADE)
  writeFileSync(join(folder, 'common.cts'), COMMON_JS)
  cpSync(join(TOP, 'docs/examples'), folder, { recursive: true })
  const before = faults.length
  for (const compilerOptions of SETTINGS) {
    const config = { compilerOptions: { ...compilerOptions, outDir: 'out', rootDir: '.' } }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const complaint = run(folder, 'npx', 'tsc')
    if (complaint !== null) {
      faults.push(`TypeScript ${version}, ${JSON.stringify(compilerOptions)}:\n${complaint}`)
    }
  }
  const output = spawnSync(process.execPath, ['out/common.cjs'], { cwd: folder, encoding: 'utf8' })
  if (output.stdout !== 'Hello\n') {
    faults.push(`As CommonJS, compiled by ${version}: ${output.stdout}${output.stderr}`)
  }
  console.log(`TypeScript ${version}: ${faults.length === before ? 'ok' : 'not ok'}`)
}
