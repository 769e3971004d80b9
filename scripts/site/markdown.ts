/**
 * What the site adds to Markdown, on every page: references and file names are links, `Differs:` and its
 * like have an edge, a fence says what it holds, and a case shows what it says of itself.
 *
 * @module
 */

import { escapeHtml } from './html.ts'
import { script } from './play.ts'
import { References, rfcAddress } from './references.ts'

/** As much of markdown-it as is used here; TypeDoc brings it, without its types. */
export interface MarkdownIt {
  readonly core: { ruler: { push(name: string, rule: (state: State) => void): void } }
  readonly renderer: { rules: Record<string, Rule | undefined> }
}
interface State {
  readonly tokens: Token[]
  readonly Token: new (type: string, tag: string, nesting: number) => Token
}
interface Token {
  readonly type: string
  tag: string
  content: string
  info: string
  children: Token[] | null
  attrJoin(name: string, value: string): void
  attrSet(name: string, value: string): void
}
type Rule = (tokens: Token[], index: number, ...rest: unknown[]) => string

/** What the page that is being written knows. */
export interface Addresses {
  /** The address of a file of the repository, if it has a page, as seen from the present page. */
  file(name: string): string | undefined
  /** The folder of what runs in the reader's browser, as seen from the present page. */
  play(): string
  /** Links to the lines of the source that a case runs, and few others do. */
  linesOf(id: string): string[]
}

/** What a fence is called, by the word after its backticks. */
const FENCES: Readonly<Record<string, string>> = {
  request: 'Request',
  response: 'Response',
  log: 'Log',
  answer: 'Answer',
  'answer allowed': 'Answer, also allowed',
  console: 'Terminal',
}

const FACTS = /^<!-- (case|rule)=(\{.*\}) -->/s
const LABEL = /\b(Differs|Security|Production):/
const FILE = /[\w./-]+\.(?:ts|md)\b/g

/** Teach a parser all that. */
export function extend(parser: MarkdownIt, addresses: Addresses): void {
  parser.core.ruler.push('basehttp', (state) => {
    for (const [index, token] of state.tokens.entries()) {
      const before = state.tokens[index - 1]
      if (token.type === 'table_open') {
        // It may be wider than the screen; then it can be moved, by keys, too.
        token.attrSet('tabindex', '0')
      } else if (token.type === 'th_close' && state.tokens[index - 1]?.content === '') {
        // Above the names of the rows there is nothing to read out.
        ;[token, state.tokens[index - 2]].forEach((cell) => cell && (cell.tag = 'td'))
      }
      if (token.type === 'inline' && token.children !== null && before?.type !== 'heading_open') {
        const label = LABEL.exec(token.content)?.[1]
        if (label !== undefined && before?.type === 'paragraph_open') {
          before.attrJoin('class', label.toLowerCase())
        }
        token.children = linkAll(token.children, state, addresses)
      }
    }
  })

  const fence = parser.renderer.rules.fence as Rule
  parser.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index] as Token
    const kind = token.info.trim()
    // What comes after the first word is ours, and no language's.
    token.info = kind.replace(/ .*/s, '')
    const html = fence(tokens, index, ...rest).replace('<pre>', '<pre tabindex="0">')
    const shown = kind === 'text' || kind === '' ? linkFiles(html, addresses) : html
    const name = FENCES[kind]
    return name === undefined
      ? shown
      : `<figure class="fence ${token.info}"><figcaption>${name}</figcaption>${shown}</figure>`
  }

  const block = parser.renderer.rules.html_block as Rule
  parser.renderer.rules.html_block = (tokens, index, ...rest) => {
    const [, kind, facts] = FACTS.exec(tokens[index]?.content ?? '') ?? []
    if (facts === undefined) {
      return block(tokens, index, ...rest)
    }
    const about = JSON.parse(facts) as Record<string, unknown>
    const written = writeFacts(about)
    // Those of an assignment are the grader's, and need a solution.
    if (kind !== 'case' || about.level === undefined) {
      return written
    }
    const isFirst = !tokens.slice(0, index).some(({ content }) => FACTS.test(content))
    const id = tokens[index - 2]?.content ?? ''
    const lines = addresses.linesOf(id)
    const source =
      lines.length === 0
        ? ''
        : `<p class="facts">Lines that it runs, and few others: ${lines.join(', ')}</p>`
    const button = `<div class="run" data-case="${escapeHtml(id)}" hidden></div>`
    return `${written}${source}${button}${isFirst ? caseScript(addresses.play()) : ''}`
  }
}

