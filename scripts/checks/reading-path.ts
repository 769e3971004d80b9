/**
 * The reading path: the ten files of the trunk, in the order in which to read them.
 *
 * {@link READING_PATH} is the only place where the order is written. The head of each file says
 * where it stands and what comes next, and `docs/tour.md` lists them all; this checks both, and
 * with `--write` rewrites both.
 *
 * @module
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { report, TOP } from './sources.ts'

/** The files, below `lib/`, and what the tour says of each. */
const READING_PATH: readonly (readonly [path: string, about: string])[] = [
  ['socketserver/base-server.ts', 'the loop, and the order in which its methods are called'],
  ['socketserver/tcp-server.ts', 'accepts connections, queues them, closes them'],
  ['socketserver/request-handler.ts', '`setup()`, `handle()`, `finish()`: one connection'],
  ['socketserver/stream-reader.ts', '`rfile`: a socket, read as a file'],
  ['socketserver/stream-writer.ts', '`wfile`: the way back'],
  ['http/message.ts', 'the fields of a request, and the length of its body'],
  ['http/chunked.ts', 'a body whose sender did not know its length'],
  ['http/base-handler.ts', 'HTTP/1.x, from the request line to the end of the response'],
  ['http/simple-handler.ts', 'files and directories'],
  ['http/server.ts', '`HTTPServer`, which puts the two halves together'],
]

const TOUR = 'docs/tour.md'
const HEAD = /^\/\*\*\n[^]*?\n \*\/\n/
const LINE = /^ \* Reading path: .*\n/m
/** Other words for the same would sooner or later contradict it. */
const OTHER_WORDS = /^ \* .*\b(?:Next|Next to read|Read before): /m
const LIST =
  /(?<=<!-- The reading path[^\n]*-->\n\n)[^]*?(?=\n<!-- The end of the reading path -->\n)/

const writes = process.argv.includes('--write')
report('reading-path', [
  ...READING_PATH.flatMap(([path], index) => checkHead(path, index)),
  ...checkTour(),
])

function checkHead(path: string, index: number): string[] {
  const text = readFileSync(join(TOP, 'lib', path), 'utf8')
  const head = HEAD.exec(text)?.[0]
  if (head === undefined) {
    return [`lib/${path}: does not begin with the comment that is its head`]
  }
  const next = READING_PATH[index + 1]?.[0]
  const line =
    ` * Reading path: ${String(index + 1)} of ${String(READING_PATH.length)}.` +
    `${next === undefined ? '' : ` Next: ${basename(next)}.`}\n`
  const others = OTHER_WORDS.test(head.replace(LINE, ''))
    ? [`lib/${path}: its head names what to read next a second time`]
    : []
  const right = head
    .replace(LINE, '')
    .replace(/(?: \*\n)* \* @module\n/, ` *\n${line} *\n * @module\n`)
  return [
    ...compare(
      `lib/${path}`,
      text,
      text.replace(head, () => right),
    ),
    ...others,
  ]
}

function checkTour(): string[] {
  const text = readFileSync(join(TOP, TOUR), 'utf8')
  const list = READING_PATH.map(
    ([path, about], index) => `${String(index + 1)}. \`${path}\`: ${about}\n`,
  ).join('')
  return LIST.test(text)
    ? compare(
        TOUR,
        text,
        text.replace(LIST, () => list),
      )
    : [`${TOUR}: the comments are missing between which the reading path stands`]
}

/** Compare what a file says with what it should say, or have it say that. */
function compare(path: string, text: string, right: string): string[] {
  if (text !== right && writes) {
    writeFileSync(join(TOP, path), right)
    return []
  }
  return text === right
    ? []
    : [`${path}: not the reading path; run node dist/scripts/checks/reading-path.js --write`]
}
