import { SimpleHTTPRequestHandler } from 'basehttp'
import type { OpenedFile, Source } from 'basehttp'

export class Gzip extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override sendFileHead(file: OpenedFile, path: string): Source | null {
    // Send the head, and return what is to be sent as the body.
    return super.sendFileHead(file, path)
  }
}

export default { gzip: Gzip }
