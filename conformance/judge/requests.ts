/**
 * The requests in a client's bytes, as far as a response depends on them.
 *
 * @module
 */

import { readChunks } from './chunks.ts'

/** The parts of a request on which its response depends. */
export interface ParsedRequest {
  readonly method: string
  /** As it is spelt; `HTTP/0.9` where there is none. */
  readonly version: string
}

/** What {@link requestsOf} finds. */
export interface Asked {
  readonly requests: ParsedRequest[]
  /** What cannot be read as a request, or is not whole: nobody knows how many responses it gets. */
  readonly rest: string
}

/** Read requests one after the other, as RFC 9112 reads them. */
export function requestsOf(sent: string): Asked {
  const requests: ParsedRequest[] = []
  let rest = sent
  for (;;) {
    // RFC 9112 §2.2 lets a server skip an empty line before a request.
    const match = /^(?:\r\n)?([^ \r\n]+) ([^\r\n]*)\r?\n(?:[^\r\n]+\r?\n)*\r?\n/.exec(rest)
    if (match === null) {
      return { requests, rest }
    }
    const [head, method = '', words = ''] = match
    const request = { method, version: /(?:^| )(HTTP\/[0-9.]+)$/.exec(words)?.[1] ?? 'HTTP/0.9' }
    rest = rest.slice(head.length)
    const length = /^content-length:[ \t]*([0-9]+)[ \t]*\r?$/im.exec(head)?.[1]
    if (/^transfer-encoding:[ \t]*chunked[ \t]*\r?$/im.test(head)) {
      const chunks = readChunks(rest)
      if (chunks === undefined) {
        return { requests: [...requests, request], rest }
      }
      rest = rest.slice(chunks.length)
    } else {
      rest = rest.slice(Number(length ?? 0))
    }
    requests.push(request)
  }
}
