/**
 * Words that a page leaves open, so that a server cannot know them: `{{word:1}}`.
 *
 * The same number is the same word throughout a page, in what is sent and in what must come back.
 * A word always has eight letters, so that the lengths on a page stay true.
 *
 * @module
 */

import { createHash } from 'node:crypto'

/** Fill a page's words, for a seed: the same seed gives the same words. */
export function fillWords(text: string, seed: number): string {
  return text.replace(/\{\{word:([0-9]+)\}\}/g, (_, number: string) => {
    const digest = createHash('sha256')
      .update(`${String(seed)} ${number}`)
      .digest()
    return Array.from(digest.subarray(0, 8), (byte) => String.fromCharCode(97 + (byte % 26))).join(
      '',
    )
  })
}
