/**
 * The arguments of the command line: those of Python 3.15's `python -m http.server`, parsed by Node's
 * `parseArgs()`. An error is reported in one line, with a hint where there is one.
 *
 * Differs: options cannot be abbreviated (`--dir` is not `--directory`), a port consists of digits,
 * and `-p` takes only a version that is implemented here, where Python's takes any word. `-H` takes its
 * name and value in one argument or in two. Python has no `--handler`: there, `http.server.test()` does
 * it.
 *
 * @module
 */

import { statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { repr } from './stdlib/format.ts'

export const USAGE = 'usage: basehttp [options] [port]; basehttp --help lists the options\n'

export const HELP = `\
usage: basehttp [-h] [-b ADDRESS] [-d DIRECTORY] [-p VERSION]
                [--tls-cert PATH] [--tls-key PATH] [--tls-password-file PATH]
                [-H HEADER] [--content-type TYPE] [--handler FILE[#NAME]] [-V]
                [port]

Serve the files of a directory over HTTP.

positional arguments:
  port                  bind to this port (default: 8000)

options:
  -h, --help            show this help message and exit
  -b, --bind ADDRESS    bind to this address (default: all interfaces)
  -d, --directory DIRECTORY
                        serve this directory (default: current directory)
  -p, --protocol VERSION
                        conform to this HTTP version, HTTP/1.0 or HTTP/1.1
                        (default: HTTP/1.0)
  --tls-cert PATH       path to the TLS certificate chain file
  --tls-key PATH        path to the TLS key file
  --tls-password-file PATH
                        path to the password file for the TLS key
  -H, --header HEADER   add the header 'Name: value' to every response with a 200;
                        may be given several times, and as two arguments
  --content-type TYPE   media type of files whose name tells none
                        (default: application/octet-stream)
  --handler FILE[#NAME] serve with the handler class that this module exports,
                        by this name, as default, or as its only class
  -V, --version         show the version and exit
`

/** The parsed arguments. */
export interface Arguments {
  port: number
  bind: string | undefined
  directory: string | undefined
  protocol: string | undefined
  tlsCert: string | undefined
  tlsKey: string | undefined
  tlsPasswordFile: string | undefined
  headers: [name: string, value: string][]
  contentType: string | undefined
  handler: string | undefined
}

/** An argument that is not valid. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  /** What may have been meant. */
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

const OPTIONS = {
  help: { short: 'h', type: 'boolean' },
  bind: { short: 'b', type: 'string' },
  directory: { short: 'd', type: 'string' },
  protocol: { short: 'p', type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'tls-password-file': { type: 'string' },
  header: { short: 'H', type: 'string', multiple: true },
  'content-type': { type: 'string' },
  handler: { type: 'string' },
  version: { short: 'V', type: 'boolean' },
} as const

/**
 * Read the arguments.
 *
 * @returns the parsed arguments, or what to show instead of serving.
 * @throws {@link UsageError}
 */
export function parseArguments(args: readonly string[]): Arguments | 'help' | 'version' {
  const { values, positionals } = parseOptions(args)
  if (values.help === true || values.version === true) {
    return values.help === true ? 'help' : 'version'
  }
  const [port = '8000', ...more] = positionals
  if (more.length > 0) {
    throw new UsageError(`unrecognized arguments: ${more.join(' ')}`, positionalHint(more[0]))
  }
  for (const name of ['tls-key', 'tls-password-file'] as const) {
    if (values[name] !== undefined && values['tls-cert'] === undefined) {
      throw new UsageError(`--${name} requires --tls-cert to be set`)
    }
  }
  return {
    port: parsePort(port),
    bind: values.bind,
    directory: values.directory,
    protocol: parseProtocol(values.protocol),
    tlsCert: values['tls-cert'],
    tlsKey: values['tls-key'],
    tlsPasswordFile: values['tls-password-file'],
    headers: (values.header ?? []).map(parseHeader),
    contentType: parseContentType(values['content-type']),
    handler: values.handler,
  }
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({ args: joinHeaders(args), options: OPTIONS, allowPositionals: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // The rest of the message guesses what was meant, and is often wrong.
    const [sentence] = message.split(/\.\s/, 1) as [string]
    const unknown =
      code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? /'(.*?)'/.exec(sentence)?.[1] : undefined
    throw new UsageError(sentence, unknown === undefined ? undefined : optionHint(unknown))
  }
}

// -- Hints -----------------------------------------------------------------------------------

const PORT_HINT = 'the port is given without an option: basehttp 8080'

/** What an unknown option may have meant. */
function optionHint(option: string): string | undefined {
  if (option === '--port') {
    return PORT_HINT
  }
  if (option === '--cgi') {
    return 'Python 3.15 has no CGI any more, and here there never was'
  }
  const names = Object.keys(OPTIONS).filter((name) => `--${name}`.startsWith(option))
  const alike = names.map((name) => `--${name}`).join(', ')
  return option.length > 3 && alike !== '' ? `options are written out: ${alike}` : undefined
}

/** What an argument that is not a port may have meant. */
function positionalHint(text: string | undefined): string | undefined {
  if (text !== undefined && statSync(text, { throwIfNoEntry: false })?.isDirectory() === true) {
    return `a directory is given with -d: basehttp -d ${text}`
  }
  const [, address, port] = /^(.+):(\d+)$/.exec(text ?? '') ?? []
  return address === undefined
    ? undefined
    : `an address is given with -b: basehttp -b ${address} ${String(port)}`
}

// -- The values ------------------------------------------------------------------------------

/** Turn `-H Name value`, the form of Python 3.15, into `-H 'Name: value'`. */
function joinHeaders(args: readonly string[]): string[] {
  const joined: string[] = []
  for (let at = 0; at < args.length; at++) {
    const [argument, name, value] = args.slice(at, at + 3) as [string, string?, string?]
    joined.push(argument)
    if (argument === '--') {
      return [...joined, ...args.slice(at + 1)]
    }
    if (['-H', '--header'].includes(argument) && name !== undefined) {
      const isNameAlone = !/[:=]|^-/.test(name) && value !== undefined
      joined.push(isNameAlone ? `${name}: ${value}` : name)
      at += isNameAlone ? 2 : 1
    }
  }
  return joined
}

function parsePort(text: string): number {
  if (!/^[0-9]+$/.test(text)) {
    throw new UsageError(`argument port: not a number: ${repr(text)}`, positionalHint(text))
  }
  if (Number(text) > 65535) {
    throw new UsageError(`argument port: must be 0-65535: ${repr(text)}`)
  }
  return Number(text)
}

function parseProtocol(text: string | undefined): string | undefined {
  if (text !== undefined && !['HTTP/1.0', 'HTTP/1.1'].includes(text)) {
    throw new UsageError(
      `argument -p/--protocol: neither HTTP/1.0 nor HTTP/1.1: ${repr(text)}`,
      /^[0-9]+$/.test(text) ? PORT_HINT : undefined,
    )
  }
  return text
}

function parseHeader(text: string): [name: string, value: string] {
  // RFC 9110 §5.1: a field name is a token. §5.5: a value holds no controls but tabs.
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(text)
  if (match === null) {
    throw new UsageError(`argument -H/--header: not of the form 'Name: value': ${repr(text)}`)
  }
  const [, name, value] = match as unknown as [string, string, string]
  if (/^(?:content-length|transfer-encoding)$/i.test(name)) {
    // RFC 9112 §6.3: they determine where a response ends, which only the server knows.
    throw new UsageError(`argument -H/--header: ${repr(name)} is the server's own to send`)
  }
  return [name, value.trimEnd()]
}

function parseContentType(text: string | undefined): string | undefined {
  if (text !== undefined && !/^[\x20-\x7e]+\/[\x20-\x7e]+$/.test(text)) {
    throw new UsageError(`argument --content-type: not of the form 'type/subtype': ${repr(text)}`)
  }
  return text
}
