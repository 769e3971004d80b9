import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HTTPMessage, SimpleHTTPRequestHandler, urlsplit } from 'basehttp'
import type { Field, HTTPServer } from 'basehttp'

/** Where the scripts are, in the path of a request. */
const FOLDER = '/cgi-bin/'

/** How long a script may be silent, in milliseconds. */
const SILENCE = 2000

/** How many scripts may lead to one another. */
const REDIRECTS = 5

/** The most bytes in the head of a script's response. */
const LONGEST_HEAD = 64 * 1024

/** Fields of a request that have variables of their own, are about the connection, or are secret. */
const UNTOLD = [
  ...['content-length', 'content-type', 'connection', 'keep-alive', 'te', 'transfer-encoding'],
  ...['upgrade', 'authorization', 'proxy-authorization'],
  // Security: HTTP_PROXY is where many programs look for a proxy of their own (httpoxy, CVE-2016-5385).
  'proxy',
]

/** Fields of a script that the server reads, or sends itself: RFC 3875 §6.3.4. */
const OWN = [
  ...['status', 'content-length', 'connection', 'keep-alive', 'transfer-encoding', 'trailer'],
  ...['upgrade', 'date', 'server'],
]

/** A script, as the path of a request names it. */
interface Script {
  readonly name: string
  readonly file: string
  /** What follows its name in the path. */
  readonly info: string
}

type Child = ChildProcessByStdio<Writable, Readable, null>

/** A script has failed, which is a 502 to the client; or a 504, if it took too long. */
class ScriptError extends Error {
  readonly code: 502 | 504

  constructor(message: string, code: 502 | 504 = 502) {
    super(message)
    this.code = code
  }
}

