import { SimpleHTTPRequestHandler } from 'basehttp'
import type { OpenedFile, Source } from 'basehttp'

export class Range extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'
  override extraResponseHeaders = [['Accept-Ranges', 'bytes']] as const

  override sendFileHead(file: OpenedFile, path: string): Source | null {
    const range = this.isRangeWanted(file) ? rangeOf(this.headers.get('Range'), file.size) : null
    if (range === null) {
      return super.sendFileHead(file, path)
    }
    const [first, last] = range
    if (first > last) {
      this.sendError(416, undefined, undefined, [['Content-Range', `bytes */${file.size}`]])
      return null
    }
    this.sendResponse(206)
    this.sendHeader('Content-Type', this.guessType(path))
    this.sendHeader('Content-Range', `bytes ${first}-${last}/${file.size}`)
    this.sendHeader('Content-Length', last - first + 1)
    this.sendHeader('Last-Modified', this.dateTimeString(file.modified))
    this.endHeaders()
    return file.slice(first, last)
  }

  /** Whether a range counts: only with GET, and only of the file that the client has a part of. */
  isRangeWanted(file: OpenedFile): boolean {
    const condition = this.headers.get('If-Range')
    const isSame = condition === null || condition === this.dateTimeString(file.modified)
    return this.command === 'GET' && isSame
  }
}

/**
 * The first and the last position of a range; null if it is to be ignored. The first comes after the
 * last if the file has nothing of it.
 */
function rangeOf(field: string | null, size: number): [first: number, last: number] | null {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/i.exec(field ?? '') ?? []
  if (from === undefined || to === undefined || from + to === '') {
    return null
  }
  if (from === '') {
    return [Math.max(0, size - Number(to)), size - 1]
  }
  const [first, last] = [Number(from), to === '' ? size - 1 : Number(to)]
  return to !== '' && last < first ? null : [first, Math.min(last, size - 1)]
}

export default { range: Range }
