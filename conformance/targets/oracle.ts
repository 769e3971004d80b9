/**
 * Our side of the recordings: one of the servers that were recorded from CPython, run by this
 * library.
 *
 * ```text
 *   node dist/conformance/targets/oracle.js SERVER PORT ROOT
 * ```
 *
 * It prints `READY <port>`, logs to standard error, and ends on SIGTERM.
 *
 * @module
 */

import { ERROR_PAGE_HTML5, HTTPServer } from 'basehttp'
import type { RequestHandlerClass } from 'basehttp'
import { ErrorHandler } from '../../docs/examples/http_server_errors.ts'
import { GetHandler } from '../../docs/examples/http_server_GET.ts'
import { GetHandler as SendHeaderHandler } from '../../docs/examples/http_server_send_header.ts'
import { Custom10Handler, Custom11Handler, OverrideHandler } from './custom-handler.ts'

// The article's handlers, with the error page of the Python that was recorded.

class OracleErrorHandler extends ErrorHandler {
  override errorMessageFormat = ERROR_PAGE_HTML5
}

class OracleGetHandler extends GetHandler {
  override errorMessageFormat = ERROR_PAGE_HTML5
}

class OracleSendHeaderHandler extends SendHeaderHandler {
  override errorMessageFormat = ERROR_PAGE_HTML5
}

const HANDLERS: Record<string, RequestHandlerClass> = {
  errors: OracleErrorHandler,
  get: OracleGetHandler,
  send_header: OracleSendHeaderHandler,
  custom10: Custom10Handler,
  custom11: Custom11Handler,
  override: OverrideHandler,
}

class OracleHTTPServer extends HTTPServer {
  override requestQueueSize = 64
}

const [name = '', port = '', root = ''] = process.argv.slice(2)
const Handler = HANDLERS[name]
if (Handler === undefined || !/^[0-9]+$/.test(port) || root === '') {
  console.error(
    `usage: oracle SERVER PORT ROOT, where SERVER is one of ${Object.keys(HANDLERS).join(', ')}`,
  )
  process.exit(2)
}
process.chdir(root)
const server = new OracleHTTPServer(['127.0.0.1', Number(port)], Handler)
await server.bindAndActivate()
console.log(`READY ${String(server.serverPort)}`)
await server.serveForever()
