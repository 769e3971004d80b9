/**
 * The pages on which the library runs in the reader's browser: the playground, and the suite with its
 * faults. `browser/` is what runs in the worker, `page/` what runs on the page.
 *
 * @module
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { assignments, readAssignment } from '../../conformance/assignments/assignment.ts'
import { FAULTS } from '../../conformance/faults/faults.ts'
import type { Fault } from '../../conformance/faults/faults.ts'
import { readPages } from '../../conformance/judge/page.ts'
import { fillWords } from '../../conformance/judge/words.ts'
import { CASES } from '../../conformance/paths.ts'
import { TOP } from '../checks/sources.ts'
import { placeOf } from '../explain/places.ts'
import type { LineMap } from './browser/label.ts'
import { escapeHtml } from './html.ts'
import { copyCases, copyModules, documentRoot } from './modules.ts'

/** What the pages load. */
const SCRIPTS = 'scripts/site/page'
const PAGES = ['case-page', 'first', 'playground', 'proof', 'suite']
const ENTRIES = PAGES.map((name) => `${SCRIPTS}/${name}.js`)

/** A program of the playground. */
interface Program {
  readonly name: string
  readonly source: string
  /** As a case page writes it. */
  readonly request: string
}

const FILES = `// Files and directories, from a disk in your browser's memory.

import { SimpleHTTPRequestHandler } from 'basehttp'

export class FileHandler extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'
}
`

const HOST = 'Host: localhost'

/** The programs, and a request for each. */
function programs(): Program[] {
  const example = (name: string, ...request: string[]): Program => {
    const text = readFileSync(join(TOP, `docs/examples/${name}.ts`), 'utf8')
    const [, source = ''] = /\/\/ #region handler\n([^]*?)\/\/ #endregion handler/.exec(text) ?? []
    return { name, source, request: [...request, ''].join('\n') }
  }
  return [
    example('http_server_GET', 'GET /?foo=bar HTTP/1.1', HOST, ''),
    example(
      'http_server_POST',
      'POST / HTTP/1.1',
      HOST,
      'Content-Type: application/x-www-form-urlencoded',
      'Content-Length: 24',
      '',
      'name=dhellmann&foo=a%26b',
    ),
    example('http_server_errors', 'GET /nowhere HTTP/1.1', HOST, ''),
    example('http_server_send_header', 'GET / HTTP/1.1', HOST, ''),
    example('http_server_events', 'GET / HTTP/1.1', HOST, ''),
    { name: 'files', source: FILES, request: `GET /mixed/ HTTP/1.1\n${HOST}\n\n` },
    ...starters(),
  ]
}

/**
 * What the assignments of the course begin with, and the first thing that they are asked. Those that are about
 * threads or processes have nothing to run on here.
 */
function starters(): Program[] {
  const folder = join(TOP, 'docs/assignments')
  const runnable = assignments().filter((entry) => {
    const { allow } = readAssignment(entry, 1)
    return !allow.includes('workers') && !allow.includes('children')
  })
  return runnable.map(({ name }) => {
    const cases = fillWords(readFileSync(join(folder, name, 'cases.md'), 'utf8'), 1)
    const [, request = ''] = /^```request\n([^]*?)^```$/m.exec(cases) ?? []
    return { name, source: readFileSync(join(folder, name, 'starter.ts'), 'utf8'), request }
  })
}

/** The case pages by the name that the worker knows, and the ids of their cases. */
function cases(): Map<string, string[]> {
  const pages = new Map<string, string[]>()
  const names = new Map(readPages(CASES).map(({ id, place }) => [id, place.replace(/\.md:.*/, '')]))
  for (const [id, page] of names) {
    pages.set(page, [...(pages.get(page) ?? []), id])
  }
  return pages
}

/** Write everything that the pages load, but for the pages themselves. */
export function writePlay(site: string): void {
  const folder = join(site, 'play')
  const modules = copyModules(
    ['scripts/site/browser/engine.js', ...ENTRIES],
    join(folder, 'modules'),
  )
  copyCases(join(folder, 'cases'))
  const write = (name: string, content: unknown): void => {
    writeFileSync(join(folder, name), JSON.stringify(content))
  }
  mkdirSync(folder, { recursive: true })
  write('root.json', documentRoot())
  write('programs.json', programs())
  write('lines.json', linesOfSources(modules))
  write('faults.json', FAULTS.filter(runsHere))
}

/** The lines of the library's sources, by those of its modules. */
function linesOfSources(modules: readonly string[]): LineMap {
  const library = modules.filter((path) => path.startsWith('lib/'))
  return Object.fromEntries(
    library.map((path) => {
      const lines = readFileSync(join(TOP, 'dist', path), 'utf8').split('\n')
      const url = pathToFileURL(join(TOP, 'dist', path)).href
      return [
        path,
        lines.map((text, line) => {
          const column = text.search(/\S|$/) + 1
          return placeOf({ name: '', url, line: line + 1, column })?.line ?? 0
        }),
      ]
    }),
  )
}

/** Whether a fault is in a module that runs in a browser, and can be seeded there. */
function runsHere({ file, from }: Fault): boolean {
  return (
    !/mixins|https/.test(file) &&
    readFileSync(join(TOP, 'dist', file), 'utf8').split(from).length === 2
  )
}

/** The address of a case, from the top of the site. */
export function caseUrl(page: string, id: string): string {
  return `conformance/cases/${page}.html#${id.toLowerCase().replace(/[^\w-]/g, '')}`
}

