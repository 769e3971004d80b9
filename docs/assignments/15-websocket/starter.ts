import { BaseHTTPRequestHandler } from 'basehttp'

/** What the opcodes of frames mean: RFC 6455 §5.2. */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** The same for everybody: whoever adds it to a key has read RFC 6455. */
export const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export class Echo extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  do_GET() {
    // The handshake; then the connection is yours: read frames from this.rfile, and write frames to this.wfile.
    this.sendError(501)
  }
}

export default { websocket: Echo }
