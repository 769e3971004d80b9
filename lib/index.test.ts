import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { TOP } from './testing/helpers.ts'

/**
 * Compile programs as a user's compiler would, all at once.
 *
 * @returns for each program, what the compiler has to say.
 */
function compile(programs: readonly string[]): string[][] {
  const configFile = join(TOP, 'tsconfig.json')
  const { config } = ts.readConfigFile(configFile, (path) => ts.sys.readFile(path)) as {
    config: object
  }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, TOP)
  options.noEmit = true
  options.incremental = false
  delete options.tsBuildInfoFile
  // As if they stood among the examples: there, "basehttp" is this package.
  const paths = programs.map((_, index) =>
    join(TOP, 'docs/examples', `snippet-${String(index)}.ts`),
  )
  const host = ts.createCompilerHost(options)
  const original = { ...host }
  const textOf = (path: string) => programs[paths.indexOf(path)]
  host.fileExists = (path) => textOf(path) !== undefined || original.fileExists(path)
  host.getSourceFile = (path, ...more) => {
    const text = textOf(path)
    return text === undefined
      ? original.getSourceFile(path, ...more)
      : ts.createSourceFile(path, text, more[0])
  }
  const program = ts.createProgram(paths, options, host)
  return paths.map((path) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  )
}

function handler(body: string, base = 'BaseHTTPRequestHandler'): string {
  return (
    'import { BaseHTTPRequestHandler, RESPONSES, SimpleHTTPRequestHandler } from "basehttp"\n' +
    `export const used = RESPONSES\n` +
    `export class Base extends BaseHTTPRequestHandler { do_GET(): void {} }\n` +
    `export class Other extends SimpleHTTPRequestHandler {}\n` +
    `export class Handler extends ${base} {\n${body}\n}\n`
  )
}

t.test('the compiler finds what a student gets wrong', async (t) => {
  const cases: [program: string, error: RegExp | undefined][] = [
    [handler('do_GET() { this.sendError(404) }'), undefined],
    [handler('async do_GET() { await this.wfile.write(Buffer.from("x")) }'), undefined],
    [handler('override protocolVersion = "HTTP/1.1"'), undefined],
    [handler('override responses = { ...RESPONSES, 599: ["Odd", ""] as const }'), undefined],
    [handler('override do_GET() {}', 'Base'), undefined],
    [handler('override async do_GET() { await super.do_GET() }', 'Other'), undefined],
    [handler('do_GET(path: string) {}'), /is not assignable to .*MethodHook/],
    [handler('do_GET() { return "text" }'), /is not assignable to .*MethodHook/],
    [handler('override do_GET() {}'), /because it is not declared in the base class/],
    [handler('do_GET() {}', 'Base'), /must have an 'override' modifier/],
    [handler('override protocolVerion = "HTTP/1.1"'), /Did you mean 'protocolVersion'/],
    [handler('override protocolVersion = 1.1'), /is not assignable to the same property/],
    [handler('do_GET() { this.sendResponse("200") }'), /'string' is not assignable to .*'number'/],
    [
      handler('do_GET() { this.wfile.write("text") }'),
      /'string' is not assignable to .*Uint8Array/,
    ],
  ]
  const diagnostics = compile(cases.map(([program]) => program))
  for (const [index, [program, error]] of cases.entries()) {
    const found = (diagnostics[index] as string[]).join('\n')
    const title = program.split('\n').slice(4, -2).join('\n')
    if (error === undefined) {
      t.equal(found, '', title)
    } else {
      t.match(found, error, title)
    }
  }
})

t.test('the programs in the documentation compile', async (t) => {
  // A part of an example is shown with all its imports, also with those that only the rest uses; the
  // whole example is compiled with the library.
  const parts = new Set<string>()
  const snippets = ['README.md', 'docs/guide.md'].flatMap((page) => {
    const text = readFileSync(join(TOP, page), 'utf8')
    const fences = /(<!-- include \S+ -->\n\n)?^```(?:ts|js)\n([^]*?)^```$/gm
    return [...text.matchAll(fences)].map(([, part, code = '']) => {
      const program = `${code}\nexport {}\n`
      if (part !== undefined) {
        parts.add(program)
      }
      return program
    })
  })
  const server = snippets.findIndex((text) => text.includes('export class Hello'))
  const programs = snippets.map((text) =>
    text.replace("'./server.ts'", `'./snippet-${String(server)}.ts'`),
  )
  // What stands further up on the page.
  const context = `
    import type * as basehttp from 'basehttp'
    declare global {
      const HTTPServer: typeof basehttp.HTTPServer
      const GetHandler: typeof basehttp.BaseHTTPRequestHandler
      const Handler: typeof basehttp.BaseHTTPRequestHandler
    }`
  t.ok(snippets.length >= 4)
  for (const [index, diagnostics] of compile([...programs, context]).entries()) {
    const snippet = snippets[index] ?? 'the context'
    const flaws = diagnostics.filter((flaw) => {
      return !(parts.has(snippet) && flaw.endsWith('is declared but its value is never read.'))
    })
    t.same(flaws, [], snippet)
  }
})
