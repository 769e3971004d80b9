/**
 * Bytes as they went over the wire, in HTML: each piece is a link, and under the pointer or in focus it
 * shows its label. It is written when the site is made, and by the playground in the browser.
 *
 * @module
 */

import { visible } from '../explain/visible.ts'
import { escapeHtml } from './html.ts'

/** The most characters of a body that are shown. */
const MOST_SHOWN = 1500

/** A piece, as far as it is shown. */
export interface Stretch {
  /** Its bytes, each a character. */
  readonly text: string
  readonly what: string
  readonly section: string
  /** Who has read or written it. */
  readonly by: string
  /** Where more is said of it. */
  readonly href: string
}

/** Write the pieces. */
export function wire(pieces: readonly Stretch[]): string {
  const links = pieces.map(({ text, what, section, by, href }) => {
    const kind = kindOf(what)
    const tip = `<span class=tip>${escapeHtml(`${what} · RFC ${section} · ${by}`)}</span>`
    const { html, end } = kind === 'quiet' || text.trim() === '' ? quiet(text) : loud(text)
    return `<a class="b ${kind}" href="${escapeHtml(href)}">${html}${tip}</a>${end}`
  })
  return `<pre class=wire>${links.join('')}</pre>`
}

/** What is to be seen at a glance. */
function kindOf(what: string): string {
  return /^(?:space|white space|line end|colon|end of)/.test(what)
    ? 'quiet'
    : /^(?:method|target|version|status|reason)/.test(what)
      ? 'start'
      : what === 'name of a field'
        ? 'name'
        : what.startsWith('not read')
          ? 'unread'
          : 'value'
}

/** Line ends and spaces, where they are what it is about. */
function quiet(text: string): { html: string; end: string } {
  const html = escapeHtml(visible(text).replaceAll(' ', '·'))
  return { html, end: text.endsWith('\n') ? '\n' : '' }
}

/** Text; of its line ends, only the last is outside of the link. */
function loud(text: string): { html: string; end: string } {
  const shown = text.slice(0, MOST_SHOWN)
  const lines = shown.split('\n').map((line) => {
    return escapeHtml(line.replace(/\r$/, '').replace(/[^\x20-\x7e\t]/g, visible))
  })
  const more = text.length - shown.length
  const rest = more === 0 ? '' : `<i>... and ${more.toLocaleString('en')} more bytes</i>`
  const ends = shown.endsWith('\n') && more === 0
  return { html: lines.slice(0, ends ? -1 : undefined).join('\n') + rest, end: ends ? '\n' : '' }
}
