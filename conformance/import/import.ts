/**
 * Anybody's `curl -v` as a case page.
 *
 * ```text
 *   > GET / HTTP/1.1                  ```request
 *   > Host: 127.0.0.1:8080      ->    GET / HTTP/1.1
 *   < HTTP/1.0 404 Not Found          ...
 *   < Date: Thu, 06 Oct 2016 ...      Date: {{http-date}}
 * ```
 *
 * What varies becomes a hole, what cannot be printed an escape. The prose is left for you to write:
 * a trace says what came, not why it must.
 *
 * @module
 */

import { sortLines } from '../judge/curl.ts'

/** What a trace does not say. */
export interface ImportOptions {
  readonly id: string
  readonly app: string
  /** What was sent after the head: curl does not show it. */
  readonly body?: Buffer
}

/** A trace that cannot become a case. */
export class TraceError extends Error {
  override readonly name = 'TraceError'
}

/**
 * Make a page of a trace.
 *
 * @param trace - what `curl -sv URL` printed, both streams, as ISO 8859-1 text
 * @throws {@link TraceError}
 */
export function importTrace(trace: string, options: ImportOptions): string {
  const { sent, head, body, notes } = takeApart(trace)
  const [method = ''] = (sent[0] ?? '').split(' ')
  const request = [...sent, ...requestBody(sent, options.body)]
  const response = [...head.map((line) => withHoles(escape(line))), '', ...responseBody(body)]
  checkLength(method, head, body)
  const end = closes(head, notes) ? '{{eof}}' : '{{open}}'
  const meta = { app: options.app, level: 'must', source: 'curl' }
  return [
    `# ${options.id}`,
    '',
    `## ${options.id}`,
    `<!-- case=${JSON.stringify(meta)} -->`,
    'Imported from a trace of curl. Say here why the response must look like this.',
    '',
    '```request',
    ...request,
    '```',
    '',
    '```response',
    ...response,
    end,
    '```',
    '',
  ].join('\n')
}

// -- Reading the trace -----------------------------------------------------------------------

interface Parts {
  /** The lines of the request's head, including the empty one. */
  readonly sent: string[]
  /** The lines of the response's head, without the empty one. */
  readonly head: string[]
  readonly body: string
  /** curl's own words. */
  readonly notes: string
}

