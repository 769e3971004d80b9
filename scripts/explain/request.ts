/**
 * The pieces of a request, as the handler has read them.
 *
 * @module
 */

import { callsOf, piece, usersOf } from './pieces.ts'
import type { Piece } from './pieces.ts'
import { sectionOfField, sectionOfMethod, sectionOfTarget } from './sections.ts'
import type { Exchange, Take } from './tape.ts'
import type { Finder, Place } from './trace.ts'

/** Spaces of the grammar, and what a lenient server takes for them: RFC 9112 §3. */
const REQUEST_LINE =
  /^([\t\v\f\r ]*)([^\t-\r ]+)([\t\v\f\r ]+)([^\t-\r ]+)(?:([\t\v\f\r ]+)([^\t-\r ]+))?([\t\v\f ]*)(\r*\n?)$/
const FIELD = /^([^:\r\n]+)(:[\t ]*)([^\n]*)$/
const CHUNK = /^([0-9A-Fa-f]+)([^\r\n]*)(\r\n)$/

/** Reads once more what the handler has read. */
export class RequestReader {
  readonly #exchange: Exchange
  readonly #sent: Buffer
  readonly #find: Finder
  readonly #pieces: Piece[] = []
  #headIsOver = false
  /** What comes next in a body that comes in chunks; how much of it, if it is data. */
  #next: 'size' | 'data' | 'end' | 'trailers' = 'size'
  #missing = 0

  constructor(exchange: Exchange, sent: Buffer, find: Finder) {
    this.#exchange = exchange
    this.#sent = sent
    this.#find = find
  }

  pieces(): Piece[] {
    for (const take of this.#exchange.takes) {
      this.#read(take)
    }
    return this.#pieces
  }

  #read({ from, to, phase, frames }: Take): void {
    const text = this.#sent.toString('latin1', from, to)
    const calls = callsOf(frames, this.#find)
    if (phase === 'line') {
      this.#requestLine(text, calls)
    } else if (phase === 'head' && !this.#headIsOver) {
      this.#fieldLine(text, calls, 'end of the header', '9112 §2.1')
    } else if (phase === 'chunks') {
      this.#chunk(text, calls)
    } else {
      this.#add(text, 'body', '9112 §6.3', calls)
    }
  }

  #requestLine(text: string, calls: readonly Place[]): void {
    if (/^\r?\n$/.test(text)) {
      this.#add(text, 'empty line before a request', '9112 §2.2', calls)
      return
    }
    const match = REQUEST_LINE.exec(text)
    if (match === null) {
      this.#add(text.replace(/\r?\n$/, ''), 'request line that is not valid', '9112 §3', calls)
      this.#add(/\r?\n$/.exec(text)?.[0] ?? '', 'line end', '9112 §2.2', calls)
      return
    }
    const [, before = '', method = '', space = '', target = '', gap = '', version = ''] = match
    this.#add(before, 'white space', '9112 §3', calls)
    this.#word(method, 'method', sectionOfMethod(method), calls, 'command')
    this.#add(space, 'space', '9112 §3', calls)
    this.#word(target, 'target', sectionOfTarget(target, method), calls, 'path')
    this.#add(gap, 'space', '9112 §3', calls)
    this.#word(version, 'version', '9112 §2.3', calls, 'requestVersion')
    this.#add(match[7] ?? '', 'white space', '9112 §3', calls)
    this.#add(match[8] ?? '', 'line end', '9112 §2.2', calls)
  }

  /** A word that becomes a field of the handler, unless the request is refused before that. */
  #word(text: string, what: string, section: string, calls: readonly Place[], name: string): void {
    const { became, uses } = this.#exchange
    const set = became.get(name)
    const value = name === 'path' ? text.replace(/^\/+/, '/') : text
    const becomes =
      set?.value === value ? { name, place: callsOf(set.frames, this.#find)[0] } : undefined
    const asked = [
      ...(becomes === undefined ? [] : (uses.get(name) ?? [])),
      ...(uses.get('requestline') ?? []),
    ]
    this.#add(text, what, section, calls, { becomes, uses: usersOf(asked, this.#find) })
  }

  /** A line of the header, or of the trailers. */
  #fieldLine(text: string, calls: readonly Place[], end: string, section: string): void {
    if (/^\r?\n$/.test(text)) {
      this.#headIsOver = true
      this.#add(text, end, section, calls)
      return
    }
    const lineEnd = /\r?\n$/.exec(text)?.[0] ?? ''
    const match = FIELD.exec(text.slice(0, text.length - lineEnd.length))
    const [, name = '', colon = '', value = ''] = match ?? []
    if (name === '') {
      this.#add(text, 'header line that is not valid', '9112 §5', calls)
      return
    }
    const { uses } = this.#exchange
    const asked = [
      ...(uses.get(`header ${name.toLowerCase()}`) ?? []),
      ...(uses.get('headers') ?? []),
    ]
    const users = { uses: usersOf(asked, this.#find) }
    this.#add(name, 'name of a field', '9110 §5.1', calls, value === '' ? users : undefined)
    this.#add(colon, 'colon and white space', '9112 §5', calls)
    this.#add(value, `value of ${name}`, sectionOfField(name), calls, users)
    this.#add(lineEnd, 'line end', '9112 §2.2', calls)
  }

  #chunk(text: string, calls: readonly Place[]): void {
    if (this.#next === 'trailers') {
      this.#fieldLine(text, calls, 'end of the body', '9112 §7.1')
    } else if (this.#next === 'data') {
      const uses = usersOf(this.#exchange.uses.get('body') ?? [], this.#find)
      this.#add(text, 'data of a chunk', '9112 §7.1', calls, { uses })
      this.#missing -= text.length
      this.#next = this.#missing > 0 ? 'data' : 'end'
    } else if (this.#next === 'end') {
      const isRight = text === '\r\n'
      this.#add(text, isRight ? 'end of a chunk' : NOT_A_CHUNK, '9112 §7.1', calls)
      this.#next = 'size'
    } else {
      const [, size = '', extension = '', lineEnd = ''] = CHUNK.exec(text) ?? []
      if (size === '') {
        this.#add(text, NOT_A_CHUNK, '9112 §7.1', calls)
        return
      }
      this.#missing = parseInt(size, 16)
      const isLast = this.#missing === 0
      this.#next = isLast ? 'trailers' : 'data'
      this.#headIsOver = false
      const what = isLast ? 'size of the last chunk' : 'size of a chunk'
      this.#add(size, what, '9112 §7.1', calls)
      this.#add(extension, 'extension of a chunk', '9112 §7.1.1', calls)
      this.#add(lineEnd, 'line end', '9112 §7.1', calls)
    }
  }

  /** Add a piece; what is read on for the same reason belongs to the piece before. */
  #add(
    text: string,
    what: string,
    section: string,
    calls: readonly Place[],
    more: Partial<Piece> = {},
  ): void {
    if (text === '') {
      return
    }
    const bytes = Buffer.from(text, 'latin1')
    const last = this.#pieces.at(-1)
    if (last?.what === what && /^(?:body|data of a chunk)$/.test(what)) {
      this.#pieces[this.#pieces.length - 1] = { ...last, bytes: Buffer.concat([last.bytes, bytes]) }
    } else {
      this.#pieces.push({ ...piece(bytes, what, section, calls), ...more })
    }
  }
}

const NOT_A_CHUNK = 'what is not a chunk'
