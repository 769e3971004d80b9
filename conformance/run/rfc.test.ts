/**
 * The profile `rfc` as a user runs it: what is there to be judged, and what is said where it is not.
 */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { CERTIFICATE, PRIVATE_KEY } from '../../lib/testing/certificate.ts'
import { HANG_LIMIT } from '../patience.ts'
import { freePort } from '../targets/child.ts'
import { conformance, folder } from '../testing.ts'

t.setTimeout(5 * HANG_LIMIT)

/** Serve HTTP, or HTTPS, in this process; give the URL. */
async function serve(t: Test, listener: RequestListener, secure = false): Promise<string> {
  const server = secure
    ? createSecureServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, listener)
    : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return `${secure ? 'https' : 'http'}://127.0.0.1:${String(port)}`
}

const HELLO: RequestListener = (_, response) => {
  response.end('Hello, world!')
}

const ONE = ['--only', 'control/get']

t.test('--make-root makes the folder, and again, and no other', async (t) => {
  const path = join(folder(t), 'site')
  t.same(await conformance('--make-root', path), { status: 0, stdout: '', stderr: '' })
  t.equal(readFileSync(join(path, 'hello.txt'), 'latin1'), 'Hello, world!')
  t.equal(statSync(join(path, 'hello.txt')).mtime.toUTCString(), 'Thu, 06 Oct 2016 20:44:11 GMT')
  t.ok(statSync(join(path, 'future.txt')).mtime > new Date())
  t.match(await conformance('--make-root', path), { status: 0 })
  const other = folder(t)
  writeFileSync(join(other, 'mine.txt'), 'mine')
  t.same(await conformance('--make-root', other), {
    status: 2,
    stdout: '',
    stderr: `"${other}" is not empty ("mine.txt") and not made by --make-root; name another folder\n`,
  })
  t.same(readdirSync(other), ['mine.txt'])
  t.match(await conformance('--make-root', join(other, 'mine.txt')), {
    status: 2,
    stderr: /^Cannot make the folder ".*mine\.txt": ENOTDIR.*\n$/,
  })
})

t.test('what is served is looked at before anything is judged', async (t) => {
  let count = 0
  const url = await serve(t, (request, response) => {
    switch (request.url ?? '') {
      case '/same':
        response.end('same')
        break
      case '/counts':
        response.end(String(count++))
        break
      case '/empty':
        request.socket.end()
        break
      default:
        response.statusCode = 404
        response.end()
    }
  })
  const where = (path: string) => `GET ${path} at ${url.slice('http://'.length)}`
  t.same(await conformance('--target', `url:${url}`), {
    status: 2,
    stdout: '',
    stderr:
      `${where('/hello.txt')} gives 404 Not Found, and not a whole 200; serve the folder that ` +
      '--make-root DIR makes, or name what is served: --path /x\n',
  })
  t.match(await conformance('--target', `url:${url}`, '--path', '/counts'), {
    status: 2,
    stderr: `${where('/counts')} gives another body the second time; name another: --path /x\n`,
  })
  t.match(await conformance('--target', `url:${url}`, '--path', '/empty'), {
    status: 2,
    stderr: `${where('/empty')} has no response, and not a whole 200\n`,
  })
  t.match(await conformance('--target', `url:${url}`, '--path', 'same'), {
    status: 2,
    stderr:
      '--path "same" is not a valid target; write for example --path /x; --help lists the flags\n',
  })
  const found = await conformance('--target', `url:${url}`, '--path', '/same', ...ONE)
  t.match(found, { status: 0, stdout: /: 1 passed, 0 failed\n$/ })
  const all = await conformance('--target', `url:${url}`, '--path', '/same', '--only', 'range/')
  t.match(all.stdout, /^skipped: \d+ rules, it needs the files of --make-root$/m)
})

t.test('a URL alone is the server, and what it serves', async (t) => {
  const url = await serve(t, (request, response) => {
    response.statusCode = request.url === '/items?all=1' ? 200 : 404
    response.end('items')
  })
  t.match(await conformance(`${url}/items?all=1`, ...ONE), {
    status: 0,
    stdout: `conformance of ${url}: 1 passed, 0 failed\n`,
  })
  t.match(await conformance(`${url}/`, '--path', '/items?all=1', ...ONE), { status: 0 })
  t.match(await conformance(url, ...ONE), {
    status: 2,
    stderr: /^GET \/hello\.txt at .* gives 404/,
  })
  const refused = async (line: string, ...args: string[]) => {
    const stderr = `${line}; --help lists the flags\n`
    t.same(await conformance(...args), { status: 2, stdout: '', stderr })
  }
  await refused(
    `There are two servers, "basehttp" and "${url}"; name one of them`,
    ...['--target', 'basehttp', url],
  )
  await refused(`There are two servers, "${url}/b" and "${url}"; name one of them`, url, `${url}/b`)
  await refused(`"${url}/a" has a path already: leave --path /b out`, `${url}/a`, '--path', '/b')
  await refused("Unexpected argument 'more'", url, 'more')
  t.match(await conformance('http://127.0.0.1:x'), {
    status: 2,
    stderr: /^"url:http:\/\/127\.0\.0\.1:x" is not a valid server; write for example /,
  })
})

