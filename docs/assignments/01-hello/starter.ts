import { BaseHTTPRequestHandler } from 'basehttp'

export class Hello extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    // Tasks 1 to 3 begin here.
    this.sendError(404)
  }
}

export default { hello: Hello }
