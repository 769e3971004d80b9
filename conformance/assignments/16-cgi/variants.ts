import type { Edit, Variants } from '../variants.ts'

const SPAWN = 'spawn(process.execPath, [script.file], {'
const QUERY = 'QUERY_STRING: urlsplit(this.path).query,'
const FEED = "pipeline(this.command === 'POST' ? this.body : [], child.stdin)"
const OUTSIDE = '!`${path}/`.toLowerCase().startsWith(folder.toLowerCase())'
const SPLIT =
  "const [, name = '', info = ''] = /^([^/]*)(.*)$/s.exec(path.slice(folder.length)) ?? []"
const SEND = `      this.sendFields(fields)
      await this.wfile.write(rest)
      for await (const piece of output) {
        await this.wfile.write(piece)
      }
`
const CHUNKED = '      this.endHeadersChunked()\n'
const NO_BODY =
  "      if (this.command === 'HEAD') {\n        this.wfile.encode = () => Buffer.of()\n      }\n"
const OUTPUT = `async function* outputOf(child: Child): AsyncGenerator<Buffer, void, undefined> {
  const exit = once(child, 'exit').catch(() => [null])
  const giveUp = () => {
    child.stdout.destroy(new ScriptError('The script took too long', 504))
    // SIGTERM may be ignored.
    child.kill('SIGKILL')
  }
  let timer = setTimeout(giveUp, SILENCE)
  try {
    for await (const piece of child.stdout as AsyncIterable<Buffer>) {
      clearTimeout(timer)
      yield piece
      timer = setTimeout(giveUp, SILENCE)
    }
    const [code] = (await exit) as (number | null)[]
    if (code !== 0) {
      throw new ScriptError(\`The script has ended with the status \${String(code)}\`)
    }
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}
`
const LENGTH = "const length = this.command === 'POST' ? headers.get('Content-Length', '0') : '0'"
const SIGKILL: readonly [Edit, Edit] = [
  ["    // SIGTERM may be ignored.\n    child.kill('SIGKILL')\n", '    child.kill()\n'],
  [
    "    clearTimeout(timer)\n    child.kill('SIGKILL')\n",
    '    clearTimeout(timer)\n    child.kill()\n',
  ],
]

