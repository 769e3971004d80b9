/**
 * The arguments of the command line: those of Python 3.15's `python -m http.server`. What is wrong
 * with them is said in a line, in the words of its `argparse` where those are about an argument.
 *
 * Node's `parseArgs()` finds the options and their values; what `argparse` does beyond that is
 * done here: `--dir` for `--directory`, `-d=DIR` for `-d DIR`.
 *
 * Differs: `-p` takes a version that is spoken here, and Python's takes any word. `-H` takes its
 * name and value in one argument as well as in two.
 *
 * @module
 */

import { parseArgs } from 'node:util'
import { repr } from './stdlib/format.ts'

export const HELP = `\
usage: basehttp [-h] [-b ADDRESS] [-d DIRECTORY] [-p VERSION]
                [--tls-cert PATH] [--tls-key PATH] [--tls-password-file PATH]
                [-H HEADER] [--content-type TYPE] [-V] [port]

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
  -H, --header HEADER   add the header 'Name: value' to every answer with a 200;
                        may be given several times, and as two arguments
  --content-type TYPE   media type of files whose name tells none
                        (default: application/octet-stream)
  -V, --version         show the version and exit
`

/** What the arguments come to. */
export interface Arguments {
  port: number
  bind: string | undefined
  directory: string
  protocol: string
  tlsCert: string | undefined
  tlsKey: string | undefined
  tlsPasswordFile: string | undefined
  headers: [name: string, value: string][]
  contentType: string | undefined
}

/** An argument that cannot be. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Each option, as `argparse` calls it in its messages, and whether a value follows. */
const OPTIONS = {
  help: { flags: '-h/--help', short: 'h', type: 'boolean' },
  bind: { flags: '-b/--bind', short: 'b', type: 'string' },
  directory: { flags: '-d/--directory', short: 'd', type: 'string' },
  protocol: { flags: '-p/--protocol', short: 'p', type: 'string' },
  'tls-cert': { flags: '--tls-cert', type: 'string' },
  'tls-key': { flags: '--tls-key', type: 'string' },
  'tls-password-file': { flags: '--tls-password-file', type: 'string' },
  header: { flags: '-H/--header', short: 'H', type: 'string', multiple: true },
  'content-type': { flags: '--content-type', type: 'string' },
  version: { flags: '-V/--version', short: 'V', type: 'boolean' },
  cgi: { flags: '--cgi', type: 'boolean' },
} as const

type OptionName = keyof typeof OPTIONS

/**
 * Read the arguments.
 *
 * @returns what they come to, or what is to be shown instead of serving.
 * @throws {@link UsageError}
 */
export function parseArguments(args: readonly string[]): Arguments | 'help' | 'version' {
  const { tokens } = parseArgs({
    args: joinHeaders(args).map(completeName),
    options: OPTIONS,
    // What is not strict does not throw, and so can be told in other words.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values: Partial<Record<OptionName, string>> = {}
  const headers: [string, string][] = []
  const positionals: string[] = []
  const unknown: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') {
      positionals.push(token.value)
    } else if (token.kind === 'option') {
      if (!isOptionName(token.name)) {
        unknown.push(token.rawName)
        continue
      }
      const { name } = token
      const value = checkValue(name, token.value, token.inlineValue === true)
      if (name === 'help' || name === 'version') {
        return name
      }
      if (name === 'cgi') {
        throw new UsageError('--cgi: Python 3.15 has no CGI any more, and here there never was')
      }
      if (name === 'header') {
        headers.push(parseHeader(value))
      } else {
        values[name] = value
      }
    }
  }
  const port = parsePort(positionals[0] ?? '8000')
  unknown.push(...positionals.slice(1))
  if (unknown.length > 0) {
    throw new UsageError(`unrecognized arguments: ${unknown.join(' ')}`)
  }
  for (const name of ['tls-key', 'tls-password-file'] as const) {
    if (values[name] !== undefined && values['tls-cert'] === undefined) {
      throw new UsageError(`--${name} requires --tls-cert to be set`)
    }
  }
  return {
    port,
    bind: values.bind,
    directory: values.directory ?? process.cwd(),
    protocol: parseProtocol(values.protocol ?? 'HTTP/1.0'),
    tlsCert: values['tls-cert'],
    tlsKey: values['tls-key'],
    tlsPasswordFile: values['tls-password-file'],
    headers,
    contentType: parseContentType(values['content-type']),
  }
}

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name)
}

/** Make `-H Name value`, as Python 3.15 has it, `-H 'Name: value'`. */
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

/** Write out the name of a long option of which only the beginning was given, and `-d=` as well. */
function completeName(argument: string, index: number, all: readonly string[]): string {
  const [, letter, tied] = /^-([A-Za-z])=(.*)$/s.exec(argument) ?? []
  const short = Object.entries(OPTIONS).find(
    ([, option]) => 'short' in option && option.short === letter,
  )
  if (short !== undefined && !all.slice(0, index).includes('--')) {
    return `--${short[0]}=${String(tied)}`
  }
  const [, beginning, rest] = /^--([^=]+)(.*)$/s.exec(argument) ?? []
  const end = all.indexOf('--')
  if (beginning === undefined || isOptionName(beginning) || (end !== -1 && end < index)) {
    return argument
  }
  const names = Object.keys(OPTIONS).filter((name) => name.startsWith(beginning))
  if (names.length > 1) {
    const options = names.map((name) => `--${name}`).join(', ')
    throw new UsageError(`ambiguous option: ${argument} could match ${options}`)
  }
  return names.length === 1 ? `--${String(names[0])}${String(rest)}` : argument
}

function checkValue(name: OptionName, value: string | undefined, inline: boolean): string {
  const { flags, type } = OPTIONS[name]
  if (type === 'boolean') {
    if (value !== undefined) {
      throw new UsageError(`argument ${flags}: ignored explicit argument ${repr(value)}`)
    }
    return ''
  }
  // What looks like an option is none's value, unless it is tied to it: `--bind=-x`.
  if (value === undefined || (!inline && /^-./.test(value))) {
    throw new UsageError(`argument ${flags}: expected one argument`)
  }
  return value
}

// -- The values ------------------------------------------------------------------------------

function parsePort(text: string): number {
  // Python's int(): white space around it, a sign, single underscores between digits.
  if (!/^\s*[+-]?\d+(?:_\d+)*\s*$/.test(text)) {
    throw new UsageError(`argument port: invalid int value: ${repr(text)}`)
  }
  const port = Number(text.replaceAll('_', ''))
  if (port < 0 || port > 65535) {
    throw new UsageError(`argument port: must be 0-65535: ${repr(text)}`)
  }
  return port
}

function parseProtocol(text: string): string {
  const versions = ['HTTP/1.0', 'HTTP/1.1']
  if (!versions.includes(text)) {
    const choices = versions.map((version) => repr(version)).join(', ')
    throw new UsageError(
      `argument -p/--protocol: invalid choice: ${repr(text)} (choose from ${choices})`,
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
    // RFC 9112 §6.3: they say where an answer ends, and only the server knows.
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
