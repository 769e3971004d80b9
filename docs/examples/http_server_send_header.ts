// The article's http_server_send_header.py: headers of your own.

// #region handler
import { BaseHTTPRequestHandler } from 'basehttp'

export class GetHandler extends BaseHTTPRequestHandler {
  do_GET() {
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain; charset=utf-8')
    this.sendHeader('Last-Modified', this.dateTimeString(Date.now() / 1000))
    this.endHeaders()
    this.wfile.write(Buffer.from('Response body\n', 'utf-8'))
  }
}
// #endregion handler

// #region main
import { HTTPServer, isMain } from 'basehttp'

if (isMain(import.meta)) {
  const server = new HTTPServer(['localhost', Number(process.argv[2] ?? 8080)], GetHandler)
  console.log('Starting server, use <Ctrl-C> to stop')
  await server.serveForever()
}
// #endregion main
