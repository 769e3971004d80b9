/**
 * What runs in the reader's browser: the suite, green and with a fault; a case on its page; the proof
 * of a paragraph; and the playground, which an endless loop does not stop.
 *
 * @module
 */

import { gzipSync } from 'node:zlib'
import type { Browser, Page, Response } from 'playwright-core'
import { patiently } from '../../../conformance/patience.ts'
import { readPages } from '../../../conformance/judge/page.ts'
import { CASES } from '../../../conformance/paths.ts'

/** What the playground may weigh before its first run, compressed, in bytes. */
const WEIGHT = 60_000

/** A fault, and all the cases that must notice it. */
const FAULT = {
  id: 'http-2-served',
  found: ['request-line/http2-preface', 'request-line/version-2-0'],
}

/** How long a run of all cases may take before it counts as hung, in milliseconds. */
const LIMIT = patiently(180_000)

/** The apps of cases that a browser cannot run. */
const NEED_NODE = ['clock', 'files', 'forks', 'threads', 'tls']

/**
 * Run everything that runs in a page.
 *
 * @returns what is wrong, and what there is to tell
 */
export async function checkPlay(
  browser: Browser,
  base: string,
): Promise<{ findings: string[]; told: string[] }> {
  const findings: string[] = []
  const told: string[] = []
  const page = await browser.newPage()
  page.setDefaultTimeout(LIMIT)
  page.on('pageerror', (error) => findings.push(`play: ${error.message}`))

  await page.goto(`${base}play/suite.html`)
  await page.click('#run-all')
  await over(page)
  told.push(`in Chromium: ${await page.innerText('#status')}`)
  const unable = readPages(CASES)
    .filter(({ app, resources }) => resources || NEED_NODE.includes(app))
    .map(({ id }) => id)
  expect('cases that fail', await ids(page, 'failed'), [])
  expect('cases that do not run', await ids(page, 'skipped'), unable)
  expect('cases without a verdict', await ids(page, ''), [])

  await page.click(`button[data-fault="${FAULT.id}"]`)
  await over(page)
  told.push(`in Chromium: ${await page.innerText('#status')}`)
  expect(`cases that notice ${FAULT.id}`, await ids(page, 'failed'), FAULT.found)

  await page.goto(`${base}conformance/cases/01-request-line.html`)
  await page.locator('[data-case] button').first().click()
  const verdict = page.locator('.verdict.passed, .verdict.failed').first()
  expect('the verdict of a case', [await verdict.locator('b').innerText()], ['passes'])

  await page.goto(`${base}source/lib/http/host.ts.html`)
  await page.locator('a.q').first().click()
  await page.locator('.proof p').first().waitFor()
  await page.goto(`${base}index.html`)
  await page.click('#live-send')
  const first = await page.inputValue('#live textarea')
  await page.fill('#live textarea', first.replace('Response body', 'Tea is ready'))
  await page.click('#live-send')
  await page.waitForSelector('#live .b:has-text("Tea is ready")')

  const loaded: Promise<number>[] = []
  const weigh = (response: Response) => {
    loaded.push(response.body().then((body) => gzipSync(body).length))
  }
  page.on('response', weigh)
  await page.goto(`${base}play/index.html`, { waitUntil: 'networkidle' })
  page.off('response', weigh)
  const weight = (await Promise.all(loaded)).reduce((sum, one) => sum + one, 0)
  told.push(`the playground before its first run: ${String(weight)} bytes, compressed`)
  if (weight === 0 || weight > WEIGHT) {
    findings.push(`play/index.html: weighs ${String(weight)} bytes, compressed`)
  }
  await page.click('#tsd-search-trigger')
  await page.fill('#tsd-search-input', 'smuggling')
  await page.waitForSelector('#tsd-search-results li a')
  await page.fill('#tsd-search-input', 'send_response')
  await page.waitForSelector('#tsd-search-results li a[href*="python-names"]')
  await page.keyboard.press('Escape')

  await page.click('#send')
  const response = await page.innerText('#response pre')
  if (!/^HTTP\/1\.0 200 OK\nServer: BaseHTTP\/0\.6 Chromium\/[\d.]+\n/.test(response)) {
    findings.push(`play/index.html: the response is ${JSON.stringify(response)}`)
  }
  await page.waitForSelector('#labels .b')
  const tips = await page.locator('#labels .tip').allTextContents()
  const [method = ''] = tips
  expect(
    'the label of the method',
    [method.replace(/\d+$/, 'N')],
    ['method · RFC 9110 §9.3.1 · read by handleOneRequest, lib/http/base-handler.ts:N'],
  )
  const status = tips.find((tip) => tip.startsWith('status code')) ?? ''
  expect(
    'the label of the status',
    [status.replace(/\d+(?=,| of)/g, 'N')],
    [
      'status code · RFC 9110 §15.3.1 · written by sendResponse, lib/http/base-handler.ts:N, called by line N of yours',
    ],
  )
  const program = await page.inputValue('#program')
  await page.fill('#program', program.replace('do_GET() {', 'do_GET() {\n    for (;;) {}'))
  await page.click('#send')
  const complaint = await page.innerText('#response .failed')
  expect(
    'an endless loop',
    [complaint.includes('has not come back') ? 'is ended' : complaint],
    ['is ended'],
  )
  await page.fill('#program', program)
  await page.click('#send')
  const withoutDate = (text: string) => text.replace(/^Date: .*$/m, '')
  const after = await page.innerText('#response pre')
  expect('the response after it', [withoutDate(after)], [withoutDate(response)])

  for (const name of await page.locator('#chosen option').allInnerTexts()) {
    await page.selectOption('#chosen', name)
    await page.locator('#response pre').waitFor({ state: 'detached' })
    await page.click('#send')
    const first = await page.innerText('#response :is(pre, .failed)')
    if (!first.startsWith('HTTP/1.')) {
      findings.push(`play/index.html: ${name}: ${first}`)
    }
  }
  await page.close()
  return { findings, told }

  function expect(what: string, found: readonly string[], wanted: readonly string[]): void {
    const [one, other] = [found, wanted].map((list) => [...list].sort().join(', '))
    if (one !== other) {
      findings.push(`play: ${what}: ${one ?? ''}; they should be: ${other ?? ''}`)
    }
  }
}

async function over(page: Page): Promise<void> {
  await page.waitForSelector('#status[data-state="over"]')
}

/** The cases that look like this. */
async function ids(page: Page, className: string): Promise<string[]> {
  const cells = await page.locator(`a[data-case][class="${className}"]`).all()
  return Promise.all(cells.map(async (cell) => (await cell.getAttribute('data-case')) ?? ''))
}
