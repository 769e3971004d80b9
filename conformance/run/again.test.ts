import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { playAgain } from './again.ts'
import type { Conducted, Plan, Result, Verdict } from './lanes.ts'
import { PATIENCE } from '../judge/exchange.ts'
import type { Case } from '../judge/page.ts'
import type { RunningApp, Target } from '../targets/target.ts'

/** Play results again, on servers that give the same verdict to all; tell which were played. */
async function again(results: readonly Partial<Result>[], verdict: Verdict) {
  const server = createServer((socket) => socket.on('error', () => {}).end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const played: string[] = []
  const app = {
    ...{ host: '127.0.0.1', port, utcOffset: 0 },
    log: () => '',
    said: () => [],
    alive: () => true,
    ending: () => Promise.resolve(undefined),
    stop: () => Promise.resolve(),
  } satisfies RunningApp
  const target: Target = { name: 't', apps: new Set(['x']), start: () => Promise.resolve(app) }
  const plan: Plan<Case> = {
    root: '.',
    appOf: ({ app }) => app,
    topicOf: () => 't',
    conduct(one): Promise<Conducted> {
      played.push(one.id)
      return Promise.resolve({ verdict, findings: [] })
    },
  }
  const whole = results.map((result, index) => {
    const id = `t/${String(index)}`
    return { id, topic: 't', findings: [], port, case: { id, app: 'x' }, ...result } as Result
  })
  const sure = await playAgain(target, whole, plan)
  server.close()
  return { played, verdicts: sure.map((one) => one.verdict) }
}

t.test('playAgain() plays what is not as expected, and nothing else', async (t) => {
  const verdicts: Verdict[] = ['pass', 'fail', 'skip', 'warn', 'expected failure', 'error']
  const { played } = await again(
    verdicts.map((verdict) => ({ verdict })),
    'fail',
  )
  t.same(played, ['t/1', 't/3', 't/5'])
})

t.test('playAgain() tells what happens twice from what happens once', async (t) => {
  t.same((await again([{ verdict: 'fail' }], 'fail')).verdicts, ['fail'])
  t.same((await again([{ verdict: 'fail' }], 'pass')).verdicts, ['unsteady'])
  t.same((await again([{ verdict: 'fail' }], 'expected failure')).verdicts, ['unsteady'])
})

t.test('playAgain() believes the time-outs of an app once three have happened again', async (t) => {
  const late = { verdict: 'fail', milliseconds: PATIENCE.missing } as const
  const quick = { verdict: 'fail', milliseconds: 5 } as const
  const { played, verdicts } = await again([late, late, quick, late, late, quick, late], 'fail')
  t.same(played, ['t/0', 't/1', 't/2', 't/3', 't/5'])
  t.same(new Set(verdicts), new Set(['fail']))
  const unsteady = await again([late, late, late, late], 'pass')
  t.equal(unsteady.played.length, 4, 'those that did not are no reason to believe the rest')
})
