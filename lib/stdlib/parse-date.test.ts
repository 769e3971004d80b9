import t from 'tap'
import { parseDate } from './parse-date.ts'

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
