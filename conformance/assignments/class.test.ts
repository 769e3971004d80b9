import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { SOLUTIONS, TOP } from '../paths.ts'
import { HANG_LIMIT } from '../patience.ts'
import { folder } from '../testing.ts'
import { findAssignment } from './assignment.ts'
import type { Entry } from './assignment.ts'
import { seedOf, submissionsIn } from './class.ts'

const HELLO = findAssignment('01') as Entry
const SOLUTION = readFileSync(join(SOLUTIONS, HELLO.name, 'solution.ts'), 'utf8')

t.test('submissionsIn() understands how platforms name them', async (t) => {
  const place = folder(t)
  const put = (path: string) => {
    mkdirSync(join(place, path, '..'), { recursive: true })
    writeFileSync(join(place, path), '')
  }
  put('ada.ts')
  put('notes.txt')
  put('lovelaceada_123_4567_01-hello-2.ts')
  put('late_LATE_123_4567_x.js')
  put('Grace Hopper_99_assignsubmission_file/anything.ts')
  put('01-hello-linus/work/01-hello.ts')
  put('01-hello-linus/node_modules/01-hello.ts')
  put('01-hello-linus/other.ts')
  put('two/a.ts')
  put('two/b.ts')
  const found = [...submissionsIn(place, HELLO)].map(([who, path]) => [
    who,
    path.slice(place.length + 1),
  ])
  t.same(found, [
    ['linus', join('01-hello-linus', 'work', '01-hello.ts')],
    ['Grace Hopper', join('Grace Hopper_99_assignsubmission_file', 'anything.ts')],
    ['ada', 'ada.ts'],
    ['late', 'late_LATE_123_4567_x.js'],
    ['lovelaceada', 'lovelaceada_123_4567_01-hello-2.ts'],
  ])
  t.equal(seedOf('1 ada'), seedOf('1 ada'))
  t.not(seedOf('1 ada'), seedOf('1 bob'))
})

t.test('a class is graded, and goes on where it was', async (t) => {
  const place = folder(t)
  const handedIn = join(place, 'in')
  mkdirSync(handedIn)
  writeFileSync(join(handedIn, 'ada.ts'), SOLUTION)
  writeFileSync(join(handedIn, 'bob.ts'), `// mine\n${SOLUTION.replaceAll('  ', '    ')}`)
  writeFileSync(join(handedIn, 'cy.ts'), 'process.kill(process.ppid)')
  writeFileSync(join(place, 'roster.csv'), '\ufeffname,group\r\nada,1\r\n"dora",2\r\n')
  const run = (...args: string[]) =>
    new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      const program = join(TOP, 'dist', 'conformance', 'assignments', 'grade.js')
      const command = [
        program,
        '1',
        '--class',
        handedIn,
        '--out',
        join(place, 'out'),
        '--only',
        'hello/w',
        ...args,
      ]
      execFile(process.execPath, command, { timeout: 4 * HANG_LIMIT }, (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr })
      })
    })
  const first = await run('--roster', join(place, 'roster.csv'))
  t.equal(first.status, 0, first.stderr)
  t.match(first.stdout.split('\n').sort(), [
    '',
    /^3 graded; /,
    'ada: 3 of 3',
    'bob: 3 of 3',
    'cy: 0 of 3, Your program ended at its start (status 1)',
  ])
  const read = (name: string) => readFileSync(join(place, 'out', name), 'utf8')
  t.match(read('grades.csv').split('\n'), [
    'who,hello/world,points,of,seconds,note',
    /^ada,3,3,3,\d+\.\d,$/,
    /^bob,3,3,3,\d+\.\d,$/,
    'cy,0,0,3,0.0,Your program ended at its start (status 1)',
    'dora,0,0,3,0.0,nothing handed in',
    '',
  ])
  t.match(read('summary.md'), /\| hello\/world \| 1 \|[^]*Nothing from: dora\.[^]*- ada, bob\n/)
  t.match(read('cy.md'), /^# 01-hello: 0 of 3 points/)
  writeFileSync(join(handedIn, 'bob.ts'), 'class {')
  const second = await run()
  t.match(second.stdout.split('\n').sort(), [
    '',
    /^3 graded; /,
    'ada: 3 of 3, as before',
    'bob: 0 of 3, bob.ts cannot be run',
    'cy: 0 of 3, Your program ended at its start (status 1), as before',
  ])
})

t.test('a class that is broken off goes on with the next', async (t) => {
  const place = folder(t)
  mkdirSync(join(place, 'in'))
  writeFileSync(join(place, 'in', 'ada.ts'), SOLUTION)
  writeFileSync(join(place, 'in', 'bob.ts'), SOLUTION)
  const program = join(TOP, 'dist', 'conformance', 'assignments', 'grade.js')
  const folders = ['--class', join(place, 'in'), '--out', join(place, 'out')]
  const command = [program, '1', ...folders, '--only', 'hello/w', '--jobs', '1']
  const first = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => first.kill('SIGKILL'))
  const [told] = (await once(first.stdout, 'data')) as [Buffer]
  first.kill()
  await once(first, 'close')
  t.match(String(told), /^ada: 3 of 3\n/)
  const limit = { timeout: 4 * HANG_LIMIT }
  const second = await promisify(execFile)(process.execPath, command, limit)
  t.match(second.stdout, /^ada: 3 of 3, as before\n/)
})
