/**
 * A handler that records what it reads and writes, and on whose behalf.
 *
 * ```text
 *   record(GetHandler, tape)   a class derived from GetHandler, for any server
 *     setup()                  puts accessors in the place of rfile, wfile, command, path, ...
 *     rfile.takeTextLine()     noted: which bytes, and who asked for them
 *     sendHeader()             noted: which line, and who called
 *     wfile.write()            noted: which bytes
 * ```
 *
 * Nothing in `lib/` knows of this: it goes by what any subclass can override, and by methods that it puts
 * on the reader and the writer themselves. (A Proxy in their place could not reach their `#private`
 * fields.)
 *
 * @module
 */

import { format } from 'basehttp'
import type {
  Address,
  BaseHTTPRequestHandler,
  BaseServer,
  Connection,
  Field,
  MessageClass,
  StreamReader,
  StreamWriter,
} from 'basehttp'
import { trace } from './trace.ts'
import type { Frame } from './trace.ts'
import { watch, wrap } from './watch.ts'

/** The class of a handler of HTTP. */
export type HandlerClass = new (
  request: Connection,
  clientAddress: Address,
  server: BaseServer,
) => BaseHTTPRequestHandler

/** Bytes that were read, by their place in all that the client sent. */
export interface Take {
  readonly from: number
  readonly to: number
  /** What the handler was reading at that time. */
  readonly phase: Phase
  readonly frames: readonly Frame[]
}
type Phase = 'line' | 'head' | 'body' | 'chunks'

/** A line that was added to a head. */
export interface HeadLine {
  readonly text: string
  readonly frames: readonly Frame[]
}

/** Bytes that were written. */
export interface Write {
  readonly bytes: Buffer
  readonly frames: readonly Frame[]
  /** If it is a head: the calls that its lines may come from, in order. */
  readonly lines: readonly HeadLine[] | undefined
  /** Whether the library has made a chunk of it. */
  readonly isChunk: boolean
}

/** What a handler does with one request. */
export class Exchange {
  readonly takes: Take[] = []
  readonly writes: Write[] = []
  /** What the handler's fields were set to last. */
  readonly became = new Map<string, { value: string; frames: readonly Frame[] }>()
  /** Who has asked for something: a field of the handler, `header host`, `headers`, `body`. */
  readonly uses = new Map<string, (readonly Frame[])[]>()
  phase: Phase = 'line'
  lines: HeadLine[] = []

  use(name: string, frames: readonly Frame[]): void {
    this.uses.set(name, [...(this.uses.get(name) ?? []), frames])
  }
}

/** A connection, as its handler saw it. */
export class Line {
  readonly exchanges: Exchange[] = [new Exchange()]
  /** What the handler has logged. */
  readonly log: string[] = []
  /** What it has thrown. */
  error: unknown
  readonly done: Promise<void>
  finish!: () => void
  /** Called when the handler waits for more, with how many bytes of the client's have come. */
  waiting: (received: number) => void = () => {}

  constructor() {
    this.done = new Promise((resolve) => {
      this.finish = resolve
    })
  }

  get exchange(): Exchange {
    return this.exchanges.at(-1) as Exchange
  }
}

/** The recordings of a server's connections. */
export class Tape {
  /** In the order in which they were accepted. */
  readonly lines: Line[] = []
  /** Called for each. */
  begin: (line: Line) => void = () => {}
  /** Whether the log is noted only, and not printed. */
  isQuiet = false
  /** What the handlers take the client's address for; its own, if left out. */
  clientAddress: Address | undefined
}

/** The fields of a handler that are made from the request line. */
const WORDS = ['command', 'path', 'requestVersion', 'requestline'] as const
/** The methods of a reader that take bytes. They do not call one another. */
const TAKES = ['readline', 'takeTextLine', 'read', 'takeBytes', 'skip'] as const

