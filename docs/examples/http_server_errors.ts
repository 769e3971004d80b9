// The article's http_server_errors.py: a server that finds nothing.

// #region handler
import { BaseHTTPRequestHandler } from 'basehttp'

export class ErrorHandler extends BaseHTTPRequestHandler {
  do_GET() {
    this.sendError(404)
  }
}
// #endregion handler

// #region main
import { HTTPServer, isMain } from 'basehttp'

if (isMain(import.meta)) {
  const server = new HTTPServer(['localhost', Number(process.argv[2] ?? 8080)], ErrorHandler)
  console.log('Starting server, use <Ctrl-C> to stop')
  await server.serveForever()
}
// #endregion main
