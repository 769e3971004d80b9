/**
 * A client that follows every link sees all that is in the document root.
 *
 * @module
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Agent, request } from 'undici'
import { makeDocumentRoot } from '../recordings/document-root.ts'
import { BasehttpTarget } from '../targets/library.ts'

const INDEX_PAGES = ['index.html', 'index.htm']

/** The links of a listing, as written in its HTML. */
function linksOf(listing: string): string[] {
  const links = listing.matchAll(/^<li><a href="([^"]*)">/gm)
  return Array.from(links, ([, link]) => (link as string).replaceAll('&amp;', '&'))
}

/**
 * The bytes of the name that a link leads to. A byte that is not UTF-8 is linked as in Python:
 * `\xe9` as the surrogate U+DCE9, and that encoded like UTF-8, `%ED%B3%A9`.
 */
function nameOf(link: string): Buffer {
  const bytes = link.replace(/\/$/, '').replace(/%([0-9A-F]{2})/g, (_, hex: string) => {
    return String.fromCharCode(parseInt(hex, 16))
  })
  const name = bytes.replace(/\xed([\xb2\xb3])([\x80-\xbf])/g, (_, high: string, low: string) => {
    return String.fromCharCode(((high.charCodeAt(0) & 3) << 6) | (low.charCodeAt(0) & 0x3f))
  })
  return Buffer.from(name, 'latin1')
}

t.test('every link of every listing leads to the bytes on the disk', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'basehttp-root-'))
  makeDocumentRoot(root)
  const app = await new BasehttpTarget().start('files', { root })
  const dispatcher = new Agent()
  t.teardown(async () => {
    await dispatcher.destroy()
    await app.stop()
    rmSync(root, { recursive: true })
  })
  const seen = { files: 0, listings: 0, dangling: 0 }

  const visit = async (url: string, path: Buffer): Promise<void> => {
    const response = await request(url, { dispatcher })
    const body = Buffer.from(await response.body.arrayBuffer())
    const status = stat(path)
    if (status === undefined) {
      t.equal(response.statusCode, 404, url)
      seen.dangling++
      return
    }
    const page = status.isFile() ? path : INDEX_PAGES.map((name) => at(path, name)).find(isFile)
    t.equal(response.statusCode, 200, url)
    if (page !== undefined) {
      t.ok(body.equals(readFileSync(page)), url)
      seen.files++
      return
    }
    const links = linksOf(body.toString())
    const listed = links.map((link) => nameOf(link).toString('hex'))
    const there = readdirSync(path, { encoding: 'buffer' }).map((name) => name.toString('hex'))
    t.same(listed.sort(), there.sort(), url)
    seen.listings++
    for (const link of links) {
      await visit(url + link, at(path, nameOf(link)))
    }
  }
  await visit(`http://127.0.0.1:${String(app.port)}/`, Buffer.from(root))

  t.comment(JSON.stringify(seen))
  t.ok(seen.files > 250 && seen.listings > 20, 'there was something to walk through')
})

function at(folder: Buffer, name: string | Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), Buffer.from(name)])
}

function stat(path: Buffer) {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // A link that leads in a circle.
    return undefined
  }
}

function isFile(path: Buffer): boolean {
  return stat(path)?.isFile() === true
}
