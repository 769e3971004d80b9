#!/usr/bin/env node
/**
 * Python's `python -m http.server`: the command line.
 *
 * ```text
 *   $ basehttp 8080
 *   Serving HTTP on 0.0.0.0 port 8080 ...
 *   127.0.0.1 - - [06/Oct/2016 17:12:48] "HEAD /index.rst HTTP/1.1" 200 -
 * ```
 *
 * Nothing of HTTP happens here. A file handler and a server are set up from the arguments, and
 * shutdown is arranged: Ctrl-C ends the program at once, SIGTERM after the responses to the requests
 * that have arrived.
 *
 * Differs: Python has no deadlines, and SIGTERM ends it in the middle of a response.
 *
 * Files are imported one by one, not through `index.ts`, so that only those are loaded that the first
 * request needs.
 *
 * @module
 */

import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { pathToFileURL } from 'node:url'
import { HELP, parseArguments, USAGE, UsageError } from './cli-arguments.ts'
import type { Arguments } from './cli-arguments.ts'
import { colored, wantsColors } from './cli-colors.ts'
import { AsyncHTTPSServer } from './http/https-server.ts'
import { AsyncHTTPServer } from './http/server.ts'
import { SimpleHTTPRequestHandler } from './http/simple-handler.ts'
import { sampleHandler } from './socketserver/handler-options.ts'
import type { RequestHandlerClass } from './socketserver/request-handler.ts'
import type { AddressFamily } from './socketserver/tcp-server.ts'
import { ConnectionError, TimeoutError } from './stdlib/errors.ts'
import { directoryProblem } from './stdlib/files.ts'
import { repr } from './stdlib/format.ts'
import { stderr } from './stdlib/sys.ts'
import { zoneWarning } from './stdlib/time-zone.ts'

/** How long a connection may be idle, or a client not send or read, in seconds. */
const TIMEOUT = 60
/** How long a client may take for the head of a request, in seconds. */
const HEAD_TIMEOUT = 30
/** How long requests that are on their way may take to arrive after SIGTERM, in seconds. */
const GRACE = 0.1

/** How many descriptors the program needs for itself. */
const OWN_FILES = 40

class CommandLineHandler extends SimpleHTTPRequestHandler {
  override timeout: number | null = TIMEOUT
  override headTimeout: number | null = HEAD_TIMEOUT

  override async waitForRequest(): Promise<void> {
    try {
      await super.waitForRequest()
    } catch (error) {
      // Browsers open spare connections; one that was not used is not worth a line in the log.
      throw error instanceof TimeoutError ? new ConnectionError('idle', { cause: error }) : error
    }
  }
}

async function main(args: readonly string[]): Promise<void> {
  // A reader that exits (`basehttp | head -1`) must not end the server.
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      process.stderr.write(`basehttp: error: cannot write to standard output: ${error.message}\n`)
      process.exit(1)
    }
  })
  try {
    const parsed = parseArguments(args)
    switch (parsed) {
      case 'help':
        process.stdout.write(HELP)
        break
      case 'version':
        process.stdout.write(`basehttp ${await ownVersion()}\n`)
        break
      default:
        await serve(parsed)
    }
  } catch (error) {
    const usage = error instanceof UsageError ? USAGE : ''
    const hint = error instanceof UsageError && error.hint !== undefined ? error.hint : ''
    process.stderr.write(
      `${usage}basehttp: error: ${(error as Error).message}\n` +
        (hint === '' ? '' : `basehttp: hint: ${hint}\n`),
    )
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}

async function ownVersion(): Promise<string> {
  const { createRequire } = await import('node:module')
  const { version } = createRequire(import.meta.url)('basehttp/package.json') as { version: string }
  return version
}

async function serve(args: Arguments): Promise<void> {
  const { directory } = args
  if (directory !== undefined) {
    const reason = directoryProblem(directory)
    if (reason !== null) {
      throw new UsageError(`argument -d/--directory: ${repr(directory)}: ${reason}`)
    }
  }
  const Handler = args.handler === undefined ? CommandLineHandler : await loadHandler(args.handler)
  const server = makeServer(args, Handler, await resolve(args.bind, args.port))
  server.handlerOptions = handlerOptions(args, sampleHandler(server))
  try {
    await server.bindAndActivate()
  } catch (error) {
    throw explained(error, `cannot listen on ${args.bind ?? '0.0.0.0'} port ${String(args.port)}`)
  }

  process.on('SIGINT', () => {
    process.stdout.write('\nKeyboard interrupt received, exiting.\n')
    process.exit(0)
  })
  process.once('SIGTERM', () => {
    process.once('SIGTERM', () => process.exit(0))
    void server.shutdown()
  })

  const warning = zoneWarning(process.env.TZ)
  if (warning !== null) {
    process.stderr.write(`basehttp: warning: ${warning}\n`)
  }
  const [host, port] = server.serverAddress
  const scheme = args.tlsCert === undefined ? 'HTTP' : 'HTTPS'
  const authority = `${host.includes(':') ? `[${host}]` : host}:${String(port)}`
  const url = process.stdout.isTTY ? `(${scheme.toLowerCase()}://${authority}/) ` : ''
  process.stdout.write(`Serving ${scheme} on ${host} port ${String(port)} ${url}...\n`)
  const outside = process.stdout.isTTY && isEveryAddress(host) ? outsideAddress() : undefined
  if (outside !== undefined) {
    process.stdout.write(`On this network: ${scheme.toLowerCase()}://${outside}:${String(port)}/\n`)
  }
  if (wantsColors(process.stderr, process.env)) {
    const write = stderr.write.bind(stderr)
    stderr.write = (text) => {
      write(colored(text))
    }
  }

  await server.serveForever()
  // Waits for the remaining connections.
  await server.serverClose()
  process.exit(0)
}

