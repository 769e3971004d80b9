// The article's http_server_GET.py: what a handler knows of a request.

// #region handler
import { BaseHTTPRequestHandler, repr, urlparse } from 'basehttp'
import type { Field } from 'basehttp'

export class GetHandler extends BaseHTTPRequestHandler {
  do_GET() {
    const parsedPath = urlparse(this.path)
    const messageParts = [
      'CLIENT VALUES:',
      `client_address=${repr(this.clientAddress)} ${this.addressString()}`,
      `command=${this.command}`,
      `path=${this.path}`,
      `real_path=${parsedPath.path}`,
      `query=${parsedPath.query}`,
      `request_version=${this.requestVersion}`,
      '',
      'SERVER VALUES:',
      `server_version=${this.serverVersion}`,
      `sys_version=${this.sysVersion}`,
      `protocol_version=${this.protocolVersion}`,
      '',
      'HEADERS RECEIVED:',
    ]
    for (const [name, value] of this.headers.items().sort(byNameThenValue)) {
      messageParts.push(`${name}=${value.trimEnd()}`)
    }
    messageParts.push('')
    const message = messageParts.join('\r\n')
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain; charset=utf-8')
    this.endHeaders()
    this.wfile.write(Buffer.from(message, 'utf-8'))
  }
}

// Python sorts tuples item by item. JavaScript's sort() would join each pair to one text first.
function byNameThenValue([name1, value1]: Field, [name2, value2]: Field): number {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return compare(name1, name2) || compare(value1, value2)
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
