/**
 * Seeded faults: servers that are wrong in one place, each in a way in which some real server has
 * been wrong.
 *
 * A fault is a change of a few words to the compiled library. It names the case that must find it.
 * A suite that is green on the right server and on a wrong one tests nothing there, and nobody
 * would notice.
 *
 * `npm run conformance:faults` tries them all: `main.ts`.
 *
 * @module
 */

import { HTTP11_FAULTS } from './http11.ts'

/** A fault. */
export interface Fault {
  readonly id: string
  /** Who made this mistake before, or what it leads to. */
  readonly history: string
  /** The file, in `dist/`. */
  readonly file: string
  /** The text to replace, which is there exactly once. */
  readonly from: string
  /** What the wrong server has instead. */
  readonly to: string
  /** The case that must find it. */
  readonly killedBy: string
}

const BASE = 'lib/http/base-handler.js'
const FILES = 'lib/http/simple-handler.js'
const REDIRECTS = 'lib/http/redirects.js'
const HEADERS = 'lib/http/message.js'
const HOST = 'lib/http/host.js'
const LINE = 'lib/http/request-line.js'
const CONDITIONS = 'lib/http/conditions.js'
const ERRORS = 'lib/http/error-page.js'
const LISTING = 'lib/http/listing-page.js'

/** All of them, by what they are about. */
export const FAULTS: readonly Fault[] = [
  // -- The request line ----------------------------------------------------------------------
  {
    id: 'split-line-end-missed',
    history:
      'A reader that resumes after what it has searched, and is one off: a line feed that comes first in its packet is missed.',
    file: 'lib/stdlib/byte-queue.js',
    from: 'this.#searched = this.#end;',
    to: 'this.#searched = this.#end + 1;',
    killedBy: 'request-line/cut-in-two',
  },
  {
    id: 'version-through-int',
    history: "CPython before 3.11: int('+1') is 1, int('1_1') is 11 (gh-103204).",
    file: LINE,
    from: 'HTTP\\/([0-9])\\.([0-9])$/',
    to: 'HTTP\\/([+0-9_]+)\\.([+0-9_]+)$/',
    killedBy: 'request-line/version-with-a-sign',
  },
  {
    id: 'http-2-served',
    history: 'A check of the name of the protocol alone: HTTP/2 is treated as if it were 1.1.',
    file: BASE,
    from: 'if (major >= 2 ||',
    to: 'if (major >= 3 ||',
    killedBy: 'request-line/version-2-0',
  },
  {
    id: 'request-line-without-limit',
    history: 'A line is read for as long as the client keeps sending it.',
    file: BASE,
    from: 'const MAX_REQUEST_LINE = 65536',
    to: 'const MAX_REQUEST_LINE = 65536000',
    killedBy: 'request-line/too-long',
  },
  {
    id: 'words-of-python',
    history:
      "Python's str.split() takes bytes for white space that a proxy takes for part of the path.",
    file: LINE,
    from: '|[\\x1c-\\x1f\\x85\\xa0]/g',
    to: '/g',
    killedBy: 'request-line/white-space-of-python-inside',
  },
  {
    id: 'cut-off-head-handled',
    history: 'CPython handles what is there when the connection ends within the head.',
    file: HEADERS,
    from: "if (!line.endsWith('\\n')) {",
    to: "if (!line.endsWith('\\n')) return [...lines, line].filter(Boolean).map(parseField); if (false) {",
    killedBy: 'connection/head-is-cut-off',
  },
  {
    id: 'backslash-as-slash',
    history:
      'A hardening of redirects in the wrong place: `/\\\\secret.txt` was `/secret.txt` here.',
    file: BASE,
    from: 'path.replace(/^\\/+/',
    to: 'path.replace(/^[/\\\\]+/',
    killedBy: 'request-line/backslash-is-no-slash',
  },

  // -- Methods -------------------------------------------------------------------------------
  {
    id: 'bare-line-feeds',
    history: 'Lines that end with LF, as they come from a template on Unix.',
    file: BASE,
    from: "separator + rest + '\\r\\n'",
    to: "separator + rest + '\\n'",
    killedBy: 'methods/get',
  },
  {
    id: 'methods-in-any-case',
    history: 'Frameworks that convert every method to capitals: `get` is served as GET.',
    file: BASE,
    from: 'const name = `do_${this.command}`',
    to: 'const name = `do_${this.command.toUpperCase()}`',
    killedBy: 'methods/case-matters',
  },
  {
    id: 'methods-of-every-object',
    history: 'A lookup by a name that the client chose: `constructor` is in every object.',
    file: BASE,
    from: 'const name = `do_${this.command}`',
    to: 'const name = this[`do_${this.command}`] ? `do_${this.command}` : this.command',
    killedBy: 'methods/constructor',
  },
  {
    id: 'head-as-get',
    history: 'HEAD is left to the method for GET, and nobody drops the body.',
    file: FILES,
    from: 'this.sendHead()?.close();',
    to: 'return this.do_GET();',
    killedBy: 'files/head-and-nothing-else',
  },

  // -- Headers -------------------------------------------------------------------------------
  {
    id: 'names-with-case',
    history: 'A map with names as they were spelled: curl over HTTP/2 proxies sends lower case.',
    file: HEADERS,
    from: 'name.length === other.length && name.toLowerCase() === other.toLowerCase()',
    to: 'name === other',
    killedBy: 'headers/lookup-ignores-case',
  },
  {
    id: 'last-field-counts',
    history: 'A map that is filled in order keeps the last of two fields.',
    file: HEADERS,
    from: 'for each request.\n        for (const [fieldName, value] of this.#fields) {',
    to: 'for each request.\n        for (const [fieldName, value] of [...this.#fields].reverse()) {',
    killedBy: 'headers/lookup-finds-the-first',
  },
  {
    id: 'one-field-too-many',
    history: 'A limit that is checked after counting instead of before.',
    file: HEADERS,
    from: 'if (lines.length === MAX_HEADERS) {',
    to: 'if (lines.length > MAX_HEADERS) {',
    killedBy: 'headers/one-hundred',
  },
  {
    id: 'line-without-colon-dropped',
    history: 'CPython drops such a line, and every field after it.',
    file: HEADERS,
    from: 'return lines.map(parseField);',
    to: "const bad = lines.findIndex((line) => !line.includes(':')); return lines.slice(0, bad < 0 ? 100 : bad).map(parseField);",
    killedBy: 'headers/no-colon',
  },
  {
    id: 'space-before-the-colon',
    history: 'One program trims a name that the next does not know with its space.',
    file: HEADERS,
    from: 'A-Za-z]+):[ \\t]*(',
    to: 'A-Za-z]+)[ \\t]*:[ \\t]*(',
    killedBy: 'headers/space-before-the-colon',
  },
  {
    id: 'bare-cr-in-a-value',
    history: 'CPython takes a bare CR for a line end, and finds a field that no proxy saw.',
    file: HEADERS,
    from: '[^ \\t\\r\\n\\0][^\\r\\n\\0]*)?)\\r?\\n$/',
    to: '[^ \\t\\n\\0][^\\n\\0]*?)?)\\r?\\n$/',
    killedBy: 'headers/bare-cr',
  },
  {
    id: 'two-hosts',
    history: 'CPython and Node serve a request with two Host fields.',
    file: HOST,
    from: 'if (host !== undefined) {',
    to: 'if (false) {',
    killedBy: 'headers/two-hosts',
  },
  {
    id: 'two-hosts-by-spelling',
    history: 'A map with names as they were spelled holds one Host and one host.',
    file: HOST,
    from: "if (isNamed(name, 'host')) {",
    to: "if (name === 'Host') {",
    killedBy: 'headers/two-hosts-in-two-spellings',
  },

  // -- The connection ------------------------------------------------------------------------
  {
    id: 'keeps-http-1-0',
    history: 'An HTTP/1.0 client waits for an end that does not come.',
    file: BASE,
    from: 'major === 1 && minor >= 1',
    to: 'major === 1 && minor >= 0',
    killedBy: 'connection/http-1-0-closes',
  },
  {
    id: 'kept-and-not-told',
    history:
      'CPython keeps the connection of an HTTP/1.0 client and does not say so: `ab -k` hangs.',
    file: BASE,
    from: 'ends === this.isHTTP11 &&',
    to: 'ends && this.isHTTP11 &&',
    killedBy: 'connection/http-1-0-keeps-on-request',
  },
  {
    id: 'keep-alive-with-case',
    history: 'Browsers of the time wrote `Keep-Alive`, curl writes `keep-alive`.',
    file: HEADERS,
    from: 'const text = value.toLowerCase();',
    to: 'const text = value;',
    killedBy: 'connection/http-1-0-keeps-on-request',
  },
  {
    id: 'close-said-and-not-done',
    history: 'The header promises an end, and the server waits for another request.',
    file: BASE,
    from: 'const options = listOf(text);',
    to: "const options = listOf(text.replace(/close/i, 'closed'));",
    killedBy: 'connection/handler-closes',
  },
  {
    id: 'no-close-after-an-error',
    history: 'The connection goes on after a request that was not understood.',
    file: BASE,
    from: "this.sendHeader('Connection', 'close');\n        for",
    to: 'for',
    killedBy: 'errors/closes',
  },
  {
    id: 'headers-of-the-first-request',
    history:
      'Right only for the first request of a connection: what it left is taken for the second.',
    file: BASE,
    from: 'this.headers = new this.MessageClass(fields);',
    to: 'if (this.headers.length === 0) this.headers = new this.MessageClass(fields);',
    killedBy: 'connection/pipelined',
  },
  {
    id: 'option-by-its-beginning',
    history: 'A search for a word in a list finds it in other words, too.',
    file: BASE,
    from: "options.includes('keep-alive') && speaks11",
    to: "options.some((option) => option.startsWith('keep-alive')) && speaks11",
    killedBy: 'connection/option-that-begins-alike',
  },

  // -- Expect --------------------------------------------------------------------------------
  {
    id: 'continue-for-http-1-0',
    history: 'An HTTP/1.0 client takes the 100 for the final response.',
    file: BASE,
    from: 'waits && this.isHTTP11',
    to: 'waits',
    killedBy: 'expect/client-of-1-0',
  },
  {
    id: 'expect-not-known',
    history: 'A server that has never heard of Expect: the client waits, with curl a second.',
    file: BASE,
    from: "includes('100-continue')",
    to: "includes('100 continue')",
    killedBy: 'expect/continue',
  },

  // -- Bodies --------------------------------------------------------------------------------
  {
    id: 'body-left-in-the-stream',
    history: 'CPython takes what a method leaves of a body for the next request (gh-150499).',
    file: BASE,
    from: 'return this.closeConnection ? 0 : unread;',
    to: 'return 0;',
    killedBy: 'bodies/unread',
  },
  {
    id: 'first-length-counts',
    history: 'CPython goes by the first of two lengths, a proxy perhaps by the last.',
    file: HEADERS,
    from: 'lengths.length > 1 || ',
    to: '',
    killedBy: 'bodies/length-twice',
  },
  {
    id: 'length-through-int',
    history: "Python's int() takes a sign, and so does JavaScript's parseInt().",
    file: HEADERS,
    from: '/^([0-9]+)[ \\t]*$/',
    to: '/^([+-]?[0-9]+)[ \\t]*$/',
    killedBy: 'bodies/length-with-a-sign',
  },
  {
    id: 'length-through-number',
    history: "JavaScript's Number() takes 0x5, 5e0 and nothing at all.",
    file: HEADERS,
    from: '/^([0-9]+)[ \\t]*$/.exec(lengths[0])?.[1]',
    to: 'Number.isNaN(Number(lengths[0])) ? undefined : lengths[0]',
    killedBy: 'bodies/length-in-hexadecimal',
  },
  {
    id: 'blank-length-is-zero',
    history: 'A value that is empty once it is trimmed: Number() of it is 0.',
    file: HEADERS,
    from: '/^([0-9]+)[ \\t]*$/',
    to: '/^([0-9]*)[ \\t]*$/',
    killedBy: 'bodies/length-of-white-space',
  },
  {
    id: 'length-rounded',
    history: "A number above 2 to the 53rd is rounded, and so differs from the proxy's.",
    file: HEADERS,
    from: '!Number.isSafeInteger(length)',
    to: '!Number.isInteger(length)',
    killedBy: 'bodies/length-too-large',
  },
  {
    id: 'coding-ignored',
    history: 'CPython ignores Transfer-Encoding, and takes the chunks for requests.',
    file: HEADERS,
    from: "headers.has('Transfer-Encoding')",
    to: "headers.has('Transfer-Encodings')",
    killedBy: 'bodies/chunked',
  },
  {
    id: 'length-before-coding',
    history: 'Of the two headers, one program goes by the one, the next by the other.',
    file: HEADERS,
    from: "if (headers.has('Transfer-Encoding')) {",
    to: "if (lengths.length === 0 && headers.has('Transfer-Encoding')) {",
    killedBy: 'bodies/chunked-and-length',
  },
  {
    id: 'codings-but-one-ignored',
    history: 'One coding is known by name, and whoever uses another has no body.',
    file: HEADERS,
    from: "headers.has('Transfer-Encoding')",
    to: "/chunked/i.test(headers.get('Transfer-Encoding', ''))",
    killedBy: 'bodies/deflate',
  },

  // -- Errors --------------------------------------------------------------------------------
  {
    id: 'length-one-off',
    history: 'The client waits for a byte that does not come, or reads one of the next response.',
    file: BASE,
    from: "'Content-Length', body.length",
    to: "'Content-Length', body.length + 1",
    killedBy: 'errors/404',
  },
  {
    id: 'length-in-characters',
    history: 'The length of the text instead of its length in bytes.',
    file: BASE,
    from: "'Content-Length', body.length",
    to: "'Content-Length', page.length",
    killedBy: 'errors/latin-1-message',
  },
  {
    id: 'error-type-with-a-space',
    history: 'The type as the article prints it, but Python never sent it.',
    file: ERRORS,
    from: "ERROR_CONTENT_TYPE = 'text/html;charset=utf-8'",
    to: "ERROR_CONTENT_TYPE = 'text/html; charset=utf-8'",
    killedBy: 'errors/http-1-0',
  },
  {
    id: 'path-in-the-page',
    history: 'Servers whose error page quotes the path.',
    file: 'docs/examples/http_server_errors.js',
    from: 'this.sendError(404)',
    to: 'this.sendError(404, undefined, `${this.path} was not found`)',
    killedBy: 'errors/path-is-not-looked-at',
  },
  {
    id: 'message-not-escaped',
    history: 'Python 2.4: the page quoted the request as it was (bpo-1100201).',
    file: ERRORS,
    from: 'message: escapeHtml(message, false)',
    to: 'message',
    killedBy: 'errors/escaped',
  },
  {
    id: 'head-with-a-body',
    history: 'A body after HEAD is read as the beginning of the next response.',
    file: BASE,
    from: "this.command !== 'HEAD' && body",
    to: 'body',
    killedBy: 'errors/head',
  },
  {
    id: 'page-in-a-304',
    history: 'Content where there must be none.',
    file: 'lib/http/status.js',
    from: 'code !== 205 && code !== 304',
    to: 'code !== 205',
    killedBy: 'errors/304',
  },

  // -- Response headers ----------------------------------------------------------------------
  {
    id: 'headers-in-another-order',
    history: 'The order that the article prints, but Python never sent.',
    file: BASE,
    from: "this.sendHeader('Server', this.versionString());",
    to: "this.sendHeader('Date', this.dateTimeString()); this.sendHeader('Server', this.versionString()); return;",
    killedBy: 'response-headers/send-header',
  },
  {
    id: 'no-name-of-its-own',
    history: 'The file handler under the name of its base class.',
    file: FILES,
    from: "serverVersion = 'SimpleHTTP/0.6'",
    to: "serverVersion = 'BaseHTTP/0.6'",
    killedBy: 'response-headers/server-of-files',
  },
  {
    id: 'date-in-utc-by-name',
    history: 'UTC is the same time as GMT, but the wrong three letters.',
    file: 'lib/stdlib/dates.js',
    from: 'const text = date.toUTCString();',
    to: "const text = date.toUTCString().replace('GMT', 'UTC');",
    killedBy: 'response-headers/date-of-the-article',
  },
  {
    id: 'line-end-in-a-header',
    history: 'CPython writes what it is given: response splitting (gh-142533).',
    file: BASE,
    from: 'const UNSAFE_IN_HEAD = /[^\\x01-\\t\\v\\f\\x0e-\\xff]/',
    to: 'const UNSAFE_IN_HEAD = /[^\\x01-\\xff]/',
    killedBy: 'response-headers/line-end-in-a-value',
  },
  {
    id: 'carriage-return-in-a-header',
    history: 'A check for line feeds alone, and clients for which a CR ends a line.',
    file: BASE,
    from: 'const UNSAFE_IN_HEAD = /[^\\x01-\\t\\v\\f\\x0e-\\xff]/',
    to: 'const UNSAFE_IN_HEAD = /[^\\x01-\\t\\v-\\xff]/',
    killedBy: 'response-headers/carriage-return-in-a-value',
  },
  {
    id: 'line-feed-by-truncation',
    history:
      'Node checked the text, and then truncated each character to a byte: U+010A is a line feed.',
    file: BASE,
    from: 'const UNSAFE_IN_HEAD = /[^\\x01-\\t\\v\\f\\x0e-\\xff]/',
    to: 'const UNSAFE_IN_HEAD = /[\\0\\r\\n]/',
    killedBy: 'response-headers/line-feed-in-disguise',
  },
  {
    id: 'headers-left-over',
    history: 'CPython sends headers that were never ended before the next response.',
    file: BASE,
    from: 'this.#dropHeaders();\n            this.closeConnection = true;',
    to: '',
    killedBy: 'response-headers/never-ended',
  },

  // -- The log -------------------------------------------------------------------------------
  {
    id: 'log-not-escaped',
    history: 'CPython before 3.12 wrote what the client sent to the terminal (gh-100001).',
    file: BASE,
    from: 'escapeControls(line)',
    to: 'line',
    killedBy: 'logging/escape-sequences',
  },
  {
    id: 'log-escapes-forged',
    history: 'Escapes without an escape for the escape.',
    file: 'lib/stdlib/format.js',
    from: '\\x7f-\\x9f\\\\]/g',
    to: '\\x7f-\\x9f]/g',
    killedBy: 'logging/backslashes',
  },
  {
    id: 'log-in-gmt',
    history: 'The time of the headers in the log, where people expect local time.',
    file: BASE,
    from: 'localTime(now())',
    to: 'localTime(now() + 60 * new Date().getTimezoneOffset())',
    killedBy: 'logging/request',
  },

  // -- Files ---------------------------------------------------------------------------------
  {
    id: 'content-type-spelled-well',
    history: 'Python writes Content-type for files, and the article shows it.',
    file: FILES,
    from: "this.sendHeader('Content-type', this.guessType(path));",
    to: "this.sendHeader('Content-Type', this.guessType(path));",
    killedBy: 'files/head',
  },
  {
    id: 'decoded-twice',
    history: 'A path that the router decodes, and the file layer once more.',
    file: FILES,
    from: 'const decoded = unquotePath(withoutQuery(path));',
    to: 'const decoded = unquotePath(unquotePath(withoutQuery(path)));',
    killedBy: 'files/escapes-once',
  },
  {
    id: 'plus-for-a-space',
    history: 'A decoder for forms, used for paths.',
    file: FILES,
    from: 'const decoded = unquotePath(withoutQuery(path));',
    to: "const decoded = unquotePath(withoutQuery(path).replaceAll('+', ' '));",
    killedBy: 'files/plus',
  },
  {
    id: 'time-zero-is-now',
    history: 'A default for whatever is falsy, and 0 is falsy.',
    file: BASE,
    from: 'return formatDate(timestamp);',
    to: 'return formatDate(timestamp || now());',
    killedBy: 'files/time-zero',
  },
  {
    id: 'first-extension-counts',
    history: 'A file `t.tar.gz` is taken for a tar file, and browsers unpack it.',
    file: FILES,
    from: 'const extension = splitext(path)[1];',
    to: 'const extension = splitext(splitext(path)[0])[1];',
    killedBy: 'files/type-of-the-last-extension',
  },
  {
    id: 'time-below-zero-is-now',
    history:
      'A check whether there is a time at all, with a comparison: before 1970 there is none.',
    file: BASE,
    from: 'return formatDate(timestamp);',
    to: 'return formatDate(timestamp < 0 ? now() : timestamp);',
    killedBy: 'files/time-before-1970',
  },
  {
    id: 'style-sheet-as-text',
    history: 'Browsers ignore a style sheet of another type.',
    file: 'lib/stdlib/mimetypes-table.js',
    from: "'.css': 'text/css'",
    to: "'.css': 'text/plain'",
    killedBy: 'files/common-types',
  },
  {
    id: 'drawing-as-markup',
    history: 'A browser shows the source of the drawing.',
    file: 'lib/stdlib/mimetypes-table.js',
    from: "'.svg': 'image/svg+xml'",
    to: "'.svg': 'text/xml'",
    killedBy: 'files/common-types',
  },
  {
    id: 'script-of-old',
    history: 'The type that scripts had before RFC 9239, and Python before 3.12.',
    file: 'lib/stdlib/mimetypes-table.js',
    from: "'.js': 'text/javascript'",
    to: "'.js': 'application/javascript'",
    killedBy: 'files/type-of-a-script',
  },

  // -- Listings, redirects, conditions -------------------------------------------------------
  {
    id: 'listing-not-escaped',
    history: 'A file named like a tag runs in the browser of whoever looks at the directory.',
    file: LISTING,
    from: 'escapeHtml(display, false)',
    to: 'display',
    killedBy: 'listing/escapes',
  },
  {
    id: 'title-not-escaped',
    history: 'The path of the request in the page, as the client wrote it.',
    file: LISTING,
    from: 'escapeHtml(path, false)',
    to: 'path',
    killedBy: 'listing/title',
  },
  {
    id: 'title-with-query',
    history: 'CPython until 2025: `%23` in the query was a `#` in the title (gh-133889).',
    file: FILES,
    from: 'unquotePath(withoutQuery(this.#target))',
    to: 'unquotePath(this.#target)',
    killedBy: 'listing/no-query-in-the-title',
  },
  {
    id: 'listing-by-code-units',
    history: 'All upper case before all lower case.',
    file: FILES,
    from: 'key: name.toLowerCase()',
    to: 'key: name',
    killedBy: 'listing/order-and-links',
  },
  {
    id: 'index-page-exists',
    history: 'CPython before 3.10: an index.html that is a directory was a 404.',
    file: FILES,
    from: '.find((page) => this.#stat(page)?.isFile())',
    to: '.find((page) => this.#stat(page) !== null)',
    killedBy: 'listing/index-is-a-directory',
  },
  {
    id: 'redirect-to-another-host',
    history: 'CVE-2021-28861: `//evil.example` went out in a Location.',
    file: BASE,
    from: "this.path = path.replace(/^\\/+/, '/');",
    to: 'this.path = path;',
    killedBy: 'redirects/two-slashes',
  },
  {
    id: 'redirect-by-a-backslash',
    history: 'CPython: `/\\evil.example`, which browsers read as two slashes (gh-132826).',
    file: REDIRECTS,
    from: ".replaceAll('\\\\', '%5C')",
    to: '',
    killedBy: 'redirects/backslash',
  },
  {
    id: 'redirect-behind-a-control',
    history: 'CPython checks the slashes first, and drops the leading control character later.',
    file: REDIRECTS,
    from: "target.replace(/^[\\0-\\x20]+\\/+/, '/')",
    to: 'target',
    killedBy: 'redirects/control-in-front',
  },
  {
    id: 'redirect-to-the-scheme-and-host-of-the-target',
    history: 'CPython, and this server for a while: `javascript:` went out in a Location.',
    file: REDIRECTS,
    from: 'export function withSlash({ scheme, path, query, fragment }) {',
    to: 'export function withSlash({ scheme, netloc, path, query, fragment }) {\n    if (netloc !== "") return urlunsplit({ scheme, netloc, path: `${path}/`, query, fragment });',
    killedBy: 'redirects/script',
  },
  {
    id: 'redirect-of-an-escaped-slash',
    history: 'CPython until 2025: only an unescaped slash was seen (gh-134098).',
    file: FILES,
    from: '/(?:\\/|%2f)$/i.test(parts.path)',
    to: "parts.path.endsWith('/')",
    killedBy: 'redirects/escaped-slash',
  },
  {
    id: 'file-with-an-escaped-slash',
    history: 'The other half of that: a file was sent for a path that is not its own.',
    file: FILES,
    from: "decoded.endsWith('/')",
    to: "withoutQuery(path).endsWith('/')",
    killedBy: 'redirects/file-with-an-escaped-slash',
  },
  {
    id: 'redirect-with-a-nul',
    history: 'This server, for a while: the header was refused, and the client got no response.',
    file: REDIRECTS,
    from: '.replace(/[\\0-\\x1f\\x7f]/g',
    to: '.replace(/[\\x1f\\x7f]/g',
    killedBy: 'redirects/nul-in-the-query',
  },
  {
    id: 'redirect-with-an-escape',
    history: 'This server, for a while, as CPython: NUL was escaped, and ESC was sent.',
    file: REDIRECTS,
    from: '.replace(/[\\0-\\x1f\\x7f]/g',
    to: '.replace(/[\\0]/g',
    killedBy: 'redirects/control-in-the-query',
  },
  {
    id: 'redirect-of-half-a-bracket',
    history: 'CPython: urlsplit() raises a ValueError, which nobody catches.',
    file: REDIRECTS,
    from: 'export function splitTarget(target) {\n    try {',
    to: 'export function splitTarget(target) {\n    return urlsplit(target);\n    try {',
    killedBy: 'redirects/half-a-bracket',
  },
  {
    id: 'redirect-without-a-length',
    history: 'CPython before 3.9: the client waited for the body of a redirect (gh-88138).',
    file: FILES,
    from: "this.sendHeader('Content-Length', '0');",
    to: '',
    killedBy: 'redirects/kept-alive',
  },
  {
    id: 'fractions-compared',
    history: "A file's time has a fraction, its Last-Modified has none: no copy is ever fresh.",
    file: CONDITIONS,
    from: 'Math.floor(modified ?? NaN) <= since',
    to: '(modified ?? NaN) <= since',
    killedBy: 'conditional-requests/fractions-of-a-second',
  },
  {
    id: 'date-beside-an-etag',
    history:
      'If-None-Match takes precedence over If-Modified-Since, even where it is not understood.',
    file: CONDITIONS,
    from: "headers.has('If-None-Match') ? null : dateIn",
    to: 'dateIn',
    killedBy: 'conditional-requests/if-none-match',
  },

  {
    id: 'date-by-the-language',
    history:
      'Date.parse() takes nearly anything for a date, as does the e-mail package of CPython.',
    file: 'lib/stdlib/parse-date.js',
    from: 'if (parts === undefined) {\n        return null;',
    to: 'if (parts === undefined) {\n        return Date.parse(text) / 1000;',
    killedBy: 'conditional-requests/zone-of-email',
  },
  {
    id: 'first-of-two-dates',
    history: 'CPython takes the first of a field that comes twice.',
    file: CONDITIONS,
    from: ' || more.length > 0',
    to: '',
    killedBy: 'conditional-requests/two-dates',
  },
  {
    id: 'index-page-always-sent',
    history: 'The condition is checked where a file is asked for by its name, and nowhere else.',
    file: FILES,
    from: 'return this.#isWanted(file.modified,',
    to: 'return /index\\.html?$/.test(path) || this.#isWanted(file.modified,',
    killedBy: 'conditional-requests/index-page',
  },

  // -- Out of the directory ------------------------------------------------------------------
  {
    id: 'decoded-behind-the-check',
    history: 'Split at its slashes first, then decoded: `..%2f` is a name.',
    file: FILES,
    from: "normpath(decoded)\n            .split('/')",
    to: "normpath(withoutQuery(path)).split('/').map(unquotePath)",
    killedBy: 'attacks/escaped-slashes',
  },
  {
    id: 'dots-of-a-relative-path',
    history: 'normpath() keeps leading dots of a path without a slash.',
    file: FILES,
    from: " && word !== '..'",
    to: '',
    killedBy: 'attacks/no-slash',
  },
  {
    id: 'name-ends-at-a-nul',
    history: 'Names are checked as text, and used as C reads them: up to the NUL.',
    file: 'lib/stdlib/urls.js',
    from: 'return decoded;',
    to: "return decoded.split('\\0')[0];",
    killedBy: 'attacks/nul',
  },
  {
    id: 'decoder-that-throws',
    history: 'decodeURIComponent() throws on `%zz`, and a request ends a server.',
    file: 'lib/stdlib/urls.js',
    from: 'function unquotePath(path) {',
    to: 'function unquotePath(path) {\n    return decodeURIComponent(path);',
    killedBy: 'attacks/bad-escapes',
  },

  {
    id: 'backslashes-part-names',
    history: 'A router leaves %5C alone, the file layer decodes it and takes it for a slash.',
    file: FILES,
    from: "words.join('/')",
    to: "words.join('/').replaceAll('\\\\', '/')",
    killedBy: 'attacks/escaped-backslashes',
  },

  // -- Forms ---------------------------------------------------------------------------------
  {
    id: 'fields-out-of-order',
    history: "Python's FieldStorage.keys() has the order of a set, which changes from run to run.",
    file: 'lib/cgi/field-storage.js',
    from: 'return [...this.#byName.keys()];',
    to: 'return [...this.#byName.keys()].sort();',
    killedBy: 'forms/article',
  },
  {
    id: 'line-end-before-a-boundary',
    history:
      'The line end before a boundary belongs to the boundary; here it takes a byte too many.',
    file: 'lib/cgi/form-store.js',
    from: 'return new Content(Buffer.from(held.take()), 0, size);',
    to: 'return new Content(Buffer.from(held.take().subarray(0, -1)), 0, size - 1);',
    killedBy: 'forms/article-without-expect',
  },
  {
    id: 'fields-without-limit',
    history: 'CPython had no limit on fields, and has none by default (bpo-34866).',
    file: 'lib/cgi/form-limits.js',
    from: 'maxFields: 1000,',
    to: 'maxFields: Infinity,',
    killedBy: 'forms/too-many-fields',
  },
  {
    id: 'boundary-without-limit',
    history: 'A boundary of any length is looked for at every byte.',
    file: 'lib/cgi/multipart.js',
    from: '{0,200}',
    to: '*',
    killedBy: 'forms/long-boundary',
  },
  {
    id: 'padding-is-a-header',
    history:
      'A parser from npm took white space after a boundary for a header, and the part lost its name.',
    file: 'lib/cgi/multipart.js',
    from: 'WHITE_SPACE = [0x09, 0x0b, 0x0c, CR, 0x20]',
    to: 'WHITE_SPACE = [CR]',
    killedBy: 'forms/padding',
  },
  {
    id: 'line-feeds-in-a-header',
    history: 'The same parser accepted only CR LF in a header, and took the rest of it for data.',
    file: 'lib/cgi/multipart.js',
    from: "line.endsWith('\\r') ? line.slice(0, -1) : line",
    to: 'line.slice(0, -1)',
    killedBy: 'forms/line-feeds',
  },
  {
    id: 'empty-part-swallows-the-next',
    history: 'A delimiter was looked for only after the first byte of data.',
    file: 'lib/cgi/multipart.js',
    from: 'let next = 0;',
    to: 'let next = 1;',
    killedBy: 'forms/empty-part',
  },
  {
    id: 'a-prefix-is-a-delimiter',
    history: 'Whether a line with one hyphen too few was a delimiter depended on how it was cut.',
    file: 'lib/cgi/multipart.js',
    from: 'if (hyphens === 1) {',
    to: 'if (hyphens < 0) {',
    killedBy: 'forms/lookalikes',
  },
  {
    id: 'bad-lines-of-a-part-are-dropped',
    history: "Python's e-mail parser ends a header at a malformed line, and drops the rest.",
    file: 'lib/cgi/multipart.js',
    from: '!FIELD_LINE.test(text)',
    to: 'false',
    killedBy: 'forms/bad-header-line',
  },
  {
    id: 'header-of-a-part-without-limit',
    history: 'After a line that it did not understand, a parser enforced no limit: 1 MB passed.',
    file: 'lib/cgi/multipart.js',
    from: 'if (searched > limit) {',
    to: 'if (false) {',
    killedBy: 'forms/over-a-limit-early',
  },
  {
    id: 'nul-in-a-name',
    history: 'A name that is checked to its end, but used up to its NUL.',
    file: 'lib/cgi/form-limits.js',
    from: "name?.includes('\\0') === true",
    to: 'false',
    killedBy: 'forms/nul-in-a-name',
  },

  // -- The clock -----------------------------------------------------------------------------
  {
    id: 'date-of-the-start',
    history: 'A Date that is made once, and sent for as long as the server runs.',
    file: BASE,
    from: 'dateTimeString(timestamp = now())',
    to: 'dateTimeString(timestamp = (globalThis.started ??= now()))',
    killedBy: 'clock/goes-on',
  },
  {
    id: 'log-of-the-start',
    history: 'The same in the log.',
    file: BASE,
    from: 'localTime(now())',
    to: 'localTime((globalThis.started ??= now()))',
    killedBy: 'clock/goes-on',
  },
  {
    id: 'day-of-one-digit',
    history: 'A day before the 10th without its zero.',
    file: BASE,
    from: 'return `${two(day)}/',
    to: 'return `${day}/',
    killedBy: 'clock/months-and-days',
  },
  {
    id: 'date-of-one-digit',
    history: 'The same in Date, as toLocaleString() writes it.',
    file: 'lib/stdlib/dates.js',
    from: 'const text = date.toUTCString();',
    to: "const text = date.toUTCString().replace(', 0', ', ');",
    killedBy: 'clock/months-and-days',
  },
  {
    id: 'months-from-zero',
    history: 'JavaScript counts its months from 0, everybody else from 1.',
    file: 'lib/stdlib/dates.js',
    from: 'month: date.getMonth() + 1',
    to: 'month: date.getMonth() || 12',
    killedBy: 'clock/months-and-days',
  },
  {
    id: 'month-of-four-letters',
    history: 'The names of months of a British locale: Sept has four letters.',
    file: 'lib/stdlib/dates.js',
    from: 'Aug Sep Oct',
    to: 'Aug Sept Oct',
    killedBy: 'clock/months-and-days',
  },
  {
    id: 'month-of-four-letters-in-date',
    history: 'The same in Date.',
    file: 'lib/stdlib/dates.js',
    from: 'const text = date.toUTCString();',
    to: "const text = date.toUTCString().replace('Sep', 'Sept');",
    killedBy: 'clock/months-and-days',
  },
  {
    id: 'winter-all-year',
    history: 'An offset to UTC that is computed once: half of the year it is an hour off.',
    file: 'lib/stdlib/dates.js',
    from: 'hour: date.getHours()',
    to: 'hour: new Date(date.getTime() - 60000 * new Date(0).getTimezoneOffset()).getUTCHours()',
    killedBy: 'clock/summer-time',
  },
  {
    id: 'day-from-another-clock',
    history: 'The day is taken in UTC, and the hour in local time.',
    file: 'lib/stdlib/dates.js',
    from: 'day: date.getDate()',
    to: 'day: date.getUTCDate()',
    killedBy: 'clock/new-year',
  },
  {
    id: 'century-by-a-table',
    history: 'CPython: 69 to 99 are the last century, whatever year it is.',
    file: 'lib/stdlib/parse-date.js',
    from: 'year -= 1000 * (midnight(year) + time) > horizon.getTime() ? 100 : 0',
    to: 'year = Number(parts.year) + (Number(parts.year) > 68 ? 1900 : 2000)',
    killedBy: 'clock/year-of-two-digits',
  },

  // -- TLS -----------------------------------------------------------------------------------
  {
    id: 'tls-without-its-first-bytes',
    history:
      'A listener that only wants to know whether a client has said anything takes what it said.',
    file: 'lib/http/https-server.js',
    from: 'onConnection(connection);',
    to: "connection.once('data', () => onConnection(connection));",
    killedBy: 'tls/get',
  },

  // -- Threads and processes -----------------------------------------------------------------
  {
    id: 'names-of-workers',
    history: 'A pool that names its workers instead of the connections: the numbers differ.',
    file: 'lib/socketserver/mixins/threading-mixin.js',
    from: 'count++;',
    to: 'count += 2;',
    killedBy: 'threads/names',
  },
  {
    id: 'one-child-for-all',
    history: 'A warm process that takes everything that comes: three requests meet one process.',
    file: 'lib/socketserver/mixins/forking-mixin.js',
    from: 'roundRobin: true',
    to: 'roundRobin: false',
    killedBy: 'threads/processes',
  },

  // -- Names that no program knows -----------------------------------------------------------
  {
    id: 'learned-404',
    history: 'A solution made of the expected output: the paths that the pages ask for are known.',
    file: 'docs/examples/http_server_errors.js',
    from: 'this.sendError(404)',
    to: 'this.sendError(/^\\/[a-z]{8}$/.test(this.path) ? 410 : 404)',
    killedBy: 'names/errors',
  },
  {
    id: 'learned-query',
    history: 'The same, of the first program: any query is the one of the article.',
    file: 'docs/examples/http_server_GET.js',
    from: '`path=${this.path}`',
    to: "`path=${this.path.replace(/\\?.*=bar$/, '?foo=bar')}`",
    killedBy: 'names/get',
  },
  {
    id: 'learned-path',
    history: 'A program that serves the path of its example, and no other.',
    file: 'docs/examples/http_server_send_header.js',
    from: 'this.sendResponse(200)',
    to: "this.sendResponse(this.path === '/' ? 200 : 404)",
    killedBy: 'names/send-header',
  },
  {
    id: 'learned-form',
    history: 'The same, of a form.',
    file: 'docs/examples/http_server_POST.js',
    from: '`Path: ${this.path}\\n`',
    to: "'Path: /\\n'",
    killedBy: 'names/form',
  },

  // -- HTTP/1.1 ------------------------------------------------------------------------------
  ...HTTP11_FAULTS,
]
