/**
 * Checks the package as its users have it: packed, installed into an empty folder, looked at, run and
 * compiled against. `npm run package`: half a minute, or a whole one beside other work.
 *
 * ```text
 *   npm pack -> what is in it -> what other tools say of it -> Node, Bun, Deno -> TypeScripts
 * ```
 *
 * The guide's page for those who have no clone is followed to the letter: its commands, its files, its
 * test. The other programs are the article's, and the classes that people make in functions. What the
 * registry does not give, because there is no network or no such platform, is skipped, and said so.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, posix } from 'node:path'
import type { Readable } from 'node:stream'
import { TOP } from './sources.ts'

/** Each TypeScript that is in use, with the types of a Node: the oldest, and two that are newer. */
const COMPILERS = [
  { typescript: '5.9', types: '20' },
  { typescript: '6.0', types: '24' },
  { typescript: '7.0', types: '26' },
]

/** As bare as it gets, and as strict, with declarations, for an old target and with no types asked for. */
const SETTINGS: readonly object[] = [
  {},
  {
    ...{ target: 'es2020', types: [], declaration: true, strict: true },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
  },
]

/** Others that run what is made for Node, by their packages. */
const RUNTIMES = [
  { name: 'Bun', install: 'bun@1.4.5', command: ['bun'] },
  { name: 'Deno', install: 'deno@2.9.6', command: ['deno', 'run', '--allow-all'] },
]

/** The tools that judge the package. CONTRIBUTING says what their flags leave out, and why. */
const JUDGES = [
  ['publint@0.3.25', '--strict'],
  ['@arethetypeswrong/cli@0.18.5', '--profile', 'esm-only', '--no-emoji', '--format', 'ascii'],
]

/**
 * What npm says when the registry does not give something, or not for this machine; or when it has this
 * very version, as it does between a release and the next number.
 */
const NOT_TO_BE_HAD =
  /\b(E404|ETARGET|ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONN[A-Z]+|E?TIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|EBADPLATFORM|previously published)\b/

/** A server, asked by a client: the rest of a program that knows the package as `basehttp`. */
const PROGRAM = `
class Hello extends basehttp.BaseHTTPRequestHandler {
  do_GET() {
    this.sendResponse(200)
    this.endHeaders()
    this.wfile.write(Buffer.from('Hello'))
  }
}
async function main() {
  const server = new basehttp.HTTPServer(['127.0.0.1', 0], Hello)
  const serving = server.serveForever()
  await server.bindAndActivate()
  const response = await fetch(\`http://127.0.0.1:\${server.serverPort}/\`)
  console.log(response.headers.get('server') + ': ' + (await response.text()))
  await server.shutdown()
  await serving
  await server.serverClose()
}
void main()
`

/** The beginnings of that program, by the name of its file. */
const BEGINNINGS: Readonly<Record<string, string>> = {
  'module.mjs': "import * as basehttp from 'basehttp'",
  'required.cjs': "const basehttp = require('basehttp')",
}

/** A server that owes nothing to the library. */
const SERVER = `
import { once } from 'node:events'
import { createServer } from 'node:net'
export default {
  apps: ['errors'],
  async start(app, { port }) {
    const server = createServer((socket) => socket.end('HTTP/1.0 418 written by somebody\\r\\n\\r\\n'))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return { port: server.address().port }
  },
}
`

/** Classes made by functions, from each class of ours that is meant to be extended. */
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

/** What of the suite is judged when its package is tried: rules that this library holds to. */
const RULES = ['control/', 'head/', 'paths/', 'together/'].flatMap((topic) => ['--only', topic])

/** What cannot be tried here. */
class Skip extends Error {}

const counts = { passed: 0, failed: 0, skipped: 0 }

const root = mkdtempSync(join(tmpdir(), 'basehttp-package-'))
try {
  await run(TOP, 'npm', 'pack', '--ignore-scripts', '--pack-destination', root)
  const tarball = join(root, readdirSync(root)[0] ?? '')
  const suite = await packSuite()
  await Promise.all([
    checkAlone(tarball),
    checkSuite(suite, tarball),
    checkJudges(tarball, JUDGES),
    // It has a command and no module, about which attw would have something to say.
    checkJudges(suite, JUDGES.slice(0, 1)),
    ...RUNTIMES.map((runtime) => checkRuntime(runtime, tarball)),
    ...COMPILERS.map((compiler) => checkCompiler(compiler, tarball)),
  ])
} finally {
  rmSync(root, { recursive: true })
}
if (counts.skipped > 0) {
  console.log(`${String(counts.skipped)} skipped`)
}
console.log(`${String(counts.passed)} passed, ${String(counts.failed)} failed`)
process.exitCode = counts.failed === 0 ? 0 : 1

