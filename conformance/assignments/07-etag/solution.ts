import { SimpleHTTPRequestHandler } from 'basehttp'
import type { OpenedFile } from 'basehttp'

/** An entity tag. What is between the quotes, the group, is the same for the weak and the strong one. */
const TAG = /(?:W\/)?"([^"]*)"/g

export class Etag extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override isFresh(file: OpenedFile): boolean {
    const opaque = versionOf(file)
    this.extraResponseHeaders = [['ETag', `"${opaque}"`]]
    const wanted = this.headers.getAll('If-None-Match').join(', ')
    if (wanted === '') {
      return super.isFresh(file)
    }
    return wanted.trim() === '*' || [...wanted.matchAll(TAG)].some(([, tag]) => tag === opaque)
  }
}

/** Size and time of a file, which change with it, down to the thousandth of a second. */
function versionOf(file: OpenedFile): string {
  return `${file.size.toString(16)}-${Math.floor(file.modified * 1000).toString(16)}`
}

export default { etag: Etag }
