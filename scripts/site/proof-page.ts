/**
 * The proofs of a file: a page beside that of the source, to which each paragraph there has a link. With
 * JavaScript, what is here unfolds there.
 *
 * @module
 */

import { posix } from 'node:path'
import { escapeHtml } from './html.ts'
import { caseUrl } from './play.ts'
import type { Proof, Proofs } from './proofs.ts'
import { sourceUrl } from './router.ts'

/** How many cases are listed. */
const MOST = 12

/** The proof of some lines. */
export interface Proven {
  /** The first of them, counted from 1. */
  readonly line: number
  readonly proof: Proof
}

/** The page's address, from the top of the site. */
export function proofUrl(path: string): string {
  return sourceUrl(path).replace(/\.html$/, '.proof.html')
}

/** What stands below a paragraph: the rarest case, and how much more there is. */
export function proofLink(path: string, { line, proof }: Proven): string {
  const { cases, others } = proof
  const [first] = cases
  const all = cases.length + others
  const parts = [
    ...(first !== undefined
      ? [first.id + (all === 1 ? '' : ` + ${String(all - 1)}`)]
      : all > 0
        ? [count(all, 'case')]
        : []),
    ...(proof.tests.length === 0 ? [] : [count(proof.tests.length, 'test')]),
    ...(proof.faults.length === 0 ? [] : [count(proof.faults.length, 'fault')]),
  ]
  const href = `${posix.basename(proofUrl(path))}#p${String(line)}`
  return `<a class=q href=${href}>${parts.join(', ')}</a>`
}

function count(number: number, what: string): string {
  return `${String(number)} ${what}${number === 1 ? '' : 's'}`
}

/** The page. */
export function proofPage(path: string, proven: readonly Proven[], proofs: Proofs): string {
  const url = proofUrl(path)
  const to = (target: string): string => posix.relative(posix.dirname(url), target)
  const name = escapeHtml(posix.basename(path))
  const linkTo = (id: string): string =>
    `<a href="${to(caseUrl(proofs.pages.get(id) ?? '', id))}">${escapeHtml(id)}</a>`
  const source = posix.basename(sourceUrl(path))
  const sections = proven.map(({ line, proof }) => {
    const { cases, others, tests, faults } = proof
    const rest = Math.max(0, cases.length - MOST) + others
    const links = cases.slice(0, MOST).map(({ id }) => linkTo(id))
    const parts = [
      ...(cases.length > 0
        ? [
            `<p>Cases that run these lines, the rarest first: ${links.join(', ')}` +
              `${rest > 0 ? `, and ${String(rest)} more` : ''}.</p>`,
          ]
        : others > 0
          ? [`<p>${count(others, 'case')} run these lines, none of them in particular.</p>`]
          : []),
      ...tests.map(
        ({ title, path }) =>
          `<p>Test: ${escapeHtml(title)} <small>(${escapeHtml(path)})</small></p>`,
      ),
      ...faults.map(
        ({ id, from, to: instead, killedBy }) =>
          `<p>If it were <code>${escapeHtml(instead)}</code>, and not <code>${escapeHtml(from)}</code>, ` +
          `${linkTo(killedBy)} would fail. <a href="${to('play/suite.html')}#${id}">Break it</a></p>`,
      ),
    ]
    return `<section id="p${String(line)}"><h2><a href="${source}#L${String(line)}">Line ${String(line)}</a></h2>${parts.join('')}</section>`
  })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="The cases, tests and faults that hold the lines of ${name} in place">
<title>Proofs of ${name} | basehttp</title>
<link rel="icon" href="${to('assets/favicon.svg')}">
<link rel="stylesheet" href="${to('assets/style.css')}">
<link rel="stylesheet" href="${to('assets/custom.css')}">
</head>
<body class="proofs">
<main>
<p><a href="${source}">${escapeHtml(path)}</a></p>
<h1>What holds ${name} in place</h1>
<p>Each case of the suite was run alone, in one process, and V8 was asked afterwards which lines had run.
What runs in a worker thread, in a child process or in the command line is not seen that way. Among the cases
of some lines, those come first that share a line with the fewest others.</p>
${sections.join('\n')}
</main>
</body>
</html>
`
}
