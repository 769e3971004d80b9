/**
 * The pieces of a response, as the handler has written them.
 *
 * @module
 */

import { callsOf, piece } from './pieces.ts'
import type { Piece } from './pieces.ts'
import { sectionOfCode, sectionOfField } from './sections.ts'
import type { Exchange, HeadLine, Write } from './tape.ts'
import type { Finder, Place } from './trace.ts'

const STATUS_LINE = /^(HTTP\/\S+)( )([0-9]+)( )(.*)$/

/** Reads what the handler has written. */
export class ResponseReader {
  readonly #exchange: Exchange
  readonly #find: Finder
  readonly #pieces: Piece[] = []
  #hasHead = false
  #isChunked = false

  constructor(exchange: Exchange, find: Finder) {
    this.#exchange = exchange
    this.#find = find
  }

  pieces(): Piece[] {
    const { writes } = this.#exchange
    for (const [at, write] of writes.entries()) {
      const calls = callsOf(write.frames, this.#find)
      if (write.lines !== undefined) {
        this.#head(write, write.lines, calls)
      } else if (write.isChunk || this.#isChunked) {
        this.#chunk(write, calls, at === writes.length - 1)
      } else if (this.#hasHead) {
        this.#add(write.bytes, 'body', '9110 §6.4', calls)
      } else {
        this.#add(write.bytes, 'body of HTTP/0.9, which has no header', '1945 §4.1', calls)
      }
    }
    return this.#pieces
  }

  /** Lay the lines that were added beside those that have left: some may have been dropped. */
  #head({ bytes }: Write, added: readonly HeadLine[], flush: readonly Place[]): void {
    this.#hasHead = true
    let at = 0
    for (const [, text = '', end = ''] of bytes
      .toString('latin1')
      .matchAll(/([^\r\n]*)(\r\n|$)/g)) {
      if (text === '') {
        this.#add(end, 'end of the header', '9112 §2.1', flush)
        continue
      }
      const found = added.findIndex((line, index) => index >= at && line.text === text)
      at = found === -1 ? at : found + 1
      // An override of sendHeader() may have added more lines than it was asked for.
      const calls = found === -1 ? flush : callsOf(added[found]?.frames ?? [], this.#find)
      this.#headLine(text, calls)
      this.#add(end, 'line end', '9112 §2.2', calls)
    }
  }

  #headLine(text: string, calls: readonly Place[]): void {
    const [, version = '', space = '', code = '', gap = '', phrase = ''] =
      STATUS_LINE.exec(text) ?? []
    if (version !== '') {
      const isInterim = code.startsWith('1')
      const what = isInterim ? 'status code: another response follows' : 'status code'
      this.#add(version, 'version', '9112 §2.3', calls)
      this.#add(space, 'space', '9112 §4', calls)
      this.#add(code, what, sectionOfCode(Number(code)), calls)
      this.#add(gap, 'space', '9112 §4', calls)
      this.#add(phrase, 'reason phrase', '9112 §4', calls)
      return
    }
    const [, name = '', colon = '', value = ''] = /^([^:]*)(: ?)(.*)$/s.exec(text) ?? []
    this.#isChunked ||= /^transfer-encoding$/i.test(name) && /chunked/i.test(value)
    this.#add(name, 'name of a field', '9110 §5.1', calls)
    this.#add(colon, 'colon and white space', '9112 §5', calls)
    this.#add(value, `value of ${name}`, sectionOfField(name), calls)
    if (name === '' && colon === '') {
      this.#add(text, 'header line that is not valid', '9112 §5', calls)
    }
  }

  /** A chunk that the library has made, or that the handler has written as such; or the last. */
  #chunk({ bytes }: Write, calls: readonly Place[], isLast: boolean): void {
    const end = bytes.indexOf('\r\n')
    const size = bytes.toString('latin1', 0, Math.max(end, 0))
    const length = /^[0-9A-Fa-f]+$/.test(size) ? parseInt(size, 16) : -1
    if (isLast && bytes.toString('latin1') === '0\r\n\r\n') {
      this.#add('0', 'size of the last chunk', '9112 §7.1', calls)
      this.#add('\r\n', 'line end', '9112 §7.1', calls)
      this.#add('\r\n', 'end of the body', '9112 §7.1', calls)
    } else if (length === bytes.length - end - 4 && bytes.subarray(-2).equals(LINE_END)) {
      this.#add(size, 'size of a chunk', '9112 §7.1', calls)
      this.#add('\r\n', 'line end', '9112 §7.1', calls)
      this.#add(bytes.subarray(end + 2, -2), 'data of a chunk', '9112 §7.1', calls)
      this.#add('\r\n', 'end of a chunk', '9112 §7.1', calls)
    } else {
      this.#add(bytes, 'part of a body in chunks', '9112 §7.1', calls)
    }
  }

  #add(bytes: Buffer | string, what: string, section: string, calls: readonly Place[]): void {
    if (bytes.length > 0) {
      const made = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
      this.#pieces.push(piece(made, what, section, calls))
    }
  }
}

const LINE_END = Buffer.from('\r\n')
