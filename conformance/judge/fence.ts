/**
 * Fences: what stands between the backquotes of a page, read as actions and patterns.
 *
 * `page.ts` says what may stand there.
 *
 * @module
 */

import type { Action } from './exchange.ts'
import { hole } from './pattern.ts'
import type { Pattern, Token } from './pattern.ts'

/** A page that breaks the rules of its form. */
export class PageError extends Error {
  override readonly name = 'PageError'

  constructor(place: string, flaw: string) {
    super(`${place}: ${flaw}`)
  }
}

/** Makes a token of what stands between two braces; undefined if it is a hole like any other. */
export type OwnHole = (name: string) => Token | undefined

/** A fence, as it stands on the page. */
export interface Fence {
  kind: string
  lines: string[]
  line: number
}

/**
 * Read what a `request` fence tells the client to do.
 *
 * @param readFile - gives the contents for `{{file:NAME}}`, as ISO 8859-1 text
 * @param own - holes that are filled by the time that they are sent
 * @param sigterm - what `{{sigterm}}` does, where there is a process to send it to
 * @throws {@link PageError}
 */
export function parseRequest(
  fence: Fence,
  place: string,
  readFile: (name: string) => string,
  own?: OwnHole,
  sigterm?: () => () => void | Promise<void>,
): Action[] {
  const actions: Action[] = []
  let data: string[] = []
  let trickle: number | undefined
  const flush = () => {
    const text = data.length === 0 ? '' : onTheWire([...data, ''])
    const pattern = parseTokens(text, place, readFile, own)
    data = []
    if (pattern.some((token) => 'hole' in token && token.filled !== undefined)) {
      if (trickle !== undefined) {
        throw new PageError(place, 'what is saved cannot be sent by {{trickle}}')
      }
      actions.push({
        do: 'send',
        get bytes() {
          return Buffer.from(bytesOf(pattern, place), 'latin1')
        },
      })
      return
    }
    const bytes = Buffer.from(bytesOf(pattern, place), 'latin1')
    if (trickle === undefined) {
      actions.push(...(bytes.length > 0 ? [{ do: 'send', bytes } as const] : []))
      return
    }
    for (const byte of bytes) {
      actions.push({ do: 'send', bytes: Buffer.from([byte]) }, { do: 'pause', ms: trickle })
    }
  }
  for (const line of fence.lines) {
    const [, name = '', argument] = DIRECTIVE.exec(line) ?? []
    if (name === '') {
      data.push(line)
      continue
    }
    flush()
    switch (name) {
      case 'half-close':
      case 'leave':
      case 'reset':
      case 'new':
        if (argument !== undefined) {
          throw new PageError(place, `"${line}" takes no argument; write {{${name}}}`)
        }
        actions.push({ do: name })
        break
      case 'sigterm':
        if (argument !== undefined || sigterm === undefined) {
          throw new PageError(
            place,
            `"${line}" is for a case of an assignment, and has no argument`,
          )
        }
        actions.push({ do: 'act', act: sigterm() })
        break
      case 'line':
        actions.push({ do: 'line', name: lineName(line, argument, place) })
        break
      case 'wait-for':
        actions.push({ do: 'wait-for', text: unescapeBytes(argument ?? '', place) })
        break
      default: {
        if (!/^[0-9]{1,5}$/.test(argument ?? '')) {
          throw new PageError(place, `"${line}" needs a number of milliseconds`)
        }
        const ms = Number(argument)
        if (name === 'pause') {
          actions.push({ do: 'pause', ms })
        } else {
          trickle = ms
        }
      }
    }
  }
  flush()
  return actions
}

/** What stands on a line of its own in a request. */
const DIRECTIVE =
  /^\{\{(pause|trickle|wait-for|half-close|leave|reset|new|line|sigterm)(?::(.*))?\}\}$/

function lineName(line: string, name: string | undefined, place: string): string {
  if (!/^[a-z]+$/.test(name ?? '')) {
    throw new PageError(place, `"${line}" needs a name in lower-case letters, such as {{line:b}}`)
  }
  return name as string
}

/** The connection that the first line of a fence names, if it does, and what is left of the fence. */
export function lineOf(fence: Fence, place: string): { line: string | undefined; rest: Fence } {
  const [first = '', ...lines] = fence.lines
  const [, name, argument] = DIRECTIVE.exec(first) ?? []
  return name === 'line'
    ? { line: lineName(first, argument, place), rest: { ...fence, lines } }
    : { line: undefined, rest: fence }
}

/**
 * Read a `response` fence: what must come, over which connection, and whether that must then close.
 *
 * @throws {@link PageError}
 */