/** Derive a handler that does the same, and records it. */
export function record(Handler: HandlerClass, tape: Tape): HandlerClass {
  return class extends Handler {
    readonly #line = new Line()
    /** Whether what is written now is the head. */
    #flushing = false

    constructor(request: Connection, clientAddress: Address, server: BaseServer) {
      super(request, tape.clientAddress ?? clientAddress, server)
    }

    override async run(): Promise<void> {
      tape.lines.push(this.#line)
      tape.begin(this.#line)
      try {
        await super.run()
      } catch (error) {
        this.#line.error = error
        throw error
      } finally {
        this.#line.finish()
      }
    }

    // Here, and not in the constructor, which is not done with the fields of a derived class.
    override setup(): void | Promise<void> {
      const line = this.#line
      for (const name of WORDS) {
        watch(this, name, {
          set: (value, frames) => line.exchange.became.set(name, { value, frames }),
          get: (frames) => {
            line.exchange.use(name, frames)
          },
        })
      }
      let input: StreamReader | undefined
      watch(this, 'rfile', {
        set: (reader) => {
          if (input === undefined) {
            input = reader
            recordReads(reader, line)
          } else if (reader !== input && line.exchange.phase === 'head') {
            // It reads chunks, from the reader of the connection.
            line.exchange.phase = 'chunks'
            recordUses(reader, line)
          }
        },
      })
      const writers = new WeakSet<StreamWriter>()
      watch(this, 'wfile', {
        set: (writer) => {
          if (!writers.has(writer)) {
            writers.add(writer)
            recordWrites(writer, line, () => this.#flushing)
          }
        },
      })
      this.MessageClass = recordingMessage(this.MessageClass, line)
      return super.setup()
    }

    override async handleOneRequest(): Promise<void> {
      this.#line.exchanges.push(new Exchange())
      await super.handleOneRequest()
    }

    override async parseRequest(): Promise<boolean> {
      const { exchange } = this.#line
      exchange.phase = 'head'
      try {
        return await super.parseRequest()
      } finally {
        exchange.phase = (exchange.phase as Phase) === 'chunks' ? 'chunks' : 'body'
      }
    }

    override sendResponseOnly(code: number, message?: string): void {
      const frames = trace()
      const phrase = message ?? this.responses[code]?.[0] ?? ''
      super.sendResponseOnly(code, message)
      this.#note(`${this.protocolVersion} ${String(code)} ${phrase}`, frames)
    }

    override sendHeader(keyword: string, value: string | number): void {
      const frames = trace()
      super.sendHeader(keyword, value)
      this.#note(`${keyword}: ${String(value)}`, frames)
    }

    override flushHeaders(): void {
      this.#flushing = true
      try {
        super.flushHeaders()
      } finally {
        this.#flushing = false
      }
    }

    override logMessage(template: string, ...args: unknown[]): void {
      this.#line.log.push(format(template, args))
      if (!tape.isQuiet) {
        super.logMessage(template, ...args)
      }
    }

    #note(text: string, frames: readonly Frame[]): void {
      this.#line.exchange.lines.push({ text, frames })
    }
  }
}

/** Note which bytes of the connection are read, and for whom. */
function recordReads(reader: StreamReader, line: Line): void {
  recordTakes(reader, (from, to, frames) => {
    const { exchange } = line
    exchange.takes.push({ from, to, phase: exchange.phase, frames })
  })
  for (const name of ['more', 'peek'] as const) {
    wrap(reader, name, (wait) => {
      // Of what is here, peek() waits for nothing.
      if (name === 'more' || reader.buffered === 0) {
        line.waiting(reader.position + reader.buffered)
      }
      return wait()
    })
  }
}

/** Tell of each read that has taken something. */
function recordTakes(
  reader: StreamReader,
  taken: (from: number, to: number, frames: readonly Frame[]) => void,
): void {
  let noted = reader.position
  const note = (frames: readonly Frame[]): void => {
    const from = noted
    noted = reader.position
    if (noted > from) {
      taken(from, noted, frames)
    }
  }
  for (const name of TAKES) {
    wrap(reader, name, (take, frames) => {
      const result = take()
      if (!(result instanceof Promise)) {
        note(frames)
        return result
      }
      return result.finally(() => {
        note(frames)
      })
    })
  }
}

/** Note who reads the content of chunks. */
function recordUses(reader: StreamReader, line: Line): void {
  recordTakes(reader, (from, to, frames) => {
    line.exchange.use('body', frames)
  })
}

/** Note which bytes are written. */
function recordWrites(writer: StreamWriter, line: Line, isHead: () => boolean): void {
  wrap(writer, 'write', (write, frames, data) => {
    if (writer.closed) {
      // What is refused does not leave.
      return write()
    }
    const { exchange } = line
    const { encode } = writer
    let sent = data as Uint8Array
    if (encode !== undefined) {
      writer.encode = (bytes) => (sent = encode(bytes))
    }
    const result = write()
    if (encode !== undefined) {
      writer.encode = encode
    }
    const lines = isHead() ? exchange.lines.splice(0) : undefined
    const isChunk = encode !== undefined && sent.length > 0
    exchange.writes.push({ bytes: Buffer.from(sent), frames, lines, isChunk })
    return result
  })
}

/** A class for the headers that tells who asks for which. */
function recordingMessage(Message: MessageClass, line: Line): MessageClass {
  class Recording extends Message {
    override get(name: string, otherwise: unknown = null): string {
      line.exchange.use(`header ${name.toLowerCase()}`, trace())
      return super.get(name, otherwise) as string
    }

    override getAll(name: string): string[] {
      line.exchange.use(`header ${name.toLowerCase()}`, trace())
      return super.getAll(name)
    }

    override keys(): string[] {
      line.exchange.use('headers', trace())
      return super.keys()
    }

    override values(): string[] {
      line.exchange.use('headers', trace())
      return super.values()
    }

    override items(): Field[] {
      line.exchange.use('headers', trace())
      return super.items()
    }

    override [Symbol.iterator](): IterableIterator<Field> {
      line.exchange.use('headers', trace())
      return super[Symbol.iterator]()
    }
  }
  return Recording
}
