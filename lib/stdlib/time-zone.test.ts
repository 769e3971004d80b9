import t from 'tap'
import { zoneWarning } from './time-zone.ts'

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
