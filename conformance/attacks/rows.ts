/**
 * The attacks: what each is, what must not come of it, and the cases and tests that show it.
 *
 * This is the one place that says which case is for which attack. `attacks.test.ts` sees to it that
 * all of them exist, and that this library stands; `npm run attacks` asks the others, too, and writes
 * `docs/attacks.md`.
 *
 * @module
 */

import type { ControlName } from './controls.ts'
import type { ProbeName } from './probes.ts'
import type { RuleName } from './rules.ts'

/** A test of this project: its file, and its title. */
export type TestName = readonly [file: string, title: string]

/** An attack. */
export interface Row {
  readonly name: string
  /** What it is, and what it brings about where it works. */
  readonly what: string
  /** What must hold of any server; undefined where there is no such rule. */
  readonly rule?: RuleName
  /** The request without the flaw; if left out, the one of the same app and method. */
  readonly control?: ControlName
  /** Why there is no rule, or what else to know about the responses. */
  readonly note?: string
  /** Ids of cases. */
  readonly cases?: readonly string[]
  /** Whether the cases are about what a handler does wrong, and need the handler of the suite. */
  readonly needsHandler?: boolean
  /** What a page cannot hold. */
  readonly probe?: ProbeName
  /** What is shown by a test alone. */
  readonly tests?: readonly TestName[]
  /** Where this has happened: entries of CPython's trackers. */
  readonly history?: readonly string[]
}

/** Rows that belong together. */
export interface Group {
  readonly title: string
  readonly rows: readonly Row[]
}

const BASE = 'lib/http/base-handler.test.ts'
const FILES = 'lib/http/simple-handler.test.ts'
const MESSAGE = 'lib/http/message.test.ts'
const FORMS = 'lib/cgi/field-storage.test.ts'
const TCP = 'lib/socketserver/tcp-server.test.ts'
const CLI = 'lib/cli.test.ts'