/**
 * The fields of the handler that the arguments set.
 *
 * @throws {@link UsageError} for a field that the handler of `--handler` does not have.
 */
function handlerOptions(args: Arguments, sample: object): Record<string, unknown> {
  const given = [
    ['-d/--directory', 'directory', args.directory],
    ['-p/--protocol', 'protocolVersion', args.protocol],
    ['-H/--header', 'extraResponseHeaders', args.headers.length > 0 ? args.headers : undefined],
    ['--content-type', 'defaultContentType', args.contentType],
  ] as const
  const options: Record<string, unknown> = {}
  for (const [flag, field, value] of given) {
    if (value !== undefined) {
      if (!(field in sample)) {
        throw new UsageError(
          `argument ${flag}: the class of --handler has no field ${field} to set`,
        )
      }
      options[field] = value
    }
  }
  return options
}

function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** An address by which others can reach this machine; undefined if it has none. */
function outsideAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}

/** An address to bind to. */
interface Resolved {
  readonly address: readonly [host: string, port: number]
  readonly family: AddressFamily
}

/** Resolve a name to the first address that the system offers, as Python does. */
async function resolve(bind: string | undefined, port: number): Promise<Resolved> {
  // Without a name, the system offers Python on Linux 0.0.0.0 first.
  if (bind === undefined || bind === '') {
    return { address: ['', port], family: 'IPv4' }
  }
  try {
    const { address, family } = await lookup(bind)
    // An IPv6 socket accepts IPv4 as well, where possible: gh-83088.
    return { address: [address, port], family: family === 6 ? 'dual' : 'IPv4' }
  } catch (error) {
    throw explained(error, `cannot listen on ${bind}`)
  }
}

function makeServer(
  args: Arguments,
  Handler: RequestHandlerClass,
  { address, family }: Resolved,
): AsyncHTTPServer | AsyncHTTPSServer {
  const { tlsCert, tlsKey, tlsPasswordFile } = args
  const server =
    tlsCert === undefined
      ? new AsyncHTTPServer(address, Handler)
      : new AsyncHTTPSServer(address, Handler, {
          certfile: tlsCert,
          keyfile: tlsKey,
          password: tlsPasswordFile === undefined ? undefined : readPassword(tlsPasswordFile),
        })
  server.addressFamily = family
  server.maxConnections = connectionLimit()
  server.closeGrace = GRACE
  return server
}

/**
 * How many connections this process has descriptors for, at two each: one for the connection, one
 * for the file. Null if the limit is unknown.
 */
function connectionLimit(): number | null {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1')
    const [, files] = /^Max open files +(\d+)/m.exec(limits) ?? []
    return files === undefined ? null : Math.max(1, Math.floor((Number(files) - OWN_FILES) / 2))
  } catch {
    return null
  }
}

/**
 * Load the handler class of `--handler FILE[#NAME]`: the one of that name, or the default, or the only
 * one. It is not a {@link CommandLineHandler}, and has its own deadlines.
 *
 * @throws {@link UsageError}
 */
async function loadHandler(argument: string): Promise<RequestHandlerClass> {
  const [, file, name] = /^(.+?)(?:#(\w+))?$/s.exec(argument) as unknown as [
    string,
    string,
    string?,
  ]
  const wrong = (reason: string) => new UsageError(`argument --handler: ${repr(file)}: ${reason}`)
  let exported: Record<string, unknown>
  try {
    exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw wrong(
      code === 'ERR_UNKNOWN_FILE_EXTENSION' && file.endsWith('ts')
        ? `Node ${process.versions.node} does not run TypeScript; compile it first`
        : message,
    )
  }
  // Not `instanceof`: the module may import another copy of this package.
  const handlers = Object.entries(exported).filter(
    (entry): entry is [string, RequestHandlerClass] =>
      typeof entry[1] === 'function' &&
      typeof (entry[1].prototype as { run?: unknown } | undefined)?.run === 'function',
  )
  const found = handlers.find(([key]) => key === (name ?? 'default'))
  const only = name === undefined && handlers.length === 1 ? handlers[0] : undefined
  const [, Handler] = found ?? only ?? []
  if (Handler === undefined) {
    const names = handlers.map(([key]) => key).join(', ')
    throw wrong(
      names === ''
        ? 'it exports no handler class'
        : `it exports ${name === undefined ? 'more than one handler class' : `no ${name}`}; take one by #NAME: ${names}`,
    )
  }
  return Handler
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new UsageError(`Failed to read TLS password file: ${(error as Error).message}`)
  }
}

/** Why an address cannot be listened on, in words. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the address is already in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine has no such kind of addresses',
  EINVAL: 'that is not an address to listen on',
  EAI_AGAIN: 'the name server does not answer',
  ENOTFOUND: 'no such name is known',
}

function explained(error: unknown, what: string): Error {
  const reason = REASONS[(error as NodeJS.ErrnoException).code ?? '']
  return reason === undefined ? (error as Error) : new Error(`${what}: ${reason}`, { cause: error })
}

await main(process.argv.slice(2))
