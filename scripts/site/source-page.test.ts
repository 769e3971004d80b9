import t from 'tap'
import ts from 'typescript'
import { commentsOf } from './comments.ts'
import { sourcePage } from './source-page.ts'
import type { Surroundings } from './source-page.ts'
import { Places } from './symbols.ts'
import { checkSources } from '../checks/site/source.ts'
import { parsePage } from '../checks/site/pages.ts'

const PATH = 'lib/fixture.ts'

const TEXT = `\
/**
 * A file about {@link Tea}.
 *
 * @module
 */

import { a } from './a.ts'

// -- Tea -----------------------------------------------

/** Makes tea, see {@link brew}. */
export class Tea {
  // Why it is \`<hot>\`: a < b.
  brew(): string {
    return \`
// not a comment \${1 /* an aside */} /* nor this */
\`
  }

  #cold = /\\/\\*/ // beside code
}
`

/** The page of a file, in which every link that is declared leads to its place. */
function pageOf(text: string): { html: string; broken: string[]; tree: ts.SourceFile } {
  const tree = ts.createSourceFile(PATH, text, ts.ScriptTarget.Latest, true)
  const options: ts.CompilerOptions = { noLib: true, noResolve: true }
  const host = ts.createCompilerHost(options)
  host.getSourceFile = (name) => (name === PATH ? tree : undefined)
  const program = ts.createProgram([PATH], options, host)
  const places = new Places(program.getTypeChecker(), [tree])
  const broken: string[] = []
  const around: Surroundings = {
    places,
    to: ({ anchor }) => `#${anchor}`,
    prose: (markdown) => `<p>${markdown.replaceAll('<', '&lt;')}</p>`,
    inComment: (comment) => comment,
    python: (name) => `python:${name}`,
    proof: (first, next, anchors) => `<i>${String(first)}-${String(next)} ${anchors.join()}</i>`,
    link: (name, node) => {
      const place = places.ofName(name, node)
      return place && `#${place.anchor}`
    },
    broken: (name, line) => broken.push(`${String(line)} ${name}`),
  }
  const { html } = sourcePage({ path: PATH, tree, comments: commentsOf(tree) }, around)
  return { html, broken, tree }
}

t.test('commentsOf() tells kinds apart, and leaves a template alone', async (t) => {
  const tree = ts.createSourceFile(PATH, TEXT, ts.ScriptTarget.Latest, true)
  t.same(
    commentsOf(tree).map(({ kind, text }) => [kind, text.split('\n')[0]]),
    [
      ['head', 'A file about {@link Tea}.'],
      ['banner', 'Tea'],
      ['doc', 'Makes tea, see {@link brew}.'],
      ['paragraph', 'Why it is `<hot>`: a < b.'],
      ['aside', '/* an aside */'],
      ['aside', '// beside code'],
    ],
  )
})

t.test('sourcePage() resolves links, and has a place for each line and each name', async (t) => {
  const { html, broken } = pageOf(TEXT)
  t.same(broken, [])
  t.match(html, '[Tea](#Tea)')
  t.match(html, '[brew](#Tea.brew)', 'a member of the class below')
  t.match(html, '`&lt;hot>`: a &lt; b')
  t.match(html, '<summary>1 import</summary>')
  t.match(html, '<h2 id="tea">')
  t.match(html, 'id="Tea.brew"')
  t.match(html, 'id="Tea.#cold" href="#Tea.%23cold"')
  t.same(checkSources([source(TEXT)], [page(html)]).findings, [])
})

t.test('sourcePage() reports a link that leads nowhere', async (t) => {
  t.same(pageOf('\n/** See {@link nobody}. */\nexport const x = 1\n').broken, ['2 nobody'])
})

t.test('checkSources() finds a line that is changed, missing, or there twice', async (t) => {
  const { html } = pageOf(TEXT)
  const findings = (changed: string) => checkSources([source(TEXT)], [page(changed)]).findings
  t.match(findings(html.replace('not a comment', 'a comment')), [/fixture\.ts:16: differs/])
  t.match(findings(html.replace('id=L9>', '>')), [/fixture\.ts:9: has 0 places/])
  t.match(findings(`${html}<i id=L9></i>`), [/fixture\.ts:9: has 2 places/])
  t.match(findings(html.replace('Why it is', '')), [/^of the words of paragraph comments/])
  t.match(findings(html + 'x'.repeat(160_000)), [/too heavy/])
  t.match(checkSources([source(TEXT)], []).findings, [/has no page/])
})

function source(text: string): { path: string; tree: ts.SourceFile } {
  return { path: PATH, tree: ts.createSourceFile(PATH, text, ts.ScriptTarget.Latest, true) }
}

function page(html: string): ReturnType<typeof parsePage> {
  return parsePage(`source/${PATH}.html`, html)
}
