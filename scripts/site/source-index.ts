/**
 * The list of all source files, in the order in which to read them.
 *
 * @module
 */

import { posix } from 'node:path'
import { escapeHtml } from './html.ts'
import { sourceUrl } from './router.ts'
import type { SourceFile } from './source-page.ts'

/** Write the list. */
export function sourceIndex(
  sources: readonly SourceFile[],
  url: string,
  markdown: (text: string) => string,
): string {
  const rows = sources.map(({ path, tree, comments }) => {
    const head = comments.find(({ kind }) => kind === 'head')
    const href = posix.relative(posix.dirname(url), sourceUrl(path))
    const name = escapeHtml(path.replace(/^lib\//, ''))
    const about = markdown(firstSentence(head?.text ?? '').replaceAll('<', '&lt;'))
    const lines = String(tree.text.split('\n').length - 1)
    return `<li><a href="${href}">${name}</a> <small>${lines} lines</small>${about}</li>`
  })
  return (
    '<article class="source"><h1>The annotated source</h1>' +
    markdown(
      'All files of the library, in the order of the [tour](../docs/tour.html): the nine of the trunk ' +
        "first, then what they stand on, and last the guide's programs. Prose is on the left, the code " +
        'that it is about on the right. Every name in the code leads to its declaration, every line has a ' +
        'number to link to, and every declaration a ¶, whose link survives edits.',
    ) +
    `<ol class="files">${rows.join('')}</ol></article>`
  )
}

/** The first sentence of a text in Markdown that is no heading, on one line. */
export function firstSentence(markdown: string): string {
  const paragraph = markdown
    .split(/\n\s*\n/)
    .find((text) => /^[A-Za-z`_"[]/.test(text.trim()) && !text.startsWith('title:'))
  const line = (paragraph ?? '')
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/\{@link (\S+?)\}/g, '$1')
  return /^.*?[.?](?=\s|$)/.exec(line)?.[0] ?? line.replace(/:$/, '.')
}
