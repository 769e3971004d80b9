/**
 * A handler for the tests of chunked bodies, which threads and children load again.
 *
 * @module
 */

import { BaseHTTPRequestHandler } from '../http/base-handler.ts'

/** Says what it has read: method, path, fields, body, trailers. Only some methods read the body. */
export class ChunkReader extends BaseHTTPRequestHandler {
  static readonly module = import.meta.url

  override protocolVersion = 'HTTP/1.1'

  /** Leaves the body where it is. */
  do_GET(): void {
    this.#say('')
  }

  /** All at once. */
  async do_POST(): Promise<void> {
    this.#say((await this.rfile.read()).toString('latin1'))
  }

  /** In pieces, as they come. */
  async do_PUT(): Promise<void> {
    let body = ''
    for await (const piece of this.body) {
      body += piece.toString('latin1')
    }
    this.#say(body)
  }

  /** In lines; and the response is sent in chunks, too. */
  async do_PATCH(): Promise<void> {
    let body = ''
    for await (const line of this.rfile) {
      body += line.toString('latin1')
    }
    this.sendResponse(200)
    this.endHeadersChunked()
    void this.wfile.write(this.#told(body))
  }

  #say(body: string): void {
    const page = this.#told(body)
    this.sendResponse(200)
    this.sendHeader('Content-Length', page.length)
    this.endHeaders()
    void this.wfile.write(page)
  }

  #told(body: string): Buffer {
    const { command, path, headers, trailers } = this
    return Buffer.from(
      JSON.stringify({ command, path, fields: headers.items(), body, trailers: trailers.items() }),
    )
  }

  override sendHeader(keyword: string, value: string | number): void {
    // The same bytes every time.
    super.sendHeader(keyword, keyword === 'Date' ? 'now' : value)
  }

  override logMessage(): void {}
}
