import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import type { Test } from 'tap'
import { Agent, fetch, FormData } from 'undici'
import { PostHandler } from '../../docs/examples/http_server_POST.ts'
import { HTTPServer } from '../http/server.ts'
import { openBrowser, withoutBrowser } from '../testing/browser.ts'
import { captureStderr, serve, TOP } from '../testing/helpers.ts'

// The article's form, sent by programs that people use.

const FILE = join(TOP, 'conformance/cases/files/http_server_GET.py')
const FIELDS =
  'Form data:\n' +
  '\tname=dhellmann\n' +
  '\tfoo=bar\n' +
  "\tUploaded datafile as 'http_server_GET.py' (1612 bytes)\n"

class FormHandler extends PostHandler {
  override timeout: number | null = 10

  do_GET(): void {
    this.sendResponse(200)
    this.sendHeader('Content-Type', 'text/html')
    this.endHeaders()
    this.wfile.write(
      Buffer.from(
        '<!doctype html><link rel=icon href=data:,>' +
          '<form method=post enctype=multipart/form-data>' +
          '<input name=name><input name=foo><input name=datafile type=file><button>Send</button>',
      ),
    )
  }
}

async function start(t: Test): Promise<string> {
  captureStderr(t)
  const server = new HTTPServer(['127.0.0.1', 0], FormHandler)
  await serve(t, server)
  return `http://127.0.0.1:${String(server.serverPort)}/`
}

t.test("undici's FormData", async (t) => {
  const url = await start(t)
  const form = new FormData()
  form.append('name', 'dhellmann')
  form.append('foo', 'bar')
  form.append('datafile', new File([readFileSync(FILE)], 'http_server_GET.py'))
  const dispatcher = new Agent()
  const answer = await fetch(url, { method: 'POST', body: form, dispatcher })
  const text = await answer.text()
  t.match(text, /^Client: \('127\.0\.0\.1', \d+\)\nUser-agent: undici\nPath: \/\n/)
  t.ok(text.endsWith(FIELDS), text)
  form.set('name', 'say "hi"')
  const urlencoded = new URLSearchParams([...form].slice(0, 2) as [string, string][])
  for (const body of [form, urlencoded]) {
    const echo = await (await fetch(url, { method: 'POST', body, dispatcher })).text()
    t.match(echo, /\n\tname=say "hi"\n\tfoo=bar\n/)
  }
  await dispatcher.destroy()
})

const noCurl = spawnSync('curl', ['--version']).status !== 0 && 'there is no curl'
t.test('curl -F, with and without Expect: 100-continue', { skip: noCurl }, async (t) => {
  const url = await start(t)
  const form = ['-F', 'name=dhellmann', '-F', 'foo=bar', '-F', `datafile=@${FILE}`]
  for (const expect of [[], ['-H', 'Expect: 100-continue', '--expect100-timeout', '0.1']]) {
    const args = ['--silent', '--show-error', '--noproxy', '*', ...expect, ...form, url]
    const { stdout } = await promisify(execFile)('curl', args)
    t.match(stdout, /^Client: \('127\.0\.0\.1', \d+\)\nUser-agent: curl\/\S+\nPath: \/\n/)
    t.ok(stdout.endsWith(FIELDS), stdout)
  }
})

t.test('a browser', { skip: withoutBrowser() }, async (t) => {
  const url = await start(t)
  const page = await (await openBrowser(t)).newPage()
  await page.goto(url)
  await page.fill('[name=name]', 'dhellmann')
  await page.fill('[name=foo]', 'bar')
  await page.setInputFiles('[name=datafile]', FILE)
  await page.click('button')
  // Chromium shows plain text in one.
  const text = await page.innerText('pre')
  t.ok(text.startsWith("Client: ('127.0.0.1', "), text)
  t.match(text, /User-agent: Mozilla\/5\.0 /)
  t.ok(text.trimEnd().endsWith(FIELDS.trimEnd()), text)
})
