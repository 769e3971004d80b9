import t from 'tap'
import { ConnectionResetError, TimeoutError, ValueError } from './errors.ts'
import { format, repr } from './format.ts'

// Expected values are what CPython 3.13 prints for the same expression.

t.test('repr() quotes text as Python does', async (t) => {
  const cases: [string, string][] = [
    ['', "''"],
    ['HTTP/x', "'HTTP/x'"],
    ["it's", '"it\'s"'],
    ['say "hi"', '\'say "hi"\''],
    ['it\'s "x"', "'it\\'s \"x\"'"],
    ['a\\b', "'a\\\\b'"],
    ['\t\n\r', "'\\t\\n\\r'"],
    ['\0\x1b\x7f', "'\\x00\\x1b\\x7f'"],
    ['\x80\x9f\xa0\xad', "'\\x80\\x9f\\xa0\\xad'"],
    ['caf\xe9 \xff', "'caf\xe9 \xff'"],
    ['\u2028\u200b\ufeff', "'\\u2028\\u200b\\ufeff'"],
    ['\u65e5\u672c', "'\u65e5\u672c'"],
    ['\u{1f600}', "'\u{1f600}'"],
    ['\u{e0001}', "'\\U000e0001'"],
    ['\ud800', "'\\ud800'"],
  ]
  for (const [text, expected] of cases) {
    t.equal(repr(text), expected)
  }
})

t.test('repr() spells other values as Python does', async (t) => {
  t.equal(repr(['127.0.0.1', 52934]), "('127.0.0.1', 52934)")
  t.equal(repr(['one']), "('one',)")
  t.equal(repr([]), '()')
  t.equal(repr(Buffer.from("a'\x00\xff\\", 'latin1')), 'b"a\'\\x00\\xff\\\\"')
  t.equal(repr(true), 'True')
  t.equal(repr(false), 'False')
  t.equal(repr(null), 'None')
  t.equal(repr(undefined), 'None')
  t.equal(repr(42), '42')
  t.equal(repr(10n ** 20n), '100000000000000000000')
  t.equal(repr(new TimeoutError('timed out')), "TimeoutError('timed out')")
  t.equal(repr(new ConnectionResetError('gone')), "ConnectionResetError('gone')")
})

t.test('format() fills in what Python fills in', async (t) => {
  const cases: [string, unknown[], string][] = [
    ['code %d, message %s', [404, 'Not Found'], 'code 404, message Not Found'],
    ['"%s" %s %s', ['GET / HTTP/1.1', 200, '-'], '"GET / HTTP/1.1" 200 -'],
    ['100%%', [], '100%'],
    ['%s', ['$& $1 %s'], '$& $1 %s'],
    ['%r', ["it's"], '"it\'s"'],
    ['%s|%s|%s', [true, null, ['a', 1]], "True|None|('a', 1)"],
    ['%s', [new Error('boom')], 'boom'],
    ['%d', [3.99], '3'],
    ['%d %d', [-3.99, -0.5], '-3 0'],
    ['%d', [1e21], '1000000000000000000000'],
    ['%d', [true], '1'],
    ['%i', [-3], '-3'],
    ['%x %x', [255, -255], 'ff -ff'],
    ['%x', [2n ** 70n], '400000000000000000'],
    ['%f %f %f', [1.5, -0, 7n], '1.500000 -0.000000 7.000000'],
    ['%f', [-1e22], '-10000000000000000000000.000000'],
    ['%f %f', [Infinity, NaN], 'inf nan'],
    ['%s %s %s', [NaN, Infinity, -Infinity], 'nan inf -inf'],
  ]
  for (const [template, args, expected] of cases) {
    t.equal(format(template, args), expected, template)
  }
  t.equal(format('%(code)d|%(message)s|100%%\n', { code: 404, message: 'a%b' }), '404|a%b|100%\n')
})

t.test('format() says what does not fit', async (t) => {
  t.throws(
    () => format('%s %s', ['one']),
    new TypeError("Cannot format '%s %s': not enough arguments"),
  )
  t.throws(
    () => format('%s', ['one', 'two']),
    new TypeError("Cannot format '%s': not all arguments were used"),
  )
  t.throws(
    () => format('%d', ['404']),
    new TypeError('Cannot format \'404\' with "%d": a number is required'),
  )
  t.throws(
    () => format('%x', [1.5]),
    new TypeError('Cannot format 1.5 with "%x": an integer is required'),
  )
  t.throws(
    () => format('%(explain)s', { code: 1 }),
    new TypeError("Cannot format '%(explain)s': no argument is named 'explain'"),
  )
  t.throws(
    () => format('%(toString)s', {}),
    new TypeError("Cannot format '%(toString)s': no argument is named 'toString'"),
  )
  t.throws(() => format('%s', { code: 1 }), TypeError)
  t.throws(() => format('%(code)s', ['one']), TypeError)
  t.throws(
    () => format('%d%', [1]),
    new ValueError("Cannot format '%d%': it ends inside a conversion"),
  )
  // The first three are Python's, and left out here.
  for (const conversion of ['%5.2f', '%c', '%-8s', '%y', '%*d', '%ld', '%5%', '%(code)5d']) {
    t.throws(
      () => format(`a ${conversion}`, [1]),
      new ValueError(
        `Cannot format 'a ${conversion}': the conversion "${conversion}" is not one of ` +
          '%s %r %d %i %x %f %%',
      ),
    )
  }
  t.throws(() => format('100% sure', []), /the conversion "% s" is not one of/)
})
