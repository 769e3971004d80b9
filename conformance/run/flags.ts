/**
 * The flags of `npm run conformance`.
 *
 * @module
 */

import { parseArgs } from 'node:util'

/** What `--help` prints. */
export const USAGE = `\
usage: npm run conformance -- [flags]

  --target TARGET     what to judge: basehttp, the default; basehttp:in-process; cpython, or
                      cpython:WHICH with a path, a program or a version; cpython:all;
                      ./module.ts; url:http://HOST:PORT; cmd:'java Server {app} {port}'
  --app NAME          what url: or cmd: serves; may be given several times
  --list              print the ids of the cases, and run nothing
  --list-apps         print the names of the apps, each with the number of its cases
  --only PREFIX       only the cases whose id begins with it; may be given several times
  --recordings WHICH  replay the responses of this Python: 3.13, 3.6 or none
  --no-scan           send each request once, without cutting it in two at every byte
  --json FILE         write the results to a file
  --tap               print TAP
  --verbose           show what was sent and received
  --repro             start the app of the cases, and print a line that sends the same bytes
  --port PORT         the port for --repro
  --article [FILE]    show the article's transcripts beside the live responses; FILE is a
                      copy of the article, from which they are read
  --help              print this
`

const RECORDINGS_OF = ['3.13', '3.6', 'none']

/** The flags of a run, as they were given. */
export type Flags = ReturnType<typeof readFlags>

/**
 * Read the flags of a command line.
 *
 * @throws an Error whose first sentence says what is wrong.
 */
export function readFlags(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    allowNegative: true,
    options: {
      target: { type: 'string', default: 'basehttp' },
      app: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      'list-apps': { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [''] },
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
  const [file, ...more] = positionals
  if (more.length > 0 || (file !== undefined && !values.article)) {
    throw new Error(`Unexpected argument '${String(more[0] ?? file)}'`)
  }
  const { recordings, port } = values
  if (recordings !== undefined && !RECORDINGS_OF.includes(recordings)) {
    throw new Error(
      `There are no recordings "${recordings}"; there are ${RECORDINGS_OF.join(', ')}`,
    )
  }
  if (!/^[0-9]{1,5}$/.test(port)) {
    throw new Error(`"${port}" is not a valid port`)
  }
  return { ...values, port: Number(port), file }
}
