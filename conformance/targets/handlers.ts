/**
 * The apps that this library offers to the suite: the article's programs, as they are in
 * `docs/examples`, and the handler of the recordings.
 *
 * @module
 */

import { join } from 'node:path'
import { HTTPServer, HTTPSServer, SimpleHTTPRequestHandler } from 'basehttp'
import type { InternetAddress, OpenedFile, RequestHandlerClass, Source } from 'basehttp'
import { TARGETS } from '../paths.ts'
import { ErrorHandler } from '../../docs/examples/http_server_errors.ts'
import {
  ForkingHTTPServer,
  Handler as ForkingHandler,
} from '../../docs/examples/http_server_forks.ts'
import { GetHandler } from '../../docs/examples/http_server_GET.ts'
import { PostHandler } from '../../docs/examples/http_server_POST.ts'
import { GetHandler as SendHeaderHandler } from '../../docs/examples/http_server_send_header.ts'
import {
  Handler as ThreadedHandler,
  ThreadedHTTPServer,
} from '../../docs/examples/http_server_threads.ts'
import { ClockHandler } from './clock-handler.ts'
import { Custom10Handler, Custom11Handler, OverrideHandler } from './custom-handler.ts'

// A thread or a child finds a handler by its module and name. Those of the article's programs that
// need no threads do not say where they are, so this does.

export class Errors extends ErrorHandler {
  static readonly module = import.meta.url
}

export class Get extends GetHandler {
  static readonly module = import.meta.url
}

export class Post extends PostHandler {
  static readonly module = import.meta.url
}

export class SendHeader extends SendHeaderHandler {
  static readonly module = import.meta.url
}

export class Simple11Handler extends SimpleHTTPRequestHandler {
  static readonly module = import.meta.url

  override protocolVersion = 'HTTP/1.1'
}

/** With the guards that Python lacks, and that are off here, too, unless somebody wants them. */
export class GuardedHandler extends Simple11Handler {
  static override readonly module = import.meta.url

  override followSymlinks = false
  override platform = 'win32' as const
  override headTimeout = 1
  override bodyTimeout = 1
}

/** Sends a part of a file, from one byte to another: `X-Part: 2-5`. */
export class PartsHandler extends Simple11Handler {
  static override readonly module = import.meta.url

  override sendFileHead(file: OpenedFile, path: string): Source | null {
    const [, first, last] = /^([0-9]+)-([0-9]+)$/.exec(this.headers.get('X-Part') ?? '') ?? []
    if (first === undefined || last === undefined) {
      return super.sendFileHead(file, path)
    }
    const part = file.slice(Number(first), Number(last))
    this.sendResponse(200)
    this.sendHeader('Content-Length', part.size)
    this.endHeaders()
    return part
  }
}

/** The handlers by the name of their app. */
export const HANDLERS: Readonly<Record<string, RequestHandlerClass>> = {
  errors: Errors,
  get: Get,
  post: Post,
  send_header: SendHeader,
  threads: ThreadedHandler,
  forks: ForkingHandler,
  custom10: Custom10Handler,
  custom11: Custom11Handler,
  override: OverrideHandler,
  simple: SimpleHTTPRequestHandler,
  simple11: Simple11Handler,
  guarded: GuardedHandler,
  parts: PartsHandler,
  clock: ClockHandler,
  tls: Custom11Handler,
}

/** The server of the app `tls`, with a certificate that everybody has the key of. */
class TLSServer extends HTTPSServer {
  constructor(address: InternetAddress, Handler: RequestHandlerClass) {
    super(address, Handler, { certfile: join(TARGETS, 'localhost.pem') })
  }
}

/** The servers of the apps that are about the server. */
export const SERVERS: Readonly<Record<string, typeof HTTPServer>> = {
  threads: ThreadedHTTPServer,
  forks: ForkingHTTPServer,
  tls: TLSServer,
  // The clock that a client sets is that of one process.
  clock: HTTPServer,
}
