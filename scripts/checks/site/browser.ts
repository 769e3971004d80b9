/**
 * The site in a browser: served by the server that it is about, wide and narrow, light and dark, with
 * and without JavaScript.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { AsyncHTTPServer, SimpleHTTPRequestHandler } from 'basehttp'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { CHROMIUM, FLAGS } from '../../../lib/testing/browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What readers have: a wide screen or a narrow one, light or dark, and perhaps no JavaScript. */
const READERS: Readonly<Record<string, BrowserContextOptions>> = {
  'wide, light': { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  'wide, dark': { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  'narrow, light': { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  'narrow, dark, no JavaScript': {
    viewport: { width: 390, height: 844 },
    colorScheme: 'dark',
    javaScriptEnabled: false,
  },
}

/** Serve a folder, without a log. */
class QuietHandler extends SimpleHTTPRequestHandler {
  override logMessage(): void {}
}

/**
 * Look at pages of the site as each reader does. With a `#` in a page's address, that place must come
 * into view.
 */
export function checkInBrowser(folder: string, paths: readonly string[]): Promise<string[]> {
  return withSite(folder, async (browser, base) => {
    // Side by side: a page of a browser is a process of its own.
    const findings = Object.entries(READERS).map(async ([reader, options]) => {
      const found = await look(browser, options, base, paths)
      return found.map((finding) => `${reader}: ${finding}`)
    })
    return (await Promise.all(findings)).flat()
  })
}

/** Serve a folder, and open a browser, as long as they are used. */
export async function withSite<Result>(
  folder: string,
  use: (browser: Browser, base: string) => Promise<Result>,
): Promise<Result> {
  const server = new AsyncHTTPServer(['127.0.0.1', 0], QuietHandler)
  server.handlerOptions = { directory: folder, protocolVersion: 'HTTP/1.1' }
  await server.bindAndActivate()
  const serving = server.serveForever()
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
  try {
    return await use(browser, `http://127.0.0.1:${String(server.serverPort)}/`)
  } finally {
    await browser.close()
    await server.shutdown()
    await serving
    await server.serverClose()
  }
}

async function look(
  browser: Browser,
  options: BrowserContextOptions,
  base: string,
  paths: readonly string[],
): Promise<string[]> {
  const findings: string[] = []
  const context = await browser.newContext(options)
  for (const path of paths) {
    const page = await context.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error') {
        findings.push(`${path}: ${message.text()}`)
      }
    })
    page.on('pageerror', (error) => findings.push(`${path}: ${error.message}`))
    await page.goto(base + path)
    findings.push(...(await findIn(page, path, options)).map((finding) => `${path}: ${finding}`))
    await page.close()
  }
  await context.close()
  return findings
}

/** What a page does wrong. Playwright's own scripts run even where the page's do not. */
async function findIn(page: Page, path: string, options: BrowserContextOptions): Promise<string[]> {
  const findings: string[] = []
  const width = await page.evaluate<number>('document.documentElement.scrollWidth')
  if (width > (options.viewport?.width ?? 0)) {
    findings.push(`is ${String(width)} pixels wide`)
  }
  const fragment = path.split('#')[1]
  if (fragment !== undefined) {
    const box = await page.locator(`[id="${decodeURIComponent(fragment)}"]`).boundingBox()
    const top = box?.y ?? -1
    if (top < 0 || top > (options.viewport?.height ?? 0)) {
      findings.push('does not show its place')
    }
  }
  if (options.javaScriptEnabled === false) {
    const links = await page.locator('a:visible').count()
    return links === 0 ? [...findings, 'has no way on'] : findings
  }
  await page.evaluate(AXE)
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    const results = await axe.run()
    return results.violations.map(
      ({ id, nodes }) =>
        `${id}, ${String(nodes.length)} times: ${String(nodes[0]?.html.slice(0, 200))}`,
    )
  })
  return [...findings, ...violations]
}
