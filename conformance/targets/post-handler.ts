/**
 * The file server that this library is judged as by the profile `rfc`: the command line's, and one
 * resource that takes a body, which files do not.
 *
 * ```text
 *   POST /post HTTP/1.1        200, and how many bytes the body had
 *   POST /hello.txt HTTP/1.1   405, as a file has no use for a body
 * ```
 *
 * @module
 */

import { SimpleHTTPRequestHandler } from 'basehttp'

/** What takes a POST. */
export const POST = '/post'

export class PostHandler extends SimpleHTTPRequestHandler {
  static readonly module = import.meta.url

  // As for the command line's own handler.
  override timeout: number | null = 60
  override headTimeout: number | null = 30

  async do_POST(): Promise<void> {
    if (this.path !== POST) {
      this.sendError(405, undefined, undefined, [['Allow', 'GET, HEAD, OPTIONS']])
      return
    }
    let length = 0
    for await (const piece of this.body) {
      length += piece.length
    }
    const page = Buffer.from(`${String(length)} bytes\n`, 'latin1')
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain')
    this.sendHeader('Content-Length', page.length)
    this.endHeaders()
    void this.wfile.write(page)
  }
}
