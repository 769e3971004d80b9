/**
 * The handler of `chunked-uploads.long.test.ts`: the article's POST example, with HTTP/1.1, and a method
 * that reads the body as it comes. Both say what they have got, so that nothing can be lost on the way.
 *
 * In a module of its own, because threads and children load it.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { FieldStorage } from 'basehttp'
import { PostHandler } from '../../docs/examples/http_server_POST.ts'

// The article's program tells the size of a file; the form it has parsed tells what is in the file.
let form: FieldStorage | undefined
const parse = FieldStorage.parse.bind(FieldStorage)
FieldStorage.parse = async (options) => (form = await parse(options))

export class UploadHandler extends PostHandler {
  static readonly module = import.meta.url

  override protocolVersion = 'HTTP/1.1'

  /** The article's program; below its response, the hash of the first file. */
  override async do_POST(): Promise<void> {
    // The article's response says nothing of its length, so it ends with the connection.
    this.closeConnection = true
    await super.do_POST()
    await this.wfile.write(Buffer.from(`${await this.#told(form?.list[0]?.file ?? [])}\n`))
  }

  /** Reads the body, and replies with its hash. */
  async do_PUT(): Promise<void> {
    const page = Buffer.from(`${await this.#told(this.body)}\n`)
    this.sendResponse(200)
    this.sendHeader('Content-Length', page.length)
    this.endHeaders()
    void this.wfile.write(page)
  }

  override logMessage(): void {}

  /** How the body came, and what is in its pieces. */
  async #told(pieces: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<string> {
    const hash = createHash('sha256')
    for await (const piece of pieces) {
      hash.update(piece)
    }
    return `${this.headers.get('Transfer-Encoding', 'whole')} ${hash.digest('hex')}`
  }
}