t.test('nobody there, a port in use, no rule: one line', async (t) => {
  const port = String(await freePort())
  t.same(await conformance('--target', `url:http://127.0.0.1:${port}`), {
    status: 3,
    stdout: '',
    stderr: `Cannot connect to http://127.0.0.1:${port}: nobody listens there\n`,
  })
  t.match(await conformance('--target', 'cmd:exit 7 # {port}'), {
    status: 3,
    stderr: /^"exit 7 # \d+" ended at its start/,
  })
  t.same(await conformance('--target', 'cmd:sleep 1'), {
    status: 2,
    stdout: '',
    stderr: `"cmd:sleep 1" must take its port, as in cmd:'java Server {port}', or have one: --port 4221\n`,
  })
  t.match(await conformance('--profile', 'rfc', '--only', 'nothing/'), {
    status: 2,
    stderr: 'No rule selected: no id begins with nothing/; see --list\n',
  })
  t.match(await conformance('--profile', 'http'), {
    status: 2,
    stderr:
      'There is no profile "http"; there are http.server, rfc, article; --help lists the flags\n',
  })
  t.match(await conformance('--profile', 'rfc', '--list', ...ONE), { stdout: 'control/get\n' })
})

t.test('a server that refuses everything wins nothing', async (t) => {
  let served = 0
  const url = await serve(t, (_, response) => {
    response.statusCode = ++served > 3 ? 404 : 200
    response.end('Hello, world!')
  })
  const { status, stdout } = await conformance('--target', `url:${url}`, '--only', 'host/')
  t.equal(status, 2, stdout)
  t.match(stdout, /: 0 passed, 0 failed, \d+ untold\n$/)
})

t.test('a server over TLS is judged by the same rules', async (t) => {
  const url = await serve(t, HELLO, true)
  const { status, stdout } = await conformance('--target', `url:${url}`, ...ONE, '--only', 'host/')
  t.equal(status, 1, stdout)
  t.match(stdout, /^control +1/m)
  t.match(stdout, /^not ok host\//m)
  t.notMatch(stdout, / nc /, 'nc(1) does not speak TLS')
})

t.test('over TLS, clients come in pieces, leave, and name https', async (t) => {
  const targets: (string | undefined)[] = []
  const url = await serve(
    t,
    (request, response) => {
      targets.push(request.url)
      HELLO(request, response)
    },
    true,
  )
  const only = [
    ...['target/absolute-form', 'content-length/read', 'connection/close', 'pipeline/in-order'],
    ...['pieces/byte', 'pieces/second', 'clients/left', 'clients/reset-in-the-header'],
    ...['together/an-idle', 'together/one-is-reset'],
  ].flatMap((id) => ['--only', id])
  const { status, stdout } = await conformance('--target', `url:${url}`, ...ONE, ...only)
  t.match(stdout, /: 17 passed, 0 failed/, stdout)
  t.equal(status, 0)
  t.ok(targets.includes(`${url}/hello.txt`))
})

t.test('a program with a port of its own', async (t) => {
  const port = String(await freePort())
  const line = `cmd:node -e 'require("http").createServer((q, r) => r.end("x")).listen(${port}, "127.0.0.1")'`
  const { status, stdout } = await conformance(
    ...['--target', line, '--port', port, '--path', '/x', ...ONE, '--only', 'host/missing'],
  )
  t.equal(status, 0, stdout)
  t.match(stdout, /: 2 passed, 0 failed\n$/)
})

t.test('this library in either version, and a real Python', async (t) => {
  for (const target of ['basehttp', 'basehttp:1.1', 'basehttp:1.0', 'cpython']) {
    const { status, stdout } = await conformance('--profile', 'rfc', '--target', target, ...ONE)
    t.equal(status, 0, stdout)
    t.match(stdout, /: 1 passed, 0 failed\n$/, target)
  }
})

t.test('this library has what takes a body, unless a flag names something else', async (t) => {
  const post = (...flags: string[]) => conformance('--profile', 'rfc', '--only', 'post/', ...flags)
  t.match(await post(), { status: 0, stdout: /: \d+ passed, 0 failed\n$/ })
  const { stdout } = await post('--target', 'basehttp:1.0')
  t.match(stdout, /: \d+ passed, \d+ failed, \d+ left open, \d+ untold\n$/, 'none is skipped')
  const elsewhere = await post('--post', '/hello.txt')
  t.match(elsewhere.stdout, /response 1: the status is 405 Method Not Allowed; expected 2xx or 3xx/)
})

t.test('a program that dies, and one that leaves children, leave nothing behind', async (t) => {
  const path = join(folder(t), 'server.cjs')
  writeFileSync(
    path,
    `const http = require('http')
     const child = require('child_process')
     child.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', __filename])
     http.createServer((request, response) => {
       if (request.headers.host === undefined || !request.headers.host.startsWith('127')) {
         console.error('a last word')
         process.exit(7)
       }
       response.end('Hello, world!')
     }).listen(Number(process.argv[2]), '127.0.0.1')`,
  )
  const target = `cmd:node --insecure-http-parser ${path} {port}`
  const { status, stdout } = await conformance('--target', target, '--only', 'host/')
  t.equal(status, 1, stdout)
  t.match(
    stdout,
    /^not ok host\/\S+ {3}dies, MUST, rfc:9112#3\.2\n {4}the server is dead afterwards/m,
  )
  t.match(stdout, /a last word/)
  const left = await new Promise<string>((resolve) => {
    execFile('ps', ['-eo', 'args'], (_, output) => {
      resolve(output)
    })
  })
  t.notMatch(left, path)
})
