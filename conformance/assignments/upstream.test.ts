import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { folder } from '../testing.ts'
import { parseAssignment } from './assignment.ts'
import { gradeFile } from './submit.ts'

const fence = (kind: string, ...lines: string[]) => ['```' + kind, ...lines, '```', ''].join('\n')
const ask = (path: string, ...fields: string[]) =>
  fence('request', `GET ${path} HTTP/1.1`, 'Host: a', ...fields, '')

const PAGE = [
  '# Proxy',
  '<!-- assignment={"app":"proxy"} -->',
  '## proxy/get',
  '<!-- case={"points":1,"source":"rfc:9110#7.6"} -->',
  'Why.',
  fence('upstream', 'HTTP/1.1 200 OK', 'Content-Length: 5', '', 'He\\', '{{pause:10}}', 'llo\\'),
  ask('/{{word:1}}', 'Connection: x', 'X: {{upstream}}'),
  fence('answer', '200', '', 'Hello'),
  fence('forwarded', 'GET /{{word:1}}', 'Via: {{any}}', 'X: {{upstream}}', '!Connection'),
  fence('forwarded', 'nothing'),
  '## proxy/down',
  '<!-- case={"points":1,"source":"rfc:9110#15.6.3"} -->',
  'Why.',
  fence('upstream', '{{leave}}'),
  ask('/'),
  fence('answer', '502'),
  '## proxy/cache',
  '<!-- case={"points":1,"source":"rfc:9110#15.6.3"} -->',
  'Why.',
  ask('/'),
  fence('answer', '5xx'),
  fence('forwarded', 'nothing'),
  '## proxy/asked',
  '<!-- case={"points":1,"source":"rfc:9110#15.6.3"} -->',
  'Why.',
  ask('/'),
  fence('answer', '5xx'),
  fence('forwarded', 'GET /other', '', ''),
  '## proxy/twice',
  '<!-- case={"points":1,"source":"rfc:9110#15.6.3"} -->',
  'Why.',
  ask('/'),
  fence('answer', '5xx'),
  fence('forwarded', 'GET /', 'Via: none'),
  fence('forwarded', 'GET /'),
].join('\n')

const PROXY = `
import { BaseHTTPRequestHandler } from 'basehttp'
class Proxy extends BaseHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'
  async do_GET() {
    try {
      const headers = { via: '1.1 me', x: this.headers.get('x') ?? '' }
      const response = await fetch(String(process.env.UPSTREAM) + this.path, { headers })
      const body = Buffer.from(await response.arrayBuffer())
      this.sendResponse(response.status)
      this.sendHeader('Content-Length', body.length)
      this.endHeaders()
      this.wfile.write(body)
    } catch {
      this.sendError(502)
    }
  }
}
export default { proxy: Proxy }
`

t.test('a proxy has a server behind it', async (t) => {
  const page = parseAssignment(PAGE, { page: 'cases.md', seed: 1, hidden: false })
  t.equal(page.proxy, true)
  const file = join(folder(t), 'proxy.ts')
  writeFileSync(file, PROXY)
  const entry = { number: '01', name: '01-hello', version: '' }
  const { cases } = await gradeFile({ ...page, ...entry }, file, { seed: 1 })
  t.match(
    cases.map(({ id, findings }) => [id, ...findings.map(({ flaw }) => flaw)]),
    [
      ['proxy/get', 'in what upstream was asked: there must be no Connection'],
      ['proxy/down'],
      ['proxy/cache', 'upstream was asked for GET / HTTP/1.1; it must not be'],
      ['proxy/asked', 'upstream was asked for this; expected GET /other'],
      [
        'proxy/twice',
        'in what upstream was asked: Via is "1.1 me": expected "none"',
        'upstream was not asked; expected GET /',
      ],
    ],
  )
})

t.test('what is wrong with such fences is said', async (t) => {
  for (const [from, to, flaw] of [
    ['{{leave}}', '{{new}}', /cases\.md:\d+: \{\{new\}\} is not for an upstream/],
    ['GET /other', 'other', /"other" is not a method and a target, and not "nothing"/],
  ] as const) {
    const page = PAGE.replace(from, to)
    t.throws(() => parseAssignment(page, { page: 'cases.md', seed: 1, hidden: false }), {
      message: flaw,
    })
  }
})
