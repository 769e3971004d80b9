/**
 * The plugin with which TypeDoc makes the site: `npm run docs`.
 *
 * ```text
 *   TypeDoc reads lib/index.ts and the documents
 *     '-- resolve      the API is grouped; a document is added for each source file
 *   TypeDoc writes the pages
 *     |-- router.ts    where
 *     |-- theme.ts     around what
 *     |-- markdown.ts  documents and comments
 *     '-- source-page.ts
 * ```
 *
 * @module
 */

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import {
  Application,
  Comment,
  CommentTag,
  Converter,
  DocumentReflection,
  ReflectionKind,
  ReflectionSymbolId,
  Renderer,
} from 'typedoc'
import type {
  Context,
  DeclarationReflection,
  DefaultThemeRenderContext,
  PageEvent,
  ProjectReflection,
  Reflection,
} from 'typedoc'
import type ts from 'typescript'
import { TOP } from '../checks/sources.ts'
import { commentsOf } from './comments.ts'
import { exchangeIndex, exchangePage, exchangeUrl, wiresOf } from './exchange-page.ts'
import { EXCHANGES, holdExchanges } from './exchanges.ts'
import type { Held, Planned } from './exchanges.ts'
import { FileNames, filesToRead } from './files.ts'
import { escapeHtml } from './html.ts'
import { extend } from './markdown.ts'
import type { MarkdownIt } from './markdown.ts'
import { landingPage } from './landing.ts'
import { groupsOf, PURPOSES, purposeOf } from './navigation.ts'
import { notFoundPage } from './not-found.ts'
import { playground, script, suite, writePlay } from './play.ts'
import { proofLink, proofPage, proofUrl } from './proof-page.ts'
import type { Proven } from './proof-page.ts'
import { Proofs } from './proofs.ts'
import { pythonAddress } from './references.ts'
import { SiteRouter, sourceUrl } from './router.ts'
import { firstSentence, sourceIndex } from './source-index.ts'
import { sourcePage } from './source-page.ts'
import type { SourceFile, Surroundings } from './source-page.ts'
import { Places } from './symbols.ts'
import type { Place } from './symbols.ts'
import { themeFor } from './theme.ts'

/** What the documentation may cost, in seconds of CPU. */
const CPU_LIMIT = 60

/** To how many places in the source a case has links. */
const MOST_LINES = 4

/** Called by TypeDoc. */
export function load(app: Application): void {
  new SiteMaker(app).install()
}

/** What a page of ours is made from: a file, an exchange, or what writes it. */
type Made = SourceFile | Planned | 'index' | 'exchanges' | (() => string)

class SiteMaker {
  readonly #app: Application
  readonly #names = new FileNames()
  #sources: readonly SourceFile[] = []
  #places!: Places
  /** The pages that are made here. */
  readonly #made = new Map<DocumentReflection, Made>()
  #held: readonly Held[] = []
  #proofs!: Proofs
  readonly #proven = new Map<string, Proven[]>()
  #page: PageEvent<Reflection> | undefined

  constructor(app: Application) {
    this.#app = app
  }

