/**
 * TypeDoc's theme, with our navigation, our pages for source files, and what its own pages lack: a
 * `<main>`, a description, and a menu for readers without JavaScript.
 *
 * @module
 */

import { DefaultTheme, DefaultThemeRenderContext, JSX } from 'typedoc'
import type { DocumentReflection, PageEvent, Reflection } from 'typedoc'
import { escapeHtml } from './html.ts'
import { writeDoors, writeNavigation } from './navigation.ts'
import type { groupsOf } from './navigation.ts'

/** What the theme asks of the plugin. */
export interface Site {
  groups: ReturnType<typeof groupsOf>
  /** The version, and the commit if it is known. */
  readonly edition: string
  /** The content of a page that is made here, or undefined if TypeDoc makes it. */
  write(context: DefaultThemeRenderContext, page: PageEvent<DocumentReflection>): string | undefined
  /** The first page, made from the README. */
  first(context: DefaultThemeRenderContext, readme: string): string
  /** A sentence about a page, for search engines. */
  describe(model: Reflection): string
}

/** Loads the index of the search, once. */
const LOAD_SEARCH =
  "{const load=()=>{const it=document.getElementById('tsd-search-script');it.src||=it.dataset.src};" +
  "const trigger=document.getElementById('tsd-search-trigger');" +
  "for(const event of ['pointerover','focus','click'])trigger.addEventListener(event,load);" +
  "addEventListener('keydown',load,{once:true})}"

/** Make the theme's class, as TypeDoc wants it. */
export function themeFor(
  site: Site,
): new (...args: ConstructorParameters<typeof DefaultTheme>) => DefaultTheme {
  class SiteContext extends DefaultThemeRenderContext {
    constructor(...parameters: ConstructorParameters<typeof DefaultThemeRenderContext>) {
      super(...parameters)
      const { defaultLayout, documentTemplate, toolbar } = this

      this.indexTemplate = (props) => {
        return raw(site.first(this, this.markdown(props.model.readme ?? [])))
      }

      this.defaultLayout = (template, props) => {
        const html = defaultLayout(template, props)
        if (props.url.startsWith('source/')) {
          html.props = { ...html.props, class: 'default source' }
        } else if (props.url === 'index.html') {
          html.props = { ...html.props, class: 'default first' }
        }
        if (props.model.isDocument() || props.url === 'index.html') {
          // It has its own heading, and nothing above it.
          const title = find(html, 'div', { class: 'tsd-page-title' })
          Object.assign(title, { tag: JSX.Fragment, children: [] })
        }
        if (props.url === 'api.html') {
          find(find(html, 'div', { class: 'tsd-page-title' }), 'h1', {}).children = ['The API']
        }
        find(html, 'div', { class: 'col-content' }).tag = 'main'
        mend(html)
        const description = { name: 'description', content: site.describe(props.model) }
        find(html, 'meta', { name: 'description' }).props = description
        // The list of pages is in each page. And nothing is hidden until scripts have loaded.
        find(html, 'script', { id: 'tsd-nav-script' }).tag = JSX.Fragment
        const script = find(find(html, 'body', {}), 'script', {})
        script.children = script.children.slice(0, 1)
        // The index of the search weighs more than all else; it comes when somebody goes near the search.
        const search = find(html, 'script', { id: 'tsd-search-script' })
        const { src } = search.props as { src: string }
        search.props = { id: 'tsd-search-script', 'data-src': src }
        find(html, 'body', {}).children.push(raw(`<script>${LOAD_SEARCH}</script>`))
        return html
      }

      this.documentTemplate = (props) => {
        const html = site.write(this, props)
        return html === undefined ? documentTemplate(props) : raw(html)
      }

      this.toolbar = (props) => {
        const html = toolbar(props)
        find(html, 'div', { id: 'tsd-toolbar-links' }).children = [
          raw(writeDoors(props.url, this.relativeURL)),
        ]
        return html
      }

      this.navigation = (props) => {
        const list = writeNavigation(site.groups, props.url, this.relativeURL)
        return raw(`<nav class="tsd-navigation" aria-label="All pages">${list}</nav>`)
      }

      this.footer = () => {
        const first = `<a href="${this.relativeURL('index.html')}">basehttp</a>`
        const doors = writeDoors(this.page.url, this.relativeURL)
        return raw(
          `<footer><nav class="doors" aria-label="The site">${first}\n${doors}</nav>` +
            `<p>${escapeHtml(site.edition)}</p></footer>`,
        )
      }
    }
  }

  return class extends DefaultTheme {
    override ContextClass = SiteContext
  }
}

/** What keeps TypeDoc's pages from readers who do not see them, or use no mouse. */
function mend(html: JSX.Element): void {
  const menu = find(html, 'div', { class: 'page-menu' })
  Object.assign(menu, { tag: 'nav', props: { class: 'page-menu', 'aria-label': 'This page' } })
  let level = 0
  for (const element of elements(html)) {
    const [, heading] =
      typeof element.tag === 'string' ? (/^h([1-6])$/.exec(element.tag) ?? []) : []
    if (element.tag === 'summary') {
      // A link in what is a button could not be reached.
      for (const inner of elements(element)) {
        if (inner.tag === 'a') {
          Object.assign(inner, { tag: JSX.Fragment, children: [] })
        }
      }
    } else if (element.tag === JSX.Raw) {
      const { html: written } = element.props as { html: string }
      level = Number([...written.matchAll(/<h([1-6])/g)].at(-1)?.[1] ?? level)
    } else if (heading !== undefined) {
      // A heading is one level below another, whatever it looks like.
      level = Math.min(Number(heading), level + 1)
      const { class: name = '' } = (element.props ?? {}) as { class?: string }
      Object.assign(element, {
        tag: `h${String(level)}`,
        props: { ...element.props, class: `${name} was-h${heading}` },
      })
    }
  }
}

/** An element, and all that are in it. */
function* elements(node: JSX.Children): Generator<JSX.Element> {
  if (Array.isArray(node)) {
    for (const child of node) {
      yield* elements(child)
    }
  } else if (typeof node === 'object' && node !== null) {
    yield node
    yield* elements(node.children)
  }
}

function raw(html: string): JSX.Element {
  return JSX.createElement(JSX.Raw, { html })
}

/**
 * The first element with this tag and these attributes.
 *
 * @throws when the theme has none, since it has changed and the site would be wrong.
 */
function find(root: JSX.Element, tag: string, attributes: Record<string, string>): JSX.Element {
  const found = [...elements(root)].find(({ tag: name, props }) => {
    const given = (props ?? {}) as Record<string, unknown>
    return name === tag && Object.entries(attributes).every(([key, value]) => given[key] === value)
  })
  if (found === undefined) {
    throw new Error(`TypeDoc's theme has no <${tag}> with ${JSON.stringify(attributes)}`)
  }
  return found
}
