import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { withoutBrowser } from '../../../lib/testing/browser.ts'
import { checkInBrowser } from './browser.ts'
import { checkLinks } from './links.ts'
import { readSite } from './pages.ts'

t.test('checkLinks() follows each link to a page, a place, or a host that is meant', async (t) => {
  const folder = t.testdir({
    'index.html':
      '<a href="a/b.html#Tea.%23cold">there</a> <a href=a/>a folder</a> <!-- <a href="x"> -->' +
      '<a href="nowhere.html">1</a> <a href="a/b.html#nothing">2</a> <a href="/a/b.html">3</a>' +
      '<a href="../up.html">4</a> <a href="http://cgi.FieldStorage.name">5</a>' +
      '<script>\'<a href="in-a-script">\'</script>',
    a: {
      'index.html': '<a href="../index.html">up</a>',
      'b.html': '<p id="Tea.#cold"></p><a href="https://www.rfc-editor.org/rfc/rfc9112">out</a>',
    },
  })
  const { links, findings } = checkLinks(folder, readSite(folder))
  t.equal(links, 9)
  t.same(findings, [
    'index.html: leads nowhere: nowhere.html',
    'index.html: there is no such place in a/b.html: a/b.html#nothing',
    'index.html: begins with /, and the site may lie in a folder: /a/b.html',
    'index.html: leads out of the site: ../up.html',
    'index.html: a host that nobody meant to link to: http://cgi.FieldStorage.name',
  ])
})

t.test('checkInBrowser() finds what readers would', { skip: withoutBrowser() }, async (t) => {
  const folder = t.testdir({})
  const head = '<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">'
  const main = '<main><h1>A page</h1><a href="good.html">good</a>'
  mkdirSync(join(folder, 'pages'))
  writeFileSync(join(folder, 'good.html'), `${head}${main}</main>`)
  writeFileSync(
    join(folder, 'pages/bad.html'),
    `${head}${main}<p style="width: 500px; color: #ccc; background: #fff">faint</p></main>` +
      '<script>console.error("a complaint")</script>',
  )
  const findings = await checkInBrowser(folder, ['good.html', 'pages/bad.html'])
  t.notMatch(findings.join('\n'), 'good.html')
  t.match(findings.join('\n'), 'wide, light: pages/bad.html: a complaint')
  t.match(findings.join('\n'), 'wide, light: pages/bad.html: color-contrast')
  t.match(findings.join('\n'), /narrow, light: pages\/bad\.html: is \d+ pixels wide/)
  t.match(findings.join('\n'), /no JavaScript: pages\/bad\.html: is \d+ pixels wide/)
})
