/**
 * The page of the documentation that shows the results: `docs/performance.md`, its pictures and
 * its data.
 *
 * @module
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { TOP } from '../checks/sources.ts'
import type { Growth } from './growth.ts'
import { counted, plotGrowth, plotRatios } from './plot.ts'
import { cells, short } from './table.ts'
import type { Row } from './table.ts'

/** All that a run came to. */
export interface Result {
  /** The day, the machine, versions, and how it was measured: a line each. */
  readonly setting: readonly string[]
  readonly rows: readonly Row[]
  readonly growths: readonly Growth[]
  /** The peers that were not there. */
  readonly missing: readonly string[]
}

/** Where a curve bends, and why. */
const BENDS: Readonly<Record<string, string>> = {
  'growth/connections': `\
With one connection, each request costs a turn of the event loop with its system calls; with more,
one turn serves several. With 500, more objects are in use whenever the young generation of the heap
is collected, and are copied.`,
  'growth/requests': `\
To accept a connection, make a handler for it and close it costs about as much as three requests.`,
  'growth/headers': `\
A request costs the same, whatever its headers; each header is half a microsecond on top.`,
  'growth/files': `\
A file is read in place, 256 KiB at a time, and sent in as many writes; with more than that it is the
copying through the kernel that counts.`,
  'growth/listings': `\
From some hundred names on it is the names that count. With 100,000, all of them are alive at once,
and the garbage collector, which copies them, takes a third of the time; the system needs longer for
each name of so large a directory; sorting is a little worse than linear by nature. The server
stands still for as long as such a page takes.`,
}

/** Write the page, with what is beside it. */
export async function writePage(result: Result): Promise<void> {
  const docs = join(TOP, 'docs')
  writeFileSync(join(docs, 'performance-ratios.svg'), plotRatios(result.rows))
  writeFileSync(join(docs, 'performance-growth.svg'), plotGrowth(result.growths))
  const save = async (name: string, text: string) => {
    const path = join(docs, name)
    const style = (await resolveConfig(path)) ?? {}
    writeFileSync(path, await format(text, { ...style, filepath: path }))
  }
  await save('performance.json', JSON.stringify(result))
  await save('performance.md', page(result))
}

function page({ setting, rows, growths, missing }: Result): string {
  const titles = [...new Set(rows.map(({ title }) => title))]
  return `\
---
title: Performance
---

<!-- Made by \`npm run bench -- --docs\`; do not edit. -->

# Performance

How fast this server is beside what one would use instead. All servers of a group run at once, each
for a moment, and again: a ratio is taken round by round, and the table has the median, the lowest
and the highest. Only ratios mean anything; the numbers behind them drift with the machine's mood.
"CPU" says how many times the CPU time per request, of the server and its children, the other one
needs. Before a server is measured, its answer is checked.

${setting.map((one) => `- ${one}`).join('\n')}
${missing.length === 0 ? '' : `- Not on this machine, and left out: ${missing.join(', ')}\n`}
## Ratios

| | ratio | CPU | promised | aim | reached |
|---|---|---|---|---|---|
${titles
  .flatMap((title) => [
    [`**${title}**`, '', '', '', '', ''],
    ...rows.filter((row) => row.title === title).map(cells),
  ])
  .map((row) => `| ${row.join(' | ')} |`)
  .join('\n')}

![The ratios; a line is what was promised, a dot the aim](performance-ratios.svg)

Of a start, most is Node's own: no server in Node can be ahead of the floor. Ours loads no module for
TLS, forms, threads or children until there is need of one.

What grows in memory is the young generation of V8's heap, from 2 to 33 MB: V8 doubles it whenever
as much as it holds has survived collections. Then it stays as it is, as the row behind it shows.
Keeping it small cost a quarter more CPU time with 500 connections, so it is left to V8.

## Growth

T(x) is CPU time. A bend says how many times as fast as x it grew from the point before: below 1 a
part of it does not depend on x, 1 is linear, and more is worse.

![The curves; the dashed line grows linearly](performance-growth.svg)

${growths.map(section).join('\n\n')}
`
}

function section({ id, title, unit, points, linear }: Growth): string {
  const rows = points.map(({ x, cost, bend }) => [
    counted(x),
    short(cost.value),
    x === 0 ? '' : (cost.value / x).toPrecision(3),
    bend === undefined ? '' : short(bend),
  ])
  return `\
**T(x): ${title}**: ${linear ? 'nothing worse than linear' : 'worse than linear'}

| ${unit} | T, us | T / x, us | bend |
|---|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

${BENDS[id] ?? ''}`
}
