/**
 * The file handler as a real browser sees it.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openBrowser, withoutBrowser } from '../testing/browser.ts'
import { captureStderr, serve } from '../testing/helpers.ts'
import { AsyncHTTPServer } from './server.ts'
import { SimpleHTTPRequestHandler } from './simple-handler.ts'

const FOLDER = 'a "b" & <c> %41 ?d #e \u65e5\u672c'
const ATTACK = '<img src=x onerror=window.attacked=true>.txt'
/** One transparent pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

t.test('a browser walks through listings and pages', { skip: withoutBrowser() }, async (t) => {
  captureStderr(t)
  const root = mkdtempSync(join(tmpdir(), 'basehttp-root-'))
  t.teardown(() => {
    rmSync(root, { recursive: true })
  })
  mkdirSync(join(root, FOLDER))
  writeFileSync(join(root, FOLDER, ATTACK), 'no harm')
  writeFileSync(join(root, FOLDER, 'pixel.gif'), PIXEL)
  writeFileSync(join(root, FOLDER, 'program.js'), "document.title = 'the script ran'")
  writeFileSync(
    join(root, FOLDER, 'page.html'),
    '<!doctype html><link rel=icon href=data:,><img src=pixel.gif><script src=program.js></script>',
  )
  const server = new AsyncHTTPServer(['127.0.0.1', 0], SimpleHTTPRequestHandler)
  server.handlerOptions = { directory: root, protocolVersion: 'HTTP/1.1' }
  await serve(t, server)

  const page = await (await openBrowser(t)).newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    // Every browser asks for this one by itself, and says so when there is none.
    if (!message.location().url.endsWith('/favicon.ico')) {
      complaints.push(message.text())
    }
  })
  page.on('pageerror', (error) => complaints.push(error.message))

  await page.goto(`http://127.0.0.1:${String(server.serverPort)}/`)
  t.equal(await page.title(), 'Directory listing for /')

  await page.click(`text=${FOLDER}/`)
  t.equal(await page.textContent('h1'), `Directory listing for /${FOLDER}/`)
  t.same(await page.locator('a').allTextContents(), [
    ATTACK,
    'page.html',
    'pixel.gif',
    'program.js',
  ])
  t.equal(await page.locator('img').count(), 0, 'the name of a file is text')

  await page.click('text=page.html')
  await page.waitForLoadState()
  t.equal(await page.title(), 'the script ran')
  t.equal(await page.evaluate('document.images[0].naturalWidth'), 1)

  await page.goBack()
  await page.click('text=onerror')
  t.equal(await page.textContent('body'), 'no harm')
  t.equal(await page.evaluate('window.attacked'), undefined)
  t.same(complaints, [])
})