  install(): void {
    const { converter, renderer, options } = this.#app
    const site = {
      groups: [] as ReturnType<typeof groupsOf>,
      edition: edition(),
      write: this.#write.bind(this),
      first: this.#first.bind(this),
      describe,
    }
    renderer.defineRouter('basehttp', SiteRouter)
    renderer.defineTheme('basehttp', themeFor(site))
    // Set when all option files have been read, since they would overwrite it.
    this.#app.on(Application.EVENT_BOOTSTRAP_END, () => {
      options.setValue('markdownItLoader', (parser: unknown) => {
        extend(parser as MarkdownIt, {
          file: this.#fileAddress.bind(this),
          play: () => posix.relative(posix.dirname(this.#page?.url ?? ''), 'play') + '/',
          linesOf: (id) => this.#linesOf(id),
        })
      })
    })
    converter.on(Converter.EVENT_RESOLVE_BEGIN, this.#prepare.bind(this), 1000)
    converter.on(
      Converter.EVENT_RESOLVE_END,
      ({ project }) => {
        hideForeignSources(project)
        this.#linkPrivateNames(project)
        project.groups = PURPOSES.flatMap((purpose) =>
          (project.groups ?? []).filter(({ title }) => title === purpose),
        )
      },
      -1000,
    )
    renderer.on(Renderer.EVENT_BEGIN, ({ project }) => {
      this.#linkDeclarations(project)
      site.groups = groupsOf(project, (reflection) => this.#router.getFullUrl(reflection))
    })
    renderer.preRenderAsyncJobs.push(async () => {
      this.#held = await holdExchanges()
    })
    renderer.on(Renderer.EVENT_BEGIN_PAGE, (page) => {
      this.#page = page as PageEvent<Reflection>
    })
    renderer.on(
      Renderer.EVENT_END,
      ({ outputDirectory, project }) => {
        this.#linkPictures(project, outputDirectory)
        writeFileSync(join(outputDirectory, '404.html'), notFoundPage())
        writePlay(outputDirectory)
        for (const [path, proven] of this.#proven) {
          const page = proofPage(path, proven, this.#proofs)
          writeFileSync(join(outputDirectory, proofUrl(path)), page)
        }
        const { user, system } = process.cpuUsage()
        const seconds = Math.round((user + system) / 1e6 + this.#proofs.seconds)
        this.#app.logger.info(`${String(seconds)} s of CPU` as never)
        if (seconds > CPU_LIMIT) {
          this.#app.logger.error(`More than ${String(CPU_LIMIT)} s of CPU` as never)
        }
      },
      -1000,
    )
  }

  get #router(): SiteRouter {
    return this.#app.renderer.router as SiteRouter
  }

  /** Before TypeDoc resolves anything: take the API out of its module, and add our pages. */
  #prepare(context: Context): void {
    const { project } = context
    for (const module of project.children?.slice() ?? []) {
      if (module.kindOf(ReflectionKind.Module)) {
        project.mergeReflections(module, project)
      }
    }
    for (const child of project.children ?? []) {
      child.comment ??= new Comment()
      child.comment.blockTags.push(
        new CommentTag('@group', [{ kind: 'text', text: purposeOf(child) }]),
      )
    }
    linkPythonNames(project)

    for (const document of project.documents ?? []) {
      // Without front matter, it is called after its path.
      if (document.name.endsWith('README')) {
        const text = document.content.map((part) => part.text).join('')
        document.name = /^# (.*)$/m.exec(text)?.[1] ?? document.name
      }
    }

    const program = context.programs[0] as ts.Program
    this.#sources = filesToRead().map((path) => {
      const tree = program.getSourceFile(join(TOP, path).replaceAll('\\', '/'))
      if (tree === undefined) {
        throw new Error(`${path} is not among the files of tsconfig.json`)
      }
      return { path, tree, comments: commentsOf(tree) }
    })
    this.#places = new Places(
      program.getTypeChecker(),
      this.#sources.map(({ tree }) => tree),
    )
    this.#proofs = new Proofs(
      this.#sources.flatMap(({ path, tree }) =>
        this.#places.of(tree).map(({ anchor }) => ({ path, anchor })),
      ),
    )
    const index = this.#add(project, 'The annotated source', 'source/index', 'index', '')
    Object.assign(index.frontmatter, { group: 'Read it', order: 2 })
    const exchanges = this.#add(
      project,
      'Every byte of an exchange',
      'exchanges/index',
      'exchanges',
      '',
    )
    Object.assign(exchanges.frontmatter, { group: 'Read it', order: 3 })
    for (const planned of EXCHANGES) {
      const page = exchangeUrl(planned).replace(/\.html$/, '')
      this.#add(project, planned.title, page, planned, planned.why)
    }
    const play = this.#add(project, 'The playground', 'play/index', playground, '')
    Object.assign(play.frontmatter, { group: 'Use it', order: 3 })
    const page = this.#add(project, 'The suite in your browser', 'play/suite', suite, '')
    Object.assign(page.frontmatter, { group: 'Prove it', order: 2 })
    for (const source of this.#sources) {
      const text = source.comments.map((comment) => comment.text).join('\n\n')
      const page = sourceUrl(source.path).replace(/\.html$/, '')
      const document = this.#add(project, source.path, page, source, text)
      // A link of a document to the file leads to its page.
      project.files.registerReflectionPath(join(TOP, source.path) as never, document)
    }
  }

  /**
   * In a document, a link to a declaration in a file, `../lib/http/message.ts#HTTPMessage`, leads to what
   * the API says of it, or to the source.
   */
  #linkDeclarations(project: ProjectReflection): void {
    for (const document of project.documents ?? []) {
      for (const part of document.content) {
        const { target, targetAnchor } = part as { target?: unknown; targetAnchor?: string }
        const file =
          part.kind === 'relative-link' && typeof target === 'number' ? target : undefined
        const page = file && project.files.resolve(file as never, project)
        const source = page instanceof DocumentReflection && this.#made.get(page)
        if (typeof source !== 'object' || !('tree' in source) || targetAnchor === undefined) {
          continue
        }
        const place = this.#places.at(source.tree, targetAnchor)
        if (place === undefined) {
          this.#app.logger.error(
            `${document.name}: there is no ${targetAnchor} in ${source.path}` as never,
          )
          continue
        }
        // A page for those who read the source leads there.
        const reflection =
          document.frontmatter.links === 'source' ? undefined : this.#apiOf(place, project)
        const from = posix.dirname(this.#router.getFullUrl(document))
        const url =
          reflection === undefined
            ? `${sourceUrl(source.path)}#${encodeURIComponent(targetAnchor)}`
            : this.#router.getFullUrl(reflection)
        Object.assign(part, { text: posix.relative(from, url), target: undefined })
      }
    }
  }

  /** The links of a picture lead to documents; on the site, to their pages. */
  #linkPictures(project: ProjectReflection, folder: string): void {
    for (const [name, path] of project.files.getNameToAbsoluteMap()) {
      if (!name.endsWith('.svg')) {
        continue
      }
      const picture = join(folder, 'media', name)
      const text = readFileSync(picture, 'utf8').replace(/(?<= href=")([^":#]+\.md)/g, (link) => {
        const { target } = project.files.registerAbsolute(
          posix.join(posix.dirname(path), link) as never,
        )
        const document = project.files.resolve(target, project)
        return document instanceof DocumentReflection
          ? `../${this.#router.getFullUrl(document)}`
          : link
      })
      writeFileSync(picture, text)
    }
  }

  /** What the API mentions but does not contain, such as `@internal` members, is found in the source. */
  #linkPrivateNames(project: ProjectReflection): void {
    for (const { comment } of Object.values(project.reflections)) {
      const parts = [
        comment?.summary ?? [],
        ...(comment?.blockTags ?? []).map((tag) => tag.content),
      ]
      for (const part of parts.flat()) {
        if (part.kind === 'inline-tag' && part.target instanceof ReflectionSymbolId) {
          const { packagePath, qualifiedName } = part.target
          const source = this.#sources.find(({ path }) => path === packagePath)
          if (source !== undefined && this.#places.at(source.tree, qualifiedName) !== undefined) {
            part.target = `../${sourceUrl(source.path)}#${encodeURIComponent(qualifiedName)}`
          }
        }
      }
    }
  }

  /** Add a page; its text is for the search. */
  #add(
    project: ProjectReflection,
    name: string,
    page: string,
    made: Made,
    text: string,
  ): DocumentReflection {
    const document = new DocumentReflection(name, project, [{ kind: 'text', text }], { page })
    project.addChild(document)
    project.registerReflection(document, undefined, undefined)
    this.#made.set(document, made)
    return document
  }

  #write(
    context: DefaultThemeRenderContext,
    page: PageEvent<DocumentReflection>,
  ): string | undefined {
    const made = this.#made.get(page.model)
    if (made === undefined) {
      return undefined
    }
    if (made === 'index') {
      return sourceIndex(this.#sources, page.url, (text) =>
        context.markdown([{ kind: 'text', text }]),
      )
    }
    const prose = (text: string): string => context.markdown([{ kind: 'text', text }])
    if (made === 'exchanges') {
      return `<article><h1>${escapeHtml(page.model.name)}</h1>${exchangeIndex(this.#held, prose)}</article>`
    }
    if (typeof made === 'function') {
      return made()
    }
    if (!('tree' in made)) {
      return this.#writeExchange(made, page, prose)
    }
    const { html, headings } = sourcePage(made, this.#around(made, page, context))
    for (const { id, text } of headings) {
      page.pageHeadings.push({ link: `#${id}`, text, level: 2 })
    }
    const outline =
      headings.length === 0
        ? ''
        : `<ul class="outline">${headings
            .map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`)
            .join('')}</ul>`
    const way = (label: string): string =>
      wayBetween(this.#sources, made, page.url, label, {
        index: 'source/index.html',
        urlOf: ({ path }) => sourceUrl(path),
        nameOf: ({ path }) => posix.basename(path),
      })
    const lines = made.tree.text.split('\n').length - 1
    const [head, rest] = splitHead(html)
    return (
      `<article class="source">${way('Before and after')}<h1>${escapeHtml(made.path.replace(/^lib\//, ''))}</h1>` +
      `<p class="facts">${String(lines)} lines · ${escapeHtml(edition())}</p>` +
      `${head}${outline}${rest}${way('Go on')}</article>` +
      script('proof', `${posix.relative(posix.dirname(page.url), 'play')}/`)
    )
  }

  /** The first page shows a program, and what goes over the wire. */
  #first(context: DefaultThemeRenderContext, readme: string): string {
    const shown = this.#held.find(({ name }) => name === 'headers') as Held
    const program = 'docs/examples/http_server_send_header.ts'
    const { tree } = this.#sources.find(({ path }) => path === program) as SourceFile
    const code = /\/\/ #region handler\n([^]*?)\/\/ #endregion/.exec(tree.text)?.[1] ?? ''
    const handler = context.markdown([{ kind: 'text', text: `\`\`\`ts\n${code}\`\`\`` }])
    const request = shown.sent.toString('latin1').replaceAll('\r\n', '\n').slice(0, -1)
    return landingPage(readme, { handler, request, wires: wiresOf(shown, exchangeUrl(shown)) })
  }

  #writeExchange(
    planned: Planned,
    page: PageEvent<DocumentReflection>,
    prose: (text: string) => string,
  ): string {
    const held = this.#held.find(({ name }) => name === planned.name) as Held
    const { html, headings } = exchangePage(held, {
      place: ({ path, line }) =>
        this.#sources.some((source) => source.path === path)
          ? `${posix.relative(posix.dirname(page.url), sourceUrl(path))}#L${String(line)}`
          : undefined,
      prose,
    })
    for (const { id, text } of headings) {
      page.pageHeadings.push({ link: `#${id}`, text, level: 2 })
    }
    const way = (label: string): string =>
      wayBetween(EXCHANGES, planned, page.url, label, {
        index: 'exchanges/index.html',
        urlOf: exchangeUrl,
        nameOf: ({ title }) => title,
      })
    return `<article>${way('Before and after')}<h1>${escapeHtml(held.title)}</h1>${html}${way('Go on')}</article>`
  }

  #around(
    source: SourceFile,
    page: PageEvent<DocumentReflection>,
    context: DefaultThemeRenderContext,
  ): Surroundings {
    const to = (place: Place): string => {
      const path = this.#sources.find(({ tree }) => tree === place.file)?.path ?? ''
      const fragment = `#${encodeURIComponent(place.anchor)}`
      return place.file === source.tree
        ? fragment
        : posix.relative(posix.dirname(page.url), sourceUrl(path)) + fragment
    }
    return {
      places: this.#places,
      to,
      prose: (text) => (text.trim() === '' ? '' : context.markdown([{ kind: 'text', text }])),
      inComment: (text) => escapeHtml(text),
      python: pythonAddress,
      proof: (first, next, anchors) => {
        const proof = this.#proofs.of(source.path, first + 1, next + 1, anchors)
        if (proof === undefined) {
          return ''
        }
        const proven = { line: first + 1, proof }
        this.#proven.set(source.path, [...(this.#proven.get(source.path) ?? []), proven])
        return proofLink(source.path, proven)
      },
      link: (name, node) => {
        const place = this.#places.ofName(name, node)
        const reflection = place && this.#apiOf(place, page.project)
        return reflection === undefined ? place && to(place) : context.urlTo(reflection)
      },
      broken: (name, line) => {
        this.#app.logger.error(
          `${source.path}:${String(line)}: {@link ${name}} leads nowhere` as never,
        )
      },
    }
  }

  /** From a case back to the lines that it is about, as links from the present page. */
  #linesOf(id: string): string[] {
    const here = posix.dirname(this.#page?.url ?? '')
    return this.#proofs
      .linesOf(id)
      .slice(0, MOST_LINES)
      .map(({ path, line, last }) => {
        const name = path.replace(/^lib\//, '')
        const lines = line === last ? String(line) : `${String(line)}–${String(last)}`
        const url = posix.relative(here, sourceUrl(path))
        return `<a href="${url}#L${String(line)}">${escapeHtml(name)}:${lines}</a>`
      })
  }

  /** What the API has of a place: nothing, if it is not public. */
  #apiOf({ anchor, file }: Place, project: ProjectReflection): Reflection | undefined {
    const path = this.#sources.find(({ tree }) => tree === file)?.path
    const [name = '', ...rest] = anchor.split('.')
    const top = project.children?.find(
      (child) => child.name === name && child.sources?.some(({ fileName }) => fileName === path),
    )
    const reflection = rest.length === 0 ? top : top?.getChildByName(rest)
    return reflection !== undefined && this.#router.hasUrl(reflection) ? reflection : undefined
  }

  /** The address of a file of the repository as seen from the present page, if it has a page. */
  #fileAddress(name: string): string | undefined {
    const path = this.#names.find(name)
    const page = this.#page
    if (path === undefined || page === undefined) {
      return undefined
    }
    const source = this.#sources.find((one) => one.path === path)
    const id = page.project.files.registerAbsolute(join(TOP, path) as never).target
    const target = page.project.files.resolve(id, page.project)
    const url =
      source !== undefined
        ? sourceUrl(source.path)
        : target instanceof DocumentReflection
          ? this.#router.getFullUrl(target)
          : undefined
    return url === undefined || url === page.url
      ? undefined
      : posix.relative(posix.dirname(page.url), url)
  }
}

