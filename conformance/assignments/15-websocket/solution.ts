import { createHash } from 'node:crypto'
import { BaseHTTPRequestHandler } from 'basehttp'

/** What the opcodes of frames mean: RFC 6455 §5.2. */
const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/** Why a connection ends: RFC 6455 §7.4.1. */
const PROTOCOL_ERROR = 1002
const TOO_BIG = 1009

/** How long a message may be, in bytes. */
const LONGEST = 1024 * 1024

/** The same for everybody: whoever adds it to a key has read RFC 6455. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The fields of a refusal that say what would be accepted. */
const UPGRADE = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', '13'],
] as const

interface Frame {
  readonly isLast: boolean
  readonly opcode: number
  readonly payload: Buffer
}

/** The client has broken the rules. */
class Violation extends Error {
  readonly code: number

  constructor(code: number) {
    super(`violation of the protocol: ${code}`)
    this.code = code
  }
}

export class Echo extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  async do_GET() {
    const key = this.headers.get('Sec-WebSocket-Key') ?? ''
    if (this.path !== '/echo') {
      this.sendError(404)
    } else if (!this.isUpgrade() || this.headers.get('Sec-WebSocket-Version') !== '13') {
      this.sendError(426, undefined, undefined, UPGRADE)
    } else if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) {
      this.sendError(400, 'Sec-WebSocket-Key is not 16 bytes')
    } else {
      this.sendHandshake(key)
      await this.converse()
      // What comes now is no request.
      this.closeConnection = true
    }
  }

  // -- The handshake ---------------------------------------------------------------------------

  isUpgrade(): boolean {
    const has = (name: string, word: string) =>
      this.headers
        .getAll(name)
        .join(',')
        .split(',')
        .some((element) => element.trim().toLowerCase() === word)
    const isNew = this.requestVersion === 'HTTP/1.1'
    return isNew && has('Connection', 'upgrade') && has('Upgrade', 'websocket')
  }

  sendHandshake(key: string) {
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64')
    this.sendResponse(101)
    this.sendHeader('Upgrade', 'websocket')
    this.sendHeader('Connection', 'Upgrade')
    this.sendHeader('Sec-WebSocket-Accept', accept)
    this.endHeaders()
  }

  // -- Messages --------------------------------------------------------------------------------

  /** Echo messages until the client has had enough, or has broken the rules. */
  async converse() {
    let parts: Buffer[] = []
    let size = 0
    let type = TEXT
    try {
      for (let frame = await this.readFrame(); frame !== null; frame = await this.readFrame()) {
        const { isLast, opcode, payload } = frame
        if (opcode === CLOSE) {
          this.sendFrame(CLOSE, payload.subarray(0, 2))
          return
        } else if (opcode === PING) {
          this.sendFrame(PONG, payload)
        } else if (opcode !== PONG) {
          // A message begins with its type, and goes on without one.
          const expected = parts.length === 0 ? [TEXT, BINARY] : [CONTINUATION]
          if (!expected.includes(opcode)) {
            throw new Violation(PROTOCOL_ERROR)
          }
          type = parts.length === 0 ? opcode : type
          parts.push(payload)
          size += payload.length
          if (size > LONGEST) {
            throw new Violation(TOO_BIG)
          }
          if (isLast) {
            this.sendFrame(type, Buffer.concat(parts))
            parts = []
            size = 0
          }
        }
      }
    } catch (error) {
      if (!(error instanceof Violation)) {
        throw error
      }
      this.sendFrame(CLOSE, number(error.code, 2))
    }
  }

  // -- Frames ----------------------------------------------------------------------------------

  /** Read a frame; null: the client has gone. */
  async readFrame(): Promise<Frame | null> {
    const head = await this.readBytes(2)
    if (head === null) {
      return null
    }
    const [first, second] = [head.readUInt8(0), head.readUInt8(1)]
    const isLast = first >= 0x80
    const opcode = first & 0x0f
    const isMasked = second >= 0x80
    const short = second & 0x7f
    const hasReserved = (first & 0x70) !== 0
    const isControl = opcode >= CLOSE
    if (!isMasked || hasReserved || (isControl && (!isLast || short > 125))) {
      throw new Violation(PROTOCOL_ERROR)
    }
    const length = await this.readLength(short)
    const key = await this.readBytes(4)
    const payload = length === null ? null : await this.readBytes(length)
    return key === null || payload === null
      ? null
      : { isLast, opcode, payload: unmask(payload, key) }
  }

  /** Read the length of a payload, if seven bits have not been enough for it. */
  async readLength(short: number): Promise<number | null> {
    if (short < 126) {
      return short
    }
    const bytes = await this.readBytes(short === 126 ? 2 : 8)
    const length = bytes === null ? null : Number(`0x${bytes.toString('hex')}`)
    if (length !== null && length > LONGEST) {
      throw new Violation(TOO_BIG)
    }
    return length
  }

  /** Read so many bytes; null: the client has gone before that. */
  async readBytes(size: number): Promise<Buffer | null> {
    const bytes = await this.rfile.read(size)
    return bytes.length < size ? null : bytes
  }

  sendFrame(opcode: number, payload: Buffer) {
    const { length } = payload
    const more =
      length < 126
        ? [Buffer.from([length])]
        : length < 65536
          ? [Buffer.from([126]), number(length, 2)]
          : [Buffer.from([127]), number(length, 8)]
    this.wfile.write(Buffer.concat([Buffer.from([0x80 | opcode]), ...more, payload]))
  }
}

/** A number in so many bytes, the most significant one first. */
function number(value: number, size: 2 | 8): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * size, '0'), 'hex')
}

function unmask(payload: Buffer, key: Buffer): Buffer {
  return Buffer.from(payload.map((byte, index) => byte ^ key.readUInt8(index % 4)))
}

export default { websocket: Echo }