/** All of them. */
export const GROUPS: readonly Group[] = [
  {
    title: 'Where a request ends',
    rows: [
      {
        name: 'Content-Length beside Transfer-Encoding',
        what: 'A proxy goes by the one, the server by the other: what the one has for a body is a request to the other.',
        rule: 'refused',
        cases: ['bodies/chunked-and-length'],
      },
      {
        name: 'Chunks',
        what: 'A server that does not know chunks takes them for requests.',
        rule: 'own bytes',
        cases: ['bodies/chunked', 'attacks/smuggled-behind-chunks'],
      },
      {
        name: 'Other transfer codings',
        what: 'What looks like `chunked` is chunked to one program, and nothing to another.',
        rule: 'refused',
        note: '`node:http` hands the request over, and finds fault with its body afterwards.',
        cases: ['bodies/other-coding', 'bodies/identity'],
      },
      {
        name: 'Two lengths',
        what: 'The first counts, or the last.',
        rule: 'refused',
        cases: ['bodies/length-twice', 'bodies/same-length-twice', 'bodies/length-list'],
      },
      {
        name: 'Lengths that programs read as numbers',
        what: 'Python’s `int()` takes `+5`, `0_5` and white space, JavaScript’s `Number()` takes `0x5`, `5e0` and nothing at all.',
        rule: 'refused',
        cases: [
          'bodies/length-with-a-sign',
          'bodies/length-with-an-underscore',
          'bodies/length-empty',
          'bodies/length-of-white-space',
          'bodies/length-in-hexadecimal',
          'bodies/length-with-an-exponent',
          'bodies/length-of-other-digits',
        ],
        tests: [[MESSAGE, 'bodyLength() refuses what could be read in two ways']],
      },
      {
        name: 'Lengths that are not a number, or too large to count',
        what: 'The handler dies of it, waits for ever, or sees another number than the proxy.',
        rule: 'refused',
        cases: ['bodies/length-below-zero', 'bodies/length-a-word', 'bodies/length-too-large'],
      },
      {
        name: 'A body that is not read',
        what: 'On a connection that stays open, it is taken for the next request.',
        rule: 'own bytes',
        cases: ['bodies/unread', 'bodies/unread-and-late', 'bodies/unread-in-an-unknown-method'],
        tests: [
          [BASE, 'a long body that was not read ends the connection'],
          [BASE, 'a method that reads into the next request ends the connection'],
        ],
        history: ['gh-150499'],
      },
    ],
  },
  {
    title: 'Headers',
    rows: [
      {
        name: 'White space before the colon',
        what: 'One program sees the length of a body, the other does not.',
        rule: 'refused',
        cases: ['headers/space-before-the-colon', 'attacks/smuggled-behind-a-space'],
      },
      {
        name: 'Folded lines',
        what: 'A line that begins with white space belongs to the one above, or stands for itself.',
        rule: 'refused',
        cases: ['headers/folded', 'headers/white-space-first', 'attacks/smuggled-behind-a-fold'],
      },
      {
        name: 'Bare CR, NUL',
        what: 'A line end to some, a character to others.',
        rule: 'refused',
        cases: ['headers/bare-cr', 'headers/nul', 'headers/cr-cr-lf'],
        tests: [[MESSAGE, 'readFields() refuses what RFC 9112 refuses']],
      },
      {
        name: 'Lines that are not a field',
        what: 'Without a colon, without a name, with a name that is not a token: some servers drop the line, some all that follow it.',
        rule: 'refused',
        cases: [
          'headers/no-colon',
          'headers/no-name',
          'headers/name-with-a-space',
          'headers/name-with-other-bytes',
        ],
      },
      {
        name: 'Two Host fields',
        what: 'The proxy goes by the one, the server by the other.',
        rule: 'refused',
        cases: ['headers/two-hosts'],
      },
      {
        name: 'No Host',
        what: 'RFC 9112 §3.2 requires a 400 for it.',
        note: 'Declared: as in Python, it gets a response. The name of the host makes no difference here.',
        cases: ['headers/no-host'],
      },
      {
        name: 'Bare LF',
        what: 'RFC 9112 §2.2 lets a server take it for a line end, or not.',
        note: 'Both are right.',
        cases: ['headers/bare-lf'],
      },
    ],
  },
  {
    title: 'Too much, and not HTTP',
    rows: [
      {
        name: 'Versions that are numbers to a program',
        what: '`int()` reads `1_1` and `+1`, and a proxy does not.',
        rule: 'refused',
        cases: [
          'request-line/version-with-an-underscore',
          'request-line/version-with-a-sign',
          'request-line/version-of-eleven-digits',
        ],
        history: ['gh-103204'],
      },
      {
        name: 'A request line without end',
        what: 'One line fills the memory.',
        rule: 'refused',
        cases: ['request-line/too-long'],
      },
      {
        name: 'Headers without end',
        what: 'A line, or all of them together.',
        rule: 'refused',
        cases: ['headers/line-too-long', 'headers/all-together-too-long'],
        tests: [[MESSAGE, 'readFields() limits lines and bytes']],
      },
      {
        name: 'A hundred fields',
        what: 'Each costs the client five bytes, and the server more.',
        note: 'CPython and this server refuse the hundredth; a server that limits all bytes together need not.',
        cases: ['headers/one-hundred'],
      },
    ],
  },
  {
    title: 'What others get to see',
    rows: [
      {
        name: 'A tag in the request',
        what: 'It comes back in an error page, and runs in a user’s browser.',
        rule: 'no tag',
        cases: ['attacks/script-in-the-method', 'listing/title'],
        tests: [[BASE, 'sendError() escapes what it prints, and knows no code by heart']],
      },
      {
        name: 'A tag in the message of an error',
        what: 'A handler quotes the request in the message.',
        control: 'an error',
        rule: 'no tag',
        cases: ['errors/escaped'],
        needsHandler: true,
      },
      {
        name: 'A tag in the name of a file',
        what: 'Whoever may save a file writes a piece of the listing.',
        control: 'listing',
        rule: 'no tag',
        cases: ['listing/escapes'],
      },
      {
        name: 'Control characters in the log',
        what: 'ESC moves the cursor of a terminal on which the log is read, and a backslash passes for an escape.',
        rule: 'no control',
        note: '`node:http` keeps no log.',
        cases: [
          'logging/escape-sequences',
          'logging/c1-controls',
          'logging/backslashes',
          'logging/carriage-return',
        ],
        history: ['gh-100001'],
      },
      {
        name: 'A line end in the log',
        what: 'The client writes a line of its own.',
        rule: 'no control',
        cases: ['logging/forged-line'],
        needsHandler: true,
      },
      {
        name: 'A redirect to another host',
        what: 'A link to a site that people trust leads to one that they should not. To browsers, a backslash is a slash.',
        control: 'redirect',
        rule: 'own host',
        cases: [
          'redirects/two-slashes',
          'redirects/many-slashes',
          'redirects/backslash',
          'redirects/backslash-first',
        ],
        tests: [
          [FILES, 'a directory without its slash is redirected, and never to another host'],
          [FILES, 'a redirect stays on this host, whatever the target looks like'],
        ],
        history: ['CVE-2021-28861', 'gh-132826'],
      },
    ],
  },
  {
    title: 'The disk',
    rows: [
      {
        name: 'Out of the directory',
        what: 'Each spelling asks for `/etc/passwd`. It has worked on servers that check before they decode, that decode twice, or whose parts disagree about `%5C`.',
        rule: 'error',
        cases: [
          'attacks/dots',
          'attacks/dots-on-the-command-line',
          'attacks/escaped-dots',
          'attacks/escaped-slashes',
          'attacks/escaped-twice',
          'attacks/backslashes',
          'attacks/escaped-backslashes',
          'attacks/overlong',
          'attacks/absolute-path',
          'attacks/escaped-absolute-path',
          'attacks/no-slash',
        ],
        tests: [[FILES, 'no path leads out of the directory']],
      },
      {
        name: 'A neighbour with the same beginning',
        what: '`/srv-secret` begins with `/srv`: a check for the beginning alone lets it pass.',
        tests: [
          [FILES, 'no path leads out of the directory'],
          [FILES, 'followSymlinks = false refuses what leaves the directory'],
        ],
      },
      {
        name: 'NUL in a path',
        what: 'A name ends at a NUL for the operating system, and goes on for the server.',
        rule: 'error',
        cases: ['attacks/nul', 'attacks/nul-alone'],
      },
      {
        name: 'Malformed escapes',
        what: '`decodeURIComponent()` throws, and servers have died of that.',
        rule: 'error',
        cases: ['attacks/bad-escapes', 'attacks/bytes-that-are-no-text', 'attacks/long-name'],
      },
      {
        name: 'Names of devices, drives and streams',
        what: 'On Windows, `CON`, `a::$DATA` and `name.` are not ordinary names. Elsewhere they are.',
        rule: 'error',
        cases: ['attacks/drive-letter'],
        tests: [[FILES, 'on Windows, names of devices, streams and drives are a 404']],
        history: ['gh-157504'],
      },
      {
        name: 'A link out of the directory',
        what: 'Whoever may make a link shows any file.',
        note: 'Declared: links are followed, as in Python; `followSymlinks = false` refuses what leaves the directory.',
        probe: 'link',
        tests: [
          [FILES, 'followSymlinks = false refuses what leaves the directory'],
          [FILES, 'followSymlinks = false looks at the bytes of a name'],
          [FILES, 'followSymlinks = false does not tell what lies outside'],
        ],
      },
      {
        name: 'FIFO, device, socket',
        what: 'Opening a FIFO waits until another process writes to it: one request stops the server.',
        rule: 'error',
        probe: 'fifo',
        tests: [[FILES, 'what is no regular file is a 404, and stops nobody']],
      },
    ],
  },
  {
    title: 'Handlers that go wrong',
    rows: [
      {
        name: 'A line end in the head of a response',
        what: 'Response splitting: what a client has sent goes into a header, a reason phrase or a name, and begins a new line there.',
        control: 'a field',
        rule: 'no line',
        note: 'Node’s own `setHeader()` throws as well.',
        needsHandler: true,
        cases: [
          'response-headers/line-end-in-a-value',
          'response-headers/line-feed-in-a-value',
          'response-headers/carriage-return-in-a-value',
          'response-headers/line-feed-in-disguise',
          'response-headers/line-end-in-a-name',
          'response-headers/line-end-in-a-phrase',
          'response-headers/line-end-in-an-error',
          'response-headers/nul-in-a-value',
        ],
        tests: [[BASE, 'what cannot stand in a head is a TypeError, everywhere']],
        history: ['gh-142533', 'gh-150679'],
      },
      {
        name: 'A head that is never ended',
        what: 'What is left of it comes before the next response, which may be another client’s.',
        rule: 'no remains',
        needsHandler: true,
        cases: ['response-headers/never-ended', 'response-headers/too-late'],
        tests: [[BASE, 'headers that were not ended are dropped, and do not leak']],
      },
      {
        name: 'A handler that throws',
        what: 'The next one must not pay for it.',
        rule: 'lives',
        needsHandler: true,
        cases: ['methods/throws'],
        tests: [
          [BASE, 'an exception closes the connection after what was written, and the server lives'],
          [
            'lib/socketserver/base-server.test.ts',
            'an exception in a handler is reported, and the server goes on',
          ],
        ],
      },
      {
        name: 'Forms without limits',
        what: 'A million fields, a part of 10 GB, a boundary that is looked for at every byte, a name with a NUL.',
        control: 'form',
        rule: 'refused',
        needsHandler: true,
        cases: [
          'forms/too-many-fields',
          'forms/too-large',
          'forms/long-boundary',
          'forms/no-boundary',
          'forms/nul-in-a-name',
        ],
        tests: [
          [FORMS, 'FieldStorage.parse() has limits by default'],
          [FORMS, 'a limit is kept to the byte, and named in the answer'],
          [FORMS, 'a temporary file is gone when a handler closes the form, or throws'],
          [FORMS, 'a client that stops at any tenth, by a close or a reset, leaves nothing'],
        ],
        history: ['bpo-34866'],
      },
    ],
  },
  {
    title: 'Time, and what a machine has',
    rows: [
      {
        name: 'A head that trickles',
        what: 'A byte a second keeps a connection for ever, and a thousand of them the server.',
        probe: 'slow head',
        note: 'This is the command line; in a program of your own, the deadlines are `timeout` and `headTimeout`, and off.',
        tests: [
          [BASE, 'headTimeout ends a head that trickles, and leaves a slow body alone'],
          [BASE, 'headTimeout begins with the first byte of a head, wherever that is'],
          [BASE, 'timeout ends a connection on which nothing comes, with a line in the log'],
        ],
      },
      {
        name: 'A body that trickles, a reader that does not read',
        what: 'The same after the head, and with the response.',
        tests: [
          [BASE, 'a body that nobody reads must come within the timeout'],
          [TCP, 'a write that timed out frees the connection'],
          [
            'lib/socketserver/stream-writer.test.ts',
            'write() gives up on a peer that does not read in time',
          ],
          [TCP, 'a client that goes on sending for ever is cut off'],
        ],
      },
      {
        name: 'A client that leaves',
        what: 'A reset in the middle of a file is not the server’s fault: it must not cause a traceback, nor keep the file open.',
        probe: 'leaves',
        tests: [
          [FILES, 'a client that leaves: one log line, and the file is closed'],
          [BASE, 'a client that goes away in the middle is one line in the log'],
        ],
        history: ['gh-152024'],
      },
      {
        name: 'No descriptors left',
        what: 'Node accepts and resets, without a word. Here the first connection that is dropped is logged, and it goes on when others end.',
        tests: [
          [CLI, 'short of descriptors, it says so once, goes on, and recovers'],
          [TCP, 'maxConnections closes what comes on top, and says so once'],
        ],
      },
      {
        name: 'Connections that are over, and kept',
        what: 'A server that remembers every thread it has started grows with every request.',
        tests: [
          [
            'lib/socketserver/mixins/async-mixin.test.ts',
            'AsyncMixIn: nothing is kept of a task that is over',
          ],
          [
            'lib/socketserver/mixins/async-mixin.test.ts',
            'AsyncMixIn: nothing is kept of a connection that is over',
          ],
          [
            'lib/socketserver/mixins/threading-mixin.test.ts',
            'ThreadingMixIn: nothing is kept of a connection that is over',
          ],
        ],
        history: ['gh-81374'],
      },
    ],
  },
]

/** All rows, in order. */
export const ROWS: readonly Row[] = GROUPS.flatMap(({ rows }) => rows)
