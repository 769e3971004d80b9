import t from 'tap'
import { EXCEPTIONS } from '../testing/handlers.ts'
import { formatException } from './traceback.ts'

t.test('formatException() tells stack, cause and fields', async (t) => {
  const error = Object.assign(new TypeError('outer', { cause: new Error('inner') }), { code: 'E' })
  const report = formatException(error)
  t.match(report, /^TypeError: outer\n {4}at .*traceback\.test\.ts/)
  t.match(report, /\n {2}code: 'E',?\n/)
  t.match(report, /\n {2}\[cause\]: Error: inner\n {6}at /)
  t.match(report, /\n\}$/)
  t.equal(formatException(undefined), 'undefined')
  t.equal(formatException('a\nb'), "'a\\nb'")
})

t.test('formatException() lets no message pass for a line of the log', async (t) => {
  const forged = '\n127.0.0.1 - - [06/Oct/2016 17:00:54] "GET /forged HTTP/1.1" 200 -'
  for (const end of ['\n', '\r\n', '\r', '\x85', '\x1b[2K\n']) {
    const message = `a${end}${forged}\x1b[31m\t\x7f\x9b`
    const report = formatException(new Error(message, { cause: new Error(message) }))
    t.match(report, /^Error: a/)
    t.notMatch(report, /[\0-\x08\x0b-\x1f\x7f-\x9f]/)
    t.same(
      report.split('\n').filter((line, index) => index > 0 && /^[^ }]/.test(line)),
      [],
      JSON.stringify(end),
    )
  }
})

t.test('formatException() never throws', async (t) => {
  for (const [name, make] of Object.entries(EXCEPTIONS)) {
    t.match(formatException(make()), /./, name)
  }
  t.equal(formatException(EXCEPTIONS.inspect?.()), '<exception str() failed>')
})
