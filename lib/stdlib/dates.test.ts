import t from 'tap'
import { formatDate, localTime, milliseconds, now, parseDate, zoneWarning } from './dates.ts'
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

t.test('parseDate() reads the three formats of HTTP, and nothing else', async (t) => {
  const cases: [string, number | null][] = [
    ['Thu, 06 Oct 2016 21:12:10 GMT', 1475788330],
    ['Thursday, 06-Oct-16 21:12:10 GMT', 1475788330],
    ['Thu Oct  6 21:12:10 2016', 1475788330],
    ['Thu Oct 06 21:12:10 2016', 1475788330],
    ['Sun Oct 16 21:12:10 2016', 1476652330],
    [' \tThu, 06 Oct 2016 21:12:10 GMT \t', 1475788330],
    ['Sat, 29 Feb 2020 12:34:56 GMT', 1582979696],
    ['Sat, 31 Dec 2016 23:59:60 GMT', 1483228800],
    ['Mon, 01 Jan 0001 00:00:00 GMT', -62135596800],
    // Python takes these.
    ['Thu, 06 Oct 2016 21:12:10', null],
    ['Thu, 06 Oct 2016 21:12:10 UTC', null],
    ['Thu, 06 Oct 2016 21:12:10 +0000', null],
    ['thu, 06 oct 2016 21:12:10 gmt', null],
    ['Thu,  06 Oct 2016 21:12:10 GMT', null],
    ['Thu, 6 Oct 2016 21:12:10 GMT', null],
    ['06 Oct 2016 21:12:10 GMT', null],
    ['Thu, 06 Oct 2016 21:12 GMT', null],
    ['Thu, 06 Oct 2016 21.12.10 GMT', null],
    ['Thursday, 06-Oct-2016 21:12:10 GMT', null],
    ['Oct 06 2033 21:12:10', null],
    ['7 Oct 33 1:2:3', null],
    ['6 october 69 00:00:00 -0000', null],
    // And these it does not take, either.
    ['Thu, 06 Oct 2016 23:12:10 +0200', null],
    ['Thu, 06 Oct 2016 21:12:10 EST', null],
    ['Sat, 31 Sep 2016 21:12:10 GMT', null],
    ['Fri, 29 Feb 2019 12:34:56 GMT', null],
    ['Thu, 00 Oct 2016 21:12:10 GMT', null],
    ['Thu, 06 Foo 2016 21:12:10 GMT', null],
    ['Thu, 06 Oct 2016 24:00:00 GMT', null],
    ['Thu, 06 Oct 2016 21:60:00 GMT', null],
    ['Thu, 06 Oct 10000 00:00:00 GMT', null],
    ['Thu, 06 Oct 2016 21:12:10 GMT, Thu, 06 Oct 2016 21:12:10 GMT', null],
    ['', null],
    ['now', null],
    ['Thu', null],
    ['1475788330', null],
  ]
  for (const [text, expected] of cases) {
    t.equal(parseDate(text), expected, text)
  }
})

t.test('parseDate() puts no year of two digits more than 50 years ahead', async (t) => {
  const year = (digits: string, today: string) => {
    const text = `Thursday, 06-Oct-${digits} 21:12:10 GMT`
    const seconds = parseDate(text, Date.parse(today) / 1000) as number
    return new Date(seconds * 1000).getUTCFullYear()
  }
  t.equal(year('00', '2026-10-06T21:12:10Z'), 2000)
  t.equal(year('69', '2026-10-06T21:12:10Z'), 2069)
  t.equal(year('76', '2026-10-06T21:12:10Z'), 2076)
  t.equal(year('76', '2026-10-06T21:12:09Z'), 1976)
  t.equal(year('77', '2026-10-06T21:12:10Z'), 1977)
  t.equal(year('99', '2026-10-06T21:12:10Z'), 1999)
  t.equal(year('99', '2049-10-06T21:12:10Z'), 2099)
})

t.test('zoneWarning() tells of a time zone that is not known by name', (t) => {
  for (const zone of [undefined, '', 'UTC', 'Europe/Berlin', ':Europe/Berlin', 'EST5EDT']) {
    t.equal(zoneWarning(zone), null, zone ?? 'none')
  }
  for (const zone of ['CET-1CEST,M3.5.0,M10.5.0/3', '<+03>-3', 'Europe/Berlyn']) {
    const offset =
      /^the time zone TZ='(.+)' is not known by name: the times in the log are those of UTC[+-]\d\d:\d\d$/
    t.equal(offset.exec(zoneWarning(zone) ?? '')?.[1], zone)
  }
  t.end()
})
