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
  /**
   * Whether that is all. If not, something cannot be read as a request, or lacks its end, and nobody knows
   * how many responses it gets.
   */
  readonly whole: boolean
}

/** Read requests one after the other, as RFC 9112 reads them. */
export function requestsOf(sent: string): Asked {
  const requests: ParsedRequest[] = []
  let rest = sent
  for (;;) {
    // RFC 9112 §2.2 lets a server skip an empty line before a request.
    const match = /^(?:\r\n)?([^ \r\n]+) ([^\r\n]*)\r?\n(?:[^\r\n]+\r?\n)*\r?\n/.exec(rest)
    if (match === null) {
      return { requests, whole: rest === '' }
    }
    const [head, method = '', words = ''] = match
    const request = { method, version: /(?:^| )(HTTP\/[0-9.]+)$/.exec(words)?.[1] ?? 'HTTP/0.9' }
    requests.push(request)
    rest = rest.slice(head.length)
    const chunked = /^transfer-encoding:[ \t]*chunked[ \t]*\r?$/im.test(head)
    const length = chunked
      ? readChunks(rest)?.length
      : Number(/^content-length:[ \t]*([0-9]+)[ \t]*\r?$/im.exec(head)?.[1] ?? 0)
    if (length === undefined || length > rest.length) {
      return { requests, whole: false }
    }
    rest = rest.slice(length)
  }
}
