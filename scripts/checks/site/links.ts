/**
 * Every link of the site leads somewhere: to a page or a file of it, to an `id` that is there, or to one
 * of the hosts that we mean to link to.
 *
 * @module
 */

import { existsSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { Page } from './pages.ts'

/** A host that is not here was made a link by accident, such as `cgi.FieldStorage.name`. */
const HOSTS = new Set([
  'bugs.python.org',
  'datatracker.ietf.org',
  'developer.mozilla.org',
  'docs.python.org',
  'fetch.spec.whatwg.org',
  'github.com',
  'html.spec.whatwg.org',
  'httpd.apache.org',
  'nodejs.org',
  'pymotw.com',
  'url.spec.whatwg.org',
  'www.cve.org',
  'www.rfc-editor.org',
])

/**
 * Follow every link of the pages below a folder.
 *
 * @returns how many there are, and what is wrong with which
 */
export function checkLinks(
  folder: string,
  pages: readonly Page[],
): { links: number; findings: string[] } {
  const ids = new Map(pages.map((page) => [page.path, new Set(page.ids)]))
  const findings: string[] = []
  let links = 0
  for (const page of pages) {
    for (const link of page.links) {
      links++
      const flaw = flawOf(link, page.path)
      if (flaw !== undefined) {
        findings.push(`${page.path}: ${flaw}: ${link}`)
      }
    }
  }
  return { links, findings }

  function flawOf(link: string, from: string): string | undefined {
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) {
      if (link.startsWith('data:')) {
        return undefined
      }
      return URL.canParse(link) && HOSTS.has(new URL(link).host)
        ? undefined
        : 'a host that nobody meant to link to'
    }
    if (link.startsWith('/')) {
      return 'begins with /, and the site may lie in a folder'
    }
    const [address = '', fragment = ''] = link.split(/#(.*)/s)
    const path = address.replace(/\?.*/s, '')
    let target = path === '' ? from : posix.join(posix.dirname(from), decodeURIComponent(path))
    if (target.startsWith('../')) {
      return 'leads out of the site'
    }
    if (path.endsWith('/') || path === '.' || path === '..') {
      target = posix.join(target, 'index.html')
    }
    const file = join(folder, target)
    if (!existsSync(file) || !statSync(file).isFile()) {
      return 'leads nowhere'
    }
    if (fragment !== '' && ids.get(target)?.has(decodeURIComponent(fragment)) !== true) {
      return `there is no such place in ${target}`
    }
    return undefined
  }
}
