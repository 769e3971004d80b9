import { MessageChannel } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { captureStderr } from '../../testing/helpers.ts'
import { PoolWorker, WorkerLost, Pool } from './pool.ts'
import type { Report } from './remote.ts'

/** A worker that is not a thread, but the other end of a port. */
class Partner extends PoolWorker {
  readonly port: MessagePort
  readonly #ours: MessagePort

  constructor({ ready = true } = {}) {
    super()
    const { port1, port2 } = new MessageChannel()
    this.#ours = port1
    this.port = port2
    port1.on('message', (report: Report) => {
      this.accept(report)
    })
    port1.on('close', () => {
      this.lost('ended')
    })
    if (ready) {
      port2.postMessage({ kind: 'ready' })
    }
  }

  work(): ReturnType<PoolWorker['handled']> {
    return this.handled()
  }

  override endConnections(): void {}

  override kill(): void {
    this.#ours.close()
  }
}

const error = {
  className: 'RangeError',
  message: 'too far',
  report: 'RangeError: too far\n    at home',
}

t.test('Pool: an idle worker is taken, waiting connections are served in order', async (t) => {
  const pool = new Pool(() => new Partner(), { max: 1, min: 1, roundRobin: false })
  await pool.warm()
  const one = await pool.take()
  const order: string[] = []
  const second = pool.take().then((taken) => {
    order.push('second')
    pool.give(taken)
  })
  const third = pool.take().then((taken) => {
    order.push('third')
    pool.give(taken)
  })
  pool.give(one)
  await Promise.all([second, third])
  t.same(order, ['second', 'third'])
  t.equal(pool.workers.size, 1)
  await pool.close()
  t.equal(pool.workers.size, 0)
})

t.test('Pool: it grows for waiting connections, up to the maximum', async (t) => {
  const pool = new Pool(() => new Partner(), { max: 3, min: 1, roundRobin: false })
  const taken = [await pool.take(), await pool.take(), await pool.take()]
  t.equal(new Set(taken).size, 3)
  let fourth: Partner | undefined
  const waiting = pool.take().then((one) => {
    fourth = one
  })
  await sleep(120)
  t.equal(fourth, undefined)
  t.equal(pool.workers.size, 3)
  pool.give(taken[1] as Partner)
  await waiting
  t.equal(fourth, taken[1])
  for (const one of taken) {
    pool.give(one)
  }
  await pool.close()
})

t.test(
  'Pool: roundRobin takes the worker that has been idle longest, otherwise the last',
  async (t) => {
    for (const roundRobin of [true, false]) {
      const pool = new Pool(() => new Partner(), { max: 3, min: 3, roundRobin })
      await pool.warm()
      const seen: Partner[] = []
      for (let index = 0; index < 6; index++) {
        const one = await pool.take()
        seen.push(one)
        pool.give(one)
      }
      t.equal(new Set(seen).size, roundRobin ? 3 : 1)
      t.equal(seen[0], roundRobin ? seen[3] : seen[1])
      await pool.close()
    }
  },
)

t.test('Pool: superfluous workers are ended after a while, down to the minimum', async (t) => {
  const pool = new Pool(() => new Partner(), {
    max: 3,
    min: 1,
    roundRobin: false,
    idleTimeout: 0.02,
  })
  const taken = [await pool.take(), await pool.take(), await pool.take()]
  for (const one of taken) {
    pool.give(one)
  }
  while (pool.workers.size > 1) {
    await sleep(5)
  }
  await sleep(60)
  t.equal(pool.workers.size, 1)
  t.equal(taken.filter((one) => one.usable).length, 1)
  await pool.close()
})

t.test('Pool: a lost worker is replaced, busy or idle', async (t) => {
  const pool = new Pool(() => new Partner(), { max: 1, min: 1, roundRobin: false })
  await pool.warm()
  const first = await pool.take()
  const work = first.work()
  const next = pool.take()
  first.port.close()
  await t.rejects(work, WorkerLost)
  pool.give(first)
  const second = await next
  t.not(second, first)
  pool.give(second)
  second.port.close()
  await second.exited
  const third = await pool.take()
  t.not(third, second)
  pool.give(third)
  await pool.close()
})

t.test('Pool: what keeps workers from starting rejects the waiting connections', async (t) => {
  const pool = new Pool(
    () => {
      const one = new Partner({ ready: false })
      one.port.postMessage({ kind: 'failed', error })
      return one
    },
    { max: 2, min: 1, roundRobin: false },
  )
  await t.rejects(pool.warm(), { name: 'RangeError', message: 'too far' })
  await t.rejects(pool.take(), { name: 'RangeError', message: 'too far' })
  await pool.close()
  t.equal(pool.workers.size, 0)
})

t.test('Pool: a failed start costs one waiting connection, and is tried again', async (t) => {
  let starts = 0
  const start = () => {
    starts++
    if (starts <= 2) {
      throw new Error('spawn ENOMEM')
    }
    return new Partner()
  }
  const pool = new Pool(start, { max: 1, min: 1, roundRobin: false })
  const lost = { constructor: WorkerLost, message: 'could not be started (spawn ENOMEM)' }
  // They are not all rejected at once: what is missing needs time to come back.
  const waiting = [pool.take(), pool.take(), pool.take()] as const
  await t.rejects(waiting[0], lost)
  t.equal(starts, 1)
  await t.rejects(waiting[1], lost)
  const one = await waiting[2]
  t.equal(pool.workers.size, 1)

  // Nor does it matter when nobody waits: the next take() starts another.
  starts = 0
  pool.give(one)
  one.port.close()
  await one.exited
  t.equal(pool.workers.size, 0)
  await t.rejects(pool.take(), lost)
  pool.give(await pool.take())
  await pool.close()
})

t.test('Pool: close() ends the starting workers, and later the busy ones', async (t) => {
  const pool = new Pool(() => new Partner({ ready: false }), { max: 2, min: 1, roundRobin: false })
  const warming = pool.warm()
  await pool.close()
  await t.rejects(warming, /^Cannot use the handler's module: loading it ended$/)
  const other = new Pool(() => new Partner(), { max: 1, min: 1, roundRobin: false })
  const one = await other.take()
  await other.close()
  t.equal(one.usable, true)
  other.give(one)
  await one.exited
  t.equal(other.workers.size, 0)
})

t.test(
  'PoolWorker: an exception is for the connection, or for the log if there is none',
  async (t) => {
    const log = captureStderr(t)
    const one = new Partner()
    await one.ready
    const work = one.work()
    one.port.postMessage({ kind: 'crashed', error })
    await t.rejects(work, { name: 'RangeError', message: 'too far' })
    t.equal(one.usable, false)
    t.equal(log(), '')
    one.port.close()
    await one.exited

    const idle = new Partner()
    await idle.ready
    idle.port.postMessage({ kind: 'crashed', error })
    idle.port.postMessage({ kind: 'log', text: 'the end\n' })
    while (!log().endsWith('the end\n')) {
      await sleep(5)
    }
    t.equal(
      log(),
      'Exception ignored, no request is being handled: RangeError: too far\n    at home\nthe end\n',
    )
    idle.kill()
    await idle.exited
  },
)
