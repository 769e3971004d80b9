/**
 * Python's `http.server` and `socketserver` in TypeScript.
 *
 * This file only lists what the package exports. To read the source, begin with
 * `socketserver/base-server.ts`.
 *
 * @module
 */

// Types such as Buffer are Node's, and TypeScript 6 and later load only those that are asked for.
/// <reference types="node" preserve="true" />

export { FieldStorage } from './cgi/field-storage.ts'
export type { FieldStorageOptions } from './cgi/field-storage.ts'
export { FormField, FormFile } from './cgi/form-field.ts'
export type { FormValue } from './cgi/form-field.ts'
export { FORM_LIMITS } from './cgi/form-limits.ts'
export type { FormLimits } from './cgi/form-limits.ts'
export { BaseHTTPRequestHandler } from './http/base-handler.ts'
export type { MethodHook } from './http/base-handler.ts'
export { ERROR_CONTENT_TYPE, ERROR_PAGE_HTML4, ERROR_PAGE_HTML5 } from './http/error-page.ts'
export { HTTPMessage } from './http/message.ts'
export type { Field, MessageClass } from './http/message.ts'
export { AsyncHTTPSServer, HTTPSServer } from './http/https-server.ts'
export type { HTTPSOptions } from './http/https-server.ts'
export { AsyncHTTPServer, HTTPServer } from './http/server.ts'
export { RequestError } from './http/request-error.ts'
export { EXTENSIONS_MAP, SimpleHTTPRequestHandler } from './http/simple-handler.ts'
export { HTTPStatus, RESPONSES } from './http/status.ts'
export type { Responses, StatusCodes } from './http/status.ts'
export { ThreadingHTTPServer, ThreadingHTTPSServer } from './http/threading-server.ts'
export { AsyncMixIn } from './socketserver/mixins/async-mixin.ts'
export type { Constructor } from './socketserver/mixins/async-mixin.ts'
export { BaseServer } from './socketserver/base-server.ts'
export {
  ForkingMixIn,
  ForkingTCPServer,
  ForkingUnixStreamServer,
} from './socketserver/mixins/forking-mixin.ts'
export { BaseRequestHandler, StreamRequestHandler } from './socketserver/request-handler.ts'
export type {
  Address,
  Connection,
  InternetAddress,
  RequestHandlerClass,
} from './socketserver/request-handler.ts'
export type { HandlerOptions } from './socketserver/handler-options.ts'
export { StreamReader } from './socketserver/stream-reader.ts'
export type { StreamReaderOptions } from './socketserver/stream-reader.ts'
export { StreamWriter } from './socketserver/stream-writer.ts'
export type { OutputBuffer } from './socketserver/output-buffer.ts'
export type { IdleConnections } from './socketserver/idle-connections.ts'
export type { StreamWriterOptions } from './socketserver/stream-writer.ts'
export { TCPServer } from './socketserver/tcp-server.ts'
export type { AddressFamily } from './socketserver/tcp-server.ts'
export {
  ThreadingMixIn,
  ThreadingTCPServer,
  ThreadingUnixStreamServer,
} from './socketserver/mixins/threading-mixin.ts'
export { UnixStreamServer } from './socketserver/unix-server.ts'
export {
  BrokenPipeError,
  ConnectionError,
  ConnectionResetError,
  TimeoutError,
  ValueError,
} from './stdlib/errors.ts'
export { format, repr } from './stdlib/format.ts'
export type { FormatArguments } from './stdlib/format.ts'
export { escapeHtml } from './stdlib/html.ts'
export { isMain } from './stdlib/main.ts'
export { sourceOf } from './stdlib/source.ts'
export type { OpenedFile, Source } from './stdlib/source.ts'
export { currentThread } from './stdlib/threading.ts'
export type { Thread } from './stdlib/threading.ts'
export { parseQsl, unquote, unquoteToBytes, urlparse, urlsplit } from './stdlib/urls.ts'
export type { ParseQslOptions, ParseResult, SplitResult } from './stdlib/urls.ts'