/** A script of a page, and what its readers miss who do not let it run, if it is anything. */
export function script(name: string, toPlay: string, missed?: string): string {
  return (
    (missed === undefined ? '' : `<noscript><p class="needs">${missed}</p></noscript>`) +
    `<script type="module" src="${toPlay}modules/${SCRIPTS}/${name}.js"></script>`
  )
}

/** The playground. */
export function playground(): string {
  const all = programs()
  const [first] = all as [Program]
  const options = all.map(({ name }) => `<option>${name}</option>`).join('')
  const faults = FAULTS.filter(runsHere)
    .map(({ id }) => `<option value="${id}">with the fault ${id}</option>`)
    .join('')
  const area = (id: string, label: string, rows: number, text: string) =>
    `<p><label for="${id}">${label}</label></p>` +
    `<textarea id="${id}" rows="${String(rows)}" spellcheck="false" autocapitalize="off" autocomplete="off">${escapeHtml(text)}</textarea>`
  return `<h1>The playground</h1>
<p>A handler on the left, a request on the right: both are yours to change. What runs them is the library
itself, in a worker of your browser, behind a network that is not there: nothing is sent to anybody.</p>
${script(
  'playground',
  '',
  'Without JavaScript, nothing runs here: you miss seeing the response to a request of your own. With Node, ' +
    '<code>npm run example -- http_server_GET 8080</code> starts the same program.',
)}
<div class="play">
<div>
<p class="needs-script" hidden><label>The program <select id="chosen">${options}</select></label></p>
${area('program', 'The handler, the last class that is exported', 24, first.source)}
</div>
<div>
${area('request', 'The request, as <a href="../conformance/README.html">a case</a> writes it', 8, first.request)}
<p class="needs-script" hidden><button id="send" type="button">Send</button>
<label>to the library <select id="fault"><option value="">as it is</option>${faults}</select></label></p>
<h2>The response</h2>
<div id="response" aria-live="polite"></div>
<h2>The log</h2>
<div id="log"></div>
</div>
</div>
<div id="labels" aria-live="polite"></div>
<p>Once the response is there, each of its bytes, and of the request's, has a label: point at it. It leads to the
line of the library that has read or written it. <a href="../exchanges/index.html">Other exchanges</a> are explained
at length.</p>
<p>A line of the request ends with CR LF, and an empty line ends its head. <code>\\</code> at the end of a
line leaves CR LF out, <code>\\x00</code> is a byte, <code>{{pause:500}}</code> is half a second. Ctrl-Enter
sends. In the response, too, a line that ends ends with CR LF; what else is no letter is written as
<code>\\x00</code>. <code>Server:</code> names your browser, since that is what runs it. Each run begins anew,
in a worker of its own; one that has not come back after five seconds is ended. A browser has no threads and
no child processes of Node's, so one connection is handled at a time.</p>
<p>The programs are the article's, and the starters of <a href="../docs/assignments/README.html">the
course</a>, but for those that need either. Then <a href="suite.html">break the library</a>, and see which
case notices.</p>`
}

/** All cases, and all faults. */
export function suite(): string {
  const pages = cases()
  const pageOf = new Map([...pages].flatMap(([page, ids]) => ids.map((id) => [id, page] as const)))
  const grid = [...pages].map(([page, ids]) => {
    const items = ids.map(
      (id) =>
        `<li><a href="../${caseUrl(page, id)}" data-case="${id}" data-page="${page}">${id.replace(/^.*\//, '')}</a></li>`,
    )
    return `<h3>${page.replace(/^\d+-/, '').replaceAll('-', ' ')}</h3><ul class="cells">${items.join('')}</ul>`
  })
  const faults = FAULTS.map((fault) => {
    const { id, history, file, from, to, killedBy } = fault
    const source = file.replace(/\.js$/, '.ts')
    const button = runsHere(fault)
      ? `<button type="button" class="needs-script" data-fault="${id}" hidden>Break it</button>`
      : `<span class="facts">needs Node: <code>npm run conformance:faults -- ${id}</code></span>`
    return (
      `<li id="${id}"><p><b>${id}</b>, in <a href="../source/${source}.html">${source}</a> ${button}</p>` +
      `<p>${escapeHtml(history)}</p>` +
      `<pre tabindex="0"><del>${escapeHtml(from)}</del>\n<ins>${escapeHtml(to)}</ins></pre>` +
      `<p>Found by <a href="../${caseUrl(pageOf.get(killedBy) ?? '', killedBy)}">${killedBy}</a></p></li>`
    )
  })
  return `<h1>The suite, and what it finds</h1>
<p>${String(pageOf.size)} cases say what a server must do, and ${String(FAULTS.length)} faults show that the cases would
notice. In this page, the suite runs against the library in workers of your browser: the judge, the pages and
the library are those of the repository. Break the library, and see what turns red.</p>
${script(
  'suite',
  '',
  'Without JavaScript, nothing runs here: you miss seeing the cases turn green, and red when the library is ' +
    'broken. With Node, <code>npm run conformance</code> runs the cases, and <code>npm run ' +
    'conformance:faults</code> tries the faults.',
)}
<p class="needs-script" hidden><button id="run-all" type="button">Run all cases</button></p>
<p id="status" role="status"></p>
<ol id="found"></ol>
<h2>The cases</h2>
${grid.join('\n')}
<h2>The faults</h2>
<p>Each is a mistake that some real server has made, seeded in the compiled library. A click replaces
the one text by the other, in that module alone, and runs all cases, the one that must find it first.</p>
<ol class="faults">${faults.join('\n')}</ol>`
}