export function parseResponse(
  fence: Fence,
  place: string,
  readFile: (name: string) => string,
  own?: OwnHole,
): { line: string | undefined; pattern: Pattern; closes: boolean | undefined } {
  const { line, rest } = lineOf(fence, place)
  const last = rest.lines.at(-1)
  const ends = last === '{{eof}}' || last === '{{open}}'
  const lines = rest.lines.slice(0, ends ? -1 : undefined)
  return {
    line,
    pattern: parseTokens(onTheWire(lines), place, readFile, own),
    closes: ends ? last === '{{eof}}' : undefined,
  }
}

/** Join lines with CR LF, where a line does not end with a backslash; none after the last. */
export function onTheWire(lines: readonly string[]): string {
  return lines
    .map((line, index) => {
      // An escaped backslash at the end is a backslash.
      const joined = /(?:^|[^\\])(?:\\\\)*\\$/.test(line)
      const end = index === lines.length - 1 ? '' : '\r\n'
      return joined ? line.slice(0, -1) : line + end
    })
    .join('')
}

/**
 * Read a pattern as a page has it, with holes and escapes.
 *
 * @param place - for messages
 * @throws {@link PageError}
 */
export function parsePattern(text: string, place: string, own?: OwnHole): Pattern {
  return parseTokens(text, place, noFiles, own)
}

/** What {@link parseTokens} reads files with where there are none. */
export function noFiles(name: string): never {
  throw new Error(`there is no file "${name}" here`)
}

/** Split text at its holes, and put in what `{{file}}` and `{{repeat}}` stand for. */
export function parseTokens(
  text: string,
  place: string,
  readFile: (name: string) => string,
  own?: OwnHole,
): Pattern {
  const tokens: Token[] = []
  let literal = ''
  for (const part of text.split(/(\{\{.*?\}\}(?!\}))/)) {
    const name = /^\{\{(.*)\}\}$/.exec(part)?.[1]
    if (name === undefined) {
      literal += unescapeBytes(part, place)
    } else if (name.startsWith('file:')) {
      literal += contents(name.slice('file:'.length), place, readFile)
    } else if (name.startsWith('repeat:')) {
      literal += repeated(part, name.slice('repeat:'.length), place)
    } else {
      const token = own?.(name)
      if (token !== undefined && 'literal' in token) {
        literal += token.literal
        continue
      }
      if (literal !== '') {
        tokens.push({ literal })
        literal = ''
      }
      try {
        tokens.push(token ?? hole(name))
      } catch (error) {
        throw new PageError(place, (error as Error).message)
      }
    }
  }
  if (literal !== '') {
    tokens.push({ literal })
  }
  return tokens
}

function contents(name: string, place: string, readFile: (name: string) => string): string {
  try {
    return readFile(name)
  } catch (error) {
    throw new PageError(place, `cannot read {{file:${name}}}: ${(error as Error).message}`)
  }
}

/** The longest text that `{{repeat}}` makes. */
const MOST_REPEATED = 64 * 1024 * 1024

function repeated(whole: string, argument: string, place: string): string {
  const [, times, text] = /^([1-9][0-9]*):(.+)$/s.exec(argument) ?? []
  if (times === undefined || text === undefined) {
    throw new PageError(place, `"${whole}" is not {{repeat:TIMES:TEXT}}`)
  }
  const once = unescapeBytes(text, place)
  if (Number(times) * once.length > MOST_REPEATED) {
    throw new PageError(place, `"${whole}" is longer than 64 MiB`)
  }
  return once.repeat(Number(times))
}

/** What is sent has no holes. */
function bytesOf(pattern: Pattern, place: string): string {
  return pattern
    .map((token) => {
      if ('hole' in token && token.filled !== undefined) {
        return token.filled
      }
      if ('hole' in token) {
        throw new PageError(place, `"{{${token.hole}}}" cannot be sent; it stands for many texts`)
      }
      return token.literal
    })
    .join('')
}

const ESCAPES: Readonly<Record<string, string>> = {
  r: '\r',
  n: '\n',
  t: '\t',
  '0': '\0',
  '\\': '\\',
}

/**
 * Read the escapes of a page.
 *
 * @throws {@link PageError}
 */
export function unescapeBytes(text: string, place: string): string {
  if (/[^\0-\xff]/.test(text)) {
    throw new PageError(place, 'a fence holds ISO 8859-1 only; write other bytes as \\xNN')
  }
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.?))/gs, (whole, hex?: string, letter?: string) => {
    const character =
      hex === undefined ? ESCAPES[letter ?? ''] : String.fromCharCode(parseInt(hex, 16))
    if (character === undefined) {
      throw new PageError(
        place,
        `"${whole}" is not a valid escape; there are \\r \\n \\t \\0 \\\\ \\xNN`,
      )
    }
    return character
  })
}
