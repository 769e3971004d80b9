/**
 * The suite against servers that are wrong in one thing each. What it says about them is what a
 * student reads.
 */

import t from 'tap'
import { HANG_LIMIT } from '../patience.ts'
import { judge, server } from '../testing.ts'
import type { Run } from '../testing.ts'

// Each test starts processes, and a busy machine takes its time.
t.setTimeout(5 * HANG_LIMIT)

/** The lines between the heading of a failure and its reason. */
function failure({ stdout }: Run): string {
  return /^not ok errors\/404.*\n((?:.*\n)*?) {4}(?:why|serve)/m.exec(stdout)?.[1] ?? stdout
}

// -- Golden output ---------------------------------------------------------------------------

t.test('a server that is right', async (t) => {
  t.same(await judge(t, server()), {
    status: 0,
    stdout:
      'topic     pass\nerrors       1\nall          1\n\nconformance of ./student.mjs: 1 passed, 0 failed\n',
    stderr: '',
  })
})

t.test('one failure', async (t) => {
  const { status, stdout } = await judge(t, server({ response: "right.replace('447', '448')" }))
  t.equal(status, 1)
  t.equal(
    stdout.replace(/\[\d\d\/.*?\]/g, '[TIME]'),
    [
      'not ok errors/404   must, article:Handling Errors',
      '    Content-Length: 448',
      '                    ^^^ the header says 448, the body has 447 bytes',
      '    why    a client on a kept-alive connection waits for bytes that never come, or takes the ' +
        'last bytes of this body for the next response (RFC 9112 §6.3)',
      '    stderr 127.0.0.1 - - [TIME] code 404, message Not Found',
      '    stderr 127.0.0.1 - - [TIME] "GET / HTTP/1.1" 404 -',
      "    repro  printf 'GET / HTTP/1.1\\r\\nHost: 127.0.0.1:8080\\r\\nUser-Agent: curl/7.43.0\\r\\n" +
        "Accept: */*\\r\\n\\r\\n' | nc 127.0.0.1 PORT",
      '    serve  npm run conformance -- --target ./student.mjs --only errors/404 --repro --port PORT',
      '',
      'topic     pass    fail',
      'errors       .       1',
      'all          .       1',
      '',
      'conformance of ./student.mjs: 0 passed, 1 failed',
      '',
    ].join('\n'),
  )
})

// -- Servers that are wrong in one thing -----------------------------------------------------

const WRONG: Record<string, [source: string, flaw: RegExp]> = {
  'header order': [
    server({
      response: "right.replace(/(Connection: close\\r\\n)(Content-Type.*\\r\\n)/, '$2$1')",
    }),
    /^ {7}\^ byte \d+ is "t"; expected here: "nection: close\\r\\n"; the line "Connection: close\\r\\n" is elsewhere, and the order counts$/m,
  ],
  'no empty line': [
    server({ response: "right.replace('\\r\\n\\r\\n', '\\r\\n')" }),
    /^ {4}<!DOCTYPE .*\n {4}\^+ no empty line separates the head from this \(RFC 9112 §2\.1\)/,
  ],
  'bare LF': [
    server({ response: "right.replace('close\\r', 'close')" }),
    /^ {4}Connection: close\\n\n {21}\^ LF alone; a line of the head ends with CR LF/,
  ],
  'no close': [
    server({ serve: 'socket.write(respond(right()))' }),
    /^ {4}Connection: close\n {4}\^+ the connection stays open all the same \(RFC 9112 §9\.6\)/,
  ],
  'a slow trickle': [
    server({
      serve: `const bytes = [...respond(right())]
        setInterval(() => { if (bytes.length > 0) socket.write(bytes.shift()) }, 100)`,
    }),
    /time-out: the response trickles, it is not whole after 20 s/,
  ],
  'a response before the request': [
    server({ serve: '/* EARLY */ socket.end(respond(right()))' }),
    /^ {4}GET \/ HTTP\/1\.1\\r\\n\n {5}\^ cut here, the request gets a response before its second half/,
  ],
  'a byte lost after a split': [
    server({
      serve:
        "if (count > 5) { socket.end(right().replace('page', '')) } else { socket.end(right().slice(0, count > 2 ? -1 : undefined)) }",
    }),
    /sent in two pieces, cut here, the request gets a different response/,
  ],
  'a wrong line in the log': [
    server({ log: "right + 'code 404: Not Found'" }),
    /the log must have ", message Not Found" here/,
  ],
  'an old response, kept': [
    server({ response: "right.replace(/Date: .*GMT/, 'Date: Thu, 06 Oct 2016 20:58:08 GMT')" }),
    /^ {4}Thu, 06 Oct 2016 20:58:08 GMT\n {4}\^ this is not the time of the response/,
  ],
  silence: [server({ serve: '' }), /time-out, nothing more came for 10 s: nothing was received/],
  'a handler that never ends': [server({ serve: 'for (;;);' }), /nothing was received/],
}

t.test('what is wrong is found, and named', { jobs: 4 }, (t) => {
  for (const [name, [source, flaw]] of Object.entries(WRONG)) {
    t.test(name, async (t) => {
      const run = await judge(t, source)
      t.equal(run.status, 1, run.stdout + run.stderr)
      t.match(failure(run), flaw)
    })
  }
  t.end()
})
