import { gzipSync } from 'node:zlib'
import { SimpleHTTPRequestHandler, sourceOf } from 'basehttp'
import type { OpenedFile, Source } from 'basehttp'

export class Gzip extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override sendFileHead(file: OpenedFile, path: string): Source | null {
    const type = this.guessType(path)
    this.extraResponseHeaders = []
    if (!type.startsWith('text/')) {
      return super.sendFileHead(file, path)
    }
    // Both forms of the file depend on the field, and so both say so.
    this.extraResponseHeaders = [['Vary', 'Accept-Encoding']]
    if (weightOfGzip(this.headers.getAll('Accept-Encoding').join(',')) === 0) {
      return super.sendFileHead(file, path)
    }
    const bytes = Buffer.alloc(file.size)
    file.read(bytes)
    const gzipped = gzipSync(bytes)
    this.sendResponse(200)
    this.sendHeader('Content-Type', type)
    this.sendHeader('Content-Encoding', 'gzip')
    this.sendHeader('Content-Length', gzipped.length)
    this.sendHeader('Last-Modified', this.dateTimeString(file.modified))
    this.sendHeader('Vary', 'Accept-Encoding')
    this.endHeaders()
    return sourceOf(gzipped)
  }
}

/** How much a client wants gzip: 0 if not at all. What it does not name is what `*` says. */
function weightOfGzip(field: string): number {
  const weights = new Map<string, number>()
  for (const one of field.toLowerCase().split(',')) {
    const [coding = '', ...parameters] = one.split(';').map((word) => word.trim())
    const weight = parameters.find((word) => word.startsWith('q='))
    weights.set(coding, weight === undefined ? 1 : Number(weight.slice(2)))
  }
  return weights.get('gzip') ?? weights.get('*') ?? 0
}

export default { gzip: Gzip }
