/**
 * What a conversation keeps of what has come, for what is sent and expected later.
 *
 * ```text
 *   answer     Location: /notes/{{save:id:\d+}}     whatever matches here is `id` from now on
 *   request    GET /notes/{{id}} HTTP/1.1           the same text is sent
 *   answer     {"id":"{{id}}"}                      and must come back
 * ```
 *
 * If the expression has a group, what is kept is what matches that.
 *
 * @module
 */

import { PageError } from './fence.ts'
import type { Hole, Pattern, Token } from './pattern.ts'

/** What has filled some holes: the name of each that is to be kept, and the text. */
export type Kept = Map<string, string>

/** The values of one conversation. */
export class Saved {
  readonly #names = new Set<string>()
  readonly #values: Kept = new Map()
  /** What the answer that is being judged would keep; its own later parts may name it. */
  #pending: Kept = new Map()

  /** What may stand between braces here, besides the usual holes. */
  holeAt(place: string): (name: string) => Token | undefined {
    return (text) => {
      const [, name, source] = /^save:([a-z]+):(.+)$/s.exec(text) ?? []
      if (name !== undefined && source !== undefined) {
        this.#names.add(name)
        return { hole: text, regex: expression(source, place) }
      }
      if (/^save(?::|$)/.test(text)) {
        throw new PageError(place, `"{{${text}}}" is not {{save:NAME:REGEX}}`)
      }
      return this.#names.has(text) ? this.#later(text) : undefined
    }
  }

  /** Begin to judge an answer: what is to be kept of it goes in here. */
  begin(): Kept {
    this.#pending = new Map()
    return this.#pending
  }

  /** Keep what that answer has, because it is right. */
  keep(): void {
    for (const [name, text] of this.#pending) {
      this.#values.set(name, text)
    }
  }

  #later(name: string): Hole {
    const text = () => this.#pending.get(name) ?? this.#values.get(name) ?? ''
    return {
      hole: name,
      get filled() {
        return text()
      },
      get regex() {
        return new RegExp(escaped(text()), 'y')
      },
    }
  }
}

function expression(source: string, place: string): RegExp {
  try {
    return new RegExp(source, 'y')
  } catch (error) {
    throw new PageError(place, (error as Error).message)
  }
}

/** What of a hole is kept, given the text that has filled it. */
export function keptOf(
  { hole, regex }: Hole,
  text: string,
): [name: string, text: string] | undefined {
  const name = /^save:([a-z]+):/.exec(hole)?.[1]
  if (name === undefined) {
    return undefined
  }
  const match = new RegExp(`^(?:${regex.source})$`, 's').exec(text)
  return [name, match?.[1] ?? text]
}

/** A text as a regular expression that matches nothing else. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** What a pattern stands for, if it stands for one text only. */
export function onlyText(pattern: Pattern): string | undefined {
  const texts = pattern.map((token) => ('literal' in token ? token.literal : token.filled))
  return texts.every((text) => text !== undefined) ? texts.join('') : undefined
}
