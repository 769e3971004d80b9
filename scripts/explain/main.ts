/**
 * Every byte of an exchange: `npm run explain -- 'GET /?foo=bar HTTP/1.1\r\nHost: a\r\n\r\n' --app get`.
 *
 * ```text
 *   main.ts     the command line
 *   serve.ts    a real server, on a real socket, and its client
 *   tape.ts     a handler that records what it reads and writes; watch.ts: how it is watched
 *   trace.ts    where a call comes from; places.ts: where that is in the source
 *   label.ts    the recording, cut into pieces, each with its label: request.ts, response.ts
 *   sections.ts the section of an RFC for each
 *   text.ts     the labels, as they are printed
 * ```
 *
 * @module
 */

import { parseArgs } from 'node:util'
import { SimpleHTTPRequestHandler } from 'basehttp'
import { parsePattern, PageError } from '../../conformance/judge/fence.ts'
import { HANDLERS, SERVERS } from '../../conformance/targets/handlers.ts'
import { explainExchange } from './serve.ts'
import type { HandlerClass } from './tape.ts'
import { textOf } from './text.ts'

/** Those whose server is of another kind: a thread cannot be looked into, and a clock is not for this. */
const PLAIN = Object.keys(HANDLERS).filter((app) => app !== 'clock')

const USAGE = `\
usage: npm run explain -- REQUEST [--app APP] [--directory FOLDER]

Sends REQUEST to a handler, and says of each byte of it and of the response what it is, which RFC says so,
and which lines of the source read or wrote it.

REQUEST: as in 'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'; there are \\r \\n \\t \\0 \\\\ \\xNN and {{repeat:N:TEXT}}.
Several requests may follow one another.
--app APP           one of ${PLAIN.join(', ')}; get, if left out
--directory FOLDER  what the apps simple and simple11 serve; the present one, if left out`

/** The command line is not valid: one line says why, and the status is 2. */
class UsageError extends Error {}

try {
  const { request, app, directory } = readArguments(process.argv.slice(2))
  const Handler = HANDLERS[app] as unknown as HandlerClass
  const isFiles =
    Handler === SimpleHTTPRequestHandler || Handler.prototype instanceof SimpleHTTPRequestHandler
  if (directory !== undefined && !isFiles) {
    throw new UsageError(
      `--directory is for the apps simple and simple11, and "${app}" serves no files`,
    )
  }
  if (directory !== undefined) {
    checkDirectory(directory)
  }
  const explanation = await explainExchange(Handler, request, {
    ...(directory !== undefined && { options: { directory } }),
    ...(app === 'tls' && { Server: SERVERS.tls as NonNullable<typeof SERVERS.tls> }),
  })
  console.log(textOf(explanation).join('\n'))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = error instanceof UsageError ? 2 : 1
}

function readArguments(args: string[]): {
  request: Buffer
  app: string
  directory: string | undefined
} {
  const { values, positionals } = parse(args)
  if (values.help === true) {
    console.log(USAGE)
    process.exit(0)
  }
  const [text, extra] = positionals
  if (text === undefined || text === '') {
    throw new UsageError(
      `Nothing to explain: give a request, as in 'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'`,
    )
  }
  if (extra !== undefined) {
    throw new UsageError(
      `Cannot explain "${extra}" as well: put the request in quotes, as one argument`,
    )
  }
  const { app = 'get' } = values
  if (!PLAIN.includes(app)) {
    throw new UsageError(`There is no app "${app}"; there are ${PLAIN.join(', ')}`)
  }
  return { request: bytesOf(text), app, directory: values.directory }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        app: { type: 'string' },
        directory: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function checkDirectory(directory: string): void {
  try {
    SimpleHTTPRequestHandler.checkOptions({ directory })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function bytesOf(text: string): Buffer {
  try {
    const parts = parsePattern(Buffer.from(text).toString('latin1'), 'The request')
    return Buffer.concat(
      parts.map((part) => {
        if ('hole' in part) {
          throw new UsageError(
            `The request: "{{${part.hole}}}" stands for many texts, and cannot be sent`,
          )
        }
        return Buffer.from(part.literal, 'latin1')
      }),
    )
  } catch (error) {
    throw error instanceof PageError ? new UsageError(error.message) : error
  }
}
