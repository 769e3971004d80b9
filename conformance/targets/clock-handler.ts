/**
 * The handler of the app `clock`: the file server, in a process whose clock a client can set.
 *
 * ```text
 *   CLOCK / HTTP/1.1
 *   X-Time: 2024-02-05T03:04:05Z       from here on it is five past three, and stays so
 * ```
 *
 * What a server says about time is right by accident on most days: a day of two digits, a month whose
 * name has three letters in every language, the half of the year without summer time.
 *
 * @module
 */

import { SimpleHTTPRequestHandler } from 'basehttp'

export class ClockHandler extends SimpleHTTPRequestHandler {
  static readonly module = import.meta.url

  override protocolVersion = 'HTTP/1.1'

  do_CLOCK(): void {
    const time = Date.parse(this.headers.get('X-Time', ''))
    Date.now = () => time
    this.sendResponse(204)
    this.endHeaders()
  }
}
