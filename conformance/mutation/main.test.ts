import { spawnSync } from 'node:child_process'
import t from 'tap'
import { TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'

/** List mutants; running them takes half an hour. */
function list(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/conformance/mutation/main.js', '--list', ...args],
    { cwd: TOP, encoding: 'utf8', timeout: HANG_LIMIT },
  )
  return { status, stdout, stderr }
}

t.test('the same seed draws the same mutants, another seed others', async (t) => {
  const { status, stdout, stderr } = list('--seed', '7', '--runs', '20')
  t.equal(status, 0, stderr)
  t.match(
    stdout,
    /^20 of \d+ mutants, seed 7\n(?:lib\/(?:http|stdlib)\/\S+\.js:\d+:\d+ .+ -> .+\n){20}$/,
  )
  t.equal(list('--seed', '7', '--runs', '20').stdout, stdout)
  t.notMatch(list('--seed', '8', '--runs', '20').stdout, stdout.split('\n')[1])
})

t.test('a mutant that does not exist: exit 2', async (t) => {
  t.match(list('--only', 'nothing'), { status: 2, stderr: 'There is no such mutant: nothing\n' })
})