/** The way to the pages before and after, and to the list of all. */
function wayBetween<Made>(
  all: readonly Made[],
  made: Made,
  url: string,
  label: string,
  {
    index,
    urlOf,
    nameOf,
  }: { index: string; urlOf: (made: Made) => string; nameOf: (made: Made) => string },
): string {
  const from = posix.dirname(url)
  const at = all.indexOf(made)
  const link = (other: Made | undefined, before: string, after: string): string =>
    other === undefined
      ? '<span></span>'
      : `<a href="${posix.relative(from, urlOf(other))}">${before}${escapeHtml(nameOf(other))}${after}</a>`
  return (
    `<nav class="way" aria-label="${label}">` +
    link(all[at - 1], '← ', '') +
    `<a href="${posix.relative(from, index)}">${String(at + 1)} of ${String(all.length)}</a>` +
    link(all[at + 1], '', ' →') +
    '</nav>'
  )
}

/** The head of a page, and the rest. */
function splitHead(html: string): [head: string, rest: string] {
  const end = html.startsWith('<div class=head>') ? html.indexOf('</div>') + '</div>'.length : 0
  return [html.slice(0, end), html.slice(end)]
}

/** What is published: the version, and the commit where it is known. */
function edition(): string {
  const { name, version } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as {
    name: string
    version: string
  }
  try {
    const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: TOP,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return `${name} ${version}, commit ${commit.trim()}`
  } catch {
    return `${name} ${version}`
  }
}

