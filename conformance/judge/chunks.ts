/**
 * The chunked transfer coding, RFC 9112 §7.1, taken apart.
 *
 * @module
 */

import { CONTROL, FIELD_LINE } from './head.ts'

/** What chunks hold. */
export interface Chunks {
  readonly text: string
  /** How much of the stream they take. */
  readonly length: number
  /** Lines that can be understood, but not by everybody. */
  readonly flaws: readonly { readonly line: string; readonly flaw: string }[]
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const QUOTED =
  '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"'
const EXTENSION = `[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?`
const CHUNK_LINE = new RegExp(`^[0-9a-fA-F]+(?:${EXTENSION})*$`)

/**
 * Take chunks apart, up to the empty line that ends them.
 *
 * @returns undefined if it cannot be told where they end, or they have not ended.
 */
export function readChunks(stream: string): Chunks | undefined {
  const flaws: { line: string; flaw: string }[] = []
  let text = ''
  let at = 0
  const nextLine = () => {
    const end = stream.indexOf('\n', at)
    if (end === -1) {
      return undefined
    }
    const line = stream.slice(at, end + 1)
    at = end + 1
    if (!line.endsWith('\r\n')) {
      flaws.push({ line, flaw: 'LF alone; a line between chunks ends with CR LF (RFC 9112 §7.1)' })
    }
    return line.replace(/\r?\n$/, '')
  }
  for (;;) {
    const line = nextLine()
    const digits = /^[0-9a-fA-F]+/.exec(line ?? '')?.[0]
    if (line === undefined || digits === undefined) {
      return undefined
    }
    if (!CHUNK_LINE.test(line)) {
      flaws.push({ line, flaw: 'not a valid size of a chunk, or extension (RFC 9112 §7.1)' })
    }
    const size = parseInt(digits, 16)
    if (size === 0) {
      break
    }
    text += stream.slice(at, at + size)
    at += size
    if (stream.slice(at, at + 2) !== '\r\n') {
      return undefined
    }
    at += 2
  }
  for (let line = nextLine(); line !== ''; line = nextLine()) {
    if (line === undefined) {
      return undefined
    }
    const value = FIELD_LINE.exec(line)?.[2]
    if (value === undefined || CONTROL.test(value)) {
      flaws.push({ line, flaw: 'not a valid field line of a trailer (RFC 9112 §7.1.2)' })
    }
  }
  return { text, length: at, flaws }
}
