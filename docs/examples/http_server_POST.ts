// The article's http_server_POST.py: a form, and what is in it.

// #region handler
import { BaseHTTPRequestHandler, FieldStorage, format, repr } from 'basehttp'

export class PostHandler extends BaseHTTPRequestHandler {
  async do_POST() {
    // Parse the form data posted
    const form = await FieldStorage.parse({ fp: this.rfile, headers: this.headers })

    // Begin the response
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/plain; charset=utf-8')
    this.endHeaders()

    const out = (text: string) => this.wfile.write(Buffer.from(text, 'utf-8'))

    out(`Client: ${repr(this.clientAddress)}\n`)
    out(format('User-agent: %s\n', [this.headers.get('user-agent')]))
    out(`Path: ${this.path}\n`)
    out('Form data:\n')

    // Echo back information about what was posted in the form
    for (const field of form.keys()) {
      // One field, or all fields of that name
      for (const fieldItem of [form.get(field) ?? []].flat()) {
        if (fieldItem.filename) {
          // The field contains an uploaded file
          const { filename, size } = fieldItem
          out(format('\tUploaded %s as %r (%d bytes)\n', [field, filename, size]))
        } else {
          // Regular form value
          out(format('\t%s=%s\n', [field, fieldItem.value]))
        }
      }
    }
  }
}
// #endregion handler

// #region main
import { HTTPServer, isMain } from 'basehttp'

if (isMain(import.meta)) {
  const server = new HTTPServer(['localhost', Number(process.argv[2] ?? 8080)], PostHandler)
  console.log('Starting server, use <Ctrl-C> to stop')
  await server.serveForever()
}
// #endregion main
