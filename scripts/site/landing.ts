/**
 * The first page: what this is, in an exchange that one can look into, and four doors. Below is the README.
 *
 * @module
 */

import { escapeHtml } from './html.ts'

/** What lets the exchange be changed: the playground, without its controls. */
const SCRIPT = 'play/modules/scripts/site/page/first.js'

/** A way into the site. */
interface Door {
  readonly title: string
  readonly about: string
  /** The pages behind it, from the top of the site. */
  readonly pages: readonly (readonly [text: string, url: string])[]
}

const DOORS: readonly Door[] = [
  {
    title: 'Use it',
    about: 'Handlers and servers for your program, with Python’s names.',
    pages: [
      ['Guide', 'docs/guide.html'],
      ['Playground', 'play/index.html'],
      ['API', 'api.html'],
      ['Python’s names', 'docs/python-names.html'],
    ],
  },
  {
    title: 'Read it',
    about: 'HTTP from the bytes up, in source that says why.',
    pages: [
      ['Tour', 'docs/tour.html'],
      ['Annotated source', 'source/index.html'],
      ['Every byte', 'exchanges/index.html'],
    ],
  },
  {
    title: 'Prove it',
    about: 'Cases for any server: this one, Python’s, yours.',
    pages: [
      ['Conformance suite', 'conformance/README.html'],
      ['In your browser', 'play/suite.html'],
      ['RFCs', 'docs/rfc.html'],
      ['Attacks', 'docs/attacks.html'],
    ],
  },
  {
    title: 'Teach with it',
    about: 'Lessons, faults to find, assignments with a grader.',
    pages: [
      ['For teachers', 'docs/teachers.html'],
      ['Assignments', 'docs/assignments/README.html'],
      ['Faults to find', 'play/suite.html'],
    ],
  },
]

/**
 * Put the exchange and the doors into the README, after what it says first.
 *
 * @param handler - the program that the exchange is with, as HTML
 * @param request - what is sent, as the playground takes it
 * @param wires - its bytes, and those of the response
 */
export function landingPage(
  readme: string,
  { handler, request, wires }: { handler: string; request: string; wires: string },
): string {
  const end = readme.indexOf('</p>') + '</p>'.length
  const doors = DOORS.map(({ title, about, pages }) => {
    const links = pages.map(([text, url]) => `<li><a href="${url}">${text}</a></li>`)
    return `<section><h2>${title}</h2><p>${about}</p><ul>${links.join('')}</ul></section>`
  })
  return (
    `<div class="tsd-panel tsd-typography">${readme.slice(0, end)}` +
    `<div class=live id=live data-request="${escapeHtml(request)}">${handler}<div>${wires}` +
    '<p class="needs-script" hidden><button id="live-send" type="button">Change it</button></p></div></div>' +
    '<p class=hint>A handler, a request and its response. Point at the bytes: each knows what it is, and which ' +
    'line has made it. <a href="exchanges/headers.html">All about this exchange</a>; ' +
    '<a href="play/index.html">more room to play</a>.</p>' +
    `<script type="module" src="${SCRIPT}"></script>` +
    `<div class=four-doors>${doors.join('')}</div>${readme.slice(end)}</div>`
  )
}
