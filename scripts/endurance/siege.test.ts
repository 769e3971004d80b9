import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { HANG_LIMIT } from '../../conformance/patience.ts'

const SIEGE = join(import.meta.dirname, 'siege.js')

// `loris` waits for the deadlines of the command line, which takes a minute: that is left to
// `npm run siege -- loris`.
for (const [what, count] of [
  ['descriptors', 200],
  ['heads', 20],
  ['names', 2000],
  ['disk', 1500],
  ['drain', 300],
] as const) {
  t.test(`the command line stands ${what}`, async (t) => {
    if (process.platform !== 'linux') {
      t.comment('skipped: this needs /proc, and so Linux')
      return
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, [SIEGE, what, String(count)], {
      encoding: 'utf8',
      timeout: HANG_LIMIT,
    })
    t.equal(stderr, '')
    t.equal(status, 0, stdout)
  })
}

t.test('an unknown siege is an error that names those that there are', async (t) => {
  const { status, stderr } = spawnSync(process.execPath, [SIEGE, 'troy'], { encoding: 'utf8' })
  t.equal(status, 2)
  t.match(stderr, /^usage: npm run siege -- loris \| /)
})
