/**
 * Where pages are: as in the repository, so that an address can be guessed, and survives.
 *
 * ```text
 *   docs/guide.md              docs/guide.html
 *   lib/http/message.ts        source/lib/http/message.ts.html
 *   HTTPServer                 api/HTTPServer.html
 * ```
 *
 * @module
 */

import { relative } from 'node:path'
import { BaseRouter, ReflectionKind } from 'typedoc'
import type { DocumentReflection, Reflection, RouterTarget } from 'typedoc'
import { TOP } from '../checks/sources.ts'

const TYPES = [ReflectionKind.Interface, ReflectionKind.TypeAlias]

/** The address of the page of a source file. */
export function sourceUrl(path: string): string {
  return `source/${path}.html`
}

/** The router, as TypeDoc wants it. */
export class SiteRouter extends BaseRouter {
  protected override getIdealBaseName(target: RouterTarget): string {
    const reflection = target as Reflection
    if (!reflection.isDocument()) {
      const { name, project } = reflection
      const lower = name.toLowerCase()
      const namesakes = (project.children ?? []).filter(
        (other) => other.name.toLowerCase() === lower,
      )
      return `api/${name}${namesakes.length > 1 && TYPES.includes(reflection.kind) ? '.type' : ''}`
    }
    return pathOf(reflection)
      .replace(/^\.github\//, '')
      .replace(/\.md$/, '')
  }

  protected override getFileName(baseName: string): string {
    return super.getFileName(baseName === 'modules' ? 'api' : baseName)
  }
}

/** Where the text of a document comes from; of a page that is made here, its address. */
function pathOf(document: DocumentReflection): string {
  const path = document.frontmatter.page
  return typeof path === 'string'
    ? path
    : relative(TOP, document.project.files.getReflectionPath(document) ?? '').replaceAll('\\', '/')
}
