/**
 * The flags of `npm run conformance`, and of the command `basehttp-conformance`.
 *
 * @module
 */

import { parseArgs } from 'node:util'
import { COMMAND } from '../paths.ts'

/** What `--help` prints. */
export const USAGE = `\
usage: ${COMMAND} [flags] [http://HOST:PORT[/PATH]]

A URL is short for --target url:http://HOST:PORT --profile rfc --path /PATH.

  --target TARGET     what to judge: basehttp, the default; basehttp:async, :threads and :forks,
                      with a mixin; basehttp:in-process; cpython, or
                      cpython:WHICH with a path, a program or a version; cpython:all;
                      ./module.ts; url:http://HOST:PORT; cmd:'java Server {app} {port}'
  --profile PROFILE   what it is judged by: http.server, Python's bytes; rfc, the rules of RFC
                      9110 and 9112, by which url: and cmd: are judged without --app; or article
  --app NAME          what url: or cmd: serves; may be given several times
  --list              print the ids of the cases, and run nothing
  --list-apps         print the names of the apps, each with the number of its cases
  --require APP,...   apps that must be there and be judged, or the exit status is 2
  --only PREFIX       only the cases whose id begins with it; may be given several times
  --shard I/N         the Ith of N parts of the cases, always the same
  --cases DIR         pages to use instead of the suite's; several times for several folders
  --seed N            vary the words that pages leave open, {{word:1}}; always 1 unless given
  --deviations FILE   where a target of yours differs on purpose, as in deviations/cpython.json
  --recordings WHICH  replay the responses of this Python: 3.13, 3.6 or none
  --no-scan           send each request once, without cutting it in two at every byte
  --timeout SECONDS   end the run by then; what has not been judged is not passed
  --bail              end the run with the first failure; a warning is none
  --json FILE         write the results to a file, as report.schema.json describes
  --junit FILE        write them as JUnit does
  --tap               print TAP
  --verbose           show what was sent and received
  --repro             start the app of the cases, and print a line that sends the same bytes
  --port PORT         the port for --repro; or that of a cmd: that does not take {port}
  --make-root DIR     make the folder that the rules want a server to serve, and run nothing
  --path /x           for rules: what is served, if not that folder
  --post /x           for rules: what takes a POST
  --export DIR        write the cases and rules as JSON, for programs in other languages
  --article [FILE]    show the article's transcripts beside the live responses; FILE is a
                      copy of the article, from which they are read
  --help              print this
`

/** A command line, or a file that it names, that cannot be used. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const PROFILES = ['http.server', 'rfc', 'article']

const RECORDINGS_OF = ['3.13', '3.6', 'none']

/** The flags of a run, as they were given. */
export type Flags = ReturnType<typeof readFlags>

/**
 * Read the flags of a command line.
 *
 * @throws an Error whose first sentence says what is wrong.
 */
export function readFlags(args: string[]) {
  const { values: given, positionals } = parseArgs({
    args,
    allowPositionals: true,
    allowNegative: true,
    options: {
      target: { type: 'string' },
      profile: { type: 'string' },
      'make-root': { type: 'string' },
      path: { type: 'string' },
      post: { type: 'string' },
      export: { type: 'string' },
      app: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      'list-apps': { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [''] },
      require: { type: 'string', multiple: true, default: [] },
      shard: { type: 'string', default: '1/1' },
      cases: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      deviations: { type: 'string' },
      timeout: { type: 'string' },
      bail: { type: 'boolean', default: false },
      junit: { type: 'string' },
      recordings: { type: 'string' },
      scan: { type: 'boolean', default: true },
      json: { type: 'string' },
      tap: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      repro: { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      article: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const urls = positionals.filter((word) => /^https?:/.test(word))
  const [url] = urls
  const { target = 'basehttp', path } =
    url === undefined ? given : readServer(url, urls[1] ?? given.target, given.path)
  const values = { ...given, target, path }
  const [file, ...more] = positionals.filter((word) => !urls.includes(word))
  if (more.length > 0 || (file !== undefined && !values.article)) {
    throw new UsageError(`Unexpected argument '${String(more[0] ?? file)}'`)
  }
  const { recordings, port, profile = defaultProfile(values), post } = values
  if (!PROFILES.includes(profile)) {
    throw new UsageError(`There is no profile "${profile}"; there are ${PROFILES.join(', ')}`)
  }
  for (const [flag, target] of Object.entries({ path, post })) {
    if (target !== undefined && !/^\/[\x21-\x7e]*$/.test(target)) {
      throw new UsageError(
        `--${flag} "${target}" is not a valid target; write for example --${flag} /x`,
      )
    }
  }
  if (recordings !== undefined && !RECORDINGS_OF.includes(recordings)) {
    throw new UsageError(
      `There are no recordings "${recordings}"; there are ${RECORDINGS_OF.join(', ')}`,
    )
  }
  if (!/^[0-9]{1,5}$/.test(port)) {
    throw new UsageError(`"${port}" is not a valid port`)
  }
  return {
    ...values,
    profile,
    port: Number(port),
    file,
    require: values.require.flatMap((names) => names.split(',')),
    shard: readShard(values.shard),
    seed: readNumber('--seed', values.seed),
    timeout: values.timeout === undefined ? undefined : readNumber('--timeout', values.timeout, 1),
  }
}

/** What a URL is short for: the server, and what it serves. */
function readServer(text: string, target: string | undefined, path: string | undefined) {
  if (target !== undefined) {
    throw new UsageError(`There are two servers, "${target}" and "${text}"; name one of them`)
  }
  if (!URL.canParse(text)) {
    return { target: `url:${text}`, path }
  }
  const { origin, pathname, search } = new URL(text)
  const own = pathname + search
  if (own !== '/' && path !== undefined) {
    throw new UsageError(`"${text}" has a path already: leave --path ${path} out`)
  }
  return { target: `url:${origin}`, path: own === '/' ? path : own }
}

/** Servers that have nothing to do with Python are judged by the RFCs, unless an app is named. */
function defaultProfile({ target, app, article }: Record<string, unknown>): string {
  if (article === true) {
    return 'article'
  }
  const foreign = /^(?:url|cmd):/.test(String(target)) && (app as string[]).length === 0
  return foreign ? 'rfc' : 'http.server'
}

function readShard(text: string): { part: number; of: number } {
  const [, part, of] = /^([0-9]{1,6})\/([0-9]{1,6})$/.exec(text) ?? []
  if (!(Number(part) >= 1 && Number(part) <= Number(of))) {
    throw new UsageError(`"${text}" is not a valid shard, such as 1/4 for the first of four`)
  }
  return { part: Number(part), of: Number(of) }
}

function readNumber(flag: string, text: string, least = 0): number {
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) < least) {
    throw new UsageError(
      `"${text}" is not a valid ${flag}, a whole number from ${String(least)} on`,
    )
  }
  return Number(text)
}