export class Scripts extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override do_GET() {
    return this.serve()
  }

  override do_HEAD() {
    return this.serve()
  }

  do_POST() {
    return this.serve()
  }

  /** @param redirects - how many scripts have led here */
  async serve(redirects = 0) {
    const script = this.findScript()
    if (script === null) {
      this.sendError(404)
    } else if (script !== undefined && this.headers.has('Transfer-Encoding')) {
      // A script must know the length beforehand: RFC 3875 §4.2.
      this.sendError(411)
    } else if (script !== undefined) {
      await this.runScript(script, redirects)
    } else if (this.command === 'POST') {
      this.sendError(405, undefined, undefined, [['Allow', 'GET, HEAD']])
    } else {
      await (this.command === 'HEAD' ? super.do_HEAD() : super.do_GET())
    }
  }

  /** Find the script that is asked for: null if it is none of the folder, undefined for all other paths. */
  findScript(): Script | null | undefined {
    const folder = this.translatePath(FOLDER)
    // Security: what counts is the file, and not how its path is spelled. Whatever lies in the folder is
    // run, or not served at all: its source is nobody's business. Some systems do not tell case.
    const path = this.translatePath(urlsplit(this.path).path)
    if (!`${path}/`.toLowerCase().startsWith(folder.toLowerCase())) {
      return undefined
    }
    const [, name = '', info = ''] = /^([^/]*)(.*)$/s.exec(path.slice(folder.length)) ?? []
    const file = folder + name
    const isScript = /^[\w-]+\.mjs$/.test(name) && !info.includes('\0')
    return isScript && statSync(file, { throwIfNoEntry: false })?.isFile() === true
      ? { name: FOLDER + name, file, info }
      : null
  }

  /** Run a script, and send what it responds. */
  async runScript(script: Script, redirects: number) {
    const child = spawn(process.execPath, [script.file], {
      cwd: dirname(script.file),
      env: this.variablesFor(script),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    // It need not read the body.
    pipeline(this.command === 'POST' ? this.body : [], child.stdin).catch(() => {})
    const output = outputOf(child)
    try {
      const { fields, rest } = await readHead(output)
      const location = fields.get('Location', '')
      if (location.startsWith('/') && !fields.has('Status')) {
        await this.redirect(location, redirects)
        return
      }
      this.sendFields(fields)
      await this.wfile.write(rest)
      for await (const piece of output) {
        await this.wfile.write(piece)
      }
    } catch (error) {
      if (!(error instanceof ScriptError)) {
        throw error
      }
      // Once the head has been sent, this is the end of the connection, and no last chunk.
      this.sendError(error.code, undefined, error.message)
    } finally {
      await output.return()
    }
  }

  /** Respond as to a GET of another path: RFC 3875 §6.2.2. */
  async redirect(location: string, redirects: number) {
    if (redirects === REDIRECTS) {
      throw new ScriptError('The scripts lead in circles')
    }
    this.command = this.command === 'HEAD' ? 'HEAD' : 'GET'
    this.path = location.replace(/^\/+/, '/')
    await this.serve(redirects + 1)
  }

  // -- The request ---------------------------------------------------------------------------

  /** What a script is told, all of it: RFC 3875 §4.1. The server's own variables are its own. */
  variablesFor({ name, info }: Script): Record<string, string> {
    const { headers } = this
    const { serverName, serverPort } = this.server as HTTPServer
    const length = this.command === 'POST' ? headers.get('Content-Length', '0') : '0'
    const type = headers.get('Content-Type', '')
    return {
      GATEWAY_INTERFACE: 'CGI/1.1',
      SERVER_SOFTWARE: this.versionString(),
      SERVER_PROTOCOL: this.requestVersion,
      SERVER_NAME: headers.get('Host', '').replace(/:[0-9]*$/, '') || serverName,
      SERVER_PORT: String(serverPort),
      REMOTE_ADDR: this.addressString(),
      REQUEST_METHOD: this.command,
      SCRIPT_NAME: name,
      QUERY_STRING: urlsplit(this.path).query,
      PATH_INFO: info,
      ...(length !== '0' && { CONTENT_LENGTH: length, CONTENT_TYPE: type }),
      ...Object.fromEntries(
        headers
          .keys()
          // A name with `_` would be told as if it had `-`.
          .filter((key) => /^[a-z0-9-]+$/i.test(key) && !UNTOLD.includes(key.toLowerCase()))
          .map((key) => {
            const separator = key.toLowerCase() === 'cookie' ? '; ' : ', '
            const variable = `HTTP_${key.toUpperCase().replaceAll('-', '_')}`
            return [variable, headers.getAll(key).join(separator)]
          }),
      ),
    }
  }

  // -- The response --------------------------------------------------------------------------

  /** Send a head as a script has meant it. */
  sendFields(fields: HTTPMessage) {
    const status = fields.get('Status') ?? (fields.has('Location') ? '302' : '200')
    const code = Number(status.slice(0, 3))
    this.sendResponse(code, status.slice(4) || undefined)
    for (const [name, value] of fields) {
      if (!OWN.includes(name.toLowerCase())) {
        this.sendHeader(name, value)
      }
    }
    if ([204, 205, 304].includes(code)) {
      this.endHeaders()
      this.wfile.encode = () => Buffer.of()
    } else {
      this.endHeadersChunked()
    }
  }
}

/**
 * What a script writes, piece by piece, until it has ended. While a piece is being sent on, its time does
 * not run. However this is left, the script is no more.
 *
 * @throws ScriptError when it fails, or is silent for too long.
 */
async function* outputOf(child: Child): AsyncGenerator<Buffer, void, undefined> {
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
      throw new ScriptError(`The script has ended with the status ${String(code)}`)
    }
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}

/** Read the head of what a script writes, and what has come of the body together with it. */
async function readHead(output: AsyncGenerator<Buffer, void, undefined>) {
  let text = ''
  let end: RegExpExecArray | null = null
  while (end === null) {
    const { value } = await output.next()
    if (value === undefined || text.length > LONGEST_HEAD) {
      throw new ScriptError('The script has sent no head')
    }
    text += value.toString('latin1')
    // Lines end as the script's system ends them.
    end = /\n\r?\n/.exec(text)
  }
  const fields = new HTTPMessage(text.slice(0, end.index).split('\n').map(parseField))
  const isResponse = ['Content-Type', 'Location', 'Status'].some((name) => fields.has(name))
  if (!isResponse || !/^[2-5][0-9]{2}(?: |$)/.test(fields.get('Status', '200'))) {
    throw new ScriptError('The script has not said what it responds')
  }
  return { fields, rest: Buffer.from(text.slice(end.index + end[0].length), 'latin1') }
}

function parseField(line: string): Field {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([^\r\0]*)\r?$/.exec(line) ?? []
  if (name === undefined || value === undefined) {
    throw new ScriptError(`The script has sent "${line}" as a field`)
  }
  return [name, value]
}

export default { cgi: Scripts }
