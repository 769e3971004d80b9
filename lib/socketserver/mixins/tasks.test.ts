import t from 'tap'
import { collectGarbage } from '../../testing/helpers.ts'
import { Tasks } from './tasks.ts'

t.test('Tasks: nothing is kept of a job that is over', async (t) => {
  const tasks = new Tasks()
  const heapAfter = async (jobs: number) => {
    for (let count = 0; count < jobs; count++) {
      tasks.add(Promise.resolve())
      if (count % 100 === 0) {
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    // What watches over promises lets go of them a turn after they have been collected.
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      collectGarbage()
    }
    return process.memoryUsage().heapUsed
  }
  const before = await heapAfter(1000)
  // What is kept of a job is some hundred bytes; the heap itself varies by some thousand.
  const grown = (await heapAfter(20_000)) - before
  t.ok(grown < 3_000_000, `${String(grown)} bytes`)
})