/** Make links of what a paragraph refers to, except in what is a link already. */
function linkAll(tokens: readonly Token[], { Token }: State, addresses: Addresses): Token[] {
  const references = new References()
  let depth = 0
  return tokens.flatMap((token) => {
    if (
      token.type === 'link_open' ||
      (token.type === 'html_inline' && /^<a\b/i.test(token.content))
    ) {
      depth++
    } else if (token.type === 'link_close' || token.content === '</a>') {
      depth--
    }
    if (token.type === 'text') {
      const pieces = depth > 0 ? [{ text: token.content }] : references.cut(token.content)
      return pieces.flatMap((piece) =>
        'href' in piece ? link(piece.href, [text(piece.text)]) : named(piece.text, depth),
      )
    }
    const href =
      token.type === 'code_inline' && depth === 0 ? addresses.file(token.content) : undefined
    return href === undefined ? [token] : link(href, [token])
  })

  function link(href: string, content: Token[]): Token[] {
    const open = new Token('link_open', 'a', 1)
    open.attrSet('href', href)
    return [open, ...content, new Token('link_close', 'a', -1)]
  }

  function text(content: string): Token {
    const token = new Token('text', '', 0)
    token.content = content
    return token
  }

  /** Link the file names in a text. */
  function named(content: string, depth: number): Token[] {
    let position = 0
    const found: Token[] = []
    for (const { 0: name, index } of depth > 0 ? [] : content.matchAll(FILE)) {
      const href = addresses.file(name)
      if (href !== undefined) {
        found.push(...labelled(content.slice(position, index)), ...link(href, [text(name)]))
        position = index + name.length
      }
    }
    return [...found, ...labelled(content.slice(position))]
  }

  function labelled(content: string): Token[] {
    const [before = '', label, after = ''] = content.split(LABEL)
    if (label === undefined) {
      return [text(content)]
    }
    const mark = new Token('html_inline', '', 0)
    mark.content = `<b class="label">${label}:</b>`
    return [text(before), mark, text(after)]
  }
}

/** Make links of the file names in what is HTML already, but for its tags. */
function linkFiles(html: string, addresses: Addresses): string {
  return html.replace(/(<[^>]*>)|([^<]+)/g, (whole, tag: string | undefined) =>
    tag !== undefined
      ? whole
      : whole.replace(FILE, (name) => {
          const href = addresses.file(name)
          return href === undefined ? name : `<a href="${href}">${name}</a>`
        }),
  )
}

/** What lets a page run its cases, and what readers miss who do not let it. */
function caseScript(play: string): string {
  const missed =
    'Without JavaScript, you miss one thing on this page: to run its cases in your browser. With Node, ' +
    '<code>npm run conformance -- --only ID</code> runs one.'
  const all = `<a href="${play}suite.html">Run all pages, and break the library</a>`
  return `${script('case-page', play, missed)}<div class="run" data-cases hidden> ${all}</div>`
}

/** What a case or a rule says of itself: its level first, or its points, then who says so, then the rest. */
function writeFacts({ level, points, source, ...rest }: Record<string, unknown>): string {
  const parts = [
    level === undefined
      ? `<b>${String(points)} points</b>`
      : `<b class="level ${escapeHtml((level as string).toLowerCase())}">${escapeHtml(level as string)}</b>`,
    writeSource(String(source)),
    ...Object.entries(rest).map(([name, value]) => `${writeName(name)} ${writeFact(value)}`),
  ]
  return `<p class="facts">${parts.join(' · ')}</p>\n`
}

/** The suite's page says what an app is, and what else a case may say. */
function writeName(name: string): string {
  return name === 'app' ? '<a href="../README.html#targets">app</a>' : escapeHtml(name)
}

function writeFact(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : Array.isArray(value)
        ? value.join(', ')
        : value === true
          ? 'yes'
          : JSON.stringify(value)
  return `<code>${escapeHtml(text)}</code>`
}

/** Who says so: `rfc:9112#6.3`, `article:Handling Errors`, `cpython:3.13`. */
function writeSource(source: string): string {
  const [, kind = '', rest = ''] = /^(\w+):(.*)$/s.exec(source) ?? []
  const [name = '', section] = rest.split('#')
  const [text, href] =
    kind === 'rfc'
      ? [`RFC ${name}${section === undefined ? '' : ` §${section}`}`, rfcAddress(name, section)]
      : kind === 'article'
        ? [`the article, “${rest}”`, 'https://pymotw.com/3/http.server/']
        : kind === 'cpython'
          ? [`CPython ${rest}`, `https://github.com/python/cpython/blob/${rest}/Lib/http/server.py`]
          : [source, undefined]
  return href === undefined ? escapeHtml(text) : `<a href="${href}">${escapeHtml(text)}</a>`
}
