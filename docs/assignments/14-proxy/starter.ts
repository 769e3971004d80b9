import { BaseHTTPRequestHandler } from 'basehttp'

/** Where the server behind this one listens. */
const UPSTREAM = new URL(process.env.UPSTREAM ?? 'http://127.0.0.1:8000')

export class Gateway extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    this.sendError(501, `Nobody asks ${UPSTREAM.host} yet`)
  }
}

export default { proxy: Gateway }
