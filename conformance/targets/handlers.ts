/**
 * The apps that this library offers to the suite: the article's programs, as they stand in
 * `docs/examples`, and the handler of the recordings.
 *
 * @module
 */

import { SimpleHTTPRequestHandler } from 'basehttp'
import type { RequestHandlerClass } from 'basehttp'
import { ErrorHandler } from '../../docs/examples/http_server_errors.ts'
import { GetHandler } from '../../docs/examples/http_server_GET.ts'
import { PostHandler } from '../../docs/examples/http_server_POST.ts'
import { GetHandler as SendHeaderHandler } from '../../docs/examples/http_server_send_header.ts'
import { Custom10Handler, Custom11Handler, OverrideHandler } from './custom-handler.ts'

class Simple11Handler extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'
}

/** The handlers by the name of their app. */
export const HANDLERS: Readonly<Record<string, RequestHandlerClass>> = {
  errors: ErrorHandler,
  get: GetHandler,
  post: PostHandler,
  send_header: SendHeaderHandler,
  custom10: Custom10Handler,
  custom11: Custom11Handler,
  override: OverrideHandler,
  simple: SimpleHTTPRequestHandler,
  simple11: Simple11Handler,
}
