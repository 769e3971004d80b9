import { SimpleHTTPRequestHandler } from 'basehttp'
import type { OpenedFile, Source } from 'basehttp'

export class Range extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override sendFileHead(file: OpenedFile, path: string): Source | null {
    // The file is open and may be served. Send a part of it, if a part is wanted.
    return super.sendFileHead(file, path)
  }
}

export default { range: Range }