function takeApart(trace: string): Parts {
  const lines = withoutMeter(trace)
    // If a body does not end with a line end, curl's words follow on the same line.
    .replace(/(?<=[^\n])(?=\* (?:Closing connection|Connection #[0-9]+ to host))/g, '\0\n')
    .split(/(?<=\n)/)
  const sorted = lines.map((line) => ({
    line,
    is: sortLines([line])[0]?.from,
    text: line.slice(2),
  }))
  const of = (from: string) => sorted.filter(({ is }) => is === from)
  const chomp = (text: string) => text.replace(/\r?\n$/, '')
  const sent = of('client').map(({ text }) => chomp(text))
  if (sent.filter((line) => line === '').length > 1) {
    throw new TraceError('The trace holds several requests; import them one by one')
  }
  if (sent.length === 0) {
    throw new TraceError('The trace holds no request; make it with curl -sv URL > trace.txt 2>&1')
  }
  const marked = sorted.filter(({ line, is }) => is === 'server' && isMarked(line))
  let rest = sorted
    .filter(({ line, is }) => is === 'server' && !isMarked(line))
    .map(({ line }) => line)
    .join('')
    .replaceAll('\0\n', '')
  // With -i or -I the head comes again, among the data; in the article, only there.
  const raw = /^HTTP\/[0-9.]+ [0-9]{3}.*\r?\n(?:[^\r\n]+\r?\n)*\r?\n/.exec(rest)?.[0]
  rest = rest.slice(raw?.length ?? 0)
  const head = marked.length > 0 ? marked.map(({ text }) => text) : (raw ?? '').split('\n')
  return {
    sent,
    head: head.map(chomp).filter((line) => line !== ''),
    body: rest,
    notes: of('curl')
      .map(({ line }) => line)
      .join(''),
  }
}

/** `< Name: value`, or `<` alone; the body may begin with `<html>`. */
function isMarked(line: string): boolean {
  return /^<(?: |\r?\n?$)/.test(line)
}

/** Take out the meter that curl shows while it saves to a file. */
function withoutMeter(trace: string): string {
  const clock = '(?: +(?:--|[0-9]+):(?:--|[0-9]{2}):(?:--|[0-9]{2}))'
  const tick = new RegExp(
    `(?:^|\\r) *[0-9]+ [^\\r\\n]*?${clock}{3}[^\\r\\n]*(?:\\r?\\n|(?=\\r))`,
    'gm',
  )
  return trace.replace(/^ *% Total.*\n(?:.*Dload.*\n)?/gm, '').replace(tick, '')
}

function checkLength(method: string, head: readonly string[], body: string): void {
  const field = head.find((line) => /^content-length:/i.test(line))
  const length = field?.slice('content-length:'.length).trim()
  const none = method === 'HEAD' || / (?:1..|204|304) /.test(head[0] ?? '')
  if (length !== undefined && !none && Number(length) !== body.length) {
    throw new TraceError(
      `The trace has ${String(body.length)} bytes of a body of ${length}; ` +
        'make it with curl -sv URL > trace.txt 2>&1',
    )
  }
}

function closes(head: readonly string[], notes: string): boolean {
  if (/^\* Closing connection/m.test(notes)) {
    return true
  }
  const kept = head.some((line) => /^connection: *keep-alive/i.test(line))
  const ended = head.some((line) => /^connection: *close/i.test(line))
  return ended || ((head[0] ?? '').startsWith('HTTP/1.0') && !kept)
}

// -- Writing the page ------------------------------------------------------------------------

function requestBody(sent: readonly string[], body: Buffer | undefined): string[] {
  const field = sent.find((line) => /^content-length:/i.test(line))
  const length = Number(field?.slice('content-length:'.length) ?? 0)
  if (length !== (body?.length ?? 0)) {
    throw new TraceError(
      `The request has a body of ${String(length)} bytes, and curl does not show it; ` +
        'give it with --body FILE',
    )
  }
  // Each line of a request ends with CR LF, including the last; a backslash takes that away.
  return pieces(body?.toString('latin1') ?? '').map(({ text, end }) => {
    return end === '\r\n' ? text : `${text}${end === '\n' ? '\\n' : ''}\\`
  })
}

function responseBody(body: string): string[] {
  const lines = pieces(body)
  if (lines.length === 0) {
    return ['']
  }
  return lines.map(({ text, end }, index) => {
    const last = index === lines.length - 1
    const spelt = { '\r\n': last ? '\\r\\n' : '', '\n': last ? '\\n' : '\\n\\', '': '' }[end]
    return `${withHoles(text)}${spelt}`
  })
}

function pieces(body: string): { text: string; end: '\r\n' | '\n' | '' }[] {
  const lines = body === '' ? [] : body.split(/(?<=\n)/)
  return lines.map((line) => {
    const [end = ''] = /\r?\n$/.exec(line) ?? []
    return { text: escape(line.slice(0, line.length - end.length)), end: end as '\r\n' | '\n' | '' }
  })
}

/** Text as a fence writes it. */
function escape(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replace(/[^\x20-\x7e]/g, (character) => {
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
    })
    .replaceAll('{{', '{\\x7b')
    .replace(/^```/, '\\x60``')
}

/** Make holes where the text varies between runs. */
function withHoles(line: string): string {
  const date = /\b[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT\b/
  return line
    .replace(new RegExp(`^(Date: )${date.source}$`), '$1{{http-date}}')
    .replace(/\b(?:Python|Node|Bun|Deno)\/[0-9][0-9A-Za-z.+-]*/g, '{{runtime}}')
    .replace(/\('127\.0\.0\.1', [0-9]+\)/g, "('127.0.0.1', {{client-port}})")
}