// -- The checks ------------------------------------------------------------------------------

/** The package alone, without any registry: it depends on nothing. */
async function checkAlone(tarball: string): Promise<void> {
  const folder = newFolder('alone')
  if (!(await check('installed alone', () => npm(folder, 'install', '--offline', tarball)))) {
    return
  }
  const place = join(folder, 'node_modules', 'basehttp')
  const files = filesOf(place)
  await check('each source is compiled, and nothing else', () => {
    const sources = files.filter((path) => path.startsWith('lib/'))
    const compiled = sources.flatMap((path) =>
      ['.js', '.js.map', '.d.ts', '.d.ts.map'].map((end) => `dist/${path.slice(0, -3)}${end}`),
    )
    const there = files.filter((path) => path.startsWith('dist/'))
    const odd = [
      ...there.filter((path) => !compiled.includes(path)),
      ...compiled.filter((path) => !there.includes(path)),
      ...files.filter((path) => /\.test\.|\/testing\//.test(path)),
    ]
    throwIf(odd.join('\n'))
  })
  await checkLinks(place, files)
  await checkPrograms('Node', folder, [process.execPath])
  await check('its command', () => run(folder, 'npx', '--offline', 'basehttp', '--help'))
}

async function checkLinks(place: string, files: readonly string[]): Promise<void> {
  const { name } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as { name: string }
  await check(`links of packed pages lead to packed files: ${name}`, () => {
    throwIf(deadLinks(place, files, '.md', linksOf))
  })
}

/** The suite, installed alone; and then beside the library. */
async function checkSuite(suite: string, tarball: string): Promise<void> {
  const folder = newFolder('suite')
  if (!(await check('the suite installed alone', () => npm(folder, 'install', suite)))) {
    return
  }
  const place = join(folder, 'node_modules', 'basehttp-conformance')
  const files = filesOf(place)
  const command = (...args: string[]) => {
    return run(folder, 'npx', '--offline', 'basehttp-conformance', ...args)
  }
  await check('it brings undici, and no test, and nothing of the library', () => {
    const modules = readdirSync(join(folder, 'node_modules')).filter(
      (name) => !name.startsWith('.'),
    )
    const odd = files.filter((path) => /\.test\.|testing|\blib\//.test(path))
    throwIf(
      [...modules.filter((name) => !/^(?:basehttp-conformance|undici)$/.test(name)), ...odd].join(
        '\n',
      ),
    )
  })
  await check('what its modules import is packed', () => {
    throwIf(deadLinks(place, files, '.js', importsOf))
  })
  await checkLinks(place, files)
  await check('without the library, it says what to do', async () => {
    const said = await command().catch((error: unknown) => (error as Error).message)
    const line =
      'The target "basehttp" needs the package basehttp: npm install basehttp; or name a server, ' +
      'as in npx basehttp-conformance http://127.0.0.1:3000\n'
    throwIf(said === line ? '' : said)
  })
  await check('it judges a server by its URL', async () => {
    await command('--make-root', 'site')
    const server = await serveFolder(join(folder, 'site'))
    try {
      const said = await command(server.url, ...RULES)
      throwIf(/: (?:[2-9]\d|\d{3}) passed, 0 failed/.test(said) ? '' : said)
    } finally {
      server.stop()
    }
  })
  await check('it judges a program that somebody has written', async () => {
    writeFileSync(join(folder, 'server.mjs'), SERVER)
    const said = await command(
      '--target',
      './server.mjs',
      '--only',
      'errors/404',
      '--verbose',
    ).catch((error: unknown) => (error as Error).message)
    throwIf(said.includes('HTTP/1.0 418 written by somebody') ? '' : said)
  })
  await check('it exports cases and rules', async () => {
    const said = await command('--export', 'json')
    throwIf(/^\d{3} cases and \d{3} rules are in json$/m.test(said) ? '' : said)
  })
  await check('beside the library, it judges that, and its recordings', async () => {
    await npm(folder, 'install', '--offline', tarball)
    const said = await command('--only', 'errors/')
    throwIf(/: \d{2,} passed, 0 failed\n$/.test(said) ? '' : said)
  })
}

/** What publint, attw and npm itself say. */
async function checkJudges(tarball: string, judges: readonly string[][]): Promise<void> {
  for (const [name = '', ...flags] of judges) {
    await check(`${name} ${basename(tarball)}`, () =>
      npm(root, 'exec', '--yes', '--', name, ...flags, tarball),
    )
  }
  await check(`npm publish --dry-run ${basename(tarball)}`, async () => {
    const output = await npm(root, 'publish', '--dry-run', '--ignore-scripts', tarball)
    // Its corrections of package.json are warnings, and so is a missing login.
    const warnings = output.match(/^npm warn publish (?!.*logged in).*$/gm) ?? []
    throwIf(warnings.join('\n'))
  })
}

async function checkRuntime(runtime: (typeof RUNTIMES)[number], tarball: string): Promise<void> {
  const { name, install, command } = runtime
  const folder = newFolder(name)
  if (await check(install, () => npm(folder, 'install', install, tarball))) {
    await checkPrograms(name, folder, ['npx', '--offline', ...command])
  }
}

/** The same server as a module, and as CommonJS. */
async function checkPrograms(
  name: string,
  folder: string,
  [command = '', ...args]: readonly string[],
): Promise<void> {
  for (const [file, beginning] of Object.entries(BEGINNINGS)) {
    await check(`${name} runs ${file}`, async () => {
      writeFileSync(join(folder, file), beginning + PROGRAM)
      expect(await run(folder, command, ...args, file), name)
    })
  }
}

async function checkCompiler(
  { typescript, types }: (typeof COMPILERS)[number],
  tarball: string,
): Promise<void> {
  const name = `TypeScript ${typescript} with the types of Node ${types}`
  await check(name, async () => {
    const guide = guidesFiles()
    const commands = guide.commands
      .replace(' basehttp', ` ${tarball}`)
      .replace(' typescript @types/node', ` typescript@${typescript} @types/node@${types}`)
    const folder = newFolder(`typescript-${typescript}`)
    await registry(() => run(folder, 'sh', '-e', '-c', commands))
    const hello = join(folder, 'hello')
    // As the guide says it.
    const settings = JSON.parse(guide.settings) as { compilerOptions: object }
    writeFileSync(join(hello, 'tsconfig.json'), guide.settings)
    writeFileSync(join(hello, 'server.ts'), guide.program)
    writeFileSync(join(hello, 'server.test.ts'), guide.test)
    await run(hello, 'npx', 'tsc')
    await run(hello, process.execPath, '--test', 'server.test.js')
    if ((process.features as { typescript?: unknown }).typescript) {
      await run(hello, process.execPath, '--test', 'server.test.ts')
    }
    // And with everything else.
    writeFileSync(join(hello, 'made.ts'), MADE)
    writeFileSync(join(hello, 'common.cts'), `import basehttp = require('basehttp')${PROGRAM}`)
    cpSync(join(TOP, 'docs/examples'), hello, { recursive: true })
    for (const more of SETTINGS) {
      const compilerOptions = { ...settings.compilerOptions, ...more, outDir: 'out', rootDir: '.' }
      writeFileSync(join(hello, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
      await run(hello, 'npx', 'tsc')
    }
    expect(await run(hello, process.execPath, 'out/common.cjs'), 'Node')
  })
}

// -- Pages -----------------------------------------------------------------------------------

/** What the guide says to readers without a clone, in its order. */
function guidesFiles(): { commands: string; settings: string; program: string; test: string } {
  const guide = readFileSync(join(TOP, 'docs/guide.md'), 'utf8')
  const section = /\n## A program of your own\n[^]*?(?=\n## )/.exec(guide)?.[0] ?? ''
  const fences = [...section.matchAll(/^```(sh|json|ts)\n([^]*?)^```$/gm)]
  const languages = fences.map(([, language]) => language).join(' ')
  if (languages !== 'sh json ts ts') {
    throw new Error(`"A program of your own" in docs/guide.md has no sh json ts ts: ${languages}`)
  }
  const [commands = '', settings = '', program = '', test = ''] = fences.map(([, , text]) => text)
  return { commands, settings, program, test }
}

/** The files of a package, by their paths in it. */
function filesOf(place: string): string[] {
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(entry.parentPath.slice(place.length + 1), entry.name))
}

/** What the files with an ending name that is not packed, a line each. */
function deadLinks(
  place: string,
  files: readonly string[],
  ending: string,
  linksIn: (text: string) => string[],
): string {
  return files
    .filter((path) => path.endsWith(ending))
    .flatMap((path) =>
      linksIn(readFileSync(join(place, path), 'utf8'))
        .filter((link) => !files.includes(posix.join(dirname(path), link)))
        .map((link) => `${path}: ${link}`),
    )
    .join('\n')
}

/** The modules of its own package that a module imports. */
function importsOf(module: string): string[] {
  const found = module.matchAll(/(?:\bfrom |\bimport |\bimport\(|\bregister\()'(\.[^'\n]+)'/g)
  return [...found].map(([, path = '']) => path)
}

/** The links of a page that lead neither to another host nor only to another place in the page. */
function linksOf(page: string): string[] {
  const prose = page.replaceAll(/^(`{3,})[^]*?^\1$/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
}

// -- Running ---------------------------------------------------------------------------------

/** Try something; returns whether it went well. */
async function check(name: string, body: () => unknown): Promise<boolean> {
  try {
    await body()
    counts.passed++
    console.log(`ok      ${name}`)
    return true
  } catch (error) {
    const skipped = error instanceof Skip
    counts[skipped ? 'skipped' : 'failed']++
    const message = error instanceof Error ? error.message : String(error)
    console.log(`${skipped ? 'SKIPPED' : 'FAILED '} ${name}\n${message.trimEnd()}`)
    return false
  }
}

function throwIf(text: string): void {
  if (text !== '') {
    throw new Error(text)
  }
}

/** What {@link PROGRAM} prints: the runtime, and the body. */
function expect(output: string, name: string): void {
  if (!new RegExp(`^BaseHTTP/0\\.6 ${name}/[0-9.]+: Hello$`, 'm').test(output)) {
    throw new Error(output)
  }
}

function newFolder(name: string): string {
  const folder = join(root, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  return folder
}

/** Pack the suite. */
async function packSuite(): Promise<string> {
  const layout = join(root, 'layout')
  await run(TOP, process.execPath, 'dist/scripts/conformance-package.js', layout)
  const packed = join(root, 'packed')
  mkdirSync(packed)
  await run(layout, 'npm', 'pack', '--pack-destination', packed)
  return join(packed, readdirSync(packed)[0] ?? '')
}

/** Serve a folder by the library's command line. */
async function serveFolder(folder: string): Promise<{ url: string; stop(): void }> {
  const args = ['dist/lib/cli.js', '0', '--bind', '127.0.0.1', '--directory', folder]
  const child = spawn(process.execPath, [...args, '--protocol', 'HTTP/1.1'], {
    cwd: TOP,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const stop = () => void child.kill()
  for await (const text of child.stdout.setEncoding('utf8') as Readable & AsyncIterable<string>) {
    const port = /\bport (\d+)/.exec(text)?.[1]
    if (port !== undefined) {
      return { url: `http://127.0.0.1:${port}`, stop }
    }
  }
  throw new Error('The server ended at its start')
}

function npm(folder: string, ...args: string[]): Promise<string> {
  return registry(() => run(folder, 'npm', ...args))
}

/** Run what needs the registry. */
async function registry(body: () => Promise<string>): Promise<string> {
  try {
    return await body()
  } catch (error) {
    const lines = error instanceof Error ? error.message.split('\n') : []
    const reason = lines.find((line) => NOT_TO_BE_HAD.test(line))
    throw reason === undefined ? error : new Skip(reason)
  }
}

/**
 * Run a command.
 *
 * @returns all that it says.
 * @throws an Error with that, when it does not end well.
 */
function run(folder: string, command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        // What has been fetched before is not asked for again, so that this works offline, without a wait.
        ...{ npm_config_prefer_offline: 'true', npm_config_fetch_retries: '0' },
        ...{ npm_config_audit: 'false', npm_config_fund: 'false' },
      },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    child.on('error', reject)
    child.on('close', (status) => {
      if (status === 0) {
        resolve(output)
      } else {
        reject(new Error(output || `${command} ended with ${String(status)}`))
      }
    })
  })
}