export const variants: Variants = {
  wrong: [
    {
      id: 'files-only',
      history: 'A script is a file, and is sent.',
      from: OUTSIDE,
      to: "path !== ''",
      killedBy: 'cgi/get',
    },
    {
      id: 'output-as-body',
      history: 'All that the script writes is the body.',
      from: '      await this.wfile.write(rest)\n',
      to: "      const head = [...fields].map((field) => field.join(': ')).join('\\n')\n      await this.wfile.write(Buffer.from(`${head}\\n\\n`))\n      await this.wfile.write(rest)\n",
      killedBy: 'cgi/get',
    },
    {
      id: 'run-directly',
      history:
        'The file is started as a program, which no system but a well-kept one takes it for.',
      from: SPAWN,
      to: 'spawn(script.file, [], {',
      killedBy: 'cgi/get',
    },
    {
      id: 'never-looked',
      history: 'Node finds out that there is no such script, and that is a 502.',
      from: ' && statSync(file, { throwIfNoEntry: false })?.isFile() === true',
      to: '',
      killedBy: 'cgi/get',
    },
    {
      id: 'shell-line',
      history: 'The query is put on the command line, for the script to look at.',
      from: SPAWN,
      to: 'spawn(`"${process.execPath}" "${script.file}" ${urlsplit(this.path).query}`, [], {\n      shell: true,',
      killedBy: 'cgi/query',
    },
    {
      id: 'options-of-node',
      history: 'A query without "=" is for the command line, says RFC 3875 §4.4, but not where.',
      from: SPAWN,
      to: "spawn(process.execPath, [...urlsplit(this.path).query.split('+').filter((word) => word !== '' && !word.includes('=')), script.file], {",
      killedBy: 'cgi/query',
    },
    {
      id: 'query-decoded',
      history: 'Once decoded, nobody can tell the `&` that separates from the one that was meant.',
      from: QUERY,
      to: 'QUERY_STRING: decodeURIComponent(urlsplit(this.path).query),',
      killedBy: 'cgi/query',
    },
    {
      id: 'no-query-no-variable',
      history: 'Where there is no query, there is no variable; scripts rely on it.',
      from: QUERY,
      to: "...(urlsplit(this.path).query !== '' && { QUERY_STRING: urlsplit(this.path).query }),",
      killedBy: 'cgi/query',
    },
    {
      id: 'no-body',
      history: 'The script is told everything but the body.',
      from: FEED,
      to: 'pipeline([], child.stdin)',
      killedBy: 'cgi/post',
    },
    {
      id: 'waits-for-the-end',
      history: 'The body is read to the end of the connection, which does not come.',
      from: FEED,
      to: "pipeline(this.command === 'POST' ? [await this.rfile.read()] : [], child.stdin)",
      killedBy: 'cgi/post',
    },
    {
      id: 'body-first',
      history:
        'First all of the body, and then the output: but the script waits for somebody to read.',
      from: FEED,
      to: `await ${FEED}`,
      killedBy: 'cgi/post',
    },
    {
      id: 'body-as-text',
      history: 'The body is made a string, and bytes that are no UTF-8 become question marks.',
      from: FEED,
      to: "pipeline(this.command === 'POST' ? [(await this.rfile.read(Number(this.headers.get('Content-Length')))).toString()] : [], child.stdin)",
      killedBy: 'cgi/post',
    },
    {
      id: 'output-as-text',
      history: 'What the script writes is made a string.',
      from: '      yield piece\n',
      to: '      yield Buffer.from(piece.toString())\n',
      killedBy: 'cgi/post',
    },
    {
      id: 'no-length',
      history: 'The script can see where its input ends, thinks the server.',
      from: 'CONTENT_LENGTH: length, ',
      to: '',
      killedBy: 'cgi/post',
    },
    {
      id: 'must-be-read',
      history: 'A script that does not read breaks the pipe, and the whole server.',
      from: `${FEED}.catch(() => {})`,
      to: `void ${FEED}`,
      killedBy: 'cgi/post',
    },
    {
      id: 'status-sent',
      history: '`Status` is sent to the client as well.',
      from: "...['status', 'content-length',",
      to: "...['content-length',",
      killedBy: 'cgi/status',
    },
    {
      id: 'always-200',
      history: 'Whatever the script says, all is well.',
      from: "const status = fields.get('Status') ?? (",
      to: 'const status = (',
      killedBy: 'cgi/status',
    },
    {
      id: 'two-lengths',
      history: "The script's length is sent, and chunks.",
      from: "...['status', 'content-length',",
      to: "...['status',",
      killedBy: 'cgi/status',
    },
    {
      id: 'lf-only',
      history: 'Lines end with LF, here.',
      from: 'end = /\\n\\r?\\n/',
      to: 'end = /\\n\\n/',
      killedBy: 'cgi/status',
    },
    {
      id: 'one-of-each-name',
      history: 'An object has each name once, and the second cookie is lost.',
      from: 'for (const [name, value] of fields) {',
      to: 'for (const [name, value] of new Map(fields)) {',
      killedBy: 'cgi/status',
    },
    {
      id: 'location-with-200',
      history: '200, and a field that nobody looks at then.',
      from: "(fields.has('Location') ? '302' : '200')",
      to: "'200'",
      killedBy: 'cgi/location',
    },
    {
      id: 'always-302',
      history: 'There is a Location, so it is a 302.',
      from: "fields.get('Status') ?? (fields.has('Location') ? '302' : '200')",
      to: "fields.has('Location') ? '302' : fields.get('Status', '200')",
      killedBy: 'cgi/location',
    },
    {
      id: 'client-sent-around',
      history: 'A path is sent to the client, as if it were a URL.',
      from: "location.startsWith('/') &&",
      to: "location.startsWith('//') &&",
      killedBy: 'cgi/location',
    },
    {
      id: 'no-head',
      history: 'HEAD is as before: it describes the source of the script.',
      from: '  override do_HEAD() {',
      to: '  doHead() {',
      killedBy: 'cgi/head',
    },
    {
      id: 'head-as-get',
      history: 'HEAD is a GET whose body is dropped, and nobody drops it.',
      from: '  override do_HEAD() {\n',
      to: "  override do_HEAD() {\n    this.command = 'GET'\n",
      killedBy: 'cgi/head',
    },
    {
      id: 'whole-environment',
      history: 'The variables are added to those of the server, passwords included.',
      from: "      GATEWAY_INTERFACE: 'CGI/1.1',\n",
      to: "      ...(process.env as Record<string, string>),\n      GATEWAY_INTERFACE: 'CGI/1.1',\n",
      killedBy: 'cgi/env',
    },
    {
      id: 'password-told',
      history: 'Every field is told, and scripts print what they are told.',
      from: "'authorization', 'proxy-authorization'",
      to: "'proxy-authorization'",
      killedBy: 'cgi/env',
    },
    {
      id: 'first-of-each-name',
      history: 'Of several fields with a name, the first is told.',
      from: 'headers.getAll(key).join(separator)',
      to: "headers.get(key, '')",
      killedBy: 'cgi/env',
    },
    {
      id: 'hyphens',
      history: 'A variable with a hyphen in its name, which no shell can read.',
      from: ".replaceAll('-', '_')",
      to: '',
      killedBy: 'cgi/env',
    },
    {
      id: 'without-http',
      history: 'Fields are told under their own names: PATH, for instance.',
      from: '`HTTP_${key',
      to: '`${key',
      killedBy: 'cgi/env',
    },
    {
      id: 'port-of-the-host',
      history: 'The port is what the client says it is, or 80.',
      from: 'String(serverPort)',
      to: "/:([0-9]+)$/.exec(headers.get('Host', ''))?.[1] ?? '80'",
      killedBy: 'cgi/env',
    },
    {
      id: 'httpoxy',
      history: 'Proxy is a field like any other.',
      from: "  'proxy',\n",
      to: '',
      killedBy: 'cgi/httpoxy',
    },
    {
      id: 'httpoxy-in-capitals',
      history: 'Proxy is left out, and PROXY is not.',
      from: 'UNTOLD.includes(key.toLowerCase())',
      to: "UNTOLD.includes(key.replace(/^[A-Z]/, (letter) => letter.toLowerCase()).replace('Auth', 'auth'))",
      killedBy: 'cgi/httpoxy',
    },
    {
      id: 'no-path-info',
      history: 'The whole rest of the path is the name of the script.',
      from: SPLIT,
      to: "const [name, info] = [path.slice(folder.length), '']",
      killedBy: 'cgi/path-info',
    },
    {
      id: 'path-info-encoded',
      history: 'What follows the name is told as it came.',
      from: 'PATH_INFO: info,',
      to: 'PATH_INFO: encodeURI(info),',
      killedBy: 'cgi/path-info',
    },
    {
      id: 'whole-path-as-name',
      history: 'The name of the script is the path.',
      from: 'SCRIPT_NAME: name,',
      to: 'SCRIPT_NAME: name + info,',
      killedBy: 'cgi/path-info',
    },
    {
      id: 'decoded-after-the-check',
      history: 'The path begins right, and what it decodes to is run.',
      edits: [
        [OUTSIDE, '!this.path.startsWith(FOLDER)'],
        [
          SPLIT,
          "const rest = decodeURIComponent(urlsplit(this.path).path.slice(FOLDER.length))\n    const [, name = '', info = ''] = /^(.*?\\.mjs)(.*)$/s.exec(rest) ?? []",
        ],
        ['/^[\\w-]+\\.mjs$/.test(name)', "name !== ''"],
      ],
      killedBy: 'cgi/outside',
    },
    {
      id: 'spelled-otherwise',
      history:
        'A path that does not begin with /cgi-bin/ is a file, wherever it leads: CVE-2014-4650.',
      from: OUTSIDE,
      to: '!this.path.startsWith(FOLDER)',
      killedBy: 'cgi/outside',
    },
    {
      id: 'no-absolute-form',
      history: 'A target that is a whole URL is a file; the base class takes the host off.',
      from: 'this.translatePath(urlsplit(this.path).path)',
      to: 'this.translatePath(this.path)',
      killedBy: 'cgi/outside',
    },
    {
      id: 'no-limit',
      history: 'A script has all the time in the world.',
      from: 'const SILENCE = 2000',
      to: 'const SILENCE = 60_000',
      killedBy: 'cgi/hangs',
    },
    {
      id: 'asked-to-end',
      history: 'SIGTERM asks, and the script says no.',
      edits: SIGKILL,
      killedBy: 'cgi/hangs',
    },
    {
      id: 'left-behind',
      history: 'The client has its 504, and nobody thinks of the script.',
      edits: SIGKILL.map(([from, to]) => [from, to.replace('    child.kill()\n', '')] as const),
      killedBy: 'cgi/hangs',
    },
    {
      id: 'error-in-the-body',
      history: 'An error page, in the middle of another body, which then ends as it should.',
      from: '      this.sendError(error.code, undefined, error.message)\n',
      to: '      if (this.wfile.encode === undefined) {\n        this.sendError(error.code)\n      } else {\n        await this.wfile.write(Buffer.from(`<h1>${error.message}</h1>`))\n      }\n',
      killedBy: 'cgi/crash',
    },
    {
      id: 'any-exit-status',
      history: 'The output has ended, so it is whole.',
      from: 'if (code !== 0) {',
      to: 'if (code === undefined) {',
      killedBy: 'cgi/crash',
    },
    {
      id: 'nothing-said',
      history: 'A script without a word is an empty page.',
      from: "      throw new ScriptError('The script has sent no head')\n",
      to: "      return { fields: new HTTPMessage([['Content-Type', 'text/plain']]), rest: Buffer.of() }\n",
      killedBy: 'cgi/crash',
    },
    {
      id: 'no-response',
      history: 'The error of the script becomes one of the server, and the client hears nothing.',
      from: 'if (!(error instanceof ScriptError)) {\n        throw error\n      }',
      to: "if (!(error instanceof ScriptError) || this.command !== '') {\n        throw error\n      }",
      killedBy: 'cgi/crash',
    },
  ],
  right: [
    {
      id: 'with-a-length',
      edits: [
        [
          SEND,
          `      const pieces: Uint8Array[] = [rest]
      for await (const piece of output) {
        pieces.push(piece)
      }
      this.sendFields(fields, Buffer.concat(pieces))
`,
        ],
        ['sendFields(fields: HTTPMessage) {', 'sendFields(fields: HTTPMessage, body: Buffer) {'],
        [
          CHUNKED,
          `      this.sendHeader('Content-Length', body.length)\n      this.endHeaders()\n${NO_BODY}      void this.wfile.write(body)\n`,
        ],
      ],
    },
    {
      id: 'to-the-end-of-the-connection',
      from: CHUNKED,
      to: `      this.closeConnection = true\n      this.endHeaders()\n${NO_BODY}`,
    },
    {
      id: 'chunks-collected',
      edits: [
        [
          '      this.sendError(411)\n',
          '      const pieces: Uint8Array[] = []\n      for await (const piece of this.body) {\n        pieces.push(piece)\n      }\n      await this.runScript(script, redirects, Buffer.concat(pieces))\n',
        ],
        [
          '(script: Script, redirects: number) {',
          '(script: Script, redirects: number, body?: Buffer) {',
        ],
        ['this.variablesFor(script)', 'this.variablesFor(script, body)'],
        [
          FEED,
          FEED.replace(
            "this.command === 'POST' ?",
            "body !== undefined ? [body] : this.command === 'POST' ?",
          ),
        ],
        ['{ name, info }: Script)', '{ name, info }: Script, body?: Buffer)'],
        [LENGTH, LENGTH.replace('= this', '= body !== undefined ? String(body.length) : this')],
      ],
    },
    {
      id: 'all-at-once',
      edits: [
        [
          "import { spawn } from 'node:child_process'",
          "import { spawnSync } from 'node:child_process'",
        ],
        [
          `const child = ${SPAWN}`,
          `const length = this.command === 'POST' ? Number(this.headers.get('Content-Length', 0)) : 0
    const { stdout, status } = spawnSync(process.execPath, [script.file], {
      input: await this.rfile.read(length),
      timeout: SILENCE,
      killSignal: 'SIGKILL',
      maxBuffer: 16 * 1024 * 1024,`,
        ],
        [`    // It need not read the body.\n    ${FEED}.catch(() => {})\n`, ''],
        ['outputOf(child)\n', 'outputOf(stdout, status)\n'],
        [
          OUTPUT,
          `async function* outputOf(stdout: Buffer, status: number | null): AsyncGenerator<Buffer, void, undefined> {
  await Promise.resolve()
  if (status !== 0) {
    throw new ScriptError('The script has failed', status === null ? 504 : 502)
  }
  yield stdout
}
`,
        ],
      ],
    },
    {
      id: 'always-500',
      from: 'this.sendError(error.code,',
      to: 'this.sendError(500,',
    },
    {
      id: 'input-stays-open',
      from: 'child.stdin).catch',
      to: 'child.stdin, { end: false }).catch',
    },
    {
      id: 'with-path',
      from: "      GATEWAY_INTERFACE: 'CGI/1.1',\n",
      to: "      PATH: process.env.PATH ?? '',\n      GATEWAY_INTERFACE: 'CGI/1.1',\n",
    },
    {
      id: 'own-name',
      from: "headers.get('Host', '').replace(/:[0-9]*$/, '') || serverName",
      to: 'serverName',
    },
    {
      id: 'escapes-refused',
      from: '    const folder = this.translatePath(FOLDER)\n',
      to: "    if (/%(?:2e|2f|5c|63)/i.test(urlsplit(this.path).path) || !this.path.startsWith('/')) {\n      return null\n    }\n    const folder = this.translatePath(FOLDER)\n",
    },
  ],
}