/** Nothing of Node's or TypeScript's is on the site, so there is nothing to link to. */
function hideForeignSources(project: ProjectReflection): void {
  for (const reflection of Object.values(project.reflections)) {
    if (reflection.isDeclaration() || reflection.isSignature()) {
      const own = reflection.sources?.filter(({ fileName }) => !fileName.includes('node_modules/'))
      if (own?.length === 0) {
        delete reflection.sources
      }
    }
  }
}

/** `@python http.server.HTTPServer` is a link. */
function linkPythonNames(project: ProjectReflection): void {
  for (const { comment } of Object.values(project.reflections)) {
    for (const tag of comment?.blockTags ?? []) {
      if (tag.tag === '@python') {
        const text = Comment.combineDisplayParts(tag.content).trim()
        const [, name = '', rest = ''] = /^(\S+)([^]*)$/.exec(text) ?? []
        tag.content = [{ kind: 'text', text: `[\`${name}\`](${pythonAddress(name)})${rest}` }]
      }
    }
  }
}

/** A sentence about a page, for search engines. */
function describe(model: Reflection): string {
  const declaration = model as Partial<DeclarationReflection>
  const comment = model.comment ?? declaration.signatures?.[0]?.comment
  const text = model.isDocument()
    ? model.content.map((part) => part.text).join('')
    : comment?.summary.map((part) => part.text).join('')
  return (
    firstSentence(text ?? '') ||
    "Python's http.server and socketserver, rewritten in TypeScript so that people can read it"
  )
}
