import { SimpleHTTPRequestHandler } from 'basehttp'
import type { OpenedFile } from 'basehttp'

export class Etag extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override isFresh(file: OpenedFile): boolean {
    // True: the client's copy is good, and the response a 304.
    return super.isFresh(file)
  }
}

export default { etag: Etag }
