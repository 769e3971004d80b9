import t from 'tap'
import { formatDate, localTime, milliseconds, now } from './dates.ts'
import { ValueError } from './errors.ts'

t.test('milliseconds() is what setTimeout() takes without a warning', async (t) => {
  t.equal(milliseconds(0.5), 500)
  t.equal(milliseconds(Infinity), 2 ** 31 - 1)
  t.equal(milliseconds(-0.001), 0)
})

t.test('formatDate() writes IMF-fixdate', async (t) => {
  // What CPython's email.utils.formatdate(x, usegmt=True) returns.
  const cases: [number, string][] = [
    [1475786651, 'Thu, 06 Oct 2016 20:44:11 GMT'],
    [0, 'Thu, 01 Jan 1970 00:00:00 GMT'],
    [0.5, 'Thu, 01 Jan 1970 00:00:00 GMT'],
    [-0.5, 'Wed, 31 Dec 1969 23:59:59 GMT'],
    [1475786651.9999999, 'Thu, 06 Oct 2016 20:44:12 GMT'],
    [86399.9999995, 'Thu, 01 Jan 1970 23:59:59 GMT'],
    [1475786651.99, 'Thu, 06 Oct 2016 20:44:11 GMT'],
    [951782400, 'Tue, 29 Feb 2000 00:00:00 GMT'],
    [253402300799, 'Fri, 31 Dec 9999 23:59:59 GMT'],
    [-30641760000, 'Tue, 01 Jan 0999 00:00:00 GMT'],
    [-62135596800, 'Mon, 01 Jan 0001 00:00:00 GMT'],
  ]
  for (const [timestamp, expected] of cases) {
    t.equal(formatDate(timestamp), expected)
    t.equal(formatDate(timestamp), expected, 'and again, from memory')
  }
})

t.test('formatDate() refuses a year that has not one to four digits', async (t) => {
  for (const timestamp of [253402300800, -62135596801, NaN, Infinity]) {
    t.throws(
      () => formatDate(timestamp),
      new ValueError(`Cannot format the date ${String(timestamp)}: the year must be 1 to 9999`),
    )
  }
})

t.test('localTime() tells the time of the machine’s zone', async (t) => {
  const date = new Date(2016, 9, 6, 17, 0, 54)
  t.same(localTime(date.getTime() / 1000), {
    year: 2016,
    month: 10,
    day: 6,
    hour: 17,
    minute: 0,
    second: 54,
  })
})

t.test('now() is in seconds', async (t) => {
  const before = Date.now()
  const time = now()
  t.ok(time >= before / 1000 && time <= Date.now() / 1000)
})
