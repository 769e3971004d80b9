/**
 * The site that `npm run docs` has made, as its readers will find it: `npm run site`.
 *
 * ```text
 *   links.ts     every link leads somewhere
 *   source.ts    the annotated source is the source, and weighs little
 *   proofs.ts    a rule has its case, and a fault its line
 *   browser.ts   every kind of page in Chromium, if the machine has it
 *   play.ts      what runs in the page: the suite, green and with a fault, and the playground
 * ```
 *
 * `--no-browser` leaves the last out; `--verbose` says which words are missing.
 *
 * @module
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { withoutBrowser } from '../../lib/testing/browser.ts'
import { checkInBrowser, withSite } from './site/browser.ts'
import { checkLinks } from './site/links.ts'
import { readSite } from './site/pages.ts'
import { checkPlay } from './site/play.ts'
import { checkProofs } from './site/proofs.ts'
import { checkSources } from './site/source.ts'
import { readSources, report, TOP } from './sources.ts'

const SITE = join(TOP, 'docs-html')

/** How many findings are shown. */
const MOST_SHOWN = 50

/** A page of each kind. */
const KINDS = [
  'index.html',
  'api.html',
  'api/BaseHTTPRequestHandler.html',
  'api/AsyncMixIn.html',
  'api/FieldStorage.html',
  'api/HTTPStatus.html',
  'hierarchy.html',
  'docs/guide.html',
  'docs/python-names.html',
  'docs/teachers.html',
  'docs/tour.html',
  'docs/attacks.html',
  'docs/performance.html',
  'conformance/README.html',
  'conformance/cases/03-headers.html',
  'exchanges/index.html',
  'exchanges/get.html',
  'exchanges/pipelined.html',
  'exchanges/smuggling.html#q0-16',
  'play/index.html',
  'play/suite.html',
  'source/index.html',
  'source/lib/http/base-handler.ts.html#L400',
  'source/lib/http/base-handler.ts.html#BaseHTTPRequestHandler.sendError',
  'source/lib/http/host.ts.proof.html',
  'source/docs/examples/http_server_GET.ts.html',
  '404.html',
]

if (!existsSync(SITE)) {
  console.error('There is no docs-html/: run npm run docs first')
  process.exit(2)
}

const pages = readSite(SITE)
const { links, findings } = checkLinks(SITE, pages)
console.log(`${String(pages.length)} pages, ${String(links)} links`)

const sources = checkSources(readSources(['lib', 'docs/examples']), pages)
for (const [kind, { words, found }] of Object.entries(sources.tally)) {
  console.log(`${kind}: ${String(found)} of ${String(words)} words of comments`)
}
console.log(`the heaviest page of a file: ${String(sources.heaviest)} bytes`)
findings.push(...sources.findings)

const proofs = checkProofs(readSources(['lib']), pages)
console.log(proofs.told.join('\n'))
findings.push(...proofs.findings)

const skipped = process.argv.includes('--no-browser') ? 'as asked' : withoutBrowser()
if (skipped === false) {
  findings.push(...(await checkInBrowser(SITE, KINDS)))
  const play = await withSite(SITE, checkPlay)
  console.log(play.told.join('\n'))
  findings.push(...play.findings)
} else {
  console.log(`SKIPPED: the browser, ${skipped}`)
}
// What breaks one link often breaks hundreds.
report(
  'site',
  findings.length > MOST_SHOWN
    ? [...findings.slice(0, MOST_SHOWN), `and ${String(findings.length - MOST_SHOWN)} more`]
    : findings,
)
